"""The feed of an organisation: every event in the order in which it was fanned out, for those who catch up."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, not_, or_, select

from app.db.tables import Event, FeedEntry, Organisation, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.errors import InvalidCursor, NotFound
from app.domain.events import SAFEGUARDING, WITHHELD, hears
from app.services.access import Caller
from app.services.context import Context
from app.services.payloads import was_recorded_hidden, withheld_event

EVERYTHING = ("*",)
_POSITION_BYTES, _MARK_BYTES = 8, 16
_CURSOR = re.compile(r"[A-Za-z0-9_-]{32}")  # 24 bytes, which base64 writes in one way alone


@dataclass(frozen=True)
class FeedItem:
    """One event of the feed, or what stands in its place, and the cursor that goes on after it."""

    raw: bytes
    cursor: str


@dataclass(frozen=True)
class FeedPage:
    """A page of the feed. `cursor` goes on after it; where nothing came, it is the place that was asked for."""

    items: Sequence[FeedItem]
    cursor: str


def scope_of(caller: Caller) -> TenantScope:
    """What a reader of the feed may touch: hidden things, too, because something takes their place."""
    return TenantScope(caller.organisation_id, caller.sites, sees_hidden=True)


def read_feed(
    session: ScopedSession, context: Context, after: str | None, types: Sequence[str], limit: int
) -> FeedPage:
    """The events after a cursor, from the beginning without one. Needs a session with `scope_of` the caller.

    What is hidden from the caller is of the type `event.withheld` here, also where `types` choose; what was hidden
    already when it was recorded does not show at all. Raises InvalidCursor.
    """
    position = 0 if after is None else _read_cursor(context, after)
    sees_hidden = context.caller.scope.sees_hidden
    items: list[FeedItem] = []
    while len(items) < limit:
        wanted = limit - len(items)
        rows = [_Row._make(row) for row in session.execute(_entries(position, types, wanted, sees_hidden=sees_hidden))]
        for row in rows:
            position = row.position
            raw = _shown(context, row, sees_hidden=sees_hidden)
            if raw is not None:
                items.append(FeedItem(raw, _cursor(context, position)))
        if len(rows) < wanted:
            break
    return FeedPage(items, _cursor(context, position))


def end_of_feed(session: ScopedSession, context: Context) -> str:
    """The cursor after what is in the feed by now."""
    organisation = session.get(Organisation, context.caller.organisation_id)
    if organisation is None:
        raise NotFound
    return _cursor(context, organisation.feed_position)


def check_cursor(context: Context, cursor: str) -> None:
    """Raises InvalidCursor for what is no cursor of the caller's feed."""
    _read_cursor(context, cursor)


class _Row(NamedTuple):
    position: int
    timestamp: datetime
    thin: bytes
    hidden: str | None


def _cursor(context: Context, position: int) -> str:
    """A place in the feed that nobody else can read: between two readable ones, what is not shown could be counted.

    The same place has the same cursor (by a synthetic initialisation vector, RFC 5297), whatever types are asked for.
    """
    plain = position.to_bytes(_POSITION_BYTES)
    mark = _derived(context, "feed-cursor", plain)[:_MARK_BYTES]
    return urlsafe_b64encode(mark + _masked(context, mark, plain)).decode()


def _read_cursor(context: Context, cursor: str) -> int:
    """The place. Raises InvalidCursor for what `_cursor` has not made for this organisation."""
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    raw = urlsafe_b64decode(cursor)
    mark, plain = raw[:_MARK_BYTES], _masked(context, raw[:_MARK_BYTES], raw[_MARK_BYTES:])
    if not compare_digest(mark, _derived(context, "feed-cursor", plain)[:_MARK_BYTES]):
        raise InvalidCursor
    return int.from_bytes(plain)


def _masked(context: Context, mark: bytes, text: bytes) -> bytes:
    mask = _derived(context, "feed-cursor-mask", mark)
    return bytes(one ^ other for one, other in zip(text, mask, strict=False))


def _derived(context: Context, purpose: str, part: bytes) -> bytes:
    return context.secret.derive(purpose, context.caller.organisation_id.bytes, part)


def _entries(
    after: int, types: Sequence[str], limit: int, *, sees_hidden: bool
) -> Select[int, datetime, bytes, str | None]:
    """The next entries of the feed of these types; those that are hidden have one of their own."""
    statement = (
        select(FeedEntry.position, Event.timestamp, Event.thin, Suggestion.hidden)
        .join(Event, and_(Event.organisation_id == FeedEntry.organisation_id, Event.id == FeedEntry.event_id))
        .outerjoin(
            Suggestion,
            and_(Suggestion.organisation_id == FeedEntry.organisation_id, Suggestion.id == FeedEntry.suggestion_id),
        )
        .where(FeedEntry.position > after)
        .order_by(FeedEntry.position)
        .limit(limit)
    )
    if not sees_hidden:
        statement = statement.where(not_(FeedEntry.type.startswith(SAFEGUARDING)))
    if "*" in types:
        return statement
    wanted = or_(
        *[FeedEntry.type.startswith(one[:-1]) if one.endswith(".*") else FeedEntry.type == one for one in types]
    )
    if sees_hidden:
        return statement.where(wanted)
    if hears(types, WITHHELD, sees_hidden=False):
        return statement.where(or_(Suggestion.hidden.is_not(None), wanted))
    return statement.where(Suggestion.hidden.is_(None), wanted)


def _shown(context: Context, row: _Row, *, sees_hidden: bool) -> bytes | None:
    if row.hidden is None or sees_hidden:
        return row.thin
    if was_recorded_hidden(row.thin):
        return None
    made = context.secret.derive("withheld", context.caller.organisation_id.bytes, row.position.to_bytes(8))
    return withheld_event(UUID(bytes=made[:16], version=4), row.timestamp)
