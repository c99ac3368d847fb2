"""What the outcome reports of a suggestion come to, kept in its case and told where it changes something."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm.attributes import set_committed_value

from app.db.report_statements import Judged, has_reports, save_judged
from app.db.tables import Report, Suggestion
from app.db.tenancy import ScopedSession, prepared
from app.domain.case import Case, Delivery, Told
from app.domain.reports.fold import Folded, fold
from app.domain.reports.reading import read_report
from app.domain.reports.told import Told as ToldReport
from app.domain.reports.types import REPORTS
from app.domain.vocabulary import Progress, QuarantineReason, ReportStatus, State
from app.kit.shapes import show_instant
from app.services import outbox
from app.services.ledgers import record_benefits

BY_FOLD = (QuarantineReason.CONTRADICTION.value, QuarantineReason.UNKNOWN_REPORT.value)
"""Reasons for which a report is outside a suggestion as a result of the fold, so that it may join later by itself."""
_TOLD_OF = prepared(
    select(Report)
    .where(
        Report.suggestion_id.in_(bindparam("ids", expanding=True)),
        or_(
            Report.status.in_([ReportStatus.APPLIED.value, ReportStatus.RECORDED.value, ReportStatus.CONFLICT.value]),
            Report.reason.in_(BY_FOLD),
            and_(Report.status == ReportStatus.REJECTED.value, Report.claimed_key.is_not(None)),
        ),
    )
    .order_by(Report.number)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Change:
    """A case after its reports were judged anew, and what became of the reports.

    `joined` and `left` are the reports that stand on the suggestion now and did not, or the other way round; `struck`
    those that a correction or retraction struck out just now.
    """

    before: Case
    case: Case
    joined: tuple[Report, ...] = ()
    left: tuple[Report, ...] = ()
    conflicting: bool = False
    struck: tuple[Report, ...] = ()
    rows: Mapping[UUID, Report] = field(default_factory=dict)
    """All reports that were judged."""

    @property
    def moved(self) -> bool:
        """Whether the progress that is shown has changed."""
        return self.case.delivery.progress is not self.before.delivery.progress

    @property
    def reopened(self) -> bool:
        """Whether a closed suggestion is open again by rule."""
        return self.before.state is State.CLOSED and self.case.state is State.DELIVERING


@dataclass(frozen=True)
class _Inputs:
    """What the fold depends on beside the reports."""

    hidden: bool
    decided_yes: bool
    sites: tuple[UUID, ...]
    since: datetime | None
    recommits: tuple[datetime, ...]
    confirmations: tuple[object, ...]
    merged: frozenset[UUID]
    merged_into: UUID | None

    @classmethod
    def of(cls, case: Case) -> "_Inputs":
        return cls(
            case.hidden is not None,
            case.decided_yes,
            case.committed_sites(),
            case.fold_since,
            case.recommits,
            case.confirmations,
            frozenset(one.id for one in case.merged),
            case.merged_into,
        )


def refold(
    session: ScopedSession,
    suggestion_id: UUID,
    case: Case,
    before: Case,
    now: datetime,
    *,
    reports_changed: bool = False,
) -> Change:
    """Judges the reports of a case anew, if anything that the fold depends on has changed.

    A hidden case is left alone: its reports are kept and wait. So is a merged one: its reports count for the survivor.
    The rows of reports are updated; the case is not written.
    """
    if not reports_changed and _Inputs.of(case) == _Inputs.of(before):
        return Change(before, case)
    if case.hidden is not None or case.merged_into is not None:
        return Change(before, case)
    merged = [one.id for one in case.merged]
    ids = [suggestion_id, *merged]
    if not reports_changed and case.delivery == Delivery() and not has_reports(session, ids):
        return Change(before, case)
    hidden = _hidden_among(session, merged)
    found = _reports_of(session, ids)
    rows = {one: row for one, row in found.items() if not (_waits(row) and row.suggestion_id in hidden)}
    if not rows and case.delivery == Delivery():
        return Change(before, case)
    folded = fold(
        [_told(row) for row in rows.values()],
        sites=case.committed_sites(),
        since=case.fold_since,
        recommits=case.recommits,
        confirmations=case.confirmations,
        decided_yes=case.decided_yes,
    )
    joined, left, struck = _judge(session, rows, folded)
    after = _with_delivery(case, folded, rows, now)
    if after.delivery.benefits != case.delivery.benefits:
        occurred = {row.id: row.occurred_at for row in rows.values() if row.occurred_at is not None}
        record_benefits(session, suggestion_id, folded.benefits, occurred)
    newly = after.delivery.progress is Progress.CONFLICT and before.delivery.progress is not Progress.CONFLICT
    return Change(before, after, joined, left, newly, struck, rows)


def announce(
    session: ScopedSession, row: Suggestion, change: Change, *, now: datetime, by: Report | None = None
) -> None:
    """Publishes what a refold changed: joined and left reports, a conflict, the progress, a reopening by rule.

    `by` is the report that brought it about; None: an act did.
    """
    cause = cause_of(by) if by is not None else None
    for report in change.joined:
        facts = {**report_facts(report), "status": report.status}
        outbox.publish(session, row, _about_report("report.applied", report, facts), now=now)
    for report in change.left:
        facts = {**report_facts(report), "reason": report.reason}
        outbox.publish(session, row, _about_report("report.quarantined", report, facts), now=now)
    if change.conflicting:
        outbox.publish(session, row, outbox.Announcement("report.conflict", cause=cause), now=now)
    if change.moved:
        was = change.before.delivery.progress
        facts = {"progress_before": was.value if was else None}
        outbox.publish(session, row, outbox.Announcement("progress.changed", facts=facts, cause=cause), now=now)
    if change.reopened:
        outbox.publish(session, row, outbox.Announcement("suggestion.reopened", cause=cause), now=now)


def cause_of(report: Report) -> outbox.Cause:
    """The report as the cause of an event."""
    return outbox.Cause(report.id, report.source_id, report.system)


def report_facts(report: Report) -> dict[str, str | None]:
    """The codes and dates of a report that everybody may see; what stands there for an unknown type is no code."""
    occurred = show_instant(report.occurred_at) if report.occurred_at else None
    return {"report_type": report.type if report.type in REPORTS else None, "occurred_at": occurred}


def history_of(session: ScopedSession, case: Case) -> Folded:
    """The folded reports of a case, for those who read its history."""
    with session.for_rules():
        rows = _reports_of(session, [case.id, *(one.id for one in case.merged)])
    return fold(
        [_told(row) for row in rows.values() if not _waits(row)],
        sites=case.committed_sites(),
        since=case.fold_since,
        recommits=case.recommits,
        confirmations=case.confirmations,
        decided_yes=case.decided_yes,
    )


def _about_report(type: str, report: Report, facts: Mapping[str, str | None]) -> outbox.Announcement:  # noqa: A002
    body = {"data": report.data}
    return outbox.Announcement(type, facts=facts, body=body, occurred_at=report.occurred_at, cause=cause_of(report))


def _reports_of(session: ScopedSession, ids: Iterable[UUID]) -> dict[UUID, Report]:
    """The reports that were told of these suggestions, without those that are outside for reasons of their own."""
    return {row.id: row for row in session.execute(_TOLD_OF, {"ids": sorted(set(ids))}).scalars()}


def _waits(row: Report) -> bool:
    """Whether a report was kept while its suggestion was hidden: it has not joined, and nothing stands against it."""
    return row.status == ReportStatus.RECORDED and not row.joined


def _hidden_among(session: ScopedSession, ids: Iterable[UUID]) -> set[UUID]:
    """The suggestions that are held or redirected; merged into another one, they keep what comes in about them."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    return set(
        session.execute(
            select(Suggestion.id).where(Suggestion.id.in_(wanted), Suggestion.hidden.is_not(None))
        ).scalars()
    )


def _told(row: Report) -> ToldReport:
    if row.occurred_at is None:
        raise ValueError(f"report {row.id} stands on a suggestion without its instant")
    return ToldReport(
        id=row.id,
        source=row.origin,
        report_key=row.claimed_key or str(row.id),
        kind=row.type,
        occurred_at=row.occurred_at,
        site=row.site_id,
        digest=row.digest,
        report=read_report(row.type, row.data),
        received_at=row.received_at,
        dismissed=row.status == ReportStatus.REJECTED,
    )


def _judge(
    session: ScopedSession, rows: Mapping[UUID, Report], folded: Folded
) -> tuple[tuple[Report, ...], tuple[Report, ...], tuple[Report, ...]]:
    """Writes what became of each report. Returns those that joined, those that left, those that were struck out."""
    joined, left, struck = list[Report](), list[Report](), list[Report]()
    for row in rows.values():
        if row.status == ReportStatus.REJECTED:  # It was dismissed, and stays so.
            continue
        status = folded.statuses[row.id]
        outside = status is ReportStatus.QUARANTINED
        reason = None
        if outside:
            missing = row.id in folded.targets_missing
            reason = (QuarantineReason.UNKNOWN_REPORT if missing else QuarantineReason.CONTRADICTION).value
        striker = folded.struck_out.get(row.id)
        if striker is not None and row.struck_out_by is None:
            struck.append(row)
        if (row.status, row.reason, row.struck_out_by, row.joined) == (status.value, reason, striker, not outside):
            continue
        if row.joined is outside:
            (left if outside else joined).append(row)
        new = Judged(status.value, reason, striker, not outside, row.version + 1)
        save_judged(session, row.id, new)
        for name, value in new._asdict().items():
            set_committed_value(row, name, value)
    return tuple(joined), tuple(left), tuple(struck)


def _with_delivery(case: Case, folded: Folded, rows: Mapping[UUID, Report], now: datetime) -> Case:
    """The case with what the reports come to; a closed yes is open again if that has changed for the worse."""
    before = case.delivery
    finals = [rows[one].received_at for one in folded.finals if one in rows]
    same_final = before.final_report == folded.final
    delivery = Delivery(
        progress=folded.progress,
        would_be=folded.would_be,
        claims_done=folded.claims_done,
        trial_has_result=folded.trial_has_result,
        final_report=folded.final,
        final_received_at=max(finals, default=None),
        final_after_messages=before.final_after_messages if same_final else len(case.messages),
        final_measured=folded.final_measured,
        stopped_at=(before.stopped_at or now) if folded.progress is Progress.STOPPED else None,
        conflict_since=(before.conflict_since or now) if folded.progress is Progress.CONFLICT else None,
        benefits=tuple(report_id for report_id, _ in folded.benefits),
    )
    after = replace(case, delivery=delivery)
    if not same_final:
        merged = tuple(replace(one, told=Told(of_decision=one.told.of_decision)) for one in case.merged)
        after = replace(after, told=Told(of_decision=case.told.of_decision), merged=merged)
    if case.state is State.CLOSED and case.decided_yes and _opens_again(before.progress, folded.progress):
        after = replace(after, state=State.DELIVERING, final_needed_after=now)
    return after


def _opens_again(before: Progress | None, now: Progress | None) -> bool:
    """A closed yes opens by a report that makes it stopped or a conflict, or leads away from implemented."""
    if before is now:
        return False
    return now in (Progress.STOPPED, Progress.CONFLICT) or before is Progress.IMPLEMENTED
