"""Prepared Core statements about single deliveries: what is due is leased, and what came of it is written.

Only who holds the subscription's row in the agenda uses them (`delivery_statements`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    func,
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


class Leased(NamedTuple):
    """A delivery that was just leased."""

    id: UUID
    subscription_id: UUID
    sequence: int
    event_id: UUID
    tries: int
    withheld_id: UUID | None


class Told(NamedTuple):
    """An event as it is sent: its bytes, and whether its suggestion is hidden now."""

    id: UUID
    type: str
    timestamp: datetime
    thin: bytes
    hidden: str | None


class Finished(NamedTuple):
    """What an attempt leaves of a delivery whose lease still held."""

    id: UUID
    subscription_id: UUID
    suggestion_id: UUID | None
    event_id: UUID
    event_type: str
    withheld_id: UUID | None


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
_OTHERS = _DELIVERIES.alias("candidates")
_LEASE = (
    update(_DELIVERIES)
    .where(
        _DELIVERIES.c.organisation_id == _HERE,
        _DELIVERIES.c.subscription_id == _SUBSCRIPTION,
        _DELIVERIES.c.sequence.in_(
            select(_OTHERS.c.sequence)
            .where(
                _OTHERS.c.organisation_id == _HERE,
                _OTHERS.c.subscription_id == _SUBSCRIPTION,
                _OTHERS.c.state == _PENDING,
                _OTHERS.c.due_at <= bindparam("now"),
            )
            .order_by(_OTHERS.c.due_at, _OTHERS.c.sequence)
            .limit(bindparam("its_limit"))
        ),
    )
    .values(state=_SENDING, lease=bindparam("token"), lease_until=bindparam("until"))
    .returning(*[_DELIVERIES.c[name] for name in Leased._fields])
)
_TOLD = (
    select(*[_EVENTS.c[name] for name in Told._fields[:-1]], _SUGGESTIONS.c.hidden)
    .select_from(
        _EVENTS.outerjoin(
            _SUGGESTIONS, and_(_SUGGESTIONS.c.organisation_id == _HERE, _SUGGESTIONS.c.id == _EVENTS.c.suggestion_id)
        )
    )
    .where(_EVENTS.c.organisation_id == _HERE, _EVENTS.c.id.in_(_IDS))
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
    .returning(*[_DELIVERIES.c[name] for name in Finished._fields])
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
    .returning(*[_DELIVERIES.c[name] for name in Finished._fields])
)
_GIVE_BACK = (
    update(_DELIVERIES)
    .where(_HELD_LEASES)
    .values(state=_PENDING, due_at=bindparam("due"), lease=null(), lease_until=null())
)
_EARLIER = _ATTEMPTS.alias("earlier")
_NEXT_NUMBER = (
    select(func.coalesce(func.max(_EARLIER.c.number), 0) + 1)
    .where(_EARLIER.c.organisation_id == _HERE, _EARLIER.c.delivery_id == bindparam("its_delivery_id"))
    .scalar_subquery()
)
_INSERT_ATTEMPT = insert(_ATTEMPTS).values(
    {**{column.name: bindparam(column.name) for column in _ATTEMPTS.columns}, "number": _NEXT_NUMBER}
)


def give_back_run_out(session: ScopedSession, subscriptions: Sequence[UUID], now: float) -> None:
    """What was leased by somebody who has not come back is due again."""
    session.connection().execute(_GIVE_BACK_RUN_OUT, {**_here(session), "its_ids": subscriptions, "now": now})


def lease(
    session: ScopedSession, subscription_id: UUID, now: float, limit: int, token: UUID, until: float
) -> list[Leased]:
    """Leases at most `limit` deliveries that are due, the longest due first."""
    values = {
        **_here(session),
        "its_subscription_id": subscription_id,
        "now": now,
        "its_limit": limit,
        "token": token,
        "until": until,
    }
    return [Leased._make(row) for row in session.connection().execute(_LEASE, values)]


def told(session: ScopedSession, events: Iterable[UUID]) -> dict[UUID, Told]:
    """The events as they are sent."""
    ids = sorted(set(events))
    if not ids:
        return {}
    rows = session.connection().execute(_TOLD, {**_here(session), "its_ids": ids})
    return {row.id: Told._make(row) for row in rows}


def withhold(session: ScopedSession, deliveries: Sequence[UUID], at: datetime) -> None:
    """From now on these deliveries carry `event.withheld`."""
    if deliveries:
        session.connection().execute(_WITHHOLD, {**_here(session), "its_ids": deliveries, "at": at})


def succeed(session: ScopedSession, leases: Sequence[tuple[UUID, UUID]], at: datetime) -> list[Finished]:
    """Those of the deliveries (id and lease) whose lease still held are delivered."""
    if not leases:
        return []
    rows = session.connection().execute(_SUCCEED, {**_here(session), "leases": leases, "at": at})
    return [Finished._make(row) for row in rows]


def fail(
    session: ScopedSession, delivery_id: UUID, lease_token: UUID, due_at: float | None, at: datetime
) -> Finished | None:
    """The delivery is tried again at `due_at`, or is dead with None; returns None where the lease did not hold."""
    values = {
        **_here(session),
        "its_id": delivery_id,
        "its_lease": lease_token,
        "next_state": "dead" if due_at is None else "pending",
        "due": NEVER if due_at is None else due_at,
        "at": at if due_at is None else None,
    }
    row = session.connection().execute(_FAIL, values).first()
    return None if row is None else Finished._make(row)


def give_back(session: ScopedSession, leases: Sequence[tuple[UUID, UUID]], now: float) -> None:
    """Those whose lease still holds are due again at once, without having been tried."""
    session.connection().execute(_GIVE_BACK, {**_here(session), "leases": leases, "due": now})


def insert_attempts(session: ScopedSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Attempts, each with a value for every column but `number`, which goes on where the earlier ones ended."""
    if rows:
        here = _here(session)
        values = [{**row, **here, "its_delivery_id": row["delivery_id"]} for row in rows]
        session.connection().execute(_INSERT_ATTEMPT, values)


def _here(session: ScopedSession) -> dict[str, UUID]:
    return {"its_organisation_id": organisation_of(session)}
