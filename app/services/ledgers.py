"""What measures read, written with the act that it comes from: milestones of a suggestion, and rows of the ledgers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from app.db import statements
from app.db.ledgers import Benefit, SupportRequest, TimeEntry, VerdictEntry
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.acts.author import GiveVerdict, RequestSupport
from app.domain.acts.frontline import LogTime
from app.domain.acts.review import SettleSupport
from app.domain.case import Case
from app.domain.days import local_day
from app.domain.lifecycle import Act, Moment
from app.domain.reports.types import ImpactMeasured
from app.domain.vocabulary import Progress, Seen, State


def record(session: ScopedSession, row: Suggestion, act: Act, case: Case, at: Moment) -> None:
    """The row of the ledger that an act belongs to, if it belongs to one."""
    today = local_day(at.now)
    group = at.actor.group.value if at.actor else case.group.value
    of_it = {"organisation_id": row.organisation_id, "suggestion_id": row.id}
    match act:
        case LogTime():
            entry = {"minutes": act.minutes, "kind": act.kind.value, "paid": act.paid, "group": group}
            session.add(TimeEntry(**of_it, id=at.event_id, logged_on=today, **entry))
        case RequestSupport():
            session.add(SupportRequest(**of_it, id=at.event_id, kind=act.kind.value, result=None, asked_on=today))
        case SettleSupport():
            settled = update(SupportRequest).where(SupportRequest.id == act.support_id)
            session.execute(settled.values(result=act.result.value, settled_on=today))
        case GiveVerdict() if case.decision is not None:
            _record_verdict(session, of_it, act, case, today)
        case _:
            return
    session.flush()


def _record_verdict(session: ScopedSession, of_it: dict[str, UUID], act: GiveVerdict, case: Case, today: date) -> None:
    entry = session.get(VerdictEntry, of_it["suggestion_id"]) or VerdictEntry(**of_it)
    for name in ("heard", "respected", "same_rules", "clear_reason", "made_better"):
        setattr(entry, name, getattr(act, name))
    entry.group = case.group.value
    entry.outcome = case.decision.outcome.value if case.decision else ""
    entry.did_it_happen = act.did_it_happen.value if act.did_it_happen else None
    entry.given_on = today
    session.add(entry)


def record_benefits(
    session: ScopedSession,
    suggestion_id: UUID,
    benefits: Iterable[tuple[UUID, ImpactMeasured]],
    occurred: Mapping[UUID, datetime],
) -> None:
    """The benefits that stand on a suggestion, by their reports, in place of those that stood there."""
    benefits = tuple(benefits)
    theirs = Benefit.report_id.in_([report_id for report_id, _ in benefits])  # of a suggestion merged into this one
    session.execute(delete(Benefit).where((Benefit.suggestion_id == suggestion_id) | theirs))
    for report_id, measured in benefits:
        session.add(
            Benefit(
                organisation_id=statements.organisation_of(session),
                suggestion_id=suggestion_id,
                report_id=report_id,
                benefit_type=measured.benefit_type.value,
                unit=measured.unit,
                period=measured.period.value,
                amount=abs(measured.value - measured.baseline),
                verified=measured.verified_by is not None,
                measured_on=local_day(occurred[report_id]),
            )
        )
    session.flush()


def milestones_of(row: Suggestion, case: Case) -> dict[str, Any]:
    """The milestones of a suggestion. Days are those of London; what has not come yet is None."""
    implemented = case.delivery.progress is Progress.IMPLEMENTED
    implemented_at = case.delivery.final_received_at if implemented else None
    decision, lead = case.decision, case.commitment.lead if case.commitment else None
    seen = Counter(one.seen for one in case.confirmations)
    votes = Counter(vote.group.value for vote in case.counted_votes)
    return {
        "organisation_id": row.organisation_id,
        "suggestion_id": row.id,
        "group": row.group,
        "site_id": None if row.generalised else row.site_id,
        "state": case.state.value,
        "outcome": decision.outcome.value if decision else None,
        "progress": case.delivery.progress.value if case.delivery.progress else None,
        "lead_group": lead.group.value if lead else None,
        "received_on": local_day(row.received_at),
        "acknowledged_on": local_day(case.acknowledged_at) if case.acknowledged_at else None,
        "decided_on": local_day(decision.decided_at) if decision else None,
        "implemented_on": local_day(implemented_at) if implemented_at else None,
        "closed_on": local_day(case.closed_at) if case.state is State.CLOSED and case.closed_at else None,
        "handed_over_on": _handed_over_on(case),
        "votes": dict(votes),
        "overridden": bool(decision and decision.saw and decision.saw.overridden),
        "confirmed": seen[Seen.SEEN] + seen[Seen.PARTLY],
        "not_seen": seen[Seen.NOT_SEEN],
        "appealed": case.appealed_at is not None,
    }


def _handed_over_on(case: Case) -> date | None:
    """The day of the redirection, which ends the suggestion, or the time in which it was held."""
    if case.state is not State.REDIRECTED:
        return None
    ends = [case.ended_at, *(span.until for span in case.held[-1:])]
    return max((local_day(end) for end in ends if end is not None), default=None)
