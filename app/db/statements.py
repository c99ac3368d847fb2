"""Prepared Core statements of the hot paths: made once, so that only their values differ from call to call.

A statement of the ORM costs several times as much (section 5 of the benchmark's results). Every one of them names the
organisation, which the session's guard compares with its scope.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete, Insert, ReturningInsert, ReturningUpdate

from app.db.ledgers import Milestones
from app.db.tables import RECORDED, Agenda, Base, Credential, Event, Label, Revision, Suggestion
from app.db.tenancy import ScopedSession


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- every model of ours is one table
    return table


def _inserting(model: type[Base]) -> Insert:
    table = _table(model)
    return insert(table).values({column.name: bindparam(column.name) for column in table.columns})


_MINE: BindParameter[UUID] = bindparam("its_organisation_id")


def _highest(table: Table) -> Select[int]:
    return select(func.coalesce(func.max(table.c.number), 0)).where(table.c.organisation_id == _MINE)


def next_number_of(table: Table) -> Mapping[str, ColumnElement[int]]:
    """The next place in the order of recording, as a value within a statement that has `its_organisation_id`."""
    return {"sqlite": _highest(table).scalar_subquery() + 1, "postgresql": RECORDED.next_value()}


def inserting_once(
    table: Table, returning: str, numbers: Mapping[str, ColumnElement[int]] | None = None
) -> Mapping[str, ReturningInsert[Any]]:
    """Insert unless the row is there: the unique index decides, and whoever comes second waits for the first.

    `numbers` gives the column `number` its value, on each database.
    """
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.columns}

    def of(dialect: Any) -> ReturningInsert[Any]:  # noqa: ANN401 -- the module of a dialect
        number = {} if numbers is None else {"number": numbers[dialect.dialect.name]}
        insert: Any = dialect.insert(table).values(values | number).on_conflict_do_nothing()
        made: ReturningInsert[Any] = insert.returning(table.c[returning])
        return made

    return {"sqlite": of(sqlite), "postgresql": of(postgresql)}


def _inserting_event(name: str) -> ReturningInsert[Any]:
    table = _table(Event)
    made = _inserting(Event).values(number=next_number_of(table)[name])
    return made.returning(table.c.number)


_INSERT_SUGGESTION = inserting_once(_table(Suggestion), "id")
_INSERT_CREDENTIAL = _inserting(Credential)
_INSERT_EVENT = {name: _inserting_event(name) for name in ("sqlite", "postgresql")}
_INSERT_LABEL = _inserting(Label)
_INSERT_REVISION = _inserting(Revision)

_SUGGESTION = _table(Suggestion)
CHANGING = (
    "state",
    "hidden",
    "progress",
    "outcome",
    "steward_ref",
    "merged_into",
    "supporters",
    "promise_due_at",
    "promise_broken",
    "updated_at",
    "case",
)
"""The columns of a suggestion that an act may change."""

_SAVE_SUGGESTION: ReturningUpdate[Any] = (
    update(_SUGGESTION)
    .where(
        _SUGGESTION.c.organisation_id == bindparam("its_organisation_id"),
        _SUGGESTION.c.id == bindparam("its_id"),
        _SUGGESTION.c.version == bindparam("seen"),
    )
    .values({name: bindparam(name) for name in (*CHANGING, "version")})
    .returning(_SUGGESTION.c.version)
)

_AGENDA = _table(Agenda)
_AGENDA_VALUES: dict[str, Any] = {column.name: bindparam(column.name) for column in _AGENDA.columns}


def _upserting(dialect: Any) -> Insert:  # noqa: ANN401 -- the module of a dialect
    made = dialect.insert(_AGENDA).values(_AGENDA_VALUES)
    result: Insert = made.on_conflict_do_update(
        index_elements=["kind", "organisation_id", "subject"], set_={"due_at": made.excluded.due_at}
    )
    return result


_PUT_AGENDA = {"sqlite": _upserting(sqlite), "postgresql": _upserting(postgresql)}
_INSERT_AGENDA = insert(_AGENDA).values(_AGENDA_VALUES)
_DROP_AGENDA: Delete = delete(_AGENDA).where(
    _AGENDA.c.kind == bindparam("its_kind"),
    _AGENDA.c.organisation_id == bindparam("its_organisation_id"),
    _AGENDA.c.subject == bindparam("its_subject"),
)
_MILESTONES = _table(Milestones)
_MILESTONES_VALUES: dict[str, Any] = {column.name: bindparam(column.name) for column in _MILESTONES.columns}


def _replacing(dialect: Any) -> Insert:  # noqa: ANN401 -- the module of a dialect
    made = dialect.insert(_MILESTONES).values(_MILESTONES_VALUES)
    keys = ["organisation_id", "suggestion_id"]
    new = {name: made.excluded[name] for name in _MILESTONES_VALUES if name not in keys}
    result: Insert = made.on_conflict_do_update(index_elements=keys, set_=new)
    return result


_PUT_MILESTONES = {"sqlite": _replacing(sqlite), "postgresql": _replacing(postgresql)}
_FORGET_LABELS: Delete = delete(_table(Label)).where(
    _table(Label).c.organisation_id == bindparam("its_organisation_id"),
    _table(Label).c.suggestion_id == bindparam("its_id"),
)


_NEXT = select(RECORDED.next_value())
_HIGHEST = _highest(_table(Event))


def organisation_of(session: ScopedSession) -> UUID:
    """The session's organisation."""
    assert session.scope is not None, "a scope is needed"  # noqa: S101 -- a mistake of ours
    return session.scope.organisation_id


def insert_suggestion_once(session: ScopedSession, values: Mapping[str, Any]) -> bool:
    """One suggestion, with a value for every column, unless its id, external id or place is taken; says if it is in.

    Waits for who is about to take them, so that of many submissions at once one is kept and the others find it.
    """
    connection = session.connection()
    return connection.execute(_INSERT_SUGGESTION[connection.dialect.name], values).first() is not None


def save_suggestion(session: ScopedSession, suggestion_id: UUID, seen: int, values: Mapping[str, Any]) -> bool:
    """Writes the columns `CHANGING` and `version` where the version is still the one seen; says whether it was."""
    where = {"its_organisation_id": organisation_of(session), "its_id": suggestion_id, "seen": seen}
    return session.connection().execute(_SAVE_SUGGESTION, {**values, **where}).first() is not None


def insert_credential(session: ScopedSession, values: Mapping[str, Any]) -> None:
    """The hash of a receipt code, a key or a source's id, with a value for every column."""
    session.connection().execute(_INSERT_CREDENTIAL, values)


def insert_event(session: ScopedSession, values: Mapping[str, Any]) -> None:
    """One event, with a value for every column but its number, and its row in the agenda: it waits for the fan-out.

    To be called after the suggestion is locked: the number is the next one in the order of recording.
    """
    connection = session.connection()
    insert_it = _INSERT_EVENT[connection.dialect.name]
    number = connection.execute(insert_it, {**values, "its_organisation_id": values["organisation_id"]}).scalar_one()
    put = {
        "kind": "event",
        "organisation_id": values["organisation_id"],
        "subject": values["id"],
        "due_at": float(number),
        "last_served": 0.0,
    }
    connection.execute(_INSERT_AGENDA, put)


def insert_labels(session: ScopedSession, suggestion_id: UUID, tags: list[str], lenses: list[str]) -> None:
    """The tags and lenses of a suggestion, in place of those that were there."""
    organisation_id = organisation_of(session)
    session.connection().execute(_FORGET_LABELS, {"its_organisation_id": organisation_id, "its_id": suggestion_id})
    rows = [("tag", value) for value in dict.fromkeys(tags)] + [("lens", value) for value in dict.fromkeys(lenses)]
    if rows:
        session.connection().execute(
            _INSERT_LABEL,
            [
                {"organisation_id": organisation_id, "suggestion_id": suggestion_id, "kind": kind, "value": value}
                for kind, value in rows
            ],
        )


def insert_revision(session: ScopedSession, values: Mapping[str, Any]) -> None:
    """An older wording of a suggestion."""
    session.connection().execute(_INSERT_REVISION, values)


def put_milestones(session: ScopedSession, values: Mapping[str, Any]) -> None:
    """The milestones of a suggestion, in place of the earlier ones."""
    session.connection().execute(_PUT_MILESTONES[session.connection().dialect.name], values)


def put_agenda(session: ScopedSession, kind: str, subject: UUID, due_at: float) -> None:
    """What time must look at, at epoch seconds `due_at`, in place of an earlier date of the same thing."""
    values = {
        "kind": kind,
        "organisation_id": organisation_of(session),
        "subject": subject,
        "due_at": due_at,
        "last_served": 0.0,
    }
    session.connection().execute(_PUT_AGENDA[session.connection().dialect.name], values)


def drop_agenda(session: ScopedSession, kind: str, subject: UUID) -> None:
    """Nothing is to be looked at any more."""
    session.connection().execute(
        _DROP_AGENDA, {"its_kind": kind, "its_organisation_id": organisation_of(session), "its_subject": subject}
    )


def next_number(session: ScopedSession) -> int:
    """The place in the order of recording that an event would have now."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_NEXT).scalars().one())
    return connection.execute(_HIGHEST, {"its_organisation_id": organisation_of(session)}).scalars().one() + 1
