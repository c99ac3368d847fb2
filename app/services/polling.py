"""Polling instead of being called: what a subscription is sent, from any place of its sequence on."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.db.tables import Delivery
from app.db.tenancy import ScopedSession
from app.services.context import Context
from app.services.payloads import Place, Sight, bodies_of
from app.services.subscriptions import find_subscription


@dataclass(frozen=True)
class Polled:
    """The bodies of one page, byte for byte as they are pushed, and the `sequence` of its last; None at the end."""

    bodies: Sequence[bytes]
    last: int | None


def poll(session: ScopedSession, context: Context, subscription_id: UUID, after: int, limit: int) -> Polled:
    """What stands behind the place `after`, whether or not it was pushed. Raises NotFound."""
    subscription = find_subscription(session, context.caller, subscription_id)
    statement = (
        select(Delivery.id, Delivery.sequence, Delivery.event_id, Delivery.withheld_id)
        .where(Delivery.subscription_id == subscription_id, Delivery.sequence > after)
        .order_by(Delivery.sequence)
        .limit(limit + 1)
    )
    with session.for_rules():
        places = [Place(*row) for row in session.execute(statement)]
        page = places[:limit]
        bodies = bodies_of(session, Sight.of(subscription.payload, subscription.scopes), page)
    last = page[-1].sequence if len(places) > limit else None
    return Polled([bodies[place.delivery_id].raw for place in page], last)
