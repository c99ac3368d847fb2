"""The tenant scope: organisation, the key's sites and what is hidden are ONE filter on every statement of a session.

Three parts hold it together. `ScopedSession` carries the scope. Criteria are added to every ORM statement. The guard
(`tenancy_guard`) looks at each statement's text before it goes to the driver, whatever made it, and refuses what names
a table of an organisation without that organisation. On PostgreSQL row-level security stands behind all three
(`row_security`).

The guard looks at the organisation only. Core statements (the prepared ones of hot paths) are not filtered by sites and
by what is hidden: whoever writes one puts `seen(scope, suggestions)` into it where that matters.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    and_,
    bindparam,
    event,
    exists,
    inspect,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption
from typing_extensions import override

from app.db import ledgers as _ledgers  # noqa: F401 -- their tables are of the tenancy, too
from app.db.tables import Base, OfOrganisation, OfSuggestion, Suggestion

T = TypeVar("T")


class NoOrganisation(RuntimeError):  # noqa: N818 -- a fault of this program, named by what is missing
    """A session without a tenant scope touched a table of an organisation."""


@dataclass(frozen=True)
class TenantScope:
    """What a session may see: the rows of one organisation.

    `sites`: only suggestions of these sites and what hangs on them, and none that was generalised; None: all sites.
    `sees_hidden`: suggestions that are held or redirected, too.
    """

    organisation_id: UUID
    sites: frozenset[UUID] | None = None
    sees_hidden: bool = False


_CLASSES: dict[str, type[OfOrganisation]] = {
    mapper.local_table.description: mapper.class_
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, OfOrganisation)
}
TENANT_TABLES = frozenset(_CLASSES)
"""The tables whose rows belong to one organisation each."""
OPEN_TABLES = frozenset(Base.metadata.tables) - TENANT_TABLES
"""The tables outside the tenancy. They hold no content: who there is, whose a credential is, what time must look at."""


def seen(scope: TenantScope, suggestion: Any) -> ColumnElement[bool]:  # noqa: ANN401 -- the class, an alias or a table's columns
    """Whether the scope sees the suggestion; `suggestion` has the columns of the table `suggestions`."""
    parts: list[ColumnElement[bool]] = [suggestion.organisation_id == scope.organisation_id]
    if scope.sites is not None:
        parts += [suggestion.site_id.in_(sorted(scope.sites)), not_(suggestion.generalised)]
    if not scope.sees_hidden:
        parts.append(suggestion.hidden.is_(None))
    return and_(*parts)


def _seen_with_its_suggestion(scope: TenantScope, row: type[OfSuggestion]) -> ColumnElement[bool]:
    """A row about no suggestion is hidden by none, and belongs to no site that a scope could be limited to."""
    of_organisation = row.organisation_id == scope.organisation_id
    if scope.sites is None and scope.sees_hidden:
        return of_organisation
    suggestion = Suggestion.__table__.alias("its_suggestion")
    same = and_(suggestion.c.organisation_id == row.organisation_id, suggestion.c.id == row.suggestion_id)
    with_suggestion: ColumnElement[bool] = exists().where(same, seen(scope, suggestion.c))
    if scope.sites is None and row.__table__.c.suggestion_id.nullable:  # type: ignore[attr-defined]
        with_suggestion = or_(row.suggestion_id.is_(None), with_suggestion)
    return and_(of_organisation, with_suggestion)


@lru_cache(16384)
def _criterion(scope: TenantScope, table: str) -> ExecutableOption:
    """What a statement is given for each table that it names.

    Plain expressions, never lambdas: a lambda is cached by its code, not by what its closure holds, so that the second
    organisation would be given the first one's sites.
    """
    row = _CLASSES[table]
    if row is Suggestion:
        where = seen(scope, row)
    elif issubclass(row, OfSuggestion):
        where = _seen_with_its_suggestion(scope, row)
    else:
        where = row.organisation_id == scope.organisation_id
    return with_loader_criteria(row, where, include_aliases=True)


def _tables_in(statement: Executable) -> set[str]:
    """The tables of an organisation that stand anywhere in the statement, in subqueries and by their columns, too.

    A table that was missed here would not go unnoticed: without its criterion the statement does not name the
    organisation, and the guard refuses it. Giving every statement the criteria of all tables would be as safe and costs
    several times the statement itself.
    """
    found: set[str] = set()
    looked_at: set[int] = set()
    left: list[Any] = [statement]
    while left:
        element = left.pop()
        if id(element) in looked_at:
            continue
        looked_at.add(id(element))
        if element.__visit_name__ == "table":
            found.add(element.name)
        elif element.__visit_name__ == "column":
            left += () if element.table is None else (element.table,)
        else:
            left += element.get_children()
    return found & TENANT_TABLES


def prepared(statement: Select[Any]) -> Select[Any]:
    """Mark a statement of the ORM that is made once and executed often, with `bindparam` for what differs.

    Its criteria are then put in once for each scope, and SQLAlchemy's own preparation of it is kept with that: a load
    by primary key takes half the time.
    """
    return statement.execution_options(**{_PREPARED: True})


_PREPARED = "heardback_prepared"
_KEPT_STATEMENTS = 4096


@lru_cache(_KEPT_STATEMENTS)
def _prepared_for(scope: TenantScope, statement: Executable) -> Executable:
    return _with_criteria(scope, statement)


def _with_criteria(scope: TenantScope, statement: Executable) -> Executable:
    return statement.options(*(_criterion(scope, table) for table in sorted(_tables_in(statement))))


@lru_cache(256)
def _by_key(entity: type[Any]) -> Select[Any]:
    """The statement that loads a row by the parameters `key_0`, `key_1` … of its primary key."""
    mapper = inspect(entity)
    same = (
        mapper.get_property_by_column(column).class_attribute == bindparam(f"key_{place}", type_=column.type)
        for place, column in enumerate(mapper.primary_key)
    )
    return prepared(select(entity).where(*same).execution_options(populate_existing=True))


_ENTER = text("select set_config('heardback.organisation', :organisation, true)")


class ScopedSession(Session):
    """A session of one organisation. Without a scope it sees only the tables outside the tenancy.

    `work` functions get one, use it as any SQLAlchemy session, and never commit or roll back.
    """

    def __init__(
        self,
        connection: Connection,
        scope: TenantScope | None,
        join: Literal["create_savepoint", "rollback_only"] = "create_savepoint",
    ) -> None:
        super().__init__(connection, join_transaction_mode=join, autoflush=False, expire_on_commit=False)
        self.scope = scope
        connection.info["scope"] = scope

    def enter(self, scope: TenantScope) -> None:
        """Go on under another scope, in the same transaction: for the loops that look after all organisations.

        What was changed is flushed, and what was loaded is forgotten.
        """
        self.flush()
        self.expunge_all()
        connection = self.connection()
        self.scope = connection.info["scope"] = scope
        if connection.dialect.name == "postgresql":
            connection.execute(_ENTER, {"organisation": str(scope.organisation_id)})

    @contextmanager
    def for_rules(self) -> Iterator[None]:
        """Meanwhile the whole organisation is seen: for rules whose result must not depend on who called.

        What was loaded stays loaded. The caller's own scope is back afterwards.
        """
        before = self.scope
        if before is None:
            raise NoOrganisation("for_rules")
        connection = self.connection()
        self.scope = connection.info["scope"] = TenantScope(before.organisation_id, sees_hidden=True)
        try:
            yield
        finally:
            self.scope = connection.info["scope"] = before

    @override
    def get(self, entity: type[T], ident: object, **options: Any) -> T | None:  # type: ignore[override]
        """By primary key within the organisation, which is not named: `get(Site, site_id)`; several columns as a tuple.

        Always asks the database, as the identity map knows nothing of the scope. Takes SQLAlchemy's further options,
        `with_for_update` among them.
        """
        if issubclass(entity, OfOrganisation):
            if self.scope is None:
                raise NoOrganisation(entity.__name__)
            key = ident if isinstance(ident, tuple) else (ident,)
            if len(key) < len(inspect(entity).primary_key):  # `merge` comes with the whole key
                ident = key = (self.scope.organisation_id, *key)
            if not options:
                values = {f"key_{place}": value for place, value in enumerate(key)}
                statement = _by_key(entity)  # type: ignore[arg-type] # a class can be a key
                return self.execute(statement, values).scalar_one_or_none()
        return super().get(entity, ident, populate_existing=True, **options)


@event.listens_for(ScopedSession, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    session = state.session
    if isinstance(session, ScopedSession) and session.scope and state.is_orm_statement and not state.is_insert:
        is_prepared = state.execution_options.get(_PREPARED, False)
        state.statement = (_prepared_for if is_prepared else _with_criteria)(session.scope, state.statement)
