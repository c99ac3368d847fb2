"""Polling instead of being called: what a subscription is sent, from any place of its sequence on."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db.lease_statements import places_after
from app.db.tenancy import ScopedSession
from app.services.context import Context
from app.services.payloads import Sight, bodies_of
from app.services.subscriptions import find_subscription


@dataclass(frozen=True)
class Polled:
    """The bodies of one page, byte for byte as they are pushed, and the `sequence` of its last; None at the end."""

    bodies: Sequence[bytes]
    last: int | None


def poll(session: ScopedSession, context: Context, subscription_id: UUID, after: int, limit: int) -> Polled:
    """What stands behind the place `after`, whether or not it was pushed. Raises NotFound."""
    subscription = find_subscription(session, context.caller, subscription_id)
    places = places_after(session, subscription_id, after, limit + 1)
    page = places[:limit]
    bodies = bodies_of(session, Sight.of(subscription.payload, subscription.scopes), page)
    return Polled([body.raw for body in bodies], page[-1].sequence if len(places) > limit else None)
