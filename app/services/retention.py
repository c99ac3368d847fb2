"""Retention: what is no longer needed is deleted after so many days, step by step.

What happened is never deleted here: suggestions, events, reports and the feed stay. What goes is how it came and went:
the bytes of signed messages, attempts, deliveries that arrived, and the memory of repeated requests.

A step looks at a bounded number of rows of one organisation, in a transaction of its own, so that nobody has to wait
for it. Several processes may do it at once: each leaves to the others what they are at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, tuple_, update

from app.db.paging import Position, keyset, page_of
from app.db.tables import (
    Attempt,
    Base,
    Delivery,
    Idempotency,
    InboundCall,
    Organisation,
    Report,
    Subscription,
    WebhookId,
)
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.vocabulary import ReportStatus
from app.kit.ids import day_of, uuid7

BATCH = 500
KINDS = ("idempotency", "attempts", "deliveries", "raw_reports", "webhook_ids")
"""What is deleted, as counts name it."""

_UNSETTLED = (ReportStatus.QUARANTINED.value, ReportStatus.CONFLICT.value)
_NOBODY = UUID(int=0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Retention:
    """For how many days what is kept.

    `raw_report_days`: the bytes of signed messages with their webhook ids, as long as no report that came by them is in
    quarantine or in conflict. `delivered_days` count from the delivery on; what is pending or dead stays.
    """

    raw_report_days: int = 400
    idempotency_days: int = 30
    attempt_days: int = 30
    delivered_days: int = 90


@dataclass(frozen=True)
class Place:
    """Where the next step begins: behind a row of one of the `_PARTS` of an organisation."""

    organisation_id: UUID
    part: int
    after: Position | None = None


@dataclass(frozen=True)
class Purged:
    """What one step has deleted, or in a dry run would delete, by kind; and where the next one begins.

    `next` is None at the end of the last organisation.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    next: Place | None = None


def purge(
    session: ScopedSession, now: datetime, retention: Retention, place: Place | None = None, *, dry_run: bool = False
) -> Purged:
    """Deletes what is too old among the next `BATCH` rows from `place` on; from the very beginning with None.

    A dry run counts the same rows and deletes none; it may run where nothing can be written. Needs a session without a
    scope.
    """
    if place is None:
        first = _organisation_after(session, _NOBODY)
        if first is None:
            return Purged()
        place = Place(first, 0)
    session.enter(TenantScope(place.organisation_id, sees_hidden=True))
    step = _Step(session, now, retention, place.after, dry_run)
    counts, position = _PARTS[place.part](step)
    if position is not None:
        return Purged(counts, Place(place.organisation_id, place.part, position))
    if place.part + 1 < len(_PARTS):
        return Purged(counts, Place(place.organisation_id, place.part + 1))
    following = _organisation_after(session, place.organisation_id)
    return Purged(counts, None if following is None else Place(following, 0))


def _organisation_after(session: ScopedSession, organisation_id: UUID) -> UUID | None:
    statement = select(Organisation.id).where(Organisation.id > organisation_id).order_by(Organisation.id).limit(1)
    return session.execute(statement).scalar_one_or_none()


@dataclass(frozen=True)
class _Step:
    """One step of one part."""

    session: ScopedSession
    now: datetime
    retention: Retention
    after: Position | None
    dry_run: bool

    def before(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    def page(self, statement: Select[*tuple[Any, ...]], *columns: Any) -> tuple[Sequence[Any], Position | None]:  # noqa: ANN401 -- columns of any table
        """The next rows in the order of the columns, which come first in the statement; looked at and not locked."""
        rows = self.session.execute(keyset(statement, columns, limit=BATCH, after=self.after)).all()
        return page_of(rows, BATCH, lambda row: tuple(row[: len(columns)]))

    def locked(self, column: Any, *which: ColumnElement[bool]) -> list[Any]:  # noqa: ANN401 -- a column of any table
        """The values of the column in the rows that this step may delete: nobody else is at them."""
        statement = select(column).where(*which).order_by(column)
        if not self.dry_run:
            statement = statement.with_for_update(skip_locked=True)
        return list(self.session.execute(statement).scalars())

    def delete(self, table: type[Base], *which: ColumnElement[bool]) -> int:
        """Deletes these rows, or only counts them; returns how many there are."""
        if self.dry_run:
            return self.session.execute(select(func.count()).select_from(table).where(*which)).scalar_one()
        statement = delete(table).where(*which).execution_options(synchronize_session=False)
        return _rowcount(self.session, statement)


def _rowcount(session: ScopedSession, statement: Any) -> int:  # noqa: ANN401 -- a statement that writes
    count: int = session.execute(statement).rowcount  # type: ignore[attr-defined]  # a result of what writes has it
    return count


def _purge_idempotency(step: _Step) -> tuple[Mapping[str, int], Position | None]:
    """Requests whose repetition nobody expects any more."""
    before = day_of(step.before(step.retention.idempotency_days))  # Of requests only the day is known.
    columns = (Idempotency.created_at, Idempotency.system, Idempotency.key)
    rows, position = step.page(select(*columns).where(Idempotency.created_at < before), *columns)
    if not rows:
        return {}, None
    mine = tuple_(Idempotency.system, Idempotency.key).in_([(row.system, row.key) for row in rows])
    return {"idempotency": step.delete(Idempotency, mine, Idempotency.created_at < before)}, position


def _purge_attempts(step: _Step) -> tuple[Mapping[str, int], Position | None]:
    """Attempts, whatever became of their deliveries, which are older than they are and whose ids tell their age."""
    before = step.before(step.retention.attempt_days)
    columns = (Attempt.delivery_id, Attempt.number)
    wanted = select(*columns, Attempt.at).where(Attempt.delivery_id < _first_id(before))
    rows, position = step.page(wanted, *columns)
    old = [(row.delivery_id, row.number) for row in rows if row.at < before]
    if not old:
        return {}, position
    return {"attempts": step.delete(Attempt, tuple_(*columns).in_(old))}, position


def _purge_deliveries(step: _Step) -> tuple[Mapping[str, int], Position | None]:
    """What was delivered; and all of subscriptions that were deleted as long ago, where nobody can find it."""
    before = step.before(step.retention.delivered_days)
    rows, position = step.page(select(Delivery.id).where(Delivery.id < _first_id(before)), Delivery.id)
    if not rows:
        return {}, None
    gone = list(step.session.execute(select(Subscription.id).where(Subscription.deleted_at < before)).scalars())
    arrived = and_(Delivery.state == "delivered", Delivery.finished_at < before)
    unfindable = and_(Delivery.subscription_id.in_(gone), Delivery.state != "sending")
    ids = step.locked(Delivery.id, Delivery.id.in_([row.id for row in rows]), or_(arrived, unfindable))
    if not ids:
        return {}, position
    theirs: list[ColumnElement[bool]] = [Attempt.delivery_id.in_(ids)]
    if step.dry_run:  # Those that are old enough to go by themselves were counted as such, and are still there.
        theirs.append(Attempt.at >= step.before(step.retention.attempt_days))
    attempts = step.delete(Attempt, *theirs)
    return {"attempts": attempts, "deliveries": step.delete(Delivery, Delivery.id.in_(ids))}, position


def _purge_raw_reports(step: _Step) -> tuple[Mapping[str, int], Position | None]:
    """The bytes of signed messages, and the webhook ids that no message is left of. The reports themselves stay."""
    before = _first_id(step.before(step.retention.raw_report_days))
    rows, position = step.page(select(InboundCall.id).where(InboundCall.id < before), InboundCall.id)
    if not rows:
        return {}, None
    ids = {row.id for row in rows}
    waiting = select(Report.call_id).where(Report.call_id.in_(ids), Report.status.in_(_UNSETTLED))
    settled = step.locked(InboundCall.id, InboundCall.id.in_(ids - set(step.session.execute(waiting).scalars())))
    if not settled:
        return {}, position
    theirs = select(InboundCall.source_id, InboundCall.webhook_id)
    used = {tuple(row) for row in step.session.execute(theirs.where(InboundCall.id.in_(settled)))}
    same_id = tuple_(InboundCall.source_id, InboundCall.webhook_id).in_(sorted(used))
    kept = {tuple(row) for row in step.session.execute(theirs.where(same_id, InboundCall.id.not_in(settled)))}
    if not step.dry_run:
        parted = {"call_id": None, "version": Report.version + 1}
        step.session.execute(
            update(Report)
            .where(Report.call_id.in_(settled))
            .values(parted)
            .execution_options(synchronize_session=False)
        )
    free = sorted(used - kept)
    webhook_ids = step.delete(WebhookId, tuple_(WebhookId.source_id, WebhookId.webhook_id).in_(free)) if free else 0
    return {
        "raw_reports": step.delete(InboundCall, InboundCall.id.in_(settled)),
        "webhook_ids": webhook_ids,
    }, position


def _first_id(instant: datetime) -> UUID:
    """The first id that can have been made at this instant or later."""
    return uuid7(max(instant, _EPOCH), 0)


_PARTS: Sequence[Callable[[_Step], tuple[Mapping[str, int], Position | None]]] = (
    _purge_idempotency,
    _purge_attempts,
    _purge_deliveries,
    _purge_raw_reports,
)
