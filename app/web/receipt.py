"""The author's view, opened by the receipt's code alone."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.domain.vocabulary import Scope
from app.services import naming, perceptions, receipts
from app.services.cases import read_rules
from app.web.access import needs, needs_or_receipt, open_to_all
from app.web.answers import Shown, plain, single
from app.web.call import Call
from app.web.route import Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["receipt"])


@router.get(
    "/v1/receipt",
    operation_id="getReceipt",
    response_model=receipts.ReceiptView,
    openapi_extra=needs(scheme="receipt"),
)
async def get_receipt(call: Call) -> Response:
    """Read a suggestion as its author: its state in words, the answer, every message, what was reported, without names.

    It also answers while the suggestion is held, redirected or merged. Reading what is new counts as being told
    (`suggestion.told`); a HEAD request and an answer 304 do not.
    """
    id = call.caller.suggestion_id
    assert id is not None  # noqa: S101 -- the route is for receipts alone
    database = call.services.database
    shown, has_news = await database.read(call.caller.scope, lambda session: _look(session, call, id))
    answer = call.answer(shown)
    if not has_news or call.is_head or answer.status_code != 200:  # noqa: PLR2004
        return answer
    return (await database.write(call.caller.scope, lambda session: _read(session, call, id))).response()


@router.patch(
    "/v1/receipt",
    operation_id="updateReceipt",
    response_model=receipts.ReceiptView,
    openapi_extra=needs(scheme="receipt", refuses=["personal_data"]),
)
async def update_receipt(call: Call, body: naming.Lowering) -> Response:
    """Lower the level of your anonymity. It cannot be raised again: what others have seen cannot be taken back."""
    id = call.caller.suggestion_id
    assert id is not None  # noqa: S101 -- the route is for receipts alone
    return await call.write(
        lambda session: naming.lower_anonymity(session, call.context, id, body, call.condition),
        lambda session, _: show_view(session, call, id),
    )


@router.post("/v1/receipts", operation_id="listIdeas", response_model=receipts.IdeaList, openapi_extra=open_to_all())
async def list_ideas(call: Call, body: receipts.Codes) -> Response:
    """List my ideas: what the given receipt codes open, in their order. Wrong codes are left out, and nothing counts as
    read.
    """
    language = call.headers.get("accept-language")
    ideas = await call.services.database.read(
        None, lambda session: receipts.show_ideas(session, body, call.now, language)
    )
    return call.answer(plain(ideas))


@router.post(
    "/v1/perceptions",
    operation_id="createPerception",
    status_code=201,
    response_model=perceptions.PerceptionView,
    openapi_extra=needs_or_receipt(Scope.MEASURE),
)
async def create_perception(call: Call, body: perceptions.PerceptionRequest) -> Response:
    """Record how somebody sees working together here, as numbers without a name. With a key, say the group; with a
    receipt, the suggestion's group and site are taken, and a later answer takes the place of the earlier one.
    """
    return await call.write(
        lambda session: perceptions.give_perception(session, call.context, body),
        lambda _, effect: plain(perceptions.PerceptionView(id=effect.ids[0]), status=effect.status),
    )


def show_view(session: Session, call: Call, id: UUID) -> Shown:
    """The view as it is now."""
    return _look(session, call, id)[0]


def _read(session: Session, call: Call, id: UUID) -> Shown:
    receipts.read_news(session, id, call.now)
    return show_view(session, call, id)


def _look(session: Session, call: Call, id: UUID) -> tuple[Shown, bool]:
    standing = receipts.stand(session, id)
    language = receipts.language_of(standing, call.headers.get("accept-language"))
    view = receipts.show_receipt(standing, read_rules(session), call.now, language)
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return single(view, standing.row.version, headers=headers), standing.has_news
