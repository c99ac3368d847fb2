"""How far background work is behind: what waits, and for how long. Cheap at any size of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select, tuple_

from app.db.delivery_statements import NEVER
from app.db.tables import Agenda, Delivery, Event, Subscription
from app.db.tenancy import ScopedSession, TenantScope
from app.kit.ids import day_of

MAX_WAITING = 10_000
"""Waiting events are counted up to here."""
MAX_ORGANISATIONS = 200
"""So many organisations are looked at, those with the longest due work first."""


@dataclass(frozen=True)
class Backlog:
    """What waits. Ages are in seconds, and 0 where nothing waits.

    `waiting_events`: events that were not fanned out yet, at most `MAX_WAITING`. `fan_out_lag_seconds`: the age of the
    oldest of them; those of which only the day is known do not count here. `queue_age_seconds`: for how long the
    subscription that is due longest has not been served. `undelivered_seconds`: the age of the oldest delivery that an
    active subscription has not got. `rules_lag_seconds`: for how long the suggestion that is due longest has not been
    looked at.
    """

    waiting_events: int = 0
    fan_out_lag_seconds: float = 0.0
    queue_age_seconds: float = 0.0
    undelivered_seconds: float = 0.0
    rules_lag_seconds: float = 0.0


def measure_backlog(session: ScopedSession, now: datetime) -> Backlog:
    """Looks at all organisations. Needs a session without a scope."""
    waiting = select(Agenda.subject).where(Agenda.kind == "event").limit(MAX_WAITING).subquery()
    count = session.execute(select(func.count()).select_from(waiting)).scalar_one()
    behind = {kind: _lateness(session, kind, now) for kind in ("subscription", "suggestion")}
    recorded = [oldest_waiting(session, one) for one in _organisations(session, "event")] if count else []
    undelivered = [oldest_undelivered(session, one) for one in _organisations(session, "subscription")]
    return Backlog(
        waiting_events=count,
        fan_out_lag_seconds=_age(recorded, now),
        queue_age_seconds=behind["subscription"],
        undelivered_seconds=_age(undelivered, now),
        rules_lag_seconds=behind["suggestion"],
    )


def oldest_waiting(session: ScopedSession, organisation_id: UUID) -> datetime | None:
    """When the oldest event was recorded that waits for the fan-out; of those whose exact instant may be known."""
    session.enter(TenantScope(organisation_id, sees_hidden=True))
    waiting = (
        select(Agenda.subject)
        .where(Agenda.kind == "event", Agenda.organisation_id == organisation_id)
        .order_by(Agenda.due_at)
        .limit(100)
    )
    ids = list(session.execute(waiting).scalars())
    instants = session.execute(select(Event.timestamp).where(Event.id.in_(ids))).scalars()
    return min((instant for instant in instants if instant != day_of(instant)), default=None)


def oldest_undelivered(session: ScopedSession, organisation_id: UUID) -> datetime | None:
    """Since when the oldest delivery waits that an active subscription of the organisation has not got."""
    session.enter(TenantScope(organisation_id, sees_hidden=True))
    active = select(Subscription.id).where(Subscription.state == "active", Subscription.deleted_at.is_(None))
    places = [
        (subscription, place)
        for subscription in session.execute(active).scalars()
        for state in ("pending", "sending")
        if (place := _first_place(session, subscription, state)) is not None
    ]
    if not places:
        return None
    theirs = tuple_(Delivery.subscription_id, Delivery.sequence).in_(places)
    return session.execute(select(func.min(Delivery.created_at)).where(theirs)).scalar()


def _first_place(session: ScopedSession, subscription_id: UUID, state: str) -> int | None:
    mine = and_(Delivery.subscription_id == subscription_id, Delivery.state == state)
    return session.execute(select(func.min(Delivery.sequence)).where(mine)).scalar()


def _organisations(session: ScopedSession, kind: str) -> Sequence[UUID]:
    statement = (
        select(Agenda.organisation_id)
        .where(Agenda.kind == kind, Agenda.due_at < NEVER)
        .group_by(Agenda.organisation_id)
        .order_by(func.min(Agenda.due_at))
        .limit(MAX_ORGANISATIONS)
    )
    return list(session.execute(statement).scalars())


def _lateness(session: ScopedSession, kind: str, now: datetime) -> float:
    first = session.execute(select(func.min(Agenda.due_at)).where(Agenda.kind == kind)).scalar()
    return 0.0 if first is None else max(0.0, now.timestamp() - first)


def _age(instants: Sequence[datetime | None], now: datetime) -> float:
    known = [instant for instant in instants if instant is not None]
    return max(0.0, (now - min(known)).total_seconds()) if known else 0.0
