"""Prepared Core statements about single deliveries: what is due is leased, and what came of it is written.

Only who holds the subscription's row in the agenda uses them (`delivery_statements`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    null,
    select,
    tuple_,
    update,
)

from app.db.delivery_statements import NEVER
from app.db.statements import organisation_of
from app.db.tables import Attempt, Base, Delivery, Event, Suggestion
from app.db.tenancy import ScopedSession


class Place(NamedTuple):
    """A delivery with the event that stands at its place, and whether that is hidden now."""

    id: UUID
    sequence: int
    event_id: UUID
    suggestion_id: UUID | None
    tries: int
    earlier_tries: int
    withheld_id: UUID | None
    due_at: float
    type: str
    timestamp: datetime
    thin: bytes
    hidden: str | None


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- every model of ours is one table
    return table


_DELIVERIES, _ATTEMPTS = _table(Delivery), _table(Attempt)
_EVENTS, _SUGGESTIONS = _table(Event), _table(Suggestion)
_HERE: BindParameter[Any] = bindparam("its_organisation_id")
_SUBSCRIPTION: BindParameter[Any] = bindparam("its_subscription_id")
_IDS: BindParameter[Any] = bindparam("its_ids", expanding=True)
_PENDING: ColumnElement[str] = literal_column("'pending'")
_SENDING: ColumnElement[str] = literal_column("'sending'")

_GIVE_BACK_RUN_OUT = (
    update(_DELIVERIES)
    .where(
        _DELIVERIES.c.organisation_id == _HERE,
        _DELIVERIES.c.subscription_id.in_(_IDS),
        _DELIVERIES.c.state == _SENDING,
        _DELIVERIES.c.lease_until <= bindparam("now"),
    )
    .values(state=_PENDING, due_at=bindparam("now"), lease=null(), lease_until=null())
)
_OF_DELIVERY = Place._fields[: Place._fields.index("type")]
_OF_SUBSCRIPTION = and_(_DELIVERIES.c.organisation_id == _HERE, _DELIVERIES.c.subscription_id == _SUBSCRIPTION)


def _with_events(chosen: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The chosen deliveries with their events, in the same order."""
    place = chosen.subquery("place")
    event = and_(_EVENTS.c.organisation_id == _HERE, _EVENTS.c.id == place.c.event_id)
    suggestion = and_(_SUGGESTIONS.c.organisation_id == _HERE, _SUGGESTIONS.c.id == place.c.suggestion_id)
    return (
        select(
            *[place.c[name] for name in _OF_DELIVERY],
            _EVENTS.c.type,
            _EVENTS.c.timestamp,
            _EVENTS.c.thin,
            _SUGGESTIONS.c.hidden,
        )
        .select_from(place.join(_EVENTS, event).outerjoin(_SUGGESTIONS, suggestion))
        .order_by(place.c.due_at if chosen is _NEXT else place.c.sequence, place.c.sequence)
    )


_CHOSEN = select(*[_DELIVERIES.c[name] for name in _OF_DELIVERY]).limit(bindparam("its_limit"))
_NEXT = _CHOSEN.where(_OF_SUBSCRIPTION, _DELIVERIES.c.state == _PENDING).order_by(
    _DELIVERIES.c.due_at, _DELIVERIES.c.sequence
)
_AFTER = _CHOSEN.where(_OF_SUBSCRIPTION, _DELIVERIES.c.sequence > bindparam("after")).order_by(_DELIVERIES.c.sequence)
_NEXT_PLACES, _PLACES_AFTER = _with_events(_NEXT), _with_events(_AFTER)
_LEASE = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.organisation_id == _HERE, _DELIVERIES.c.id.in_(_IDS))
    .values(state=_SENDING, lease=bindparam("token"), lease_until=bindparam("until"))
)
_WITHHOLD = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.organisation_id == _HERE, _DELIVERIES.c.id.in_(_IDS))
    .values(withheld_id=_DELIVERIES.c.id, withheld_at=bindparam("at"))
)
_HELD_LEASES = and_(
    _DELIVERIES.c.organisation_id == _HERE,
    tuple_(_DELIVERIES.c.id, _DELIVERIES.c.lease).in_(bindparam("leases", expanding=True)),
    _DELIVERIES.c.state == _SENDING,
)
_SUCCEED = (
    update(_DELIVERIES)
    .where(_HELD_LEASES)
    .values(
        state="delivered", tries=_DELIVERIES.c.tries + 1, finished_at=bindparam("at"), lease=null(), lease_until=null()
    )
    .returning(_DELIVERIES.c.id)
)
_FAIL = (
    update(_DELIVERIES)
    .where(
        _DELIVERIES.c.organisation_id == _HERE,
        _DELIVERIES.c.id == bindparam("its_id"),
        _DELIVERIES.c.lease == bindparam("its_lease"),
        _DELIVERIES.c.state == _SENDING,
    )
    .values(
        state=bindparam("next_state"),
        due_at=bindparam("due"),
        tries=_DELIVERIES.c.tries + 1,
        finished_at=bindparam("at"),
        lease=null(),
        lease_until=null(),
    )
    .returning(_DELIVERIES.c.id)
)
_GIVE_BACK = (
    update(_DELIVERIES)
    .where(_HELD_LEASES)
    .values(state=_PENDING, due_at=bindparam("due"), lease=null(), lease_until=null())
)
_INSERT_ATTEMPT = insert(_ATTEMPTS).values({column.name: bindparam(column.name) for column in _ATTEMPTS.columns})


def give_back_run_out(session: ScopedSession, subscriptions: Sequence[UUID], now: float) -> None:
    """What was leased by somebody who has not come back is due again."""
    session.connection().execute(_GIVE_BACK_RUN_OUT, {**_here(session), "its_ids": subscriptions, "now": now})


def next_places(session: ScopedSession, subscription_id: UUID, limit: int) -> list[Place]:
    """What waits in a subscription, the longest due first, and behind it what is not due yet."""
    values = {**_here(session), "its_subscription_id": subscription_id, "its_limit": limit}
    return [Place._make(row) for row in session.connection().execute(_NEXT_PLACES, values).all()]


def places_after(session: ScopedSession, subscription_id: UUID, after: int, limit: int) -> list[Place]:
    """What stands behind a place of a subscription's sequence, whatever became of it."""
    values = {**_here(session), "its_subscription_id": subscription_id, "after": after, "its_limit": limit}
    return [Place._make(row) for row in session.connection().execute(_PLACES_AFTER, values).all()]


def lease(session: ScopedSession, deliveries: Sequence[UUID], token: UUID, until: float) -> None:
    """Leases the deliveries."""
    if deliveries:
        values = {**_here(session), "its_ids": deliveries, "token": token, "until": until}
        session.connection().execute(_LEASE, values)


def withhold(session: ScopedSession, deliveries: Sequence[UUID], at: datetime) -> None:
    """From now on these deliveries carry `event.withheld`."""
    if deliveries:
        session.connection().execute(_WITHHOLD, {**_here(session), "its_ids": deliveries, "at": at})


def succeed(session: ScopedSession, leases: Sequence[tuple[UUID, UUID]], at: datetime) -> list[UUID]:
    """The deliveries (id and lease) are delivered; returns the ids of those whose lease still held."""
    if not leases:
        return []
    return list(session.connection().execute(_SUCCEED, {**_here(session), "leases": leases, "at": at}).scalars().all())


def fail(session: ScopedSession, delivery_id: UUID, lease_token: UUID, due_at: float | None, at: datetime) -> bool:
    """The delivery is tried again at `due_at`, or is dead with None; says whether the lease held."""
    values = {
        **_here(session),
        "its_id": delivery_id,
        "its_lease": lease_token,
        "next_state": "dead" if due_at is None else "pending",
        "due": NEVER if due_at is None else due_at,
        "at": at if due_at is None else None,
    }
    return session.connection().execute(_FAIL, values).first() is not None


def give_back(session: ScopedSession, leases: Sequence[tuple[UUID, UUID]], now: float) -> None:
    """Those whose lease still holds are due again at once, without having been tried."""
    session.connection().execute(_GIVE_BACK, {**_here(session), "leases": leases, "due": now})


def insert_attempts(session: ScopedSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Attempts, each with a value for every column."""
    if rows:
        session.connection().execute(_INSERT_ATTEMPT, rows)


def _here(session: ScopedSession) -> dict[str, UUID]:
    return {"its_organisation_id": organisation_of(session)}
