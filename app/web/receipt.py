"""The author's view, opened by the receipt's code alone."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.services import receipts
from app.services.cases import read_rules
from app.web.access import needs
from app.web.answers import Shown, single
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


def show_view(session: Session, call: Call, id: UUID) -> Shown:
    """The view as it is now."""
    return _look(session, call, id)[0]


def _read(session: Session, call: Call, id: UUID) -> Shown:
    receipts.read_news(session, id, call.now)
    return show_view(session, call, id)


def _look(session: Session, call: Call, id: UUID) -> tuple[Shown, bool]:
    standing = receipts.stand(session, id)
    view = receipts.show_receipt(standing, read_rules(session), call.now, call.headers.get("accept-language"))
    return single(view, standing.row.version), standing.has_news
