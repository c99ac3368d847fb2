"""The load generator: a process of its own that sends ready-made requests over sockets and times the answers.

It talks HTTP/1.1 by hand, because a client library costs as much as the server that is measured. The controlling
process hands it lists of requests through a pipe (`Load.run`); each connection sends its next request as soon as its
last one is answered, so that the number of connections is the number of requests under way.
"""

import asyncio
import pickle
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Self, cast

import uvloop
from typing_extensions import override

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_SETTLE_SECONDS = 0.05
"""For the servers to take up the connections."""


@dataclass
class Lane:
    """Requests to one server, over so many connections. `repeats`: the requests go round until the others are done."""

    port: int
    connections: int
    requests: list[bytes]
    repeats: bool = False
    keeps_bodies: bool = False


@dataclass
class Answers:
    """What one lane brought: seconds from the start of the run to the last answer, and each answer in its order."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds of each request, in the order of the answers."""
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    """In the order of the requests; empty unless the lane keeps them."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds that `share` of the requests (0 to 1) took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def check(self, *allowed: int) -> "Answers":
        """Return this, or raise where an answer has another status."""
        if set(self.statuses) - set(allowed):
            raise RuntimeError(f"the server answered {self.statuses}; one of the answers: {self._sample()}")
        return self

    def _sample(self) -> str:
        return next((body.decode() for body in self.bodies if b'"code"' in body), "(bodies were not kept)")


class Load:
    """The generator's process, for as long as the `with` lasts."""

    def __enter__(self) -> Self:
        # Imported and not run with -m, for what is pickled must be called the same on both sides.
        command = [sys.executable, "-c", "from bench.load import main; main()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 -- ours
        self._to, self._from = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        return self

    def __exit__(self, *_: object) -> None:
        self._to.close()
        self._process.wait()

    def run(self, *lanes: Lane) -> list[Answers]:
        """Send all the lanes' requests at once; returns when those that do not repeat are answered."""
        pickle.dump(lanes, self._to)
        self._to.flush()
        found = pickle.load(self._from)  # noqa: S301 -- our own process
        if isinstance(found, Exception):
            raise found
        return cast("list[Answers]", found)

    def one(self, lane: Lane) -> Answers:
        """The same for a single lane."""
        return self.run(lane)[0]


def request(method: str, path: str, headers: Sequence[str] = (), body: bytes = b"") -> bytes:
    """The bytes of a request."""
    length = [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, *length, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """One connection: the next request when the last one is answered. Calls `done` when there is none left."""

    def __init__(
        self,
        lane: Lane,
        queue: deque[tuple[int, bytes]],
        answers: Answers,
        done: Callable[[Exception | None], None],
    ) -> None:
        self._lane, self._queue, self._answers, self._done = lane, queue, answers, done
        self._received = b""
        self._began = 0.0
        self._number = 0
        self._ended = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        """Send the first request."""
        self._next()

    def end(self) -> None:
        """Send no further request."""
        self._ended = True

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(_HEAD_END)
        if head_end < 0:
            return
        place = self._received[:head_end].lower().find(_LENGTH)
        length = 0
        if place >= 0:
            start = place + len(_LENGTH)
            line_end = self._received.find(b"\r\n", start)
            length = int(self._received[start:line_end])
        if len(self._received) < head_end + len(_HEAD_END) + length:
            return
        now = time.perf_counter()
        self._answers.latencies.append(now - self._began)
        status = int(self._received[9:12])
        self._answers.statuses[status] = self._answers.statuses.get(status, 0) + 1
        if self._lane.keeps_bodies:
            self._answers.bodies[self._number] = self._received[head_end + len(_HEAD_END) :]
        self._received = b""
        self._next()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._done(None if self._ended else exc or ConnectionError("the server closed a connection"))

    def _next(self) -> None:
        if self._ended or not self._queue:
            self._ended = True
            self.transport.close()
            self._done(None)
            return
        self._number, sent = self._queue.popleft()
        if self._lane.repeats:
            self._queue.append((self._number, sent))
        self._began = time.perf_counter()
        self.transport.write(sent)


class _Run:
    """One lane under way: its connections, and what they bring."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.ended_at = lane, 0.0
        self.answers = Answers(bodies=[b""] * len(lane.requests) if lane.keeps_bodies else [])
        self._queue = deque(enumerate(lane.requests))
        self._connections: list[_Connection] = []
        self.done: list[asyncio.Future[None]] = []

    async def connect(self) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(self.lane.connections):
            done: asyncio.Future[None] = loop.create_future()
            connection = _Connection(self.lane, self._queue, self.answers, partial(self._settle, done))
            await loop.create_connection(lambda made=connection: made, "127.0.0.1", self.lane.port)  # type: ignore[misc] # at once
            self._connections.append(connection)
            self.done.append(done)

    def begin(self) -> None:
        """Send the first requests."""
        for connection in self._connections:
            connection.begin()

    def end(self) -> None:
        """Send no further requests."""
        for connection in self._connections:
            connection.end()

    def _settle(self, done: "asyncio.Future[None]", error: Exception | None) -> None:
        self.ended_at = time.perf_counter()
        if done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)


async def _drive(lanes: Sequence[Lane]) -> list[Answers]:
    runs = [_Run(lane) for lane in lanes]
    for run in runs:
        await run.connect()
    await asyncio.sleep(_SETTLE_SECONDS)
    began = time.perf_counter()
    for run in runs:
        run.begin()
    await asyncio.gather(*(done for run in runs if not run.lane.repeats for done in run.done))
    for run in runs:
        run.end()
    await asyncio.gather(*(done for run in runs for done in run.done))
    for run in runs:
        run.answers.seconds = run.ended_at - began
    return [run.answers for run in runs]


def main() -> None:
    """Serve the controlling process until it closes the pipe."""
    while True:
        try:
            lanes = pickle.load(sys.stdin.buffer)  # noqa: S301 -- our own parent
        except EOFError:
            return
        try:
            result: object = uvloop.run(_drive(lanes))
        except Exception as error:  # noqa: BLE001 -- told to the controlling process
            result = error
        pickle.dump(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()
