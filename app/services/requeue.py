"""Trying reports again that are outside their suggestion: by time alone, and by hand."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import Field, JsonValue
from sqlalchemy import select

from app.db import report_statements as statements
from app.db.failures import as_unavailable
from app.db.statements import drop_agenda, put_agenda
from app.db.tables import Agenda, Report, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.texts import LongText
from app.domain.vocabulary import QuarantineReason, ReportStatus
from app.kit.refusals import Fault, Invalid
from app.kit.sealing import Secret
from app.kit.shapes import Id, Shape
from app.services import folding, outbox, reports
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.inbound import was_masked
from app.services.report_views import find_report
from app.services.suggestions import ANY_VERSION, Condition

Result = TypeVar("Result")

LONGEST_WAIT = timedelta(days=1)
BY_ITSELF = (QuarantineReason.INTERNAL_ERROR, QuarantineReason.UNKNOWN_SUGGESTION)
"""Reasons for which a report is tried again without anybody asking for it."""

_log = logging.getLogger(__name__)


class Reapplication(Shape, json_schema_extra={"examples": [{"suggestion_id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05"}]}):
    """How a report is tried again."""

    suggestion_id: Annotated[
        Id | None, Field(description="Another suggestion than the report names: this one is meant.")
    ] = None
    dry_run: Annotated[
        bool, Field(description="Whether to show what would become of the report and to change nothing.")
    ] = False


class Dismissal(
    Shape, json_schema_extra={"examples": [{"why": "A test of the rota system that went to this server."}]}
):
    """Why a report is put aside."""

    why: LongText


@dataclass(frozen=True)
class _Due:
    organisation_id: UUID
    report_id: UUID


def retry_due(session: ScopedSession, secret: Secret, now: datetime, limit: int = 50) -> int:
    """Tries the reports again whose time has come, at most `limit` of them; returns how many there were.

    The agenda's rows are locked first, and those that another process has are left to it. Needs a session without a
    scope.
    """
    statement = (
        select(Agenda.organisation_id, Agenda.subject)
        .where(Agenda.kind == reports.AGENDA, Agenda.due_at <= now.timestamp())
        .order_by(Agenda.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [_Due(*row) for row in session.execute(statement)]
    for one in sorted(due, key=lambda one: (one.organisation_id, one.report_id)):
        session.enter(TenantScope(one.organisation_id, sees_hidden=True))
        _retry(session, secret, one.report_id, now)
    return len(due)


def reapply(
    session: ScopedSession, context: Context, report_id: UUID, wanted: Reapplication, condition: Condition = ANY_VERSION
) -> Effect:
    """Judges a report anew that is quarantined or was put aside, as a person asks for it.

    That person vouches for the source, whose sites are not asked for then. A report that stands on its suggestion stays
    as it is. Raises NotFound, VersionMismatch, and Invalid for a suggestion that there is not, or for moving a report
    that stands on another one.
    """
    report = find_report(session, report_id)
    with session.for_rules():
        _lock(session, report)
    condition.check(report.version)
    if wanted.suggestion_id is not None and session.get(Suggestion, wanted.suggestion_id) is None:
        raise Invalid(Fault("/suggestion_id", "not_found", "Your organisation has no suggestion with this id."))
    outside = report.status in (ReportStatus.QUARANTINED, ReportStatus.REJECTED)
    if not outside and wanted.suggestion_id not in (None, report.suggestion_id):
        words = "The report stands on another suggestion. Dismiss it there before it is applied here."
        raise Invalid(Fault("/suggestion_id", "not_allowed", words))
    meant = wanted.suggestion_id or (report.suggestion_id if report.reason in folding.BY_FOLD else None)
    if outside:
        with session.for_rules():
            reports.reconsider(
                session,
                context.secret,
                report,
                context.now,
                instead=meant,
                by_hand=_is_unlimited(context),
            )
    return Effect(200, (report_id,))


def rehearse(
    session: ScopedSession,
    context: Context,
    report_id: UUID,
    wanted: Reapplication,
    condition: Condition,
    show: Callable[[ScopedSession], Result],
) -> Result:
    """What `show` makes of the session after `reapply`, of which nothing is left behind. Raises the same."""
    with session.begin_nested() as rehearsal:
        reapply(session, context, report_id, wanted, condition)
        shown = show(session)
        rehearsal.rollback()
    return shown


def dismiss(
    session: ScopedSession, context: Context, report_id: UUID, why: Dismissal, condition: Condition = ANY_VERSION
) -> Effect:
    """Puts a report aside, as a person asks for it: it is rejected, counts for nothing, and stays listed.

    Publishes `report.dismissed`, and what the fold without it changes. Raises NotFound and VersionMismatch.
    """
    report = find_report(session, report_id)
    with session.for_rules():
        target = _lock(session, report)
        condition.check(report.version)
        if report.status == ReportStatus.REJECTED:
            return Effect(200, (report_id,))
        stood = report.joined
        report.status, report.joined, report.waits_for, report.struck_out_by = (
            ReportStatus.REJECTED.value,
            False,
            None,
            None,
        )
        report.version += 1
        session.flush()
        _tell_dismissed(session, report, target.named if target else None, why, context.now)
        if target is not None and stood and target.hidden is None:
            reports.settle(session, report_id, target, context.now)
    return Effect(200, (report_id,))


def _lock(session: ScopedSession, report: Report) -> reports.Target | None:
    """Locks what a report is about and then the report, in the order of everybody who folds, and reads it again."""
    while True:
        about = report.suggestion_id
        named = statements.find_named(session, about) if about else None
        target = reports.lock_target(session, named) if named else None
        session.refresh(report, with_for_update=True)
        if report.suggestion_id == about:
            return target


def _retry(session: ScopedSession, secret: Secret, report_id: UUID, now: datetime) -> None:
    """Tries one report again. What fails again is tried later and later, at most a day apart."""
    report = session.get(Report, report_id)
    if report is None or report.status != ReportStatus.QUARANTINED or report.reason not in BY_ITSELF:
        drop_agenda(session, reports.AGENDA, report_id)
        return
    received_at = report.received_at
    try:
        with session.begin_nested():
            masked = report.reason == QuarantineReason.INTERNAL_ERROR and was_masked(session, secret, report)
            reports.reconsider(session, secret, report, now, masked=masked)
    except Exception as error:
        if as_unavailable(error) is not None:
            raise
        _log.exception("a report could not be tried again", extra={"report": str(report_id)})
        wait = min(max(now - received_at, reports.TRIED_AGAIN_AFTER), LONGEST_WAIT)
        put_agenda(session, reports.AGENDA, report_id, (now + wait).timestamp())
        return
    drop_agenda(session, reports.AGENDA, report_id)


def _is_unlimited(context: Context) -> bool:
    """Whether the caller may speak for all sites, and so for a source that is limited to some."""
    return context.caller.sites is None


def _tell_dismissed(
    session: ScopedSession, report: Report, about: Suggestion | None, why: Dismissal, now: datetime
) -> None:
    facts: dict[str, JsonValue] = dict(folding.report_facts(report))
    announcement = outbox.Announcement(
        "report.dismissed",
        facts=facts,
        body={"why": why.why},
        occurred_at=report.occurred_at,
        cause=folding.cause_of(report),
    )
    outbox.publish(session, about, announcement, now=now)
