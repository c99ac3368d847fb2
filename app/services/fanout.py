"""The fan-out: what was recorded enters the organisation's feed, and becomes a delivery for each that wants it.

Places in the feed and in the sequence of a subscription are given here and nowhere else, under one lock per
organisation, so that both are without gaps whatever order transactions commit in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import fanout_statements as statements
from app.db.delivery_statements import NEVER, make_due
from app.db.fanout_statements import Listener, Subject, WaitingEvent
from app.db.lease_statements import withhold
from app.db.statements import organisation_of
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.errors import NotFound
from app.kit.ids import new_id
from app.services.clearing import Return, returns_of
from app.services.hearing import Interest, interests_of
from app.services.payloads import was_recorded_hidden
from app.services.retries import Schedule

BATCH = 100
FIRST = UUID(int=0)


@dataclass(frozen=True)
class FannedOut:
    """What one call has done: for which organisation, and how many events, by type, became how many deliveries."""

    organisation_id: UUID
    events: Mapping[str, int]
    deliveries: int


def fan_out(session: ScopedSession, now: datetime, schedule: Schedule, after: UUID = FIRST) -> FannedOut | None:
    """Fans out the events that wait in one organisation, at most a batch of them; None: nothing waits anywhere.

    The organisation is the next one behind `after` that nobody else is at, in the order of their ids, and behind the
    last one the first. Needs a session without a scope.
    """
    for start in (after, FIRST) if after != FIRST else (FIRST,):
        place = start
        while (organisation_id := statements.next_waiting(session, place)) is not None:
            session.enter(TenantScope(organisation_id, sees_hidden=True))
            position = statements.lock_organisation(session)
            if position is not None:
                return _fan_out_here(session, now, schedule, position)
            place = organisation_id
    return None


def waits(session: ScopedSession) -> bool:
    """Whether an event of the session's organisation waits to be fanned out."""
    return bool(statements.waiting(session, 1))


def catch_up(session: ScopedSession, now: datetime, schedule: Schedule) -> FannedOut:
    """Fans out what waits in the session's organisation, for somebody who wants to read it: at most a batch.

    Waits for whoever is at it.
    """
    session.enter(TenantScope(organisation_of(session), sees_hidden=True))
    position = statements.lock_organisation(session, patient=True)
    if position is None:
        raise NotFound
    return _fan_out_here(session, now, schedule, position)


@dataclass
class _Plan:
    """What the waiting events come to, in their order."""

    position: int
    feed: list[dict[str, Any]] = field(default_factory=list)
    wanted: list[tuple[UUID, WaitingEvent]] = field(default_factory=list)
    withheld: list[UUID] = field(default_factory=list)

    def enter_feed(self, here: UUID, events: Iterable[WaitingEvent]) -> None:
        """The events take the next places of the feed."""
        for event in events:
            self.position += 1
            self.feed.append(
                {
                    "organisation_id": here,
                    "position": self.position,
                    "event_id": event.id,
                    "suggestion_id": event.suggestion_id,
                    "type": event.type,
                }
            )


def _fan_out_here(session: ScopedSession, now: datetime, schedule: Schedule, position: int) -> FannedOut:
    here = organisation_of(session)
    ids = statements.waiting(session, BATCH)
    waiting = statements.events_of(session, ids)
    listening = interests_of(statements.listeners(session))
    subjects = statements.subjects_of(session, waiting)
    returned = returns_of(session, waiting, subjects, listening, now.timestamp())
    plan = _Plan(position)
    for event in waiting:
        back = returned.get(event.id, Return())
        plan.enter_feed(here, [*back.events, event])
        plan.wanted += back.wanted
        plan.withheld += back.withheld
        subject = subjects.get(event.suggestion_id) if event.suggestion_id else None
        plan.wanted += [(interest.id, event) for interest in listening if _hears_now(interest, event, subject)]
    made = _deliver(session, now, schedule, plan) if plan.wanted else 0
    statements.insert_feed(session, plan.feed, plan.position)
    statements.forget_waiting(session, ids)
    return FannedOut(here, Counter(event.type for event in waiting), made)


def _hears_now(interest: Interest, event: WaitingEvent, subject: Subject | None) -> bool:
    """What was recorded while its suggestion was hidden takes no place at all with who must not know of it.

    What was recorded before that takes its place, which `event.withheld` fills until the suggestion is cleared.
    """
    return interest.wants(event, subject) and (interest.sees_hidden or not was_recorded_hidden(event.thin))


def _deliver(session: ScopedSession, now: datetime, schedule: Schedule, plan: _Plan) -> int:
    """Inserts the deliveries under the next places of their subscriptions; returns how many."""
    here, at = organisation_of(session), now.timestamp()
    due_at = schedule.first(at)
    make_due(session, {one for one, _ in plan.wanted}, at, due_at)
    # Read again under the lock: one may have ended meanwhile, and what is open may have been finished.
    standing = {row.id: row for row in statements.listeners(session)}
    wanted = [(standing[one], event) for one, event in plan.wanted if one in standing]
    blocked = _blocked(session, wanted)
    last = {row.id: row.sequence for row, _ in wanted}
    rows = []
    for row, event in wanted:
        last[row.id] += 1
        chain = _chain_of(row, event)
        waits = chain is not None and chain in blocked
        if chain is not None:
            blocked.add(chain)
        rows.append(_delivery(here, row, event, last[row.id], NEVER if waits else due_at, now))
    withhold(session, plan.withheld, now)
    statements.insert_deliveries(session, rows)
    statements.set_sequences(session, last)
    return len(rows)


def _chain_of(row: Listener, event: WaitingEvent) -> tuple[UUID, UUID | None] | None:
    """Within what the event keeps its order; None: within nothing."""
    if row.ordering == "strict":
        return row.id, None
    if row.ordering == "per_suggestion" and event.suggestion_id is not None:
        return row.id, event.suggestion_id
    return None


def _blocked(session: ScopedSession, wanted: Iterable[tuple[Listener, WaitingEvent]]) -> set[tuple[UUID, UUID | None]]:
    """In which chains something is open that comes before."""
    chains = {chain for row, event in wanted if (chain := _chain_of(row, event)) is not None}
    if not chains:
        return set()
    strict = sorted({one for one, suggestion in chains if suggestion is None})
    parted = sorted({one for one, suggestion in chains if suggestion is not None})
    suggestions = sorted({suggestion for _, suggestion in chains if suggestion is not None})
    return statements.open_chains(session, strict, parted, suggestions)


def _delivery(
    here: UUID, row: Listener, event: WaitingEvent, sequence: int, due_at: float, now: datetime
) -> Mapping[str, Any]:
    return {
        "organisation_id": here,
        "subscription_id": row.id,
        "sequence": sequence,
        "id": new_id(now),
        "event_id": event.id,
        "suggestion_id": event.suggestion_id,
        "event_type": event.type,
        "state": "pending",
        "due_at": due_at,
        "tries": 0,
        "earlier_tries": 0,
        "lease": None,
        "lease_until": None,
        "withheld_id": None,
        "withheld_at": None,
        "created_at": now,
        "finished_at": None,
    }
