"""The author's view: what the bearer of a receipt reads, and that reading counts as being told."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, JsonValue
from sqlalchemy import select

from app.db.tables import Event, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.acts.rules import ReadReceipt, told_now
from app.domain.case import Case, Told
from app.domain.lifecycle import ACTS, RECEIPT
from app.domain.owed import promises_of
from app.domain.policy import Rules
from app.domain.promises import PromiseState
from app.domain.reports.fold import Folded
from app.domain.texts import Author
from app.domain.vocabulary import FeedbackMode, Outcome, Progress, Reason, State
from app.kit.shapes import Instant, Shape
from app.services import words
from app.services.access import credential_of, look_up
from app.services.cases import find, lock, read_case, stored_case
from app.services.folding import history_of
from app.services.idempotency import Effect
from app.services.showing import show_commitment
from app.services.suggestions import perform_rule
from app.services.timeline import Placed, timeline_of
from app.services.views import CommitmentView, PromiseView

INTERNAL = frozenset(
    {
        "suggestion.noted",
        "suggestion.opened",
        "suggestion.voted",
        "suggestion.time_logged",
        "report.quarantined",
        "report.dismissed",
        "safeguarding.report_kept",
        "promise.due_soon",
    }
)
"""Events that are not in the author's timeline: they are work among the team."""


class QuestionView(Shape):
    """The open question."""

    text: str
    asked_at: Instant


class AnswerView(Shape):
    """The decision in the author's language."""

    outcome: Outcome
    outcome_text: str
    reasons: tuple[Reason, ...]
    rationale: str


class MessageView(Shape):
    """What was written to the author."""

    id: UUID
    text: str
    summary: str
    feedback_mode: FeedbackMode
    sent_at: Instant


class ReportedView(Shape):
    """What a provider's system said happened. What was corrected or retracted stays, struck out."""

    type: str
    summary: str
    occurred_at: Instant
    struck_out: bool


class HappenedView(Shape):
    """One step on the way, without names."""

    type: str
    text: str
    happened_at: Instant


class PromisedView(PromiseView):
    """A promise in the author's language; a broken one says so."""

    text: str


class ReceiptView(Shape):
    """A suggestion as its author reads it."""

    id: UUID
    title: str | None
    text: str | None
    state: State
    state_text: str
    progress: Progress | None
    question: QuestionView | None
    decision: AnswerView | None
    commitment: CommitmentView | None
    promises: tuple[PromisedView, ...]
    messages: tuple[MessageView, ...]
    reports: tuple[ReportedView, ...]
    timeline: tuple[HappenedView, ...]
    allowed_acts: tuple[str, ...]


class Codes(Shape, json_schema_extra={"examples": [{"codes": ["hbr_RKGV-2W5Z-A79Q-V36F-81KT-T9A0-K3JH-5JE8-G"]}]}):
    """Receipt codes of one author, at most 50."""

    codes: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50)]


class IdeaView(Shape):
    """One of my ideas. `news` says whether there is something that its author has not read yet."""

    id: UUID
    title: str | None
    state: State
    state_text: str
    news: bool


class IdeaList(Shape):
    """My ideas, in the order of the codes; wrong codes are left out."""

    items: tuple[IdeaView, ...]


@dataclass(frozen=True)
class Standing:
    """What stands for the author to read: the case, that of the suggestion it lives on in, and the reports' history."""

    row: Suggestion
    case: Case
    answering: Case
    history: Folded
    timeline: Sequence[Placed]
    messages: tuple[MessageView, ...]

    @property
    def mark(self) -> str:
        """Stands for everything that there is to read; empty where there is nothing yet."""
        decision, question = self.answering.decision, self.case.question
        read: list[str] = [str(message.id) for message in self.messages]
        read += [str(question.event_id)] if question else []
        read += [f"{decision.decided_at}"] if decision else []
        read += [f"{line.id}{line.struck_out}" for line in self.history.history]
        return hashlib.sha256("\n".join(read).encode()).hexdigest()[:32] if read else ""

    @property
    def has_news(self) -> bool:
        """Whether there is something that the author has not read here."""
        return self.mark not in ("", self.case.read_mark)

    @property
    def tells(self) -> bool:
        """Whether reading it tells the author of the decision or of the final report for the first time."""
        known = self.case.told
        if self.answering.id != self.case.id:
            known = next((one.told for one in self.answering.merged if one.id == self.case.id), Told())
        now = told_now(self.answering)
        return (now.of_decision and not known.of_decision) or (now.of_final and not known.of_final)


def stand(session: ScopedSession, suggestion_id: UUID) -> Standing:
    """Everything that the author of a suggestion may read now. Raises NotFound."""
    with session.for_rules():
        row = find(session, suggestion_id)
        case = read_case(row.case)
        answering = case
        if case.merged_into is not None and (survivor := session.get(Suggestion, case.merged_into)) is not None:
            answering = read_case(survivor.case) if survivor.hidden is None else case
        timeline = timeline_of(session, row)
        messages = _messages(session, timeline, case, answering)
        return Standing(row, case, answering, history_of(session, answering), timeline, messages)


def read_news(session: ScopedSession, suggestion_id: UUID, now: datetime) -> Effect:
    """Remembers what the author has read; `suggestion.told` where it is the decision or the final report.

    What is read otherwise leaves no event, and the version stays.
    """
    with session.for_rules():
        into = read_case(find(session, suggestion_id).case).merged_into
        lock(session, [suggestion_id, *([into] if into else [])])  # at once and in order, as acts do
        standing = stand(session, suggestion_id)
        if standing.tells:
            perform_rule(session, suggestion_id, ReadReceipt(), now)
        if standing.has_news:
            row = find(session, suggestion_id)
            read = tuple(line.id for line in standing.history.history)
            row.case = stored_case(replace(read_case(row.case), read_mark=standing.mark, read_reports=read))
            session.flush()
    return Effect(200, (suggestion_id,))


def language_of(standing: Standing, accept_language: str | None) -> words.Language:
    """The author's language, or the one that the request asks for where the author named none."""
    return words.choose_language(_preferred_language(standing.row), accept_language)


def show_receipt(standing: Standing, rules: Rules, now: datetime, language: words.Language) -> ReceiptView:
    """The view as the author reads it."""
    row, case = standing.row, standing.case
    question = case.question
    return ReceiptView(
        id=row.id,
        title=row.title,
        text=row.text,
        state=case.state,
        state_text=words.label("state", case.state, language),
        progress=standing.answering.delivery.progress,
        question=QuestionView(text=question.text, asked_at=question.asked_at) if question else None,
        decision=_answer(standing.answering, language),
        commitment=show_commitment(standing.answering),
        promises=tuple(
            PromisedView(
                promise=one.promise,
                state=one.state,
                due_at=one.due_at,
                text=_promise_text(one, language),
            )
            for one in promises_of(case, rules, now)
        ),
        messages=standing.messages,
        reports=tuple(
            ReportedView(type=line.kind, summary=line.summary, occurred_at=line.occurred_at, struck_out=line.struck_out)
            for line in standing.history.history
        ),
        timeline=tuple(
            HappenedView(
                type=one.event.type,
                text=words.timeline_text(one.event.type, language),
                happened_at=one.event.timestamp if one.event.by_author else one.place[0],
            )
            for one in standing.timeline
            if one.event.type not in INTERNAL
        ),
        allowed_acts=tuple(acts_by_receipt(case, now)),
    )


def show_ideas(session: ScopedSession, codes: Codes, now: datetime, accept_language: str | None) -> IdeaList:
    """The ideas that the codes open, of whatever organisation. Reads only. Needs a session without a scope."""
    found = dict[tuple[UUID, UUID], None]()  # in their order, each once
    for code in codes.codes:
        hashed = credential_of("receipt", code)
        caller = look_up(session, "receipt", hashed, now) if hashed is not None else None
        if caller is not None and caller.suggestion_id is not None:
            found[caller.organisation_id, caller.suggestion_id] = None
    items = []
    for organisation_id, suggestion_id in found:
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        standing = stand(session, suggestion_id)
        language = language_of(standing, accept_language)
        items.append(
            IdeaView(
                id=suggestion_id,
                title=standing.row.title,
                state=standing.case.state,
                state_text=words.label("state", standing.case.state, language),
                news=standing.has_news,
            )
        )
    return IdeaList(items=tuple(items))


def acts_by_receipt(case: Case, now: datetime) -> list[str]:
    """The acts that fit now and that the bearer of a receipt may do."""
    return sorted(name for name, act in ACTS.items() if RECEIPT in act.transition.scopes and act.fits(case, now))


def _promise_text(promise: PromiseState, language: str) -> str:
    if promise.state == "broken":
        return words.broken_text(promise.promise, language)
    return words.explanation("promise", promise.promise, language)


def _preferred_language(row: Suggestion) -> str | None:
    return Author.model_construct(**row.author).preferred_language if row.author else None


def _answer(case: Case, language: str) -> AnswerView | None:
    decision = case.decision
    if decision is None:
        return None
    return AnswerView(
        outcome=decision.outcome,
        outcome_text=words.label("outcome", decision.outcome, language),
        reasons=decision.reasons,
        rationale=decision.rationale,
    )


def _messages(
    session: ScopedSession, timeline: Sequence[Placed], case: Case, answering: Case
) -> tuple[MessageView, ...]:
    """The messages to the author; of the survivor's, those that were written since the merge."""
    events = [one.event for one in timeline]
    if answering.id != case.id:
        statement = select(Event).where(Event.suggestion_id == answering.id, Event.timestamp >= case.merged_at)
        events += session.execute(statement.order_by(Event.number)).scalars()
    wanted = {*case.messages, *answering.messages}
    written = [event for event in events if event.id in wanted]
    shown = [message for event in sorted(written, key=lambda one: one.number) if (message := _message(event))]
    return tuple(shown)


def _message(event: Event) -> MessageView | None:
    """The message that an event carries; None once its words were erased."""
    carried: JsonValue = event.body.get("message", event.body)
    if not isinstance(carried, dict) or "summary" not in carried or "text" not in carried:
        return None
    return MessageView(
        id=event.id,
        text=str(carried["text"]),
        summary=str(carried["summary"]),
        feedback_mode=FeedbackMode(str(carried["feedback_mode"])),
        sent_at=event.timestamp,
    )
