"""Deliveries over HTTP: what became of one, and sending it again."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.domain.vocabulary import Scope
from app.services import deliveries
from app.services.deliveries import DeliveryDetail, find_delivery, show_detail
from app.web.access import needs
from app.web.answers import Shown, single
from app.web.call import Call
from app.web.route import NoMembers, Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["subscriptions"])


@router.get(
    "/v1/deliveries/{id:uuid}",
    operation_id="getDelivery",
    response_model=DeliveryDetail,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def get(call: Call, id: UUID) -> Response:
    """Read what became of one delivery, with every attempt: when, where to, how long it took, what was answered."""
    return await call.read(lambda session: _show(session, call, id, 200))


@router.post(
    "/v1/deliveries/{id:uuid}/redeliver",
    operation_id="redeliverDelivery",
    status_code=202,
    response_model=DeliveryDetail,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["act_not_allowed"]),
)
async def redeliver(call: Call, id: UUID, body: NoMembers) -> Response:  # noqa: ARG001 -- a POST has a body
    """Send a delivery again, whatever became of it: the same id and bytes, a fresh timestamp and signature, and as many
    tries as a new one.
    """
    return await call.write(
        lambda session: deliveries.redeliver(session, call.context, id, call.condition),
        lambda session, effect: _show(session, call, id, effect.status),
    )


def _show(session: Session, call: Call, id: UUID, status: int) -> Shown:
    found = find_delivery(session, call.context, id)
    return single(show_detail(session, found), found.row.tries, status=status)
