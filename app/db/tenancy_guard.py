"""The last look at a statement before the driver gets it, whatever made it: ORM, Core, text, a flush."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from app.db.tenancy import TENANT_TABLES, NoOrganisation, TenantScope


class OutsideTenancy(RuntimeError):  # noqa: N818 -- a fault of this program, named by what it did
    """A statement names a table of an organisation without its organisation, or with another one."""


_NAMES = "|".join(sorted(TENANT_TABLES, key=len, reverse=True))
# A table where it is read or written: not a column of it (`.` around it), not a column or parameter of the same name.
_MENTION = re.compile(rf'(?<![.\w"])(?<!%\()"?({_NAMES})"?(?![.\w])(?!\s*=)(?: AS (\w+))?')
_BOUND = re.compile(r"(?<![.\w])(\w+)\.organisation_id = (\?|%\((\w+)\)s)")
_INSERT = re.compile(r'INSERT INTO "?(\w+)"? \([^)]*\)')
_RETURNING = re.compile(r' RETURNING [\w, ."]+$')


class _Reading(NamedTuple):
    """What the guard has read out of a statement's text."""

    inserts_into: str | None
    unbound: tuple[str, ...]
    """Tables of an organisation (or their aliases) that stand in it more often than compared with an organisation."""
    places: tuple[int | str, ...]
    """The parameters that they are compared with: their numbers (SQLite) or their names (PostgreSQL)."""


@lru_cache(4096)
def _read(sql: str) -> _Reading | None:
    """None: the statement names no table of an organisation."""
    inserts_into = None
    rest = _RETURNING.sub("", sql)
    if insert := _INSERT.match(sql):  # its columns may be called like tables; its own values are looked at one by one
        rest = rest[insert.end() :]
        inserts_into = insert[1] if insert[1] in TENANT_TABLES else None
    mentions = Counter(alias or table for table, alias in _MENTION.findall(rest))
    if not mentions and inserts_into is None:
        return None
    bound = [(found[1], found[3] or sql.count("?", 0, found.start(2))) for found in _BOUND.finditer(sql)]
    unbound = mentions - Counter(name for name, _ in bound)
    return _Reading(inserts_into, tuple(sorted(unbound)), tuple(place for _, place in bound))


@lru_cache(4096)
def _organisations_among(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if "organisation_id" in name)


def put_guard(engine: Engine) -> None:
    """Have every statement of the engine looked at before the driver gets it.

    Raises `NoOrganisation` or `OutsideTenancy`, which are faults of this program and never of a request.
    """
    event.listen(engine, "before_cursor_execute", _look_at)


def _look_at(
    connection: Connection,
    _cursor: DBAPICursor,
    sql: str,
    parameters: Any,  # noqa: ANN401 -- the driver's own form
    context: ExecutionContext | None,
    many: bool,  # noqa: FBT001 -- the listener's signature
) -> None:
    reading = _read(sql)
    if reading is None:
        return
    scope: TenantScope | None = connection.info.get("scope")
    if scope is None:
        raise NoOrganisation(sql)
    if reading.unbound:
        raise OutsideTenancy(f"{', '.join(reading.unbound)} without an organisation in: {sql}")
    own = (scope.organisation_id, scope.organisation_id.hex)
    says_organisation = _check_names(getattr(context, "compiled_parameters", None), own, sql)
    if reading.inserts_into and not says_organisation and not reading.places:
        raise OutsideTenancy(f"{reading.inserts_into} without an organisation in: {sql}")
    for values in parameters if many else (parameters,):
        if any(values[place] not in own for place in reading.places):
            raise OutsideTenancy(f"another organisation in: {sql}")


def _check_names(rows: Sequence[Mapping[str, object]] | None, own: tuple[UUID, str], sql: str) -> bool:
    """Look at what is inserted or set: parameters that are called after the column. Returns whether there are any."""
    if rows is None:
        raise OutsideTenancy(f"driver SQL on a table of an organisation: {sql}")
    found = False
    for row in rows:
        for name in _organisations_among(tuple(row)):
            found = True
            if row[name] not in own:
                raise OutsideTenancy(f"another organisation's {name} in: {sql}")
    return found
