"""The way back of what was hidden: once a suggestion is cleared, everybody gets what they had not got.

All its events enter the feed again, at its end. A subscription that was sent `event.withheld`, or nothing, in the place
of an event gets the event under a new `sequence`; the place that was withheld stays so for good, because its bytes may
have been read there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.db import fanout_statements as statements
from app.db.delivery_statements import hold
from app.db.fanout_statements import Subject, WaitingEvent
from app.db.tables import Delivery
from app.db.tenancy import ScopedSession
from app.services.hearing import Interest
from app.services.payloads import was_recorded_hidden

CLEARED = "safeguarding.cleared"


@dataclass(frozen=True)
class Return:
    """What comes back with one `safeguarding.cleared`.

    `events` enter the feed again. `wanted` are subscriptions with events that they had not got. `withheld` are the
    deliveries whose places stay withheld.
    """

    events: tuple[WaitingEvent, ...] = ()
    wanted: tuple[tuple[UUID, WaitingEvent], ...] = ()
    withheld: tuple[UUID, ...] = ()


def returns_of(
    session: ScopedSession,
    waiting: Sequence[WaitingEvent],
    subjects: Mapping[UUID, Subject],
    listening: Sequence[Interest],
    at: float,
) -> dict[UUID, Return]:
    """What comes back with the waiting events, by the id of the event that clears a suggestion.

    Where a suggestion is hidden again by now, the next clearing brings it all.
    """
    clearing = {event.suggestion_id: event for event in waiting if event.type == CLEARED and event.suggestion_id}
    found: dict[UUID, Return] = {}
    for suggestion_id, event in clearing.items():
        subject = subjects.get(suggestion_id)
        if subject is None or subject.hidden is not None:
            continue
        if not found:  # What is pending must not be sent while it is looked at.
            hold(session, (interest.id for interest in listening), at)
        found[event.id] = _return_of(session, subject, event, waiting, listening)
    return found


def _return_of(
    session: ScopedSession,
    subject: Subject,
    clearing: WaitingEvent,
    waiting: Sequence[WaitingEvent],
    listening: Sequence[Interest],
) -> Return:
    earlier = statements.earlier_events(session, subject.id, clearing.number)
    now_waiting = {event.id for event in waiting}
    places = _places(session, [event.id for event in earlier])
    wanted: list[tuple[UUID, WaitingEvent]] = []
    withheld: list[UUID] = []
    for event in earlier:
        never_told = was_recorded_hidden(event.thin)
        for interest in listening:
            mine = places.get((interest.id, event.id), [])
            if interest.sees_hidden or any(_has_got(place) for place in mine) or not (mine or never_told):
                continue
            withheld += [place.id for place in mine if place.withheld_id is None]
            if mine or interest.wants(event, subject):
                wanted.append((interest.id, event))
    again = tuple(event for event in earlier if event.id not in now_waiting)
    return Return(again, tuple(wanted), tuple(withheld))


def _places(session: ScopedSession, events: Sequence[UUID]) -> dict[tuple[UUID, UUID], list[Delivery]]:
    """The deliveries of the events, by subscription and event."""
    found: dict[tuple[UUID, UUID], list[Delivery]] = {}
    if events:
        for row in session.execute(select(Delivery).where(Delivery.event_id.in_(events))).scalars():
            found.setdefault((row.subscription_id, row.event_id), []).append(row)
    return found


def _has_got(place: Delivery) -> bool:
    """Whether the event itself was sent there, or is on its way."""
    return place.withheld_id is None and place.state in ("delivered", "sending")
