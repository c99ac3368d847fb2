"""Rows for the tests of this layer: every column that is not given gets some value of its type."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Table,
    TypeDecorator,
    Uuid,
    insert,
)

from app.db.session import ScopedSession
from app.db.tables import Base

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def row(model: type[Base], **given: object) -> dict[str, Any]:
    """A whole row: what is given, null where that is allowed, and anything else elsewhere."""
    return {column.name: given.get(column.name, _some(column)) for column in table_of(model).columns}


def put(session: ScopedSession, model: type[Base], **given: object) -> dict[str, Any]:
    """Insert a row of the session's organisation, and return it."""
    if session.scope is not None:
        given.setdefault("organisation_id", session.scope.organisation_id)
    values = row(model, **given)
    session.execute(insert(table_of(model)), values)
    return values


def _some(column: Column[Any]) -> Any:  # noqa: ANN401 -- any type of a column
    if column.nullable:
        return None
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    made: list[tuple[type, object]] = [
        (Uuid, uuid4()),
        (Boolean, False),
        (Float, 0.0),
        (Integer, uuid4().int >> 98),  # thirty bits, that will hardly meet twice
        (DateTime, NOON),
        (Date, NOON.date()),
        (LargeBinary, uuid4().bytes),
        (JSON, {}),
    ]
    return next((value for type_, value in made if isinstance(kind, type_)), uuid4().hex)


def id_of(number: int) -> UUID:
    """Always the same id: they are unique within an organisation only, and the tests give strangers the same ones."""
    return UUID(int=number)
