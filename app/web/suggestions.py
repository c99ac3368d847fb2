"""Suggestions over HTTP: submit, list, read, reword, and their timeline."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.domain.submission import Rewording, Submission
from app.domain.vocabulary import Anonymity, Group, Lens, Outcome, Progress, Scope, State
from app.kit.shapes import Instant, Shape
from app.services import listing, rewording, showing, submission, timeline, views
from app.services.cases import find
from app.services.idempotency import Effect
from app.services.opening import open_confidential
from app.web.access import needs
from app.web.answers import Shown, page, single
from app.web.call import Call
from app.web.queries import PageParameters
from app.web.route import Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["suggestions"])


class SuggestionParameters(PageParameters):
    """The filters of the list of suggestions."""

    state: Annotated[State | None, Field(description="Only suggestions in this state.")] = None
    progress: Annotated[Progress | None, Field(description="Only suggestions with this progress.")] = None
    outcome: Annotated[Outcome | None, Field(description="Only suggestions decided so.")] = None
    group: Annotated[Group | None, Field(description="Only suggestions of authors of this voice group.")] = None
    site: Annotated[str | None, Field(max_length=200, description="Only suggestions of this site, by id or code.")] = (
        None
    )
    lens: Annotated[Lens | None, Field(description="Only suggestions with this lens.")] = None
    tag: Annotated[str | None, Field(max_length=50, description="Only suggestions with this tag.")] = None
    steward: Annotated[str | None, Field(max_length=200, description="Only those that this steward (ref) answers.")] = (
        None
    )
    promise: Annotated[
        Literal["due", "broken"] | None,
        Field(description="Only those with a promise that is about to break, or that was broken."),
    ] = None
    external_id: Annotated[str | None, Field(max_length=200, description="Only the one with this id of your own.")] = (
        None
    )
    updated_since: Annotated[
        Instant | None,
        Field(description="Only those updated since; anonymous ones by the day, so that some come twice."),
    ] = None
    received_from: Annotated[Instant | None, Field(description="Only those received at this instant or later.")] = None
    received_to: Annotated[Instant | None, Field(description="Only those received before this instant.")] = None
    sort: Annotated[
        Literal["-received_at", "received_at", "updated_at"],
        Field(description="The order: the latest first, the oldest first, or the longest unchanged first."),
    ] = "-received_at"

    def filters(self) -> listing.Filters:
        """The filters without what pages."""
        return listing.Filters(**self.model_dump(exclude={"limit", "cursor"}))


class SuggestionPage(Shape):
    """A page of suggestions."""

    items: tuple[views.SuggestionView, ...]
    next_cursor: str | None


class TimelinePage(Shape):
    """A page of a timeline."""

    items: tuple[views.EventView, ...]
    next_cursor: str | None


@router.post(
    "/v1/suggestions",
    operation_id="createSuggestion",
    status_code=201,
    response_model=views.SubmittedView,
    responses={200: {"model": views.SubmittedView, "description": "A repetition: the suggestion as it is now."}},
    openapi_extra=needs(Scope.RAISE, refuses=["id_conflict", "personal_data"]),
)
async def create(call: Call, body: Submission) -> Response:
    """Submit a suggestion. The answer carries the receipt: a code that opens the author's view without an account.

    Sending the same suggestion again is harmless: by the header Idempotency-Key, or by an `id` or `external_id` of your
    own, each repetition answers with the same suggestion. If anyone is at risk now, the suggestion is held at once and
    visible only with the scope `safeguard`.
    """
    context = call.context
    return await call.write(
        lambda session: submission.submit(session, context, body),
        lambda session, effect: show_submitted(session, call, effect, body),
    )


@router.get(
    "/v1/suggestions",
    operation_id="listSuggestions",
    response_model=SuggestionPage,
    openapi_extra=needs(Scope.READ, refuses=["invalid_cursor"]),
)
async def find_all(call: Call, asked: Annotated[SuggestionParameters, Query()]) -> Response:
    """List suggestions, the latest first unless asked otherwise. Held and redirected ones need scope `safeguard`."""
    wanted = listing.Page(asked.limit, asked.cursor, dict(call.parameters))

    def show(session: Session) -> Shown:
        rows, cursor = listing.list_suggestions(session, call.context, asked.filters(), wanted)
        items = showing.show_suggestions(session, rows, showing.Reader(call.caller.scopes), call.now)
        return page(SuggestionPage.model_construct(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/suggestions/{id:uuid}",
    operation_id="getSuggestion",
    response_model=views.SuggestionView,
    openapi_extra=needs(Scope.READ),
)
async def get(call: Call, id: UUID) -> Response:
    """Read one suggestion. The scope `identity` shows a confidential author, and `suggestion.opened` records it."""
    shown, opens = await call.services.database.read(call.caller.scope, lambda session: _show_one(session, call, id))
    answer = call.answer(shown)
    if opens and answer.status_code == 200 and not call.is_head:  # noqa: PLR2004
        await call.services.database.write(
            call.caller.scope, lambda session: open_confidential(session, call.context, id)
        )
    return answer


@router.patch(
    "/v1/suggestions/{id:uuid}",
    operation_id="updateSuggestion",
    response_model=views.SuggestionView,
    openapi_extra=needs(Scope.RAISE, refuses=["personal_data"]),
)
async def update(call: Call, id: UUID, body: Rewording) -> Response:
    """Reword a suggestion by a merge patch: title, text, tags, lenses. The old wording is kept for audit."""
    return await call.write(
        lambda session: rewording.reword(session, call.context, id, body, call.condition),
        lambda session, _: show_one(session, call, id),
    )


@router.get(
    "/v1/suggestions/{id:uuid}/timeline",
    operation_id="listTimeline",
    response_model=TimelinePage,
    openapi_extra=needs(Scope.READ, refuses=["invalid_cursor"]),
)
async def list_timeline(call: Call, id: UUID, asked: Annotated[PageParameters, Query()]) -> Response:
    """List what happened to a suggestion, the oldest first by when it happened, with what was said.

    No reference of a confidential or anonymous author is shown, and nobody's vote before the suggestion is closed.
    """

    def show(session: Session) -> Shown:
        row = find(session, id)
        placed, cursor = timeline.page_of_timeline(session, call.context, row, asked.limit, asked.cursor)
        items = timeline.show_timeline(placed, row)
        return page(TimelinePage.model_construct(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


def show_one(session: Session, call: Call, id: UUID) -> Shown:
    """One suggestion as the caller may see it now."""
    row = find(session, id)
    (view,) = showing.show_suggestions(session, [row], showing.Reader(call.caller.scopes), call.now)
    return single(view, row.version)


def _show_one(session: Session, call: Call, id: UUID) -> tuple[Shown, bool]:
    """One suggestion for a GET, and whether a confidential identity is opened by it."""
    row = find(session, id)
    reader = showing.Reader(call.caller.scopes, opens=True)
    (view,) = showing.show_suggestions(session, [row], reader, call.now)
    opens = row.anonymity == Anonymity.CONFIDENTIAL and view.author is not None
    return single(view, row.version), opens


def show_submitted(session: Session, call: Call, effect: Effect, sent: Submission) -> Shown:
    """The answer to a submission and to its repetition, also where the submission itself hid the suggestion."""
    row = submission.submitted(session, call.context, effect)
    view = submission.show_submitted(session, call.context, row, sent, call.language)
    headers = {"Content-Language": call.language, "Vary": "Accept-Language"}
    return single(view, row.version, status=effect.status, location=f"/v1/suggestions/{row.id}", headers=headers)
