"""Lists of suggestions, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, exists, select

from app.db import statements
from app.db.paging import ListView, Position, decode_cursor, encode_cursor, keyset, page_of
from app.db.tables import Label, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.vocabulary import Anonymity
from app.kit.ids import day_of
from app.services.context import Context
from app.services.external_ids import hash_external_id
from app.services.sites import find_site, with_predecessors

Sort = Literal["-received_at", "received_at", "updated_at"]


@dataclass(frozen=True)
class Page:
    """What is asked of a list: how many items, after which cursor.

    `sent` are the filters as they were sent; a cursor is bound to them.
    """

    limit: int
    cursor: str | None
    sent: Mapping[str, str]


@dataclass(frozen=True)
class Filters:
    """What a list of suggestions is limited to."""

    state: str | None = None
    progress: str | None = None
    outcome: str | None = None
    group: str | None = None
    site: str | None = None
    lens: str | None = None
    tag: str | None = None
    steward: str | None = None
    external_id: str | None = None
    updated_since: datetime | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    promise: Literal["due", "broken"] | None = None
    sort: Sort = "-received_at"


def list_suggestions(
    session: ScopedSession, context: Context, filters: Filters, page: Page
) -> tuple[Sequence[Suggestion], str | None]:
    """The rows of a page and the next cursor. Raises InvalidCursor, and Invalid for an unknown site."""
    organisation_id = statements.organisation_of(session)
    bound = {name: value for name, value in page.sent.items() if name not in ("limit", "cursor", "sort")}
    view = ListView(organisation_id, "suggestions", filters.sort, bound)
    key = context.secret.derive("cursor")
    after = decode_cursor(key, view, page.cursor) if page.cursor is not None else None
    statement = _filtered(session, context, filters)
    if filters.sort == "updated_at":
        ordered = keyset(statement, (Suggestion.updated_at, Suggestion.id), limit=page.limit, after=after)
    else:
        newest_first = filters.sort == "-received_at"
        ordered = keyset(statement, (Suggestion.seq,), limit=page.limit, after=after, descending=newest_first)
    rows: list[Suggestion] = list(session.execute(ordered).scalars())
    shown, position = page_of(rows, page.limit, lambda row: _position(row, filters.sort))
    return shown, None if position is None else encode_cursor(key, view, position)


def _position(row: Suggestion, sort: Sort) -> Position:
    return (row.updated_at, row.id) if sort == "updated_at" else (row.seq,)


def _filtered(session: ScopedSession, context: Context, filters: Filters) -> Select[Suggestion]:
    statement = select(Suggestion)
    columns = {
        Suggestion.state: filters.state,
        Suggestion.progress: filters.progress,
        Suggestion.outcome: filters.outcome,
        Suggestion.group: filters.group,
        Suggestion.steward_ref: filters.steward,
    }
    for column, value in columns.items():
        if value is not None:
            statement = statement.where(column == value)
    for kind, value in (("lens", filters.lens), ("tag", filters.tag)):
        if value is not None:
            statement = statement.where(_labelled(kind, value))
    if filters.promise == "due":
        statement = statement.where(Suggestion.promise_due_at <= context.now)
    elif filters.promise == "broken":
        statement = statement.where(Suggestion.promise_broken.is_(True))
    if filters.site is not None:
        site_id = find_site(session, filters.site, "?site")
        sites = sorted(with_predecessors(session, (site_id,)))
        statement = statement.where(Suggestion.site_id.in_(sites), Suggestion.generalised.is_(False))
    if filters.external_id is not None:
        hashed = hash_external_id(context.secret, context.caller.organisation_id, filters.external_id)
        statement = statement.where(Suggestion.external_hash == hashed)
    return _within(statement, filters)


def _within(statement: Select[Suggestion], filters: Filters) -> Select[Suggestion]:
    """The instants; of anonymous suggestions only the day is known, so they are rather seen twice."""
    if filters.updated_since is not None:
        day = day_of(filters.updated_since)
        anonymous = and_(Suggestion.anonymity == Anonymity.ANONYMOUS.value, Suggestion.updated_at >= day)
        statement = statement.where((Suggestion.updated_at >= filters.updated_since) | anonymous)
    if filters.received_from is not None:
        statement = statement.where(Suggestion.received_at >= filters.received_from)
    if filters.received_to is not None:
        statement = statement.where(Suggestion.received_at < filters.received_to)
    return statement


def _labelled(kind: str, value: str) -> ColumnElement[bool]:
    return exists().where(
        Label.organisation_id == Suggestion.organisation_id,
        Label.suggestion_id == Suggestion.id,
        Label.kind == kind,
        Label.value == value,
    )
