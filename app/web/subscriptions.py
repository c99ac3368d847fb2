"""Subscriptions over HTTP: made, read, changed, paused, tried out, replayed and polled."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.domain.vocabulary import Scope
from app.kit.outcalls import Caller as OutgoingCaller
from app.kit.shapes import Digits, Shape
from app.services import deliveries, pinging, polling, subscriptions
from app.services.idempotency import Effect
from app.services.keys import Overlap
from app.services.listing import Page
from app.services.subscription_shapes import (
    NewSubscriptionView,
    PingView,
    ReplayRequest,
    ReplayView,
    SecretView,
    SubscriptionPatch,
    SubscriptionRequest,
    SubscriptionView,
    check,
    check_replay,
)
from app.services.subscriptions import Made, find_subscription, show_subscription
from app.web.access import needs
from app.web.answers import NO_CONTENT, Shown, etag_of, page, plain, single
from app.web.call import Call
from app.web.catching_up import read_up_to_date
from app.web.queries import PageParameters, Parameters
from app.web.route import NoMembers, Route
from app.web.sent_events import PolledPage
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["subscriptions"])


class SubscriptionPage(Shape):
    """A page of subscriptions."""

    items: tuple[SubscriptionView, ...]
    next_cursor: str | None


class DeliveryPage(Shape):
    """A page of deliveries."""

    items: tuple[deliveries.DeliveryView, ...]
    next_cursor: str | None


class DeliveryParameters(PageParameters):
    """The filter of a subscription's deliveries."""

    state: Annotated[deliveries.State | None, Field(description="Only deliveries in this state.")] = None


class PollParameters(Parameters):
    """Where a poll goes on."""

    after: Annotated[
        int, Field(ge=0, description="The `sequence` of the last event that you have; 0 begins.", examples=[17]), Digits
    ] = 0
    limit: Annotated[
        int, Field(ge=1, le=200, description="How many events the page has at most.", examples=[50]), Digits
    ] = 50


@router.post(
    "/v1/subscriptions",
    operation_id="createSubscription",
    status_code=201,
    response_model=NewSubscriptionView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def create(call: Call, body: SubscriptionRequest) -> Response:
    """Have events sent to an address, from now on and as far as your key may see them. The answer shows the secret that
    they are signed with, once.
    """
    check(body, call.caller.scopes, call.services.exempt)
    made: list[Made] = []

    def perform(session: Session) -> Effect:
        made.append(subscriptions.subscribe(session, call.context, body))
        return Effect(201, (made[0].id,))

    def show(session: Session, effect: Effect) -> Shown:
        row = find_subscription(session, call.caller, _id_of(effect))
        view = NewSubscriptionView.model_construct(
            **subscriptions.members_of(row), secret=made[0].secret if made else None
        )
        return single(view, row.version, status=effect.status, location=f"/v1/subscriptions/{row.id}")

    return await call.write(perform, show)


@router.get(
    "/v1/subscriptions",
    operation_id="listSubscriptions",
    response_model=SubscriptionPage,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["invalid_cursor"]),
)
async def list_all(call: Call, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the subscriptions that see no more than your key does, the oldest first."""

    def show(session: Session) -> Shown:
        rows, cursor = subscriptions.list_subscriptions(session, call.context, Page(asked.limit, asked.cursor, {}))
        items = tuple(show_subscription(row) for row in rows)
        return page(SubscriptionPage.model_construct(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/subscriptions/{id:uuid}",
    operation_id="getSubscription",
    response_model=SubscriptionView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def get(call: Call, id: UUID) -> Response:
    """Read one subscription. Its secret is not shown again."""
    return await call.read(lambda session: _show(session, call, id))


@router.patch(
    "/v1/subscriptions/{id:uuid}",
    operation_id="updateSubscription",
    response_model=SubscriptionView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def update(call: Call, id: UUID, body: SubscriptionPatch) -> Response:
    """Change a subscription by a merge patch. New event types hold for what happens from now on, a new address for
    everything that is still to be sent.
    """
    exempt = call.services.exempt
    return await call.write(
        lambda session: subscriptions.change(session, call.context, id, body, exempt, call.condition),
        lambda session, _: _show(session, call, id),
    )


@router.delete(
    "/v1/subscriptions/{id:uuid}",
    operation_id="deleteSubscription",
    status_code=204,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def delete(call: Call, id: UUID) -> Response:
    """End a subscription for good. Nothing more is sent."""
    return await call.write(
        lambda session: subscriptions.forget(session, call.context, id, call.condition), lambda _, __: NO_CONTENT
    )


@router.post(
    "/v1/subscriptions/{id:uuid}/rotate-secret",
    operation_id="rotateSubscriptionSecret",
    response_model=SecretView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def rotate_secret(call: Call, id: UUID, body: Overlap) -> Response:
    """Get a new secret. For `overlap_hours`, 24 unless said, each delivery is signed with the old one, too."""
    made: list[Made] = []

    def perform(session: Session) -> Effect:
        made.append(subscriptions.rotate(session, call.context, id, body.overlap_hours, call.condition))
        return Effect(200, (id,))

    return await call.write(perform, lambda _, __: plain(SecretView(secret=made[0].secret if made else None)))


@router.post(
    "/v1/subscriptions/{id:uuid}/pause",
    operation_id="pauseSubscription",
    response_model=SubscriptionView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def pause(call: Call, id: UUID, body: NoMembers) -> Response:  # noqa: ARG001 -- a POST has a body
    """Stop sending for a while. Nothing is dropped: events go on to get their `sequence`, and can be polled."""
    return await call.write(
        lambda session: subscriptions.pause(session, call.context, id, call.condition),
        lambda session, _: _show(session, call, id),
    )


@router.post(
    "/v1/subscriptions/{id:uuid}/resume",
    operation_id="resumeSubscription",
    response_model=SubscriptionView,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["act_not_allowed"]),
)
async def resume(call: Call, id: UUID, body: NoMembers) -> Response:  # noqa: ARG001 -- a POST has a body
    """Send again what waits, whatever it was that stopped it. One that ended by an answer 410 needs a new `url` first.
    If the key that it belongs to was revoked, it belongs to yours from now on.
    """
    return await call.write(
        lambda session: subscriptions.resume(session, call.context, id, call.condition),
        lambda session, _: _show(session, call, id),
    )


@router.post(
    "/v1/subscriptions/{id:uuid}/test",
    operation_id="testSubscription",
    response_model=PingView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def test(call: Call, id: UUID, body: NoMembers) -> Response:  # noqa: ARG001 -- a POST has a body
    """Send a signed `ping` without a `sequence` now, and say what came of it. It changes nothing."""
    database, context = call.services.database, call.context
    recorded = await call.write(
        lambda session: Effect(200, (find_subscription(session, call.caller, id).id,)),
        lambda session, _: _show(session, call, id),
    )
    target = await database.read(call.caller.scope, lambda session: subscriptions.prepare_ping(session, context, id))
    answer = await pinging.ping(_outgoing(call), target, call.now)
    headers = {name: value for name, value in recorded.headers.items() if name == "idempotent-replayed"}
    return plain(answer, headers=headers).response()


@router.post(
    "/v1/subscriptions/{id:uuid}/replay",
    operation_id="replaySubscription",
    status_code=202,
    response_model=ReplayView,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["act_not_allowed"]),
)
async def replay(call: Call, id: UUID, body: ReplayRequest) -> Response:
    """Send deliveries again that are dead, or all that are done, by time and type. Each has the id, the bytes and the
    `sequence` that it had, with a fresh signature. With `dry_run` they are only counted.
    """
    check_replay(body, call.caller.scopes)

    def perform(session: Session) -> Effect:
        count = deliveries.replay(session, call.context, id, body)
        return Effect(202, (UUID(int=count),))  # The number stands where a repetition finds it.

    return await call.write(
        perform, lambda _, effect: plain(ReplayView(deliveries=_id_of(effect).int), status=effect.status)
    )


@router.get(
    "/v1/subscriptions/{id:uuid}/deliveries",
    operation_id="listDeliveries",
    response_model=DeliveryPage,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["invalid_cursor"]),
)
async def list_deliveries(call: Call, id: UUID, asked: Annotated[DeliveryParameters, Query()]) -> Response:
    """List what a subscription was sent and is still to be sent, the latest first."""

    def show(session: Session) -> Shown:
        wanted = Page(asked.limit, asked.cursor, {})
        items, cursor = deliveries.list_deliveries(session, call.context, id, asked.state, wanted)
        return page(DeliveryPage.model_construct(items=tuple(items), next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/subscriptions/{id:uuid}/events",
    operation_id="pollSubscription",
    response_model=PolledPage,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def poll(call: Call, id: UUID, asked: Annotated[PollParameters, Query()]) -> Response:
    """Fetch events instead of having them sent: byte for byte what is pushed, in the order of `sequence`, also while
    the subscription is paused. Go on with the last `sequence` as `after`, which is what `next_cursor` says, too.
    """

    def show(session: Session) -> Shown:
        polled = polling.poll(session, call.context, id, asked.after, asked.limit)
        cursor = None if polled.last is None else str(polled.last)
        raw = b'{"items":[%s],"next_cursor":%s}' % (
            b",".join(polled.bodies),
            b"null" if cursor is None else b'"%s"' % cursor.encode(),
        )
        url = call.next_url(cursor, "after")
        return Shown(raw, etag=etag_of(raw), headers={"Link": f'<{url}>; rel="next"'} if url else {})

    return call.answer(await read_up_to_date(call, call.caller.scope, show))


def _show(session: Session, call: Call, id: UUID) -> Shown:
    row = find_subscription(session, call.caller, id)
    return single(show_subscription(row), row.version)


def _id_of(effect: Effect) -> UUID:
    id = effect.ids[0]
    assert id is not None  # noqa: S101 -- every effect of this module leaves one
    return id


def _outgoing(call: Call) -> OutgoingCaller:
    if call.services.outgoing is None:
        raise RuntimeError("the application was started without a caller of other systems")
    return call.services.outgoing
