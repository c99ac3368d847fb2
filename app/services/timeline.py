"""A suggestion's timeline: its events, oldest first by when things happened, with what was said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import from_json
from sqlalchemy import select

from app.db.paging import ListView, decode_cursor, encode_cursor, page_of
from app.db.prepared_reads import read_event
from app.db.tables import Event, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.case import Case
from app.domain.errors import NotFound
from app.domain.events import needs_safeguard
from app.domain.vocabulary import Anonymity, State
from app.kit.ids import RANDOM_VERSION
from app.services.authors import refs_of, without_refs
from app.services.cases import read_case
from app.services.context import Context
from app.services.views import EventView

Place = tuple[datetime, int]
_VOTES_SHOW = frozenset({"suggestion.voted", "suggestion.decided", "suggestion.deferred"})


@dataclass(frozen=True)
class Placed:
    """An event with its place in the timeline."""

    place: Place
    event: Event


def timeline_of(session: ScopedSession, row: Suggestion) -> list[Placed]:
    """The events of a suggestion in the order in which things happened.

    A report stands where it occurred. What is kept by the day alone stands where it was recorded: its midnight would
    put it before what it answers.
    """
    statement = select(Event).where(Event.suggestion_id == row.id).order_by(Event.number)
    placed, recorded = [], datetime.min.replace(tzinfo=row.received_at.tzinfo)
    for event in session.execute(statement).scalars():
        kept_by_day = _is_kept_by_day(event)
        if not kept_by_day:
            recorded = max(recorded, event.timestamp)
        happened = max(recorded, event.timestamp) if kept_by_day else event.occurred_at
        placed.append(Placed((happened, event.number), event))
    return sorted(placed, key=lambda one: one.place)


def _is_kept_by_day(event: Event) -> bool:
    """Whether an anonymous author did it: its id says no time then, whatever that author has said since."""
    return event.by_author and event.id.version == RANDOM_VERSION


def show_event(event: Event, row: Suggestion, case: Case) -> EventView:
    """An event as a timeline shows it: the thin one, with the act's fields beside its codes and dates."""
    thin: dict[str, Any] = from_json(event.thin)
    said = {name: value for name, value in event.body.items() if name not in thin["data"]}
    if row.anonymity != Anonymity.NAMED:
        said = without_refs(said, refs_of(row), by_author=event.by_author)
    if event.type in _VOTES_SHOW and case.state is not State.CLOSED:
        voters = {vote.ref for vote in (*case.votes, *(case.decision.votes if case.decision else ()))}
        said = _without_voter(said, voters, voted=event.type == "suggestion.voted")
    return EventView.model_construct(
        id=event.id, type=event.type, timestamp=event.timestamp, data={**thin["data"], **said}
    )


def thin_event(session: ScopedSession, event_id: UUID) -> EventView:
    """An event as it is told to everybody who may know of it, which the caller has made sure of. Raises NotFound."""
    event = read_event(session, event_id)
    if event is None:
        raise NotFound
    thin: dict[str, Any] = from_json(event.thin)
    return EventView.model_construct(id=event_id, type=event.type, timestamp=event.timestamp, data=thin["data"])


def show_timeline(placed: Iterable[Placed], row: Suggestion) -> tuple[EventView, ...]:
    """The events as the timeline shows them."""
    case = read_case(row.case)
    return tuple(show_event(one.event, row, case) for one in placed)


def _without_voter(said: dict[str, JsonValue], voters: set[str], *, voted: bool) -> dict[str, JsonValue]:
    """Without the reference of somebody who voted: it is secret until the suggestion is closed."""
    cleaned = {**said, "member": None} if voted else dict(said)
    actor = cleaned.get("actor")
    if isinstance(actor, dict) and (voted or actor.get("ref") in voters):
        cleaned["actor"] = {"group": actor.get("group")}
    return cleaned


def page_of_timeline(
    session: ScopedSession, context: Context, row: Suggestion, limit: int, cursor: str | None
) -> tuple[Sequence[Placed], str | None]:
    """A page of the timeline and the next cursor; of safeguarding only for who has that scope. Raises InvalidCursor."""
    view = ListView(row.organisation_id, f"timeline:{row.id}")
    key = context.secret.derive("cursor")
    sees_hidden = context.caller.scope.sees_hidden
    placed = [one for one in timeline_of(session, row) if sees_hidden or not needs_safeguard(one.event.type)]
    if cursor is not None:
        after = decode_cursor(key, view, cursor)
        placed = [one for one in placed if one.place > after]
    shown, position = page_of(placed, limit, lambda one: one.place)
    return shown, None if position is None else encode_cursor(key, view, position)
