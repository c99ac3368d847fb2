"""Deliveries: what became of each event that a subscription was to get, and sending it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, or_, select, update

from app.db import delivery_statements
from app.db.delivery_statements import NEVER
from app.db.ordering_statements import arrange
from app.db.paging import ListView, decode_cursor, encode_cursor, page_of
from app.db.tables import Attempt, Delivery, Event, Subscription, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.errors import ActNotAllowed, NotFound
from app.domain.events import WITHHELD, hears
from app.domain.vocabulary import Anonymity, Scope
from app.kit.ids import day_of
from app.kit.shapes import Instant, Shape
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.subscription_shapes import ReplayRequest
from app.services.subscriptions import find_subscription
from app.services.suggestions import ANY_VERSION, Condition

State = Literal["pending", "delivered", "dead"]
_STORED: dict[str, tuple[str, ...]] = {
    "pending": ("pending", "sending"),
    "delivered": ("delivered",),
    "dead": ("dead",),
}


class DeliveryView(Shape):
    """One event to one subscription. `next_attempt_at` is null where none is due: it is under way, done, or has to wait
    for an earlier one.
    """

    id: UUID
    event_id: UUID
    event_type: Annotated[str, Field(examples=["suggestion.decided"])]
    sequence: Annotated[int, Field(examples=[17])]
    state: State
    next_attempt_at: Instant | None


class AttemptView(Shape):
    """One try. `error` is null exactly with an answer 2xx; `answer` holds at most 4 KiB of its body, as text."""

    at: Instant
    status: int | None
    milliseconds: int
    address: Annotated[str | None, Field(examples=["203.0.113.7"])]
    error: (
        Literal[
            "dns",
            "blocked_address",
            "refused",
            "connect",
            "tls",
            "timeout",
            "truncated",
            "protocol",
            "redirect",
            "status",
        ]
        | None
    )
    answer: Annotated[str, Field(examples=["thank you"])]


class DeliveryDetail(DeliveryView):
    """A delivery with all its tries, the first one first."""

    attempts: tuple[AttemptView, ...]


@dataclass(frozen=True)
class Found:
    """A delivery with its subscription, and whether its suggestion is hidden now."""

    row: Delivery
    subscription: Subscription
    hidden: bool


def find_delivery(session: ScopedSession, context: Context, delivery_id: UUID) -> Found:
    """A delivery of a subscription that the caller may manage. Raises NotFound."""
    with session.for_rules():
        statement = _with_hidden().where(Delivery.id == delivery_id)
        found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFound
    row, hidden = found
    return Found(row, find_subscription(session, context.caller, row.subscription_id), hidden is not None)


def list_deliveries(
    session: ScopedSession, context: Context, subscription_id: UUID, state: State | None, page: Page
) -> tuple[Sequence[DeliveryView], str | None]:
    """The deliveries of a subscription, the latest first. Raises NotFound and InvalidCursor."""
    subscription = find_subscription(session, context.caller, subscription_id)
    view = ListView(context.caller.organisation_id, f"deliveries:{subscription_id}", filters={"state": state or ""})
    key = context.secret.derive("cursor")
    after = decode_cursor(key, view, page.cursor) if page.cursor is not None else None
    statement = _with_hidden().where(Delivery.subscription_id == subscription_id)
    if state is not None:
        statement = statement.where(Delivery.state.in_(_STORED[state]))
    if after is not None:
        statement = statement.where(Delivery.sequence < after[0])
    ordered = statement.order_by(Delivery.sequence.desc()).limit(page.limit + 1)
    with session.for_rules():
        rows = [Found(row, subscription, hidden is not None) for row, hidden in session.execute(ordered)]
    shown, position = page_of(rows, page.limit, lambda one: (one.row.sequence,))
    cursor = None if position is None else encode_cursor(key, view, position)
    return [show_delivery(one) for one in shown], cursor


def show_delivery(found: Found) -> DeliveryView:
    """A delivery as lists show it; in the place of something hidden stands what is sent in its place."""
    return DeliveryView.model_construct(**_members(found))


def show_detail(session: ScopedSession, found: Found) -> DeliveryDetail:
    """A delivery with its attempts."""
    statement = select(Attempt).where(Attempt.delivery_id == found.row.id).order_by(Attempt.number)
    attempts = tuple(
        AttemptView.model_construct(**{name: getattr(one, name) for name in AttemptView.model_fields})
        for one in session.execute(statement).scalars()
    )
    return DeliveryDetail.model_construct(**_members(found), attempts=attempts)


def redeliver(
    session: ScopedSession, context: Context, delivery_id: UUID, condition: Condition = ANY_VERSION
) -> Effect:
    """Sends a delivery again, now and from the beginning of the schedule: the same id and bytes, a fresh signature.

    One that is under way stays as it is. Raises NotFound, VersionMismatch, and ActNotAllowed where the subscription has
    ended.
    """
    found = find_delivery(session, context, delivery_id)
    _hold(session, context, found.subscription)
    row = find_delivery(session, context, delivery_id).row
    condition.check(row.tries)
    if row.state != "sending":
        _send_again(session, context, found.subscription, Delivery.id == row.id)
    return Effect(202, (row.id,))


def replay(session: ScopedSession, context: Context, subscription_id: UUID, wanted: ReplayRequest) -> int:
    """Sends again what is asked for; returns how many deliveries. All of it or nothing, so that it can be repeated.

    What is pending anyway does not count. Raises NotFound, and ActNotAllowed where the subscription has ended.
    """
    subscription = find_subscription(session, context.caller, subscription_id)
    _hold(session, context, subscription)
    sees_hidden = Scope.SAFEGUARD in subscription.scopes
    done = ("dead",) if wanted.only == "dead" else ("dead", "delivered")
    statement = (
        select(Delivery.id, Delivery.event_type, Delivery.withheld_id, Suggestion.hidden)
        .join(Event, and_(Event.organisation_id == Delivery.organisation_id, Event.id == Delivery.event_id))
        .outerjoin(Suggestion, _ITS_SUGGESTION)
        .where(Delivery.subscription_id == subscription_id, Delivery.state.in_(done))
        .where(*_recorded_between(wanted.from_, wanted.to))
    )
    with session.for_rules():
        rows = session.execute(statement).all()
    ids = []
    for delivery_id, event_type, withheld_id, hidden in rows:
        withheld = withheld_id is not None or (hidden is not None and not sees_hidden)
        kind = WITHHELD if withheld else event_type
        if wanted.types is None or hears(wanted.types, kind, sees_hidden=sees_hidden):
            ids.append(delivery_id)
    if not wanted.dry_run:
        for start in range(0, len(ids), _CHUNK):
            _send_again(session, context, subscription, Delivery.id.in_(ids[start : start + _CHUNK]))
    return len(ids)


_CHUNK = 500
_ITS_SUGGESTION = and_(Suggestion.organisation_id == Delivery.organisation_id, Suggestion.id == Delivery.suggestion_id)


def _with_hidden() -> Select[Delivery, str | None]:
    return select(Delivery, Suggestion.hidden).outerjoin(Suggestion, _ITS_SUGGESTION)


def _members(found: Found) -> dict[str, Any]:
    row, subscription = found.row, found.subscription
    sees_hidden = Scope.SAFEGUARD in subscription.scopes
    withheld = row.withheld_id is not None or (found.hidden and not sees_hidden)
    due = row.due_at if row.state == "pending" and row.due_at < NEVER else None
    return {
        "id": row.id,
        "event_id": row.id if withheld else row.event_id,
        "event_type": WITHHELD if withheld else row.event_type,
        "sequence": row.sequence,
        "state": "pending" if row.state == "sending" else row.state,
        "next_attempt_at": None if due is None else datetime.fromtimestamp(max(due, subscription.not_before), UTC),
    }


def _recorded_between(first: datetime | None, last: datetime | None) -> list[ColumnElement[bool]]:
    """The bounds both count. Of what an anonymous author did, only the day is known: it counts as a whole."""
    bounds: list[ColumnElement[bool]] = []
    if first is not None:
        by_day = and_(
            Event.by_author, Suggestion.anonymity == Anonymity.ANONYMOUS.value, Event.timestamp >= day_of(first)
        )
        bounds.append(or_(Event.timestamp >= first, by_day))
    if last is not None:
        bounds.append(Event.timestamp <= last)
    return bounds


def _hold(session: ScopedSession, context: Context, subscription: Subscription) -> None:
    if subscription.state == "ended":
        raise ActNotAllowed(subscription.state, [], "The subscription has ended. Resume it first.")
    at = context.now.timestamp()
    delivery_statements.make_due(session, [subscription.id], at, at)


def _send_again(
    session: ScopedSession, context: Context, subscription: Subscription, which: ColumnElement[bool]
) -> None:
    at = context.now.timestamp()
    session.execute(
        update(Delivery)
        .where(Delivery.subscription_id == subscription.id, which)
        .values(
            state="pending",
            due_at=at,
            tries=0,
            earlier_tries=Delivery.earlier_tries + Delivery.tries,
            finished_at=None,
        )
    )
    arrange(session, subscription.ordering, subscription.id, at)
