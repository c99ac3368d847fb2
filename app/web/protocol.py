"""uvicorn's HTTP protocol with bounds on what a request's head may hold and how long it may take.

uvicorn bounds neither, and answers what is no HTTP with a plain text. The classes that are overridden here are
semi-internal, which is why uvicorn is pinned and everything of this file is tested over sockets. A head that comes with
one read costs nothing more than the sum of its lengths.
"""

import asyncio
import os
from typing import Any, ClassVar

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.web.problems import problem

_HEAD_TOO_LARGE = "The request line and the headers together are larger than 64 KiB."
_LINE_BYTES = 4  # What stands between and behind a header's name and value.


class Protocol(HttpToolsProtocol):
    """One connection. A test makes a subclass with smaller limits."""

    head_seconds: ClassVar[float] = 15
    """How long a head may take, and the first byte of a connection."""
    max_head_bytes: ClassVar[int] = 64 * 1024
    """The request line and the headers together; also what may come without being a body (extensions, trailers)."""
    linger_seconds: ClassVar[float] = 5
    """How long the rest of a body is taken and thrown away once the request is answered."""
    max_linger_bytes: ClassVar[int] = 16 * 1024 * 1024

    _in_head = True
    _in_message = False
    _head_bytes = 0
    """What the headers of the present request that are complete amount to."""
    _silent_bytes = 0
    """What came since the parser last had something to say."""
    _lingering_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    """Closes the connection: while a head is awaited, and while the rest of an answered request is."""
    _why = ""
    _has_left = False
    """Whether what was sent could not be read, so that nothing more is."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer(self.head_seconds)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Feed the parser; then look what has come of it."""
        if self._has_left:
            self._throw_away(data)
            return
        self._silent_bytes += len(data)
        self._feed(data)
        if self.transport.is_closing() or self._has_left:
            return
        if self._silent_bytes > self.max_head_bytes:
            self._why = _HEAD_TOO_LARGE
            self.send_400_response(_HEAD_TOO_LARGE)
        elif self._is_lingering():
            self._throw_away(data)
        elif self._timer is None and self._awaits_head():
            self._start_timer(self.head_seconds)

    # ── what the parser calls ──

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._in_message = True, True
        self._head_bytes = self._silent_bytes = self._lingering_bytes = 0

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Trailers behind a chunked body are thrown away (RFC 9110 section 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)
            self._count(len(name) + len(value) + _LINE_BYTES)

    @override
    def on_headers_complete(self) -> None:
        if self._asks_for_another_protocol():  # It comes again, without the question.
            return
        hosts = [name for name, _ in self.headers if name == b"host"]
        if len(hosts) != 1 and self.parser.get_http_version() == "1.1":  # RFC 9112 section 3.2
            self._refuse("The request does not have exactly one Host header.")
        self._in_head, self._silent_bytes = False, 0
        self._stop_timer()
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._silent_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._asks_for_another_protocol():
            return
        self._in_message, self._silent_bytes = False, 0
        self._stop_timer()
        super().on_message_complete()
        if self.cycle.response_complete:
            self._start_timer(self.head_seconds)

    @override
    def on_response_complete(self) -> None:
        """Where the body is not through yet, take what is on its way, so that the client can read the answer."""
        super().on_response_complete()
        if self._is_lingering():
            self._unset_keepalive_if_required()
            self._start_timer(self.linger_seconds)

    # ── what it leads to ──

    def _feed(self, data: bytes) -> None:
        """Feed the parser, as uvicorn does, but for a request that asks for another protocol (RFC 9110 section 7.8).

        The question may be passed over, and Java's client puts it to every server that it calls without TLS. But the
        parser takes what follows the head for the other protocol, so that the body would be lost.
        """
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("What arrived is no HTTP.")
            self.send_400_response("")

    def _asks_for_another_protocol(self) -> bool:
        asks: bool = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return asks

    def _head_without_upgrade(self) -> bytes:
        """The head that was read, as it would be without the header Upgrade."""
        version = self.parser.get_http_version().encode()
        kept = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([self.parser.get_method() + b" " + self.url + b" HTTP/" + version, *kept, b"", b""])

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP. There is no scope and no application, but the one shape of every error."""
        request_id = os.urandom(12).hex()
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Request-Id": request_id,
            "Connection": "close",
        }
        answer = problem(request_id, "bad_request", self._why, headers)
        lines = [
            name + b": " + value + b"\r\n" for name, value in (*self.server_state.default_headers, *answer.raw_headers)
        ]
        if self._may_answer():
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + b"".join(lines) + b"\r\n" + bytes(answer.body))
        self._leave()

    def _leave(self) -> None:
        """Say that nothing more comes, and close once the client has read that, for which it has a while.

        Closing at once would reset the connection where more is on its way, and take the answer from the client.
        """
        self._has_left = True
        self._unset_keepalive_if_required()
        if not self._is_idle():  # The application learns that nobody is there any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._start_timer(self.linger_seconds)
        else:
            self.transport.close()

    def _throw_away(self, data: bytes) -> None:
        self._lingering_bytes += len(data)
        if self._lingering_bytes > self.max_linger_bytes:
            self.transport.close()

    def _awaits_head(self) -> bool:
        """Whether nothing is under way but a head, or the line feeds that may stand before one."""
        if self._in_message:
            return self._in_head
        return self._is_idle()

    def _is_idle(self) -> bool:
        """Whether the latest request that came in whole, if any, is answered."""
        latest: RequestResponseCycle | None = self.cycle
        return latest is None or latest.response_complete

    def _is_lingering(self) -> bool:
        """Whether the body of a request is still on its way that is answered already."""
        return self._in_message and not self._in_head and self.cycle.response_complete

    def _may_answer(self) -> bool:
        """Whether an answer that is written now would be that of the request which cannot be read."""
        return self._is_idle() or (not self._in_head and not self.cycle.response_started)

    def _count(self, size: int) -> None:
        self._silent_bytes = 0
        self._head_bytes += size
        if self._head_bytes > self.max_head_bytes:
            self._refuse(_HEAD_TOO_LARGE)

    def _refuse(self, why: str) -> None:
        """Stop the parser; what calls it answers 400."""
        self._why = why
        raise ValueError(why)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


SERVER_OPTIONS: dict[str, Any] = {
    "http": Protocol,
    "loop": "uvloop",
    "ws": "none",
    "access_log": False,  # `Edge` writes the line of each request.
    "log_config": None,  # The application sets its logs up itself.
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 30,
}
"""What `uvicorn.Config` is given beside the application and its address, in production and in tests alike."""
