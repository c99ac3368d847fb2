"""A small application on the infrastructure of the web layer, with everything in memory.

It has the paths and members of suggestions, cut down, so that what is tested on it can be tested on the real
application, too.
"""

import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, FastAPI, Query
from pydantic import MISSING, Field
from starlette.middleware import Middleware
from starlette.responses import Response, StreamingResponse

from app.domain.errors import IdempotencyKeyReused, NotFound, PreconditionRequired, VersionMismatch
from app.kit.codes import digest, new_api_key
from app.kit.refusals import Fault, Invalid
from app.kit.sealing import Secret
from app.kit.shapes import Id, Instant, Shape, length
from app.services.access import Caller, Token
from app.services.idempotency import Effect
from app.web import health, pages
from app.web.access import needs, needs_or_receipt, open_to_all
from app.web.answers import NO_CONTENT, Shown, page, plain, single
from app.web.call import Call
from app.web.document import Description
from app.web.edge import Edge
from app.web.problems import handlers
from app.web.queries import Flag, PageParameters, Parameters
from app.web.route import NoMembers, Route
from app.web.state import Callers, Limits, Services
from app.web.table import Table
from app.web.webhooks import EventType

T = TypeVar("T")

EXISTING = UUID("0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05")
SUBMISSION = {
    "text": "They are 12 minutes apart on paper and 25 by road.",
    "group": "care_worker",
    "anonymity": "named",
    "author": {"ref": "staff-118"},
    "safety": {"at_risk_now": False, "own_employment": False},
}


class StoreDownError(Exception):
    pass


class AnswerLostError(Exception):
    pass


# ── shapes ──


class Author(Shape):
    ref: Annotated[str, length(1, 200), Field(examples=["staff-118"])]


class Safety(Shape):
    at_risk_now: bool
    own_employment: bool


class Submission(Shape, json_schema_extra={"examples": [SUBMISSION]}):
    """A suggestion as it is submitted."""

    id: Id | None = None
    title: Annotated[str, length(1, 200)] | None = None
    text: Annotated[str, length(1, 5000)]
    group: Literal["care_worker", "manager"]
    anonymity: Literal["named", "anonymous"]
    author: Author | None = None
    safety: Safety
    tags: Annotated[tuple[Annotated[str, length(1, 50)], ...], Field(max_length=20)] = ()
    captured_at: Instant | None = None


class Patch(Shape, json_schema_extra={"examples": [{"title": "Pairs"}]}):
    """A merge patch."""

    title: Annotated[str, length(1, 200)] | MISSING | None = MISSING
    text: Annotated[str, length(1, 5000)] | MISSING = MISSING


class Note(Shape):
    """Something to remember."""

    text: Annotated[str, length(1, 5000), Field(examples=["Spoke with the coordinator."])]


class Why(Shape):
    why: Annotated[str, length(1, 5000), Field(examples=["We were asked to."])] | None = None


class Suggestion(Shape):
    """A suggestion as it is shown."""

    id: UUID
    title: Annotated[str, Field(examples=["Pair the calls"])] | None
    text: Annotated[str, Field(examples=["They are 12 minutes apart."])]
    version: int


class SuggestionPage(Shape):
    """A page of suggestions."""

    items: tuple[Suggestion, ...]
    next_cursor: Annotated[str, Field(examples=["AbC"])] | None


class Count(Shape):
    count: int


class SubmittedEvent(Shape):
    """What subscribers are sent."""

    id: UUID
    type: Literal["suggestion.submitted"]
    timestamp: Instant


class Filters(PageParameters):
    group: Literal["care_worker", "manager"] | None = None
    updated_since: Instant | None = None
    q: Annotated[str, Field(examples=["hoist"])] | None = None
    sort: Literal["-received_at", "received_at"] = "-received_at"


class BatchParameters(Parameters):
    dry_run: Flag = False


# ── everything behind the web layer ──


@dataclass
class Rows:
    """One transaction."""

    suggestions: dict[UUID, Suggestion] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[bytes, Effect]] = field(default_factory=dict)
    bearers: dict[bytes, tuple[Token, Caller]] = field(default_factory=dict)

    def find(self, suggestion_id: UUID | None, seen: frozenset[int] | None = None) -> Suggestion:
        row = self.suggestions.get(suggestion_id) if suggestion_id else None
        if row is None:
            raise NotFound
        if seen is not None and row.version not in seen:
            raise VersionMismatch
        return row

    def put(self, suggestion_id: UUID, *, title: str | None, text: str, version: int) -> None:
        self.suggestions[suggestion_id] = Suggestion(id=suggestion_id, title=title, text=text, version=version)


class Memory:
    """A database that forgets: what a write raises undoes it."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.reads = 0
        self.fails: BaseException | None = None

    async def read(self, scope: object, work: Callable[[Rows], T]) -> T:
        self.reads += 1
        if self.fails:
            raise self.fails
        return work(self.rows)

    async def write(self, scope: object, work: Callable[[Rows], T]) -> T:
        if self.fails:
            raise self.fails
        kept = copy.deepcopy(self.rows)
        try:
            return work(self.rows)
        except BaseException:
            self.rows = kept
            raise


def look_up(session: Rows, kind: Token, hashed: bytes, now: datetime) -> Caller | None:
    found = session.bearers.get(hashed)
    if found is None or found[0] != kind or (found[1].expires_at is not None and found[1].expires_at <= now):
        return None
    return found[1]


def once(
    session: Rows, system: str, key: str, fingerprint: bytes, now: datetime, perform: Callable[[Rows], Effect]
) -> tuple[Effect, bool]:
    if (system, key) in session.keys:
        kept, effect = session.keys[system, key]
        if kept != fingerprint:
            raise IdempotencyKeyReused
        return effect, True
    effect = perform(session)
    session.keys[system, key] = fingerprint, effect
    return effect, False


# ── endpoints ──

router = APIRouter(route_class=Route, tags=["suggestions"])


@router.post(
    "/v1/suggestions",
    operation_id="createSuggestion",
    status_code=201,
    response_model=Suggestion,
    openapi_extra=needs("raise", refuses=["id_conflict", "personal_data"]),
)
async def create(call: Call, body: Submission) -> Response:
    """Submit a suggestion."""

    def perform(session: Rows) -> Effect:
        new_id = body.id or uuid4()
        session.put(new_id, title=body.title, text=body.text, version=1)
        return Effect(201, (new_id,))

    return await call.write(perform, show_new)


@router.get(
    "/v1/suggestions", operation_id="listSuggestions", response_model=SuggestionPage, openapi_extra=needs("read")
)
async def find(call: Call, filters: Annotated[Filters, Query()]) -> Response:
    """List the suggestions."""

    def show(session: Rows) -> Shown:
        rows = tuple(session.suggestions.values())[: filters.limit]
        cursor = "further" if len(session.suggestions) > filters.limit else None
        return page(SuggestionPage(items=rows, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/suggestions/{suggestion_id:uuid}",
    operation_id="getSuggestion",
    response_model=Suggestion,
    openapi_extra=needs("read"),
)
async def get(call: Call, suggestion_id: UUID) -> Response:
    """Show a suggestion."""
    return await call.read(lambda session: show_one(session, suggestion_id))


@router.patch(
    "/v1/suggestions/{suggestion_id:uuid}",
    operation_id="updateSuggestion",
    response_model=Suggestion,
    openapi_extra=needs("raise"),
)
async def update(call: Call, suggestion_id: UUID, body: Patch) -> Response:
    """Change title and text."""

    def perform(session: Rows) -> Effect:
        row = session.find(suggestion_id, call.seen)
        changes = body.model_dump(exclude_unset=True) | {"version": row.version + 1}
        session.suggestions[suggestion_id] = row.model_copy(update=changes)
        return Effect(200, (suggestion_id,))

    return await call.write(perform, lambda session, effect: show_one(session, effect.ids[0]))


@router.delete(
    "/v1/suggestions/{suggestion_id:uuid}",
    operation_id="deleteSuggestion",
    status_code=204,
    openapi_extra=needs("admin"),
)
async def delete(call: Call, suggestion_id: UUID) -> Response:
    """Delete a suggestion."""

    def perform(session: Rows) -> Effect:
        session.find(suggestion_id, call.seen)
        del session.suggestions[suggestion_id]
        return Effect(204)

    return await call.write(perform, lambda _session, _effect: NO_CONTENT)


@router.post(
    "/v1/suggestions/{suggestion_id:uuid}/acts/note",
    operation_id="noteSuggestion",
    response_model=Suggestion,
    openapi_extra=needs("review", "raise", refuses=["act_not_allowed", "precondition_required"]),
)
async def note(call: Call, suggestion_id: UUID, body: Note) -> Response:
    """Write a note. It needs If-Match where its text says so."""

    def perform(session: Rows) -> Effect:
        row = session.find(suggestion_id)
        if body.text == "careful" and not call.seen_header:
            raise PreconditionRequired
        session.find(suggestion_id, call.seen)
        if body.text == "nowhere":
            raise Invalid(Fault("/text", "not_found", "There is nothing of this name."))
        session.suggestions[suggestion_id] = row.model_copy(update={"version": row.version + 1})
        return Effect(200, (suggestion_id,))

    return await call.write(perform, lambda session, effect: show_one(session, effect.ids[0]))


@router.post(
    "/v1/suggestions/{suggestion_id:uuid}/erasure",
    operation_id="eraseSuggestion",
    response_model=Suggestion,
    openapi_extra=needs("admin"),
)
async def erase(call: Call, suggestion_id: UUID, body: Why) -> Response:
    """Take the text away."""

    def perform(session: Rows) -> Effect:
        session.suggestions[suggestion_id] = session.find(suggestion_id).model_copy(update={"text": body.why or "gone"})
        return Effect(200, (suggestion_id,))

    return await call.write(perform, lambda session, effect: show_one(session, effect.ids[0]))


@router.post(
    "/v1/suggestions/{suggestion_id:uuid}/pause",
    operation_id="pauseSuggestion",
    response_model=Count,
    openapi_extra=needs(),
)
async def pause(call: Call, suggestion_id: UUID, body: NoMembers) -> Response:
    """Take no members."""
    return plain(Count(count=0)).response()


@router.post("/v1/suggestions/batch", operation_id="submitBatch", response_model=Count, openapi_extra=needs("raise"))
async def submit_batch(
    call: Call,
    body: Annotated[bytes, Body(media_type="application/x-ndjson", examples=['{"text": "…"}\n'])],
    parameters: Annotated[BatchParameters, Query()],
) -> Response:
    """Count lines."""
    return plain(Count(count=-1 if parameters.dry_run else body.count(b"\n"))).response()


@router.get("/v1/receipt", operation_id="getReceipt", response_model=Suggestion, openapi_extra=needs(scheme="receipt"))
async def receipt(call: Call) -> Response:
    """Show the author's own suggestion."""
    suggestion_id = call.caller.suggestion_id
    return await call.read(lambda session: show_one(session, suggestion_id))


@router.post(
    "/v1/perceptions", operation_id="createPerception", openapi_extra=needs_or_receipt("measure"), status_code=204
)
async def perceive(body: NoMembers) -> Response:
    """Take an answer."""
    return NO_CONTENT.response()


@router.post("/v1/inbound/{source_id:uuid}", operation_id="receiveReport", openapi_extra=open_to_all(), status_code=204)
async def inbound(call: Call, source_id: UUID) -> Response:
    """Read the body itself."""
    if call.single(b"webhook-id") is None:
        raise NotFound
    await call.read_bytes()
    return NO_CONTENT.response()


hidden = APIRouter(route_class=Route, include_in_schema=False)


@hidden.get("/v1/boom", openapi_extra=open_to_all())
async def boom() -> Response:
    raise RuntimeError("SELECT 'secret' FROM keys")


@hidden.get("/v1/stream", openapi_extra=open_to_all())
async def stream() -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one\n"
        raise RuntimeError("in the middle")

    return StreamingResponse(parts(), media_type="text/plain")


def show_one(session: Rows, suggestion_id: UUID | None) -> Shown:
    row = session.find(suggestion_id)
    return single(row, row.version)


def show_new(session: Rows, effect: Effect) -> Shown:
    row = session.find(effect.ids[0])
    return single(row, row.version, status=effect.status, location=f"/v1/suggestions/{row.id}")


# ── the whole ──


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Example:
    """The application, and what a test may look at or change."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.memory = Memory()
        self.clock = Clock()
        self.lines: list[str] = []
        self.callers = Callers(self.memory, find=look_up)
        self.app = FastAPI(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            middleware=[Middleware(Edge, write=self.lines.append)],
            exception_handlers=handlers(unavailable=(StoreDownError,), outcome_unknown=(AnswerLostError,)),
        )
        self.app.state.services = Services(
            database=self.memory,
            clock=self.clock,
            callers=self.callers,
            secret=Secret(bytes(32)),
            once=once,
            limits=limits or Limits(),
        )
        routers = (router, hidden, pages.router, health.router)
        routes = [route for one in routers for route in one.routes if isinstance(route, Route)]
        self.app.router.routes.append(Table(routes))
        self.app.state.description = Description(
            title="Example",
            version="1.0.0",
            text="An example.",
            tags=[("suggestions", "Ideas.")],
            routes=routes,
            event_types=[EventType("suggestion.submitted", "A suggestion was submitted.", SubmittedEvent)],
        )
        self.memory.rows.put(EXISTING, title="Pairs", text="Pair the calls.", version=3)

    def make_key(self, *scopes: str, system: str = "app", expires_at: datetime | None = None) -> str:
        """A new key of the one organisation."""
        key = new_api_key()
        caller = Caller(UUID(int=1), uuid4(), system, frozenset(scopes), expires_at=expires_at)
        self.memory.rows.bearers[digest(key)] = ("key", caller)
        return key

    def make_receipt(self, code: str) -> str:
        """The receipt of the existing suggestion; `code` is as `codes.encode` writes it."""
        caller = Caller(UUID(int=1), EXISTING, f"receipt:{EXISTING}", frozenset(), suggestion_id=EXISTING)
        self.memory.rows.bearers[digest(f"hbr_{code}")] = ("receipt", caller)
        return f"hbr_{code}"
