"""What surrounds every request, as one ASGI middleware: its id, every answer's headers, the log line, the 500."""

import logging
import os
import re
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.services.access import Caller
from app.web.problems import problem

REQUEST_ID_HEADER = b"x-request-id"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_CLIENT_WENT_AWAY = 499  # nginx's number, for the log alone: nobody is there to be answered.
_EVERYWHERE = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_API = [*_EVERYWHERE, (b"cache-control", b"no-store")]
_POLICY_HEADER = b"content-security-policy"
_POLICY = b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_PAGE = [*_EVERYWHERE, (_POLICY_HEADER, _POLICY)]

_log = logging.getLogger("app.web")

Count = Callable[[str, str, int, float], object]


class Edge:
    """The outermost layer of ours. Nothing passes it but a fault after the head of the answer is gone.

    It answers 500 itself: Starlette's ServerErrorMiddleware stands outside of all that is ours, so that its answer
    would carry neither the request id nor the headers. After the head there is nothing more to say; raising makes the
    server cut the connection, so that the client sees a broken answer and not a short one.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str], object], count: Count | None = None) -> None:
        """`write` takes the line of each request, without a line feed; `count` its method, the template of its route,
        its status and its seconds. Neither must wait for anything.
        """
        self.app = app
        self._write = write
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = new_request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _headers_of(scope["path"], request_id, message["headers"])
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            status = _CLIENT_WENT_AWAY
        except Exception:
            _log.exception("unhandled", extra={"request_id": request_id})
            if status:
                raise
            await problem(request_id, "internal_error")(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            route: str = getattr(scope.get("route"), "path_format", "")
            self._write(_line(scope, route, status, seconds))
            if self._count is not None:
                self._count(scope["method"], route, status, seconds)


def new_request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """Return X-Request-Id as it was sent, if it is there once and of its form; otherwise a fresh one."""
    given = [value for name, value in headers if name == REQUEST_ID_HEADER]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode()
    return os.urandom(12).hex()


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, and not to the pages and probes."""
    return path == "/v1" or path.startswith("/v1/")


def _headers_of(path: str, request_id: str, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add what every answer carries. A page that needs another policy has said so, and keeps it."""
    further = _API if is_api(path) else _PAGE
    if further is _PAGE and any(name == _POLICY_HEADER for name, _ in given):
        further = _EVERYWHERE
    return [*given, *further, (REQUEST_ID_HEADER, request_id.encode())]


def _line(scope: Scope, route: str, status: int, seconds: float) -> str:
    """Return the line of a request as JSON. It has the route's template, for ids and refs in paths are personal data.

    Put together by hand, as every part is ours or was checked; a log record and `json.dumps` cost fifteen times that.
    """
    state = scope["state"]
    caller: Caller | None = state.get("caller")
    who = "" if caller is None else f'"organisation":"{caller.organisation_id}",'
    if caller is not None and caller.suggestion_id is None:  # When an author reads their receipt is nobody's business.
        who += f'"key":"{caller.key_id}",'
    return (
        f'{{"at":{time.time():.3f},"request_id":"{state["request_id"]}","method":"{scope["method"]}","route":"{route}",'
        f'{who}"status":{status},"milliseconds":{seconds * 1000:.2f}}}'
    )
