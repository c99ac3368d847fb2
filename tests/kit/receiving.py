"""Receivers on the loopback interface that answer as a script says, with real TLS, and a caller that trusts them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network

import trustme

from app.kit.addresses import Address, Network
from app.kit.answers import Answer
from app.kit.lookups import Lookups
from app.kit.outcalls import Caller

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
KEPT_OPEN = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nfine"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
PATIENT_SECONDS = 20.0
"""For attempts that are to end by themselves, however busy the machine is."""


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@cache
def serving(*names: str, expired: bool = False, trusted: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    not_after = datetime.now(UTC) - timedelta(days=1) if expired else None
    issuer = authority() if trusted else trustme.CA()
    issuer.issue_cert(*names, not_after=not_after).configure_cert(context)
    return context


class Receiver:
    """Runs a script for each request that has arrived, with the request's number on its connection."""

    def __init__(self, script: Script) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            for number in range(1, 1000):
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await reader.readexactly(2)  # The body, which is {} everywhere.
                await self._script(reader, writer, number)
        writer.transport.abort()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def receiving(
    script: Script, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Receiver, int]]:
    """Serve while the block runs; gives the receiver and its port."""
    receiver = Receiver(script)
    server = await asyncio.start_server(receiver.connected, host, port, ssl=tls)
    try:
        yield receiver, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await receiver.end()


def says(data: bytes) -> Script:
    """Write an answer, and close the connection unless the answer says that it is kept."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        writer.write(data)
        await writer.drain()
        if b"keep-alive" not in data:
            raise ConnectionError

    return script


def repeats(first: bytes, again: bytes, pause_seconds: float = 0) -> Script:
    """Write something, and then something else for ever."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_seconds)

    return script


async def hangs(_: asyncio.StreamReader, __: asyncio.StreamWriter, ___: int) -> None:
    await asyncio.sleep(60)


def calling(
    names: Mapping[str, Iterable[str]] | None = None,
    *,
    exempt: Iterable[Network] = LOOPBACK,
    attempt_seconds: float = PATIENT_SECONDS,
) -> Caller:
    """Return a caller for whom `names`, looked up anew at each call, are all that there is."""
    known = names if names is not None else {"hook.example": ["127.0.0.1"]}

    def resolve(host: str) -> tuple[Address, ...]:
        if host not in known:
            raise OSError("no such name")
        return tuple(ip_address(text) for text in known[host])

    return Caller(
        user_agent="test/1",
        lookups=Lookups(resolve=resolve, fresh_seconds=0),
        exempt=exempt,
        tls=trusting(),
        attempt_seconds=attempt_seconds,
    )


async def ask(caller: Caller, url: str) -> Answer:
    """Make one call with this caller, and close it."""
    try:
        return await caller.post(url, b"{}", {})
    finally:
        await caller.close()
