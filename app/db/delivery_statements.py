"""Prepared Core statements about the subscriptions that have something due: who they are, and how they stand.

Whoever changes the state of a subscription's deliveries first holds its row in the agenda (`take_due`, `hold` or
`make_due`), so that counts, leases and the next instant are always judged one after the other. The statements run in
the scope of one organisation and see all of it.
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
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from app.db.statements import organisation_of
from app.db.tables import Agenda, ApiKey, Base, Delivery, Subscription
from app.db.tenancy import ScopedSession

KIND = "subscription"
NEVER = 1e15
"""An instant, in seconds since 1970, that does not come: a delivery that waits for another one is due then."""
HEAD_START_SECONDS = 1.0
"""How long ago a subscription counts as served that comes back with something due: it goes before those that are served
all the time, and not before those that have waited longer.
"""


class Standing(NamedTuple):
    """How a subscription stands: what it is, what is under way, and when the next delivery is due."""

    id: UUID
    url: str
    headers: Mapping[str, str]
    secrets: Sequence[Mapping[str, str | None]]
    state: str
    ordering: str
    payload: str
    notifies_authors: bool
    scopes: Sequence[str]
    max_in_flight: int
    answered_well: bool
    failing_since: datetime | None
    failures: int
    not_before: float
    deleted_at: datetime | None
    key_revoked_at: datetime | None
    key_expires_at: datetime | None
    sending: int
    lease_ends_at: float | None
    due_at: float | None

    @property
    def room(self) -> int:
        """How many more may be under way: one until the latest attempt was answered with 2xx, so that many
        subscriptions that hang do not take all places.
        """
        return (self.max_in_flight if self.answered_well else 1) - self.sending

    def after(self, leased: int, until: float, due_at: float | None) -> "Standing":
        """How it stands when so many were leased until then, and the next of the others is due at `due_at`."""
        ends = until if self.lease_ends_at is None else min(self.lease_ends_at, until)
        return self._replace(sending=self.sending + leased, lease_ends_at=ends, due_at=due_at)

    def is_due(self, now: float) -> bool:
        """Whether something waits whose time has come."""
        return self.due_at is not None and self.due_at <= now and self.not_before <= now


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- every model of ours is one table
    return table


_AGENDA, _SUBSCRIPTIONS, _DELIVERIES = _table(Agenda), _table(Subscription), _table(Delivery)
_KEYS = _table(ApiKey)
_HERE: BindParameter[Any] = bindparam("its_organisation_id")
_SUBSCRIPTION: BindParameter[Any] = bindparam("its_subscription_id")
_IDS: BindParameter[Any] = bindparam("its_ids", expanding=True)
# Partial indexes are found by these words and not by parameters of the same value.
_PENDING: ColumnElement[str] = literal_column("'pending'")
_SENDING: ColumnElement[str] = literal_column("'sending'")

_TAKE_DUE = (
    select(_AGENDA.c.organisation_id, _AGENDA.c.subject)
    .where(_AGENDA.c.kind == KIND, _AGENDA.c.due_at <= bindparam("now"))
    .order_by(_AGENDA.c.last_served)
    .limit(bindparam("its_limit"))
    .with_for_update(skip_locked=True)
)


def _holding(dialect: Any) -> Insert:  # noqa: ANN401 -- the module of a dialect
    made = dialect.insert(_AGENDA).values({column.name: bindparam(column.name) for column in _AGENDA.columns})
    least = func.min if dialect is sqlite else func.least
    result: Insert = made.on_conflict_do_update(
        index_elements=["kind", "organisation_id", "subject"],
        set_={"due_at": least(_AGENDA.c.due_at, made.excluded.due_at)},
    )
    return result


_HELD = (
    select(_AGENDA.c.subject)
    .where(_AGENDA.c.kind == KIND, _AGENDA.c.organisation_id == _HERE, _AGENDA.c.subject.in_(_IDS))
    .order_by(_AGENDA.c.subject)
    .with_for_update()
)
_PUT = {"sqlite": _holding(sqlite), "postgresql": _holding(postgresql)}
_OF_AGENDA = and_(_AGENDA.c.kind == KIND, _AGENDA.c.organisation_id == _HERE, _AGENDA.c.subject == _SUBSCRIPTION)
_SET_AGENDA = update(_AGENDA).where(_OF_AGENDA).values(due_at=bindparam("next"))
_SET_SERVED = update(_AGENDA).where(_OF_AGENDA).values(due_at=bindparam("next"), last_served=bindparam("served"))
_DROP_AGENDA = delete(_AGENDA).where(_OF_AGENDA)

_OF_IT = and_(_DELIVERIES.c.organisation_id == _HERE, _DELIVERIES.c.subscription_id == _SUBSCRIPTIONS.c.id)
_COLUMNS_OF_STANDING = [
    *[_SUBSCRIPTIONS.c[name] for name in Standing._fields[: Standing._fields.index("key_revoked_at")]],
    _KEYS.c.revoked_at.label("key_revoked_at"),
    _KEYS.c.expires_at.label("key_expires_at"),
    select(func.count()).where(_OF_IT, _DELIVERIES.c.state == _SENDING).scalar_subquery().label("sending"),
    select(func.min(_DELIVERIES.c.lease_until))
    .where(_OF_IT, _DELIVERIES.c.state == _SENDING)
    .scalar_subquery()
    .label("lease_ends_at"),
    select(func.min(_DELIVERIES.c.due_at))
    .where(_OF_IT, _DELIVERIES.c.state == _PENDING)
    .scalar_subquery()
    .label("due_at"),
]
_STANDINGS = (
    select(*_COLUMNS_OF_STANDING)
    .select_from(
        _SUBSCRIPTIONS.outerjoin(_KEYS, and_(_KEYS.c.organisation_id == _HERE, _KEYS.c.id == _SUBSCRIPTIONS.c.key_id))
    )
    .where(_SUBSCRIPTIONS.c.organisation_id == _HERE, _SUBSCRIPTIONS.c.id.in_(_IDS))
)


def take_due(session: ScopedSession, now: float, limit: int) -> list[tuple[UUID, UUID]]:
    """Organisation and id of subscriptions that are due, the least recently served first, held until COMMIT.

    Those that somebody else holds are left out. Needs no scope.
    """
    rows = session.connection().execute(_TAKE_DUE, {"now": now, "its_limit": limit})
    return [(row[0], row[1]) for row in rows]


def hold(session: ScopedSession, subscriptions: Iterable[UUID], now: float) -> None:
    """Waits for the subscriptions' rows in the agenda and holds them until COMMIT. Rows that are missing are made."""
    wanted = sorted(set(subscriptions))
    if wanted:
        values = {**_here(session), "its_ids": wanted}
        there = set(session.connection().execute(_HELD, values).scalars().all())
        _put(session, [one for one in wanted if one not in there], now, NEVER)


def make_due(session: ScopedSession, subscriptions: Iterable[UUID], now: float, due_at: float) -> None:
    """As `hold`, and the subscriptions are looked at when `due_at` has come, at the latest."""
    _put(session, sorted(set(subscriptions)), now, due_at)


def set_next(session: ScopedSession, due: Mapping[UUID, float | None], served: float | None = None) -> None:
    """When the subscriptions are to be looked at again; None: there is nothing to look at. `served`: they just were."""
    connection, here = session.connection(), organisation_of(session)
    keys = {one: {"its_organisation_id": here, "its_subscription_id": one} for one in due}
    if dropped := [keys[one] for one, instant in due.items() if instant is None or instant >= NEVER]:
        connection.execute(_DROP_AGENDA, dropped)
    if kept := [
        {**keys[one], "next": instant} for one, instant in due.items() if instant is not None and instant < NEVER
    ]:
        if served is None:
            connection.execute(_SET_AGENDA, kept)
        else:
            connection.execute(_SET_SERVED, [{**row, "served": served} for row in kept])


def standings(session: ScopedSession, subscriptions: Iterable[UUID]) -> dict[UUID, Standing]:
    """How the subscriptions stand."""
    values = {**_here(session), "its_ids": sorted(set(subscriptions))}
    return {row.id: Standing._make(row) for row in session.connection().execute(_STANDINGS, values)}


def _put(session: ScopedSession, subscriptions: Sequence[UUID], now: float, due_at: float) -> None:
    here, served = organisation_of(session), now - HEAD_START_SECONDS
    rows = [
        {"kind": KIND, "organisation_id": here, "subject": one, "due_at": due_at, "last_served": served}
        for one in subscriptions
    ]
    if rows:
        connection = session.connection()
        connection.execute(_PUT[connection.dialect.name], rows)


def _here(session: ScopedSession) -> dict[str, UUID]:
    return {"its_organisation_id": organisation_of(session)}
