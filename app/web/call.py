"""What an endpoint gets of its request: who calls, what is wanted, and the one way to the database."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from urllib.parse import quote, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.domain.errors import BodyTooLarge, MalformedHeader, RequestTimeout
from app.services.access import Caller
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.suggestions import Condition
from app.services.words import Language, choose_language
from app.web.answers import Shown, matches_none_of
from app.web.state import Services, Session

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ENTITY_TAG = re.compile(r'[ \t,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?=,|\Z)')  # RFC 9110 section 8.8.3
_VERSION = re.compile(r"(0|[1-9][0-9]{0,17})(?:-|\Z)")  # `int` raises above 4,300 digits.


class Call(Request):
    """A request on its way in. `Route` fills it before the endpoint runs."""

    idempotency_key: str | None = None
    """The header Idempotency-Key of a POST."""
    fingerprint: bytes = b""
    """What makes two requests of one Idempotency-Key the same; empty without that header."""
    seen: frozenset[int] | None = None
    """The versions in If-Match: None where any will do (no header, or a star), empty where none can match."""
    seen_header: bool = False
    """Whether the request has If-Match at all, which the policy of an organisation may require."""
    known_caller: Caller | None = None
    parameters: Mapping[str, str] = MappingProxyType({})
    """The query parameters as they were sent, percent-decoded."""

    @property
    def caller(self) -> Caller:
        """Who calls. Only for routes that ask for a key or a receipt."""
        if self.known_caller is None:
            raise RuntimeError("an open route has no caller")
        return self.known_caller

    @property
    def context(self) -> Context:
        """What a use case is told of this request."""
        return Context(self.caller, self.now, self.services.secret)

    @property
    def condition(self) -> Condition:
        """What If-Match asks of the version."""
        return Condition(self.seen, self.seen_header)

    @cached_property
    def services(self) -> Services:
        """What the application holds for its requests."""
        services: Services = self.app.state.services
        return services

    @property
    def request_id(self) -> str:
        """The id that the answer and the log carry."""
        request_id: str = self.scope["state"]["request_id"]
        return request_id

    @property
    def is_head(self) -> bool:
        """Whether the request is a HEAD, for which nothing may change that a GET would change."""
        return "is_head" in self.scope["state"]

    @cached_property
    def now(self) -> datetime:
        """The instant of this request: one for all that it does."""
        return self.services.clock()

    @cached_property
    def language(self) -> Language:
        """The language that Accept-Language asks for, English by default."""
        return choose_language(None, self.headers.get("accept-language"))

    def next_url(self, cursor: str | None, parameter: str = "cursor") -> str | None:
        """Return this list's address with the cursor of its next page, or None where there is none."""
        if cursor is None:
            return None
        return f"{quote(self.scope['path'])}?{urlencode({**self.parameters, parameter: cursor})}"

    def single(self, name: bytes) -> str | None:
        """Return a header that may stand once, by its name in lower case, or None. Raises MalformedHeader for two."""
        values = [value for key, value in self.scope["headers"] if key == name]
        if len(values) > 1:
            raise MalformedHeader(f"The header {name.decode()} stands there twice, and may stand there once.")
        return values[0].decode("latin-1") if values else None

    async def read_bytes(self, max_bytes: int | None = None) -> bytes:
        """Return the whole body; `max_bytes` is 256 KiB unless told.

        Raises BodyTooLarge (unread, where the length is declared), RequestTimeout after 15 s, and ClientDisconnect.
        """
        limits = self.services.limits
        limit = limits.body_bytes if max_bytes is None else max_bytes
        declared = self.single(b"content-length")
        if declared is not None and int(declared) > limit:  # The server has refused what is no number.
            raise BodyTooLarge(limit)
        try:
            async with asyncio.timeout(limits.body_seconds):
                return await self._gather(limit)
        except TimeoutError:
            raise RequestTimeout(limits.body_seconds) from None

    async def _gather(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLarge(limit)
            more = message.get("more_body", False)
        return b"".join(parts)

    def read_idempotency_key(self) -> None:
        """Take the header Idempotency-Key. Raises MalformedHeader."""
        key = self.single(b"idempotency-key")
        if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
            raise MalformedHeader("The header Idempotency-Key takes 1 to 255 visible ASCII characters.")
        self.idempotency_key = key

    def read_if_match(self) -> None:
        """Take the versions in If-Match, which may stand in several lines. Raises MalformedHeader.

        A weak tag, and one that is not ours, has no version and matches none.
        """
        lines = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"if-match"]
        self.seen_header = bool(lines)
        joined = ", ".join(lines)
        if lines and joined.strip(" \t") != "*":
            self.seen = _versions_in(joined)

    def take_fingerprint(self, path: str, canonical: bytes) -> None:
        """Remember what makes two requests the same: method, path (with its ids in one spelling), canonical body."""
        if self.idempotency_key is not None:
            self.fingerprint = hashlib.sha256(b"\n".join([self.method.encode(), path.encode(), canonical])).digest()

    def has(self, etag: str) -> bool:
        """Whether the client says by If-None-Match that it has this answer, so that 304 is enough."""
        lines = [value.decode("latin-1") for name, value in self.scope["headers"] if name == b"if-none-match"]
        return bool(lines) and not matches_none_of(lines, etag)

    async def read(self, show: Callable[[Session], Shown]) -> Response:
        """Answer from one read transaction of the caller's scope; 304 where the client has that answer."""
        shown = await self.services.database.read(self.caller.scope, show)
        return self.answer(shown)

    def answer(self, shown: Shown) -> Response:
        """Return the response to a GET: 304 where the client has it."""
        if shown.etag is not None and self.has(shown.etag):
            return Response(status_code=304, headers={"ETag": shown.etag})
        return shown.response()

    async def write(self, perform: Callable[[Session], Effect], show: Callable[[Session, Effect], Shown]) -> Response:
        """Carry the request out in one write transaction, and answer after its COMMIT.

        `perform` has the effect and returns the status and the ids that its answer needs; `show` makes the answer from
        them as things are now. The repetition of an Idempotency-Key runs only `show`, on the ids of the first request.
        """
        shown = await self.services.database.write(
            self.caller.scope, lambda session: self._once(session, perform, show)
        )
        return shown.response()

    def _once(
        self, session: Session, perform: Callable[[Session], Effect], show: Callable[[Session, Effect], Shown]
    ) -> Shown:
        if self.idempotency_key is None:
            return show(session, perform(session))
        effect, is_replay = self.services.once(
            session, self.caller.system, self.idempotency_key, self.fingerprint, self.now, perform
        )
        shown = show(session, effect)
        return shown.replayed() if is_replay else shown


def _versions_in(header: str) -> frozenset[int]:
    """Return the versions of the strong tags of ours in a list of entity tags. Raises MalformedHeader."""
    versions: set[int] = set()
    place, count, end = 0, 0, len(header.rstrip(" \t,"))
    while place < end:
        tag = _ENTITY_TAG.match(header, place)
        if tag is None:
            raise MalformedHeader("The header If-Match takes entity tags in quotation marks, or a star.")
        place, count = tag.end(), count + 1
        if tag[1] is None and (version := _VERSION.match(tag[2])):
            versions.add(int(version[1]))
    if not count:
        raise MalformedHeader("The header If-Match takes entity tags in quotation marks, or a star.")
    return frozenset(versions)
