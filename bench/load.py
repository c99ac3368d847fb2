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
from typing import cast

import uvloop
from typing_extensions import override

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


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

    def __enter__(self) -> "Load":
        # Imported and not run with -m, for what is pickled must be called the same on both sides.
        command = [sys.executable, "-c", "from bench.load import main; main()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 -- ours
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(self, *lanes: Lane) -> list[Answers]:
        """Send all the lanes' requests at once; returns when those that do not repeat are answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(lanes, self._process.stdin)
        self._process.stdin.flush()
        found = pickle.load(self._process.stdout)  # noqa: S301 -- our own process
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

    def __init__(self, lane: Lane, queue: deque[tuple[int, bytes]], answers: Answers, done: Callable[[Exception | None], None]) -> None:
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


async def _drive(lanes: Sequence[Lane]) -> list[Answers]:
    loop = asyncio.get_running_loop()
    found = [Answers(bodies=[b""] * len(lane.requests) if lane.keeps_bodies else []) for lane in lanes]
    connections: list[list[_Connection]] = []
    waiting: list[asyncio.Future[None]] = []
    finished_at = [0.0] * len(lanes)

    for index, lane in enumerate(lanes):
        queue = deque(enumerate(lane.requests))
        of_lane: list[_Connection] = []
        for _ in range(lane.connections):
            future: asyncio.Future[None] = loop.create_future()

            def done(error: Exception | None, future: asyncio.Future[None] = future, index: int = index) -> None:
                finished_at[index] = time.perf_counter()
                if not future.done():
                    _ = future.set_exception(error) if error else future.set_result(None)

            _, connection = await loop.create_connection(
                lambda lane=lane, queue=queue, index=index, done=done: _Connection(lane, queue, found[index], done),
                "127.0.0.1",
                lane.port,
            )
            of_lane.append(connection)
            waiting.append(future)
        connections.append(of_lane)
    await asyncio.sleep(0.05)  # The servers have taken up the connections.
    began = time.perf_counter()
    for of_lane in connections:
        for connection in of_lane:
            connection.begin()
    once = [f for f, lane in zip(waiting, [lane for lane in lanes for _ in range(lane.connections)], strict=True) if not lane.repeats]
    await asyncio.gather(*once)
    for of_lane in connections:
        for connection in of_lane:
            connection.end()
    await asyncio.gather(*waiting)
    for answers, end in zip(found, finished_at, strict=True):
        answers.seconds = end - began
    return found


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
