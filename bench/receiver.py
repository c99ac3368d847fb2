"""A receiver of deliveries: a process of its own, as light as can be, that notes when each one arrived.

`/hang` never answers. Every other path answers 204 at once.
"""

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from typing import IO, Self, cast

import uvloop
from typing_extensions import override

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_HEAD_END = b"\r\n\r\n"
_ID = b"\r\nwebhook-id: "
_LENGTH = b"\r\ncontent-length: "


class Receiver:
    """The receiver's process, for as long as the `with` lasts."""

    def __enter__(self) -> Self:
        # Imported and not run with -m, for what is pickled must be called the same on both sides.
        command = [sys.executable, "-c", "from bench.receiver import main; main()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 -- ours
        self._to, self._from = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self.port = int(self._from.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._to.close()
        self._process.wait()

    def url(self, path: str = "/") -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def arrivals(self) -> list[tuple[str, str, float]]:
        """Path, webhook id and instant (seconds of the machine's monotonic clock) of each arrival since last asked."""
        self._to.write(b"\n")
        self._to.flush()
        found: list[tuple[str, str, float]] = pickle.load(self._from)  # noqa: S301 -- our own process
        return found


_seen: list[tuple[str, str, float]] = []


class _Connection(asyncio.Protocol):
    """Takes requests one after the other."""

    _received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            head = self._received[:end]
            size = end + len(_HEAD_END) + int(_header(head.lower(), _LENGTH) or 0)
            if len(self._received) < size:
                return
            self._received = self._received[size:]
            path = head.split(b" ", 2)[1].decode()
            _seen.append((path, (_header(head, _ID) or b"").decode(), time.monotonic()))
            if not path.startswith("/hang"):
                self._transport.write(_ANSWER)


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.lower().find(name)
    if start < 0:
        return None
    line_end = head.find(b"\r\n", start + len(name))
    return head[start + len(name) : line_end if line_end >= 0 else None]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    closed = asyncio.Event()

    def tell() -> None:
        pickle.dump(_seen, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        _seen.clear()

    def follow() -> None:
        while sys.stdin.buffer.readline():
            loop.call_soon_threadsafe(tell)
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=follow, daemon=True).start()
    await closed.wait()


def main() -> None:
    """Serve until the controlling process closes the pipe."""
    uvloop.run(_serve())
