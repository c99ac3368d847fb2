"""Prepared Core statements of the fan-out, which turns recorded events into entries of the feed and deliveries.

They run under the lock of one organisation, in its scope, and see all of it; who may hear of what is for services.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    select,
    update,
)

from app.db.statements import organisation_of
from app.db.tables import Agenda, Base, Delivery, Event, FeedEntry, Organisation, Subscription, Suggestion
from app.db.tenancy import ScopedSession


class WaitingEvent(NamedTuple):
    """An event that was recorded and stands in no feed yet, or returns to it."""

    id: UUID
    number: int
    type: str
    suggestion_id: UUID | None
    caused_by_system: str | None
    thin: bytes


class Subject(NamedTuple):
    """What decides who may hear of a suggestion."""

    id: UUID
    hidden: str | None
    site_id: UUID | None
    generalised: bool


class Listener(NamedTuple):
    """A subscription that wants events, with what the key that made it may see."""

    id: UUID
    event_types: Sequence[str]
    ordering: str
    skip_own: bool
    system: str
    scopes: Sequence[str]
    sites: Sequence[str] | None
    sequence: int
    heard_from: int


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- every model of ours is one table
    return table


_AGENDA, _EVENTS, _FEED = _table(Agenda), _table(Event), _table(FeedEntry)
_SUBSCRIPTIONS, _DELIVERIES, _SUGGESTIONS = _table(Subscription), _table(Delivery), _table(Suggestion)
_ORGANISATIONS = _table(Organisation)
_HERE: BindParameter[Any] = bindparam("its_organisation_id")
_IDS: BindParameter[Any] = bindparam("its_ids", expanding=True)
_PENDING: ColumnElement[str] = literal_column("'pending'")
_SENDING: ColumnElement[str] = literal_column("'sending'")
_OPEN = _PENDING, _SENDING  # as the partial index says it

_NEXT_WAITING = (
    select(_AGENDA.c.organisation_id)
    .where(_AGENDA.c.kind == "event", _AGENDA.c.organisation_id > bindparam("after"))
    .order_by(_AGENDA.c.organisation_id)
    .limit(1)
)
_POSITION = select(_ORGANISATIONS.c.feed_position).where(_ORGANISATIONS.c.id == _HERE)
_LOCK_ORGANISATION = _POSITION.with_for_update(key_share=True, skip_locked=True)
_AWAIT_ORGANISATION = _POSITION.with_for_update(key_share=True)
_WAITING = (
    select(_AGENDA.c.subject)
    .where(_AGENDA.c.kind == "event", _AGENDA.c.organisation_id == _HERE)
    .order_by(_AGENDA.c.due_at)
    .limit(bindparam("its_limit"))
)
_EVENT_COLUMNS = [_EVENTS.c[name] for name in WaitingEvent._fields]
_EVENTS_BY_ID = (
    select(*_EVENT_COLUMNS).where(_EVENTS.c.organisation_id == _HERE, _EVENTS.c.id.in_(_IDS)).order_by(_EVENTS.c.number)
)
_EVENTS_OF_SUGGESTION = (
    select(*_EVENT_COLUMNS)
    .where(
        _EVENTS.c.organisation_id == _HERE,
        _EVENTS.c.suggestion_id == bindparam("its_suggestion_id"),
        _EVENTS.c.number < bindparam("its_number"),
    )
    .order_by(_EVENTS.c.number)
)
_SUBJECTS = select(*[_SUGGESTIONS.c[name] for name in Subject._fields]).where(
    _SUGGESTIONS.c.organisation_id == _HERE, _SUGGESTIONS.c.id.in_(_IDS)
)
_LISTENERS = (
    select(*[_SUBSCRIPTIONS.c[name] for name in Listener._fields])
    .where(
        _SUBSCRIPTIONS.c.organisation_id == _HERE,
        _SUBSCRIPTIONS.c.deleted_at.is_(None),
        _SUBSCRIPTIONS.c.state != "ended",
    )
    .order_by(_SUBSCRIPTIONS.c.id)
)
_OPEN_STRICT = select(_SUBSCRIPTIONS.c.id).where(
    _SUBSCRIPTIONS.c.organisation_id == _HERE,
    _SUBSCRIPTIONS.c.id.in_(_IDS),
    exists().where(
        _DELIVERIES.c.organisation_id == _HERE,
        _DELIVERIES.c.subscription_id == _SUBSCRIPTIONS.c.id,
        _DELIVERIES.c.state.in_(_OPEN),
    ),
)
_OPEN_OF_SUGGESTIONS = (
    select(_DELIVERIES.c.subscription_id, _DELIVERIES.c.suggestion_id)
    .where(
        _DELIVERIES.c.organisation_id == _HERE,
        _DELIVERIES.c.subscription_id.in_(_IDS),
        _DELIVERIES.c.suggestion_id.in_(bindparam("its_suggestions", expanding=True)),
        _DELIVERIES.c.state.in_(_OPEN),
    )
    .distinct()
)
_INSERT_DELIVERY = insert(_DELIVERIES).values({column.name: bindparam(column.name) for column in _DELIVERIES.columns})
_INSERT_FEED = insert(_FEED).values({column.name: bindparam(column.name) for column in _FEED.columns})
_SET_POSITION = update(_ORGANISATIONS).where(_ORGANISATIONS.c.id == _HERE).values(feed_position=bindparam("position"))
_SET_SEQUENCE = (
    update(_SUBSCRIPTIONS)
    .where(_SUBSCRIPTIONS.c.organisation_id == _HERE, _SUBSCRIPTIONS.c.id == bindparam("its_id"))
    .values(sequence=bindparam("last"))
)
_DONE = delete(_AGENDA).where(
    _AGENDA.c.kind == "event", _AGENDA.c.organisation_id == _HERE, _AGENDA.c.subject.in_(_IDS)
)


def next_waiting(session: ScopedSession, after: UUID) -> UUID | None:
    """The next organisation in order of their ids that has an event to fan out. Needs no scope."""
    return session.connection().execute(_NEXT_WAITING, {"after": after}).scalars().first()


def lock_organisation(session: ScopedSession, *, patient: bool = False) -> int | None:
    """The last position of the organisation's feed, which nobody else moves until COMMIT.

    None: somebody else is at it, and we are not `patient`. The lock is the one that leaves foreign keys to the
    organisation alone: events are inserted meanwhile.
    """
    statement = _AWAIT_ORGANISATION if patient else _LOCK_ORGANISATION
    return session.connection().execute(statement, _here(session)).scalars().first()


def waiting(session: ScopedSession, limit: int) -> list[UUID]:
    """The ids of the events that wait, in the order of recording. To be read after the lock is held."""
    return list(session.connection().execute(_WAITING, {**_here(session), "its_limit": limit}).scalars())


def events_of(session: ScopedSession, ids: Sequence[UUID]) -> list[WaitingEvent]:
    """The events with these ids, in the order of recording."""
    if not ids:
        return []
    rows = session.connection().execute(_EVENTS_BY_ID, {**_here(session), "its_ids": ids})
    return [WaitingEvent._make(row) for row in rows]


def earlier_events(session: ScopedSession, suggestion_id: UUID, before: int) -> list[WaitingEvent]:
    """The events of a suggestion that were recorded before the number `before`."""
    values = {**_here(session), "its_suggestion_id": suggestion_id, "its_number": before}
    return [WaitingEvent._make(row) for row in session.connection().execute(_EVENTS_OF_SUGGESTION, values)]


def subjects_of(session: ScopedSession, events: Iterable[WaitingEvent]) -> dict[UUID, Subject]:
    """The suggestions that the events are about, as they are now."""
    ids = sorted({event.suggestion_id for event in events if event.suggestion_id is not None})
    if not ids:
        return {}
    rows = session.connection().execute(_SUBJECTS, {**_here(session), "its_ids": ids})
    return {row.id: Subject._make(row) for row in rows}


def listeners(session: ScopedSession) -> list[Listener]:
    """The subscriptions that are numbered for: paused and suspended ones, too, for which nothing is dropped."""
    return [Listener._make(row) for row in session.connection().execute(_LISTENERS, _here(session))]


def open_chains(
    session: ScopedSession, strict: Sequence[UUID], per_suggestion: Sequence[UUID], suggestions: Sequence[UUID]
) -> set[tuple[UUID, UUID | None]]:
    """Behind which deliveries that are under way or still to come another one has to wait.

    Pairs of a subscription and a suggestion; for `strict` ones the suggestion is None and stands for all.
    """
    connection, here = session.connection(), _here(session)
    found: set[tuple[UUID, UUID | None]] = set()
    if strict:
        found |= {(one, None) for one in connection.execute(_OPEN_STRICT, {**here, "its_ids": strict}).scalars()}
    if per_suggestion and suggestions:
        values = {**here, "its_ids": per_suggestion, "its_suggestions": suggestions}
        found |= {(row[0], row[1]) for row in connection.execute(_OPEN_OF_SUGGESTIONS, values)}
    return found


def insert_deliveries(session: ScopedSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Deliveries, each with a value for every column."""
    if rows:
        session.connection().execute(_INSERT_DELIVERY, rows)


def insert_feed(session: ScopedSession, rows: Sequence[Mapping[str, Any]], position: int) -> None:
    """Entries of the feed, each with a value for every column; `position` is the last of them."""
    if rows:
        session.connection().execute(_INSERT_FEED, rows)
        session.connection().execute(_SET_POSITION, {**_here(session), "position": position})


def set_sequences(session: ScopedSession, last: Mapping[UUID, int]) -> None:
    """The last place that was given in each of the subscriptions."""
    if last:
        here = _here(session)
        session.connection().execute(
            _SET_SEQUENCE, [{**here, "its_id": one, "last": place} for one, place in last.items()]
        )


def forget_waiting(session: ScopedSession, ids: Sequence[UUID]) -> None:
    """The events are fanned out: they no longer stand in the agenda."""
    if ids:
        session.connection().execute(_DONE, {**_here(session), "its_ids": ids})


def _here(session: ScopedSession) -> dict[str, UUID]:
    return {"its_organisation_id": organisation_of(session)}
