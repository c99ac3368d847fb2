"""Acts of the steward, the panel and the chair: from the first answer to the decision, and the messages between."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, JsonValue, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from app.domain import decisions
from app.domain.acts.rules import QUESTION_DAYS, merged_author_told, now_told, told_now
from app.domain.case import (
    Ballot,
    Case,
    CommitmentMade,
    ConflictOfInterest,
    Decision,
    Lead,
    MergedOne,
    PanelMember,
    Question,
    ReferTo,
    Span,
    Told,
)
from app.domain.lifecycle import VISIBLE_ALIVE, Act, Moment, named_site
from app.domain.texts import LongText, Member, MessageToAuthor, Name, Rationale, Ref, SiteName, Steward, Summary
from app.domain.vocabulary import (
    Channel,
    Choice,
    FeedbackMode,
    Group,
    Outcome,
    ParticipationLevel,
    Reason,
    Scope,
    State,
    SupportResult,
)
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Day, Id, Instant, Shape

_STEWARDED = frozenset(
    {
        State.ACKNOWLEDGED,
        State.NEEDS_INFORMATION,
        State.UNDER_REVIEW,
        State.DELIVERING,
        State.DEFERRED,
        State.DECIDED,
    }
)


def refuse_missing(model: Shape, names: tuple[str, ...]) -> None:
    """Raises pydantic's error for each of the members that the model lacks, each at its own place."""
    lacking = [name for name in names if not getattr(model, name)]
    if lacking:
        details = [InitErrorDetails(type="missing", loc=(name,), input=None) for name in lacking]
        raise ValidationError.from_exception_data(type(model).__name__, details)


# ── the first answer ──


class Acknowledge(
    Act,
    scope=Scope.REVIEW,
    leaves=State.SUBMITTED,
    enters=State.ACKNOWLEDGED,
    event="suggestion.acknowledged",
    shows="decision_expected_on",
):
    """A named human has read the suggestion and writes to its author: who will see to an answer, and by when."""

    steward: Steward
    message: MessageToAuthor
    decision_expected_on: Day

    def apply(self, case: Case, at: Moment) -> Case:
        """Names the steward."""
        return replace(
            case, steward=self.steward, acknowledged_at=at.now, decision_expected_on=self.decision_expected_on
        )


class Assign(Act, scope=Scope.REVIEW, leaves=_STEWARDED, event="suggestion.assigned"):
    """Another named person owes the author the answer from now on."""

    steward: Steward
    message: MessageToAuthor | None = None

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- the rule needs nothing of the moment
        """Names the new steward."""
        return replace(case, steward=self.steward)


class Ask(
    Act,
    scope=Scope.REVIEW,
    leaves=(State.ACKNOWLEDGED, State.UNDER_REVIEW),
    enters=State.NEEDS_INFORMATION,
    event="suggestion.question_asked",
):
    """One question to the author. It stops the decision clock until the answer comes, for 14 days at most in total."""

    question: Annotated[LongText, Field(examples=["Which of the two rounds do you mean?"])]

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """While some of the 14 days are left."""
        used = sum(((span.until - span.since) for span in case.asked if span.until is not None), timedelta())
        return super().fits(case, now) and used < timedelta(days=QUESTION_DAYS)

    def apply(self, case: Case, at: Moment) -> Case:
        """Opens the question and stops the clock."""
        return replace(
            case,
            asked_from=case.state,
            question=Question(self.question, at.now, at.event_id),
            asked=(*case.asked, Span(at.now)),
            news_at=at.now,
        )


# ── the panel ──


class Interest(Shape):
    """A declared conflict of interest."""

    ref: Annotated[Ref, Field(examples=["cw-1"])]
    what: Annotated[LongText, Field(examples=["Her sister sells the equipment."])]


class StartReview(
    Act,
    scope=Scope.REVIEW,
    leaves=(State.ACKNOWLEDGED, State.UNDER_REVIEW, State.DELIVERING),
    enters=State.UNDER_REVIEW,
    event="suggestion.review_started",
):
    """Appoints a panel and its chair, and opens the vote. A further review replaces the panel; the votes of those who
    stay are kept. After an appeal, the chair must be another one and somebody on the panel must be new. In `delivering`
    it fits once a trial has its result.
    """

    panel: Annotated[tuple[Member, ...], Field(min_length=1, max_length=100)]
    chair: Annotated[Ref, Field(examples=["mgr-9"])]
    conflicts_of_interest: Annotated[tuple[Interest, ...], Field(max_length=100)] = ()

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """In `delivering` only once a trial has its result."""
        return super().fits(case, now) and _open_for_decision(case)

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- the rule needs nothing of the moment
        """The new panel with the votes of those who stay."""
        self._check(case)
        groups = {member.ref: member.group for member in self.panel}
        votes = case.votes if case.state is State.UNDER_REVIEW else ()
        return replace(
            case,
            panel=tuple(PanelMember(member.ref, member.group) for member in self.panel),
            chair=self.chair,
            conflicts_of_interest=tuple(ConflictOfInterest(one.ref, one.what) for one in self.conflicts_of_interest),
            votes=tuple(replace(vote, group=groups[vote.ref]) for vote in votes if vote.ref in groups),
        )

    def _check(self, case: Case) -> None:
        faults, seen = list[Fault](), set[str]()
        for index, member in enumerate(self.panel):
            if member.ref in seen:
                faults.append(Fault(f"/panel/{index}/ref", "not_allowed", "This person is on the panel twice."))
            seen.add(member.ref)
        for index, interest in enumerate(self.conflicts_of_interest):
            if interest.ref not in seen | {self.chair}:
                place = f"/conflicts_of_interest/{index}/ref"
                faults.append(Fault(place, "not_found", "This person is neither on the panel nor its chair."))
        if case.appeal_is_open and case.earlier_chair == self.chair:
            words = "After an appeal somebody else must take the chair."
            faults.append(Fault("/chair", "not_allowed", words))
        if case.appeal_is_open and seen <= set(case.earlier_panel):
            words = "After an appeal somebody must be on the panel who was not on the earlier one."
            faults.append(Fault("/panel", "not_allowed", words))
        if faults:
            raise Invalid(*faults)


class Vote(Act, scope=Scope.DECIDE, leaves=State.UNDER_REVIEW, event="suggestion.voted"):
    """A member of the panel votes; the last vote of each member counts. Who voted is not shown before the suggestion is
    closed.
    """

    member: Annotated[Ref, Field(examples=["cw-1"])]
    choice: Choice
    comment: Annotated[LongText, Field(examples=["It would help on both rounds."])] | None = None

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- the rule needs nothing of the moment
        """Replaces the member's earlier vote."""
        groups = {member.ref: member.group for member in case.panel}
        if self.member not in groups:
            raise Invalid(Fault("/member", "not_found", "Only members of the panel vote."))
        kept = tuple(vote for vote in case.votes if vote.ref != self.member)
        return replace(case, votes=(*kept, Ballot(self.member, groups[self.member], self.choice)))


# ── the decision ──


class LeadPerson(Shape):
    """Who leads the delivery."""

    ref: Annotated[Ref, Field(examples=["staff-118"])]
    group: Group


class Commitment(Shape):
    """What is promised with a yes. `sites` default to the suggestion's own."""

    owner: Annotated[Name, Field(examples=["coord-2"])]
    due_on: Day
    sites: Annotated[tuple[SiteName, ...], Field(max_length=200)] = ()
    lead: LeadPerson | None = None

    def made(self, case: Case, at: Moment) -> CommitmentMade:
        """The commitment with the ids of its sites, each once."""
        own = (case.site,) if case.site else ()
        sites = tuple(dict.fromkeys(named_site(at, place, name) for place, name in self.names())) or own
        lead = Lead(self.lead.ref, self.lead.group) if self.lead else None
        return CommitmentMade(self.owner, self.due_on, sites, lead)

    def names(self) -> tuple[tuple[str, str], ...]:
        """The sites that it names, each with its pointer."""
        return tuple((f"/commitment/sites/{index}", name) for index, name in enumerate(self.sites))


class Referral(Shape):
    """Who can decide what we cannot, and how to reach them."""

    body: Name
    contact: Name


def _document_what_an_outcome_needs(schema: dict[str, JsonValue]) -> None:
    """Says in the 3.1 document which members each outcome needs."""
    schema["allOf"] = [
        {
            "if": {"properties": {"outcome": {"const": outcome.value}}, "required": ["outcome"]},
            "then": {"required": list(outcome.needs)},
        }
        for outcome in Outcome
    ]


class Decide(
    Act,
    scope=Scope.DECIDE,
    leaves=(State.ACKNOWLEDGED, State.UNDER_REVIEW, State.DELIVERING),
    enters=(State.DELIVERING, State.DEFERRED, State.DECIDED),
    event=("suggestion.decided", "suggestion.deferred"),
    shows=("reasons", "participation_level", "revisit_on"),
    json_schema_extra=_document_what_an_outcome_needs,
):
    """The answer. After a review its chair decides, with the votes that the organisation's policy asks for; without a
    review the steward alone may give a quick yes (`adopt` or `trial`). `adopt`, `adapt` and `trial` need a commitment,
    `defer` a date, `refer_on` somebody to refer to; all but `adopt` and `trial` need a reason. `override_reason` is
    needed for a decision against the majority of the voting care workers. In `delivering` it fits once a trial has its
    result.
    """

    outcome: Outcome
    reasons: Annotated[tuple[Reason, ...], Field(max_length=len(Reason))] = ()
    rationale: Rationale
    message: MessageToAuthor
    participation_level: ParticipationLevel
    commitment: Commitment | None = None
    revisit_on: Day | None = None
    refer_to: Referral | None = None
    override_reason: LongText | None = None

    @model_validator(mode="after")
    def _carries_what_its_outcome_needs(self) -> Self:
        refuse_missing(self, self.outcome.needs)
        return self

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """In `delivering` only once a trial has its result."""
        return super().fits(case, now) and _open_for_decision(case)

    def names_sites(self) -> tuple[tuple[str, str], ...]:
        """The sites of the commitment."""
        return self.commitment.names() if self.commitment else ()

    def event_type(self) -> str:
        """A deferral has a type of its own."""
        return self.transition.events[self.outcome is Outcome.DEFER]

    def apply(self, case: Case, at: Moment) -> Case:
        """The decision with the votes it was taken on and what the rule saw. What is not asked for is not kept."""
        saw = decisions.check(case, self, at)
        if self.outcome is Outcome.DEFER and self.revisit_on is not None:
            decisions.check_revisit(self.revisit_on, at)
        refer = self.refer_to if self.outcome is Outcome.REFER_ON else None
        decision = Decision(
            outcome=self.outcome,
            reasons=tuple(dict.fromkeys(self.reasons)),
            rationale=self.rationale,
            participation_level=self.participation_level,
            decided_at=at.now,
            votes=case.votes if case.state is State.UNDER_REVIEW else (),
            override_reason=self.override_reason,
            revisit_on=self.revisit_on if self.outcome is Outcome.DEFER else None,
            refer_to=ReferTo(refer.body, refer.contact) if refer else None,
            saw=saw,
            message_id=at.event_id,
        )
        made = self.commitment.made(case, at) if self.outcome.is_yes and self.commitment is not None else None
        if self.outcome is Outcome.DEFER:
            case = replace(
                case,
                deferrals=case.deferrals + 1,
                deferred_at=at.now,
                revisit_on=self.revisit_on,
                returned_at=None,
            )
        return replace(
            case,
            state=self.outcome.enters,
            decision=decision,
            decisions=(*case.decisions, at.now),
            counted_votes=case.counted_votes if saw.quick else decisions.counted(case),
            commitment=made,
            committed_at=at.now if made else None,
            told=Told(),
            merged=tuple(replace(one, told=Told()) for one in case.merged),
            final_needed_after=None,
        )


class Recommit(Act, scope=Scope.REVIEW, leaves=State.DELIVERING, event="suggestion.recommitted"):
    """A promise is renegotiated before or after it passed: another owner or date, the reason, and a message to the
    author. After `stopped`, work goes on.
    """

    commitment: Commitment
    why: Annotated[LongText, Field(examples=["The supplier is late."])]
    message: MessageToAuthor

    def names_sites(self) -> tuple[tuple[str, str], ...]:
        """The sites of the commitment."""
        return self.commitment.names()

    def apply(self, case: Case, at: Moment) -> Case:
        """The new commitment; a step of the reports' history that leads out of `stopped`."""
        before = case.committed_sites()
        made = self.commitment.made(case, at)
        if not self.commitment.sites and before:
            made = replace(made, sites=before)
        return replace(case, commitment=made, committed_at=at.now, recommits=(*case.recommits, at.now))


class Reopen(
    Act,
    scope=Scope.REVIEW,
    leaves=(State.DECIDED, State.CLOSED),
    enters=State.ACKNOWLEDGED,
    event="suggestion.reopened",
):
    """The suggestion is looked at again. The decision no longer stands."""

    why: Annotated[LongText, Field(examples=["The supplier is late."])]

    def apply(self, case: Case, at: Moment) -> Case:
        """Back among the acknowledged ones; no appeal, so the same panel may sit again."""
        return case.returned(at.now)


class Merge(
    Act,
    scope=Scope.REVIEW,
    leaves=(State.ACKNOWLEDGED, State.UNDER_REVIEW),
    enters=State.MERGED,
    event="suggestion.merged",
    shows="into",
):
    """The suggestion lives on in another one that asks for the same. Its author is told, reads that one's news from now
    on, and may object for 14 days. Supporters of both are counted once.
    """

    into: Id
    why_the_same: Annotated[LongText, Field(examples=["Both ask for the same change."])]
    message: MessageToAuthor

    def others(self, case: Case) -> tuple[UUID, ...]:
        """The one it lives on in, and those that come along."""
        return (self.into, *(one.id for one in case.merged))

    def names_suggestions(self) -> tuple[UUID, ...]:
        """The one it lives on in."""
        return (self.into,)

    def apply(self, case: Case, at: Moment) -> Case:
        """Remembers where it came from."""
        survivor = at.others.get(self.into)
        if survivor is None and self.into != case.id:
            raise Invalid(Fault("/into", "not_found", "Your organisation has no suggestion with this id."))
        closed_to_it = {State.MERGED, State.DECIDED, State.CLOSED, State.WITHDRAWN, State.REDIRECTED, State.HELD}
        if self.into == case.id or (survivor is not None and survivor.state in closed_to_it):
            words = "Name another suggestion that is neither merged, decided, closed nor ended."
            raise Invalid(Fault("/into", "not_allowed", words))
        return replace(case, merged_into=self.into, merged_from=case.state, merged_at=at.now, merged_path=())

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """The survivor takes all of them; those that come along remember the way."""
        if other.id == self.into:
            mine = MergedOne(before.id, tuple(one.who for one in before.supporters))
            along = tuple(replace(one, told=Told()) for one in before.merged)
            return replace(other, merged=(*other.merged, mine, *along))
        return replace(other, merged_into=self.into, merged_path=(*other.merged_path, before.id))


# ── writing ──


class Message(Act, scope=Scope.REVIEW, leaves=VISIBLE_ALIVE, event="suggestion.message_sent", shows="feedback_mode"):
    """News for the author, even if it is "no change yet, because"."""

    text: Annotated[LongText, Field(examples=["No change yet, because the rota is being drawn up."])]
    summary: Annotated[Summary, Field(examples=["No change yet."])]
    feedback_mode: FeedbackMode

    def writes_message(self) -> bool:
        """It is one."""
        return True


class Note(Act, scope=Scope.REVIEW, leaves=frozenset(State), event="suggestion.noted"):
    """An internal note. The author does not see it."""

    text: Annotated[LongText, Field(examples=["Spoke with the coordinator."])]


class Tell(Act, scope=Scope.REVIEW, leaves=VISIBLE_ALIVE, event="suggestion.told", shows=("channel", "told_at")):
    """The author was told outside the receipt view, of the messages named, or of all that stood there to read. A
    message that was sent after a final report tells of that report, too.
    """

    message_ids: Annotated[tuple[Id, ...], Field(max_length=1000)] | None = None
    channel: Channel
    told_at: Instant

    def others(self, case: Case) -> tuple[UUID, ...]:
        """The suggestion in which it lives on: its closing waits for this author, too."""
        return (case.merged_into,) if case.merged_into else ()

    def apply(self, case: Case, at: Moment) -> Case:
        """Told of what was named, or of everything."""
        told = self._told(case, {*case.messages, *(one for other in at.others.values() for one in other.messages)})
        return now_told(case, _both(case.told, told), at)

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """The same for the survivor's decision and final report."""
        return merged_author_told(other, before.id, self._told(other, {*before.messages, *other.messages}))

    def _told(self, case: Case, known: set[UUID]) -> Told:
        if self.message_ids is None:
            return told_now(case)
        for index, message_id in enumerate(self.message_ids):
            if message_id not in known:
                words = "This suggestion has no message with this id."
                raise Invalid(Fault(f"/message_ids/{index}", "not_found", words))
        decision = case.decision is not None and case.decision.message_id in self.message_ids
        after_final = case.messages[case.delivery.final_after_messages :]
        final = case.delivery.final_report is not None and not set(after_final).isdisjoint(self.message_ids)
        return Told(of_decision=decision, of_final=final)


class SettleSupport(
    Act,
    scope=Scope.REVIEW,
    leaves=VISIBLE_ALIVE,
    event="suggestion.support_settled",
    shows=("support_id", "result"),
):
    """A request for practical support is granted or refused. A refusal says why."""

    support_id: Id
    result: SupportResult
    why: Annotated[LongText, Field(examples=["Nobody is free on that day."])] | None = None

    @model_validator(mode="after")
    def _a_refusal_says_why(self) -> Self:
        if self.result is SupportResult.REFUSED:
            refuse_missing(self, ("why",))
        return self

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- the rule needs nothing of the moment
        """Settles the request."""
        found = {support.id: support for support in case.supports}
        support = found.get(self.support_id)
        if support is None or support.result is not None:
            code = "not_found" if support is None else "not_allowed"
            words = "This suggestion has no open request for support with this id."
            raise Invalid(Fault("/support_id", code, words))
        settled = tuple(replace(one, result=self.result) if one.id == self.support_id else one for one in case.supports)
        return replace(case, supports=settled)


def _open_for_decision(case: Case) -> bool:
    """A yes that is being delivered is decided anew only once a trial has its result."""
    return case.state is not State.DELIVERING or case.delivery.trial_has_result


def _both(before: Told, now: Told) -> Told:
    return Told(before.of_decision or now.of_decision, before.of_final or now.of_final)
