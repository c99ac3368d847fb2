"""The bytes that a subscription is sent: the event with its `sequence` at the end, or what takes its place.

The same function makes them for every try, every replay and the poll, so that they are the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import select

from app.db.lease_statements import Place
from app.db.tables import Event, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.events import WITHHELD
from app.domain.vocabulary import Hidden, Scope
from app.kit.ids import day_of
from app.kit.shapes import show_instant
from app.kit.strict_json import canonical
from app.services.cases import read_case
from app.services.timeline import show_event

_SECRET_BALLOT = frozenset({"suggestion.voted", "suggestion.decided", "suggestion.deferred"})
_HIDDEN = frozenset(Hidden)


@dataclass(frozen=True)
class Sight:
    """What a subscription is sent: of hidden things, and of what was said."""

    sees_hidden: bool
    full: bool

    @classmethod
    def of(cls, payload: str, scopes: Iterable[str]) -> "Sight":
        """By what it asks for, as far as the scopes of its key allow it."""
        mine = frozenset(scopes)
        return cls(Scope.SAFEGUARD in mine, payload == "full" and Scope.READ in mine)


@dataclass(frozen=True)
class Body:
    """What is sent at one place. `message_id` goes into the header `webhook-id`."""

    message_id: UUID
    type: str
    raw: bytes
    withheld: bool


def bodies_of(session: ScopedSession, sight: Sight, places: Sequence[Place]) -> list[Body]:
    """What is sent at each of the places, as things are now."""
    withheld = [place.withheld_id is not None or (bool(place.hidden) and not sight.sees_hidden) for place in places]
    said: dict[UUID, bytes] = {}
    if sight.full:
        said = _full(session, [place.event_id for place, hides in zip(places, withheld, strict=True) if not hides])
    made = []
    for place, hides in zip(places, withheld, strict=True):
        if hides:
            raw = withheld_event(place.id, place.timestamp)
            made.append(Body(place.id, WITHHELD, _numbered(raw, place.sequence), withheld=True))
        else:
            raw = said.get(place.event_id, place.thin)
            made.append(Body(place.event_id, place.type, _numbered(raw, place.sequence), withheld=False))
    return made


def withheld_event(id: UUID, timestamp: datetime) -> bytes:
    """What takes the place of an event about something hidden: an id of its own, the day, and nothing else."""
    return canonical({"id": str(id), "type": WITHHELD, "timestamp": show_instant(day_of(timestamp)), "data": {}})


def was_recorded_hidden(thin: bytes) -> bool:
    """Whether the event's suggestion was hidden already when the event was recorded."""
    return from_json(thin)["data"].get("state") in _HIDDEN


def _numbered(event: bytes, sequence: int) -> bytes:
    return b'%s,"sequence":%d}' % (event[:-1], sequence)


def _full(session: ScopedSession, ids: list[UUID]) -> dict[UUID, bytes]:
    """The events with what was said, as their timeline shows them."""
    if not ids:
        return {}
    events = list(session.execute(select(Event).where(Event.id.in_(sorted(set(ids))))).scalars())
    about = sorted({event.suggestion_id for event in events if event.suggestion_id is not None})
    rows = {row.id: row for row in session.execute(select(Suggestion).where(Suggestion.id.in_(about))).scalars()}
    return {event.id: _with_words(event, rows.get(event.suggestion_id)) for event in events if event.suggestion_id}


def _with_words(event: Event, row: Suggestion | None) -> bytes:
    """One event with what was said. How somebody voted stays secret, also later, for the bytes must stay the same."""
    if row is None:
        return event.thin
    data: Mapping[str, Any] = show_event(event, row, read_case(row.case)).data
    if event.type in _SECRET_BALLOT and isinstance(data.get("actor"), dict):
        data = {**data, "actor": {"group": data["actor"].get("group")}}
    if "member" in data:
        data = {**data, "member": None}
    whole: dict[str, Any] = from_json(event.thin)
    return canonical({**whole, "data": dict(data)})
