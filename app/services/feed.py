"""The feed of an organisation: every event in the order in which it was fanned out, for those who catch up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, not_, or_, select

from app.db.paging import ListView, decode_cursor, encode_cursor
from app.db.tables import Event, FeedEntry, Organisation, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.errors import NotFound
from app.domain.events import SAFEGUARDING, WITHHELD, hears
from app.services.access import Caller
from app.services.context import Context
from app.services.payloads import was_recorded_hidden, withheld_event

EVERYTHING = ("*",)


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
    view, key = _view(context.caller), context.secret.derive("cursor")
    position = 0 if after is None else _position(key, view, after)
    sees_hidden = context.caller.scope.sees_hidden
    items: list[FeedItem] = []
    while len(items) < limit:
        wanted = limit - len(items)
        rows = [_Row._make(row) for row in session.execute(_entries(position, types, wanted, sees_hidden=sees_hidden))]
        for row in rows:
            position = row.position
            raw = _shown(context, row, sees_hidden=sees_hidden)
            if raw is not None:
                items.append(FeedItem(raw, encode_cursor(key, view, (position,))))
        if len(rows) < wanted:
            break
    return FeedPage(items, encode_cursor(key, view, (position,)))


def end_of_feed(session: ScopedSession, context: Context) -> str:
    """The cursor after what is in the feed by now."""
    organisation = session.get(Organisation, context.caller.organisation_id)
    if organisation is None:
        raise NotFound
    return encode_cursor(context.secret.derive("cursor"), _view(context.caller), (organisation.feed_position,))


def check_cursor(context: Context, cursor: str) -> None:
    """Raises InvalidCursor for what is no cursor of the caller's feed."""
    _position(context.secret.derive("cursor"), _view(context.caller), cursor)


class _Row(NamedTuple):
    position: int
    timestamp: datetime
    thin: bytes
    hidden: str | None


def _view(caller: Caller) -> ListView:
    """A cursor of the feed is a place in it, whatever types are asked for."""
    return ListView(caller.organisation_id, "feed")


def _position(key: bytes, view: ListView, cursor: str) -> int:
    (place,) = decode_cursor(key, view, cursor)
    assert isinstance(place, int)  # noqa: S101 -- we have made it
    return place


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
