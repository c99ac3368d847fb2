"""How suggestions are shown, and what of them to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db.tables import Report, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.case import Case
from app.domain.lifecycle import allowed_acts
from app.domain.owed import promises_of
from app.domain.policy import Rules
from app.domain.texts import Author
from app.domain.vocabulary import Anonymity, BenefitType, Group, Lens, Period, Scope, State
from app.kit.strict_json import canonical
from app.services.cases import read_case, read_rules
from app.services.views import (
    BenefitView,
    CommitmentView,
    DecisionView,
    LeadView,
    PromiseView,
    ReferralView,
    StewardView,
    SuggestionView,
    VoteView,
)


@dataclass(frozen=True)
class Reader:
    """Who reads, as far as it decides what is shown. `opens`: a single GET, in which an identity may be opened."""

    scopes: frozenset[str]
    opens: bool = False

    def sees_author(self, row: Suggestion) -> bool:
        """Named ones always; confidential ones by the scope `identity` in a single GET; anonymous ones never."""
        if row.anonymity == Anonymity.NAMED:
            return True
        return row.anonymity == Anonymity.CONFIDENTIAL and self.opens and Scope.IDENTITY in self.scopes


def show_suggestions(
    session: ScopedSession, rows: Sequence[Suggestion], reader: Reader, now: datetime
) -> tuple[SuggestionView, ...]:
    """The suggestions in their order. One further statement fetches the benefits of them all, where there are any."""
    if not rows:
        return ()
    cases = [read_case(row.case) for row in rows]
    benefits, rules = benefits_of(session, cases), read_rules(session)
    seen = _seen(session, [case.merged_into for case in cases if case.merged_into is not None])
    return tuple(
        SuggestionView.model_construct(
            **members_of(row, case, benefits, reader, now),
            merged_into=case.merged_into if case.merged_into in seen else None,
            promises=show_promises(case, rules, now),
        )
        for row, case in zip(rows, cases, strict=True)
    )


def members_of(
    row: Suggestion, case: Case, benefits: dict[UUID, BenefitView], reader: Reader, now: datetime
) -> dict[str, Any]:
    """The members of a suggestion as one reader may see them."""
    seen = reader.sees_author(row)
    return {
        "id": row.id,
        "external_id": row.external_id,
        "title": row.title,
        "text": row.text,
        "site": None if row.generalised else row.site_id,
        "group": Group(row.group),
        "anonymity": Anonymity(row.anonymity),
        "author": _author(row.author, row) if seen else None,
        "co_authors": tuple(author for one in row.co_authors if (author := _author(one, row))) if seen else (),
        "lenses": tuple(Lens(lens) for lens in row.lenses),
        "tags": tuple(row.tags),
        "language": row.language,
        "state": case.state,
        "progress": case.delivery.progress,
        "outcome": case.decision.outcome if case.decision else None,
        "steward": StewardView(ref=case.steward.ref, name=case.steward.name) if case.steward else None,
        "decision": show_decision(case),
        "commitment": show_commitment(case, without=row.site_id if row.generalised else None),
        "flags": _flags(row, case),
        "benefits": tuple(benefits[one] for one in case.delivery.benefits if one in benefits),
        "supporters": row.supporters,
        "captured_at": row.captured_at,
        "received_at": row.received_at,
        "updated_at": row.updated_at,
        "version": row.version,
        "allowed_acts": tuple(allowed_acts(case, now)),
    }


def _seen(session: ScopedSession, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the suggestions that the session sees: a survivor that is hidden is not named either."""
    if not ids:
        return frozenset()
    return frozenset(session.execute(select(Suggestion.id).where(Suggestion.id.in_(ids))).scalars())


def show_promises(case: Case, rules: Rules, now: datetime) -> tuple[PromiseView, ...]:
    """The promises to the author as they stand now."""
    return tuple(
        PromiseView(promise=one.promise, state=one.state, due_at=one.due_at) for one in promises_of(case, rules, now)
    )


def show_decision(case: Case) -> DecisionView | None:
    """The decision that stands. Who voted is shown once the suggestion is closed, who decided never."""
    decision = case.decision
    if decision is None:
        return None
    closed = case.state is State.CLOSED
    votes = tuple(
        VoteView(group=vote.group, choice=vote.choice, member=vote.ref if closed else None) for vote in decision.votes
    )
    refer = decision.refer_to
    return DecisionView(
        outcome=decision.outcome,
        reasons=decision.reasons,
        rationale=decision.rationale,
        participation_level=decision.participation_level,
        votes=votes,
        override_reason=decision.override_reason,
        revisit_on=decision.revisit_on,
        refer_to=ReferralView(body=refer.body, contact=refer.contact) if refer else None,
        decided_at=decision.decided_at,
    )


def show_commitment(case: Case, *, without: UUID | None = None) -> CommitmentView | None:
    """The commitment that stands; `without` the site of an author whose site is not shown."""
    made = case.commitment
    if made is None:
        return None
    lead = LeadView(ref=made.lead.ref, group=made.lead.group) if made.lead else None
    return CommitmentView(
        owner=made.owner, due_on=made.due_on, sites=tuple(site for site in made.sites if site != without), lead=lead
    )


def benefits_of(session: ScopedSession, cases: Sequence[Case]) -> dict[UUID, BenefitView]:
    """The measured benefits that stand in the cases, by the ids of their reports."""
    wanted = [report_id for case in cases for report_id in case.delivery.benefits]
    if not wanted:
        return {}
    with session.for_rules():
        rows = session.execute(select(Report.id, Report.data).where(Report.id.in_(wanted))).all()
    return {report_id: show_benefit(report_id, data) for report_id, data in rows}


def show_benefit(report_id: UUID, data: dict[str, Any]) -> BenefitView:
    """The benefit of an `impact_measured`, or of a correction that became one."""
    corrected = data.get("report")
    inner: dict[str, Any] = corrected if isinstance(corrected, dict) else data
    names = ("measure", "baseline", "value", "unit", "method")
    members = {name: inner[name] for name in names}
    return BenefitView.model_construct(
        report_id=report_id,
        benefit_type=BenefitType(inner["benefit_type"]),
        period=Period(inner["period"]),
        verified_by=inner.get("verified_by"),
        **members,
    )


def _author(stored: dict[str, Any] | None, row: Suggestion) -> Author | None:
    if stored is None:
        return None
    author = Author.model_validate_json(canonical(stored))
    return author.model_copy(update={"job_role": None}) if row.generalised else author


def _flags(row: Suggestion, case: Case) -> tuple[str, ...]:
    mine = [*case.flags]
    mine += ["generalised"] if row.generalised else []
    mine += ["contact_details"] if row.contact_details else []
    return tuple(mine)
