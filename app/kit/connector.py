"""aiohttp's connector, with what it lacks towards a receiver that means harm. For single POSTs, not for streams.

Three things are changed. Sockets are opened to permitted addresses only. No name is ever looked up. And a connection
reads no more than one answer may have, and nothing that was not asked for.
"""

import asyncio
import asyncio.sslproto
import functools
import re
import socket
import ssl
from ipaddress import ip_address

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

from app.kit.addresses import Network, is_permitted

MAX_READ_BYTES = 32 * 1024
"""For one answer, with the interim heads before it."""
MAX_BLANK_LINES = 64
"""For one answer, whose heads each end with one: so many 1xx answers at most."""

_PIECES = re.compile(rb"(?s).*?\r\n\r\n|.+")  # One head, or what is left.


class BlockedAddressError(Exception):
    """The address may not be called. Not an OSError, which aiohttp would swallow to try the next address."""


class StaleConnectionError(aiohttp.ServerDisconnectedError):
    """An idle connection was closed just as it was used again. Nothing of an answer has been read: call anew."""


class BoundedHandler(ResponseHandler):
    """Bounds all that is read for one answer, and lets no receiver speak unasked.

    aiohttp alone (3.14) is kept fully busy by an endless row of 1xx answers until the time is over, takes an answer
    that was sent ahead on an idle connection for that of the next request, and loses a readable head to an error in
    the body that arrived together with it.
    """

    _left = MAX_READ_BYTES
    _blank_lines = MAX_BLANK_LINES
    _requests = 0

    @override
    def set_response_params(self, **parameters: object) -> None:
        """Begin a request: aiohttp calls this for each."""
        self._left, self._blank_lines = MAX_READ_BYTES, MAX_BLANK_LINES
        self._requests += 1
        super().set_response_params(**parameters)  # type: ignore[arg-type] # They are handed through as they came.

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell an idle connection that was just closed from an answer that was cut off."""
        if self._requests > 1 and self._left == MAX_READ_BYTES and not isinstance(exc, ssl.SSLError):
            self.set_exception(StaleConnectionError())
        super().connection_lost(exc)

    @override
    def is_connected(self) -> bool:
        """Say whether the connection may be used again: not if something arrived on it while it was idle."""
        return super().is_connected() and not self.should_close

    @override
    def data_received(self, data: bytes) -> None:
        """Read what arrived head by head, up to the bounds."""
        too_long = len(data) > self._left
        data = data[: self._left]
        self._left -= len(data)
        for piece in _PIECES.findall(data):
            self._blank_lines -= piece.endswith(b"\r\n\r\n")
            if self._blank_lines >= 0 and self.exception() is None:
                super().data_received(piece)
        if (error := self.exception()) is not None and self._payload is not None:
            self._payload.set_exception(error)  # Without it, the body would be waited for.
        if (too_long or self._blank_lines < 0) and self.transport is not None:
            self.set_exception(HttpProcessingError(message="the answer is too long"))
            self.transport.abort()


def create_connector(exempt: tuple[Network, ...], tls: ssl.SSLContext, idle_seconds: float) -> aiohttp.TCPConnector:
    """Return a connector for requests whose URL holds an address. To be called within the event loop.

    A call that wants a socket to an address that is neither public nor exempt ends with BlockedAddressError, and so
    does one whose URL holds a name.
    """

    def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (host, *_) = info
        if not is_permitted(ip_address(str(host)), "https", exempt):
            raise BlockedAddressError(host)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=0,
        ssl=tls,
        keepalive_timeout=idle_seconds,
        happy_eyeballs_delay=None,
        socket_factory=open_socket,
        resolver=_NoResolver(),
    )
    # There is no public way to give the protocol. Should this one go, tests/kit/test_outcalls.py fails.
    handler = functools.partial(BoundedHandler, loop=asyncio.get_running_loop())
    connector._factory = handler  # type: ignore[assignment] # noqa: SLF001
    return connector


def bound_tls_memory() -> None:
    """Let asyncio keep 16 KiB for a TLS connection in place of 256 KiB, in the whole process. uvloop has its own."""
    asyncio.sslproto.SSLProtocol.max_size = 16 * 1024


class _NoResolver(aiohttp.abc.AbstractResolver):
    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        raise BlockedAddressError(host)

    @override
    async def close(self) -> None:
        """Nothing is open."""
