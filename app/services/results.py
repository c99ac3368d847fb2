"""The sender's queue, second half: what came of attempts is written, and what follows from it for a subscription.

Only the holder of a lease writes: what a worker learns after its lease was taken back changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import update

from app.db import delivery_statements as statements
from app.db import lease_statements as leases
from app.db.delivery_statements import NEVER, Standing
from app.db.ordering_statements import free_next
from app.db.tables import Delivery, Subscription
from app.db.tenancy import ScopedSession, TenantScope
from app.kit.answers import Answer
from app.services import outbox, telling
from app.services.claims import Outgoing, next_look
from app.services.payloads import Sight
from app.services.retries import (
    GONE,
    SUSPENDED_AFTER_ATTEMPTS,
    SUSPENDED_AFTER_SECONDS,
    Schedule,
    read_retry_after,
)

DEAD_DELIVERY = "dead_delivery"


@dataclass(frozen=True)
class Attempted:
    """One attempt: when it began, and what came of it."""

    at: datetime
    answer: Answer


Result = tuple[Outgoing, Attempted]


@dataclass(frozen=True)
class _Health:
    """What the attempts of a subscription say about it."""

    answered_well: bool
    failing_since: datetime | None
    failures: int
    not_before: float
    gone: bool = False
    died: bool = False

    def after(self, attempted: Attempted, *, died: bool) -> "_Health":
        answer = attempted.answer
        if answer.failure is None:
            well = self.answered_well and self.failures == 0
            return self if well else replace(self, answered_well=True, failing_since=None, failures=0)
        asked = read_retry_after(answer.status, answer.retry_after, attempted.at)
        return _Health(
            answered_well=False,
            failing_since=self.failing_since or attempted.at,
            failures=self.failures + 1,
            not_before=max(self.not_before, asked or 0.0),
            gone=self.gone or answer.status == GONE,
            died=self.died or died,
        )

    def state(self, standing: Standing, now: datetime) -> tuple[str, str | None] | None:
        """The state that the subscription comes to and why it is paused; None: the one that it is in."""
        if standing.state == "ended":
            return None
        if self.gone:
            return "ended", "gone"
        if standing.state != "active":
            return None
        if self.died and standing.ordering == "strict":
            return "paused", DEAD_DELIVERY
        since = self.failing_since
        if since is not None and self.failures >= SUSPENDED_AFTER_ATTEMPTS:
            return ("suspended", None) if (now - since).total_seconds() >= SUSPENDED_AFTER_SECONDS else None
        return None


def record(session: ScopedSession, now: datetime, results: Sequence[Result], schedule: Schedule) -> Counter[str]:
    """Writes what came of attempts whose leases still hold. Needs a session without a scope.

    A failed delivery is due again by the schedule, or dead after its last try. What 410, Retry-After, the order of a
    subscription and five days without a success ask for is done, and authors who were told by a delivery count as told.
    Returns how many of the deliveries are `delivered`, `retried` or `dead` with this.
    """
    by_organisation: dict[UUID, list[Result]] = defaultdict(list)
    for outgoing, attempted in results:
        by_organisation[outgoing.organisation_id].append((outgoing, attempted))
    written: Counter[str] = Counter()
    for organisation_id in sorted(by_organisation):
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        for each_once in _rounds(by_organisation[organisation_id]):
            written += _record_of(session, now, each_once, schedule)
    return written


def _rounds(results: Iterable[Result]) -> list[list[Result]]:
    """The results in groups that hold each delivery once.

    A lease may run out while its attempt is still under way or waits to be recorded. Then the delivery is attempted
    again, and results of both leases can come together; only one of the leases holds.
    """
    groups: list[list[Result]] = []
    seen: Counter[UUID] = Counter()
    for result in results:
        delivery_id = result[0].delivery_id
        if seen[delivery_id] == len(groups):
            groups.append([])
        groups[seen[delivery_id]].append(result)
        seen[delivery_id] += 1
    return groups


def give_back(session: ScopedSession, now: datetime, deliveries: Iterable[Outgoing]) -> None:
    """Ends leases without an attempt: these deliveries are due again at once. Needs a session without a scope."""
    by_organisation: dict[UUID, list[Outgoing]] = defaultdict(list)
    for outgoing in deliveries:
        by_organisation[outgoing.organisation_id].append(outgoing)
    at = now.timestamp()
    for organisation_id in sorted(by_organisation):
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        mine = by_organisation[organisation_id]
        statements.make_due(session, {one.subscription_id for one in mine}, at, at)
        leases.give_back(session, [(one.delivery_id, one.lease) for one in mine], at)


def _record_of(session: ScopedSession, now: datetime, results: Sequence[Result], schedule: Schedule) -> Counter[str]:
    by_subscription: dict[UUID, list[Result]] = defaultdict(list)
    for outgoing, attempted in results:
        by_subscription[outgoing.subscription_id].append((outgoing, attempted))
    statements.hold(session, by_subscription, now.timestamp())
    ends = _finish(session, now, results, schedule)
    held = [(outgoing, attempted) for outgoing, attempted in results if outgoing.delivery_id in ends]
    leases.insert_attempts(session, [_attempt_row(outgoing, attempted) for outgoing, attempted in held])
    standing = statements.standings(session, by_subscription)
    for one in standing.values():
        mine = [
            (outgoing, attempted) for outgoing, attempted in by_subscription[one.id] if outgoing.delivery_id in ends
        ]
        standing[one.id] = _follow_up(session, now, one, mine, ends)
    ordered = [one.id for one in standing.values() if one.ordering != "none"]
    if ordered:
        standing |= statements.standings(session, ordered)
    look = {one.id: next_look(one) if one.state == "active" else one.lease_ends_at for one in standing.values()}
    statements.set_next(session, look)
    return Counter(ends[outgoing.delivery_id] for outgoing, _ in held)


End = Literal["delivered", "retried", "dead"]


def _finish(session: ScopedSession, now: datetime, results: Sequence[Result], schedule: Schedule) -> dict[UUID, End]:
    """Writes success and failure, and returns by the deliveries' ids what was written: where the lease held."""
    good = [(one.delivery_id, one.lease) for one, attempted in results if attempted.answer.failure is None]
    ends: dict[UUID, End] = dict.fromkeys(leases.succeed(session, good, now), "delivered")
    for outgoing, attempted in results:
        answer = attempted.answer
        if answer.failure is None:
            continue
        due_at = None if answer.status == GONE else schedule.after(outgoing.tries + 1, now.timestamp())
        if due_at is not None:
            due_at = max(due_at, read_retry_after(answer.status, answer.retry_after, attempted.at) or 0.0)
        if leases.fail(session, outgoing.delivery_id, outgoing.lease, due_at, now):
            ends[outgoing.delivery_id] = "dead" if due_at is None else "retried"
    return ends


def _follow_up(
    session: ScopedSession, now: datetime, standing: Standing, results: Sequence[Result], ends: Mapping[UUID, End]
) -> Standing:
    """What the attempts of one subscription mean for it, and for what waits behind them."""
    before = _Health(standing.answered_well, standing.failing_since, standing.failures, standing.not_before)
    health = before
    for outgoing, attempted in results:
        health = health.after(attempted, died=ends[outgoing.delivery_id] == "dead")
    state = health.state(standing, now)
    if health != before or state is not None:
        standing = _write_health(session, standing, health, state)
    if standing.state == "ended":
        _kill_pending(session, standing.id, now)
    elif state is not None and state[0] == "suspended":
        publish_about(session, "subscription.suspended", standing.id, now)
    if standing.ordering != "none":
        done = [outgoing for outgoing, _ in results if ends[outgoing.delivery_id] != "retried"]
        suggestions = {outgoing.suggestion_id for outgoing in done if outgoing.suggestion_id is not None}
        free_next(session, standing.ordering, standing.id, suggestions, now.timestamp())
    if standing.notifies_authors and Sight.of(standing.payload, standing.scopes).full:
        for outgoing, _ in results:
            if ends[outgoing.delivery_id] == "delivered" and outgoing.event_type in telling.TELLING:
                telling.told_by_delivery(session, outgoing.event_id, now)
    return standing


def _write_health(
    session: ScopedSession, standing: Standing, health: _Health, state: tuple[str, str | None] | None
) -> Standing:
    values: dict[str, Any] = {
        "answered_well": health.answered_well,
        "failing_since": health.failing_since,
        "failures": health.failures,
        "not_before": health.not_before,
    }
    written = dict(values)
    if state is not None:
        values["state"] = state[0]
        written |= {"state": state[0], "paused_because": state[1], "version": Subscription.version + 1}
    session.execute(update(Subscription).where(Subscription.id == standing.id).values(written))
    return standing._replace(**values)


def _kill_pending(session: ScopedSession, subscription_id: UUID, now: datetime) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.subscription_id == subscription_id, Delivery.state == "pending")
        .values(state="dead", due_at=NEVER, finished_at=now)
    )


def publish_about(session: ScopedSession, type: str, subscription_id: UUID, now: datetime) -> UUID:  # noqa: A002
    """Publishes an event about a subscription."""
    announcement = outbox.Announcement(type, facts={"subscription_id": str(subscription_id)})
    return outbox.publish(session, None, announcement, now=now)


def _attempt_row(outgoing: Outgoing, attempted: Attempted) -> dict[str, Any]:
    answer = attempted.answer
    return {
        "organisation_id": outgoing.organisation_id,
        "delivery_id": outgoing.delivery_id,
        "number": outgoing.earlier_tries + outgoing.tries + 1,
        "at": attempted.at,
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "address": answer.address,
        "error": answer.failure.value if answer.failure else None,
        "answer": answer.body.decode("utf-8", "replace").replace("\0", "\ufffd"),
    }
