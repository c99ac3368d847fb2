"""The bytes that a subscription is sent: the event with its `sequence` at the end, or what takes its place.

The same function makes them for every try, every replay and the poll, so that they are the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import select

from app.db import lease_statements as leases
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
class Place:
    """One place of a subscription's sequence, and the event that stands there."""

    delivery_id: UUID
    sequence: int
    event_id: UUID
    withheld_id: UUID | None


@dataclass(frozen=True)
class Body:
    """What is sent at one place. `message_id` goes into the header `webhook-id`."""

    message_id: UUID
    type: str
    raw: bytes
    withheld: bool


def bodies_of(session: ScopedSession, sight: Sight, places: Iterable[Place]) -> dict[UUID, Body]:
    """What is sent at each of the places as things are now, by the ids of their deliveries."""
    wanted = list(places)
    told = leases.told(session, (place.event_id for place in wanted))
    withheld = {
        place.delivery_id
        for place in wanted
        if place.withheld_id is not None or (told[place.event_id].hidden and not sight.sees_hidden)
    }
    said = {}
    if sight.full:
        said = _full(session, [place.event_id for place in wanted if place.delivery_id not in withheld])
    made = {}
    for place in wanted:
        event = told[place.event_id]
        if place.delivery_id in withheld:
            raw = withheld_event(place.delivery_id, event.timestamp)
            made[place.delivery_id] = Body(place.delivery_id, WITHHELD, _numbered(raw, place.sequence), withheld=True)
        else:
            raw = said.get(place.event_id, event.thin)
            made[place.delivery_id] = Body(event.id, event.type, _numbered(raw, place.sequence), withheld=False)
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
