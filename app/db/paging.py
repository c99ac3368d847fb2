"""Lists page by page: keyset queries, and the opaque cursors that carry their position.

A cursor says after which row a list goes on. It is authenticated and bound to its list: organisation, name, order and
filters. So a caller can neither make one up nor carry it over to another list, and an altered one is refused before the
database sees it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression, tuple_

from app.domain.errors import InvalidCursor

T = TypeVar("T")
S = TypeVar("S")
Place = int | str | UUID | datetime
Position = tuple[Place, ...]
"""The values of a row in the columns that its list is ordered by."""
Column = SQLColumnExpression[int] | SQLColumnExpression[str] | SQLColumnExpression[UUID] | SQLColumnExpression[datetime]

_MAC_BYTES = 16


@dataclass(frozen=True)
class ListView:
    """What a cursor belongs to. `sort` and `filters` are the caller's, without `limit` and `cursor`."""

    organisation_id: UUID
    name: str
    sort: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)

    def canonical(self) -> bytes:
        """Return the same bytes for the same list, and other bytes for any other one."""
        parts = [self.organisation_id.hex, self.name, self.sort, sorted(self.filters.items())]
        return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()


def encode_cursor(key: bytes, view: ListView, position: Position) -> str:
    """Return the cursor that goes on after `position`: letters, digits, `-` and `_`. `key` is 32 secret bytes."""
    payload = json.dumps([_as_json(place) for place in position], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mac(key, view, payload) + payload).rstrip(b"=").decode()


def decode_cursor(key: bytes, view: ListView, cursor: str) -> Position:
    """Return the position; raises `InvalidCursor` (invalid_cursor) for anything that `encode_cursor` did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidCursor from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, view, payload)):
        raise InvalidCursor
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != cursor.encode():
        raise InvalidCursor  # the same bytes in another spelling, which base64 reads, too
    return tuple(_from_json(place) for place in json.loads(payload))


def keyset(
    statement: Select[S],
    columns: Sequence[Column],
    *,
    limit: int,
    after: Position | None = None,
    descending: bool = False,
) -> Select[S]:
    """Order the statement by the columns, all in one direction, and take the page after the position.

    The columns must be unique together, never null, and led by an index. One row more than `limit` is asked for, by
    which `page_of` knows whether there is a next page.
    """
    if after is not None:
        here, there = tuple_(*columns), tuple_(*after)
        statement = statement.where(here < there if descending else here > there)
    order = [column.desc() if descending else column.asc() for column in columns]
    return statement.order_by(*order).limit(limit + 1)


def page_of(rows: Sequence[T], limit: int, position: Callable[[T], Position]) -> tuple[Sequence[T], Position | None]:
    """Return at most `limit` rows, and the position that the next page begins after, or None at the end."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], position(rows[limit - 1])


def _mac(key: bytes, view: ListView, payload: bytes) -> bytes:
    about = view.canonical()
    return hmac.digest(key, len(about).to_bytes(4, "big") + about + payload, hashlib.sha256)[:_MAC_BYTES]


def _as_json(place: Place) -> object:
    if isinstance(place, UUID):
        return {"id": place.hex}
    if isinstance(place, datetime):
        return {"at": place.astimezone(UTC).isoformat()}
    return place


def _from_json(place: int | str | dict[str, str]) -> Place:
    if not isinstance(place, dict):
        return place
    return UUID(place["id"]) if "id" in place else datetime.fromisoformat(place["at"])
