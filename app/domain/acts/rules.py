"""Acts that nobody does: the rules of this service do them when their time has come. They have no route."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from app.domain.acts.author import question_closed, unmerge_others, unmerge_ripple, unmerged
from app.domain.case import Case, Told
from app.domain.days import local_day
from app.domain.lifecycle import SYSTEM, VISIBLE_ALIVE, Act, Moment
from app.domain.vocabulary import Progress, State

QUESTION_DAYS = 14
_ANY = frozenset(State)


class Resume(
    Act,
    scope=SYSTEM,
    leaves=State.NEEDS_INFORMATION,
    enters=(State.ACKNOWLEDGED, State.UNDER_REVIEW),
    event="suggestion.resumed",
):
    """A question was open for 14 days in total without an answer: the suggestion goes on without it."""

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """When the 14 days are used up."""
        return super().fits(case, now) and now >= resumes_at(case)

    def apply(self, case: Case, at: Moment) -> Case:
        """Back to the state in which it was asked."""
        return question_closed(case, at)


class Revisit(Act, scope=SYSTEM, leaves=State.DEFERRED, enters=State.ACKNOWLEDGED, event="suggestion.revisited"):
    """The date to which the decision was deferred has come: the suggestion comes back by itself."""

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """From the beginning of that day in London."""
        if not super().fits(case, now) or case.decision is None or case.decision.revisit_on is None:
            return False
        return local_day(now) >= case.decision.revisit_on

    def apply(self, case: Case, at: Moment) -> Case:
        """The deferral no longer stands."""
        return case.returned(at.now)


class Close(
    Act, scope=SYSTEM, leaves=(State.DECIDED, State.DELIVERING), enters=State.CLOSED, event="suggestion.closed"
):
    """Everything that is owed was done: answered, outcome known, author told, verdict invited."""

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """Whether all conditions of the closing rule hold."""
        return super().fits(case, now) and may_close(case)

    def apply(self, case: Case, at: Moment) -> Case:
        """Remembers when."""
        return replace(case, closed_at=at.now)


class SetFree(
    Act, scope=SYSTEM, leaves=State.MERGED, enters=(State.ACKNOWLEDGED, State.UNDER_REVIEW), event="suggestion.unmerged"
):
    """What it lived on in was withdrawn or redirected: it stands on its own again."""

    def others(self, case: Case) -> tuple[UUID, ...]:
        """As for `unmerge`."""
        return unmerge_others(case)

    def apply(self, case: Case, at: Moment) -> Case:
        """Back to the state it came from; its author reads its own news again."""
        return replace(unmerged(case), news_at=at.now)

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """As for `unmerge`."""
        return unmerge_ripple(other, before)


class SetFreeHeld(SetFree, scope=SYSTEM, leaves=State.HELD, event="suggestion.unmerged"):
    """What it lived on in ended while it was held itself: it is held on its own, and stands so when it is cleared."""

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """Where it was merged when it was held."""
        return super().fits(case, now) and case.held_from is State.MERGED

    def apply(self, case: Case, at: Moment) -> Case:
        """It stays held; `clear` leads back to the state from which it was merged."""
        alone = super().apply(case, at)
        return replace(alone, state=State.HELD, held_from=alone.state, ended_at=None)


class ReadReceipt(Act, scope=SYSTEM, leaves=_ANY, event="suggestion.told", by_author=True):
    """The author opened the receipt view and read the decision, or the final report, for the first time."""

    def others(self, case: Case) -> tuple[UUID, ...]:
        """The suggestion in which it lives on: its closing waits for this author, too."""
        return (case.merged_into,) if case.merged_into else ()

    def apply(self, case: Case, at: Moment) -> Case:
        """Told of everything that stands."""
        return now_told(case, told_now(case), at)

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """Told of everything that stands in the survivor."""
        return merged_author_told(other, before.id, told_now(other))


class Notify(Act, scope=SYSTEM, leaves=VISIBLE_ALIVE, event="suggestion.told", shows="channel"):
    """A subscription that notifies authors was sent the decision or the final report, and answered with success."""

    of_decision: bool = False
    of_final: bool = False
    channel: Literal["subscription"] = "subscription"

    def apply(self, case: Case, at: Moment) -> Case:
        """Told of what was sent, as far as it stands."""
        standing = told_now(case)
        told = Told(
            of_decision=case.told.of_decision or (self.of_decision and standing.of_decision),
            of_final=case.told.of_final or (self.of_final and standing.of_final),
        )
        return now_told(case, told, at)


def resumes_at(case: Case) -> datetime:
    """When the open question times out: 14 days after it was asked, less what earlier questions took."""
    used = sum(((span.until - span.since) for span in case.asked if span.until is not None), timedelta())
    return case.asked[-1].since + max(timedelta(days=QUESTION_DAYS) - used, timedelta())


def may_close(case: Case) -> bool:
    """The closing rule: decision readable, told, for a yes a final report with its impact or why there is none; and
    everybody whose suggestion was merged into it told, too.
    """
    told = (case.told, *(one.told for one in case.merged))
    if case.decision is None or not all(one.of_decision for one in told):
        return False
    if not case.decided_yes:
        return True
    delivery = case.delivery
    if delivery.final_report is None or delivery.progress is Progress.CONFLICT or not delivery.final_measured:
        return False
    if case.final_needed_after and (delivery.final_received_at or case.final_needed_after) <= case.final_needed_after:
        return False
    return all(one.of_final for one in told)


def told_now(case: Case) -> Told:
    """Told of the decision and of the final report, as far as each stands."""
    return Told(of_decision=case.decision is not None, of_final=case.delivery.final_report is not None)


def now_told(case: Case, told: Told, at: Moment) -> Case:
    """The case whose author was told; being told of the final report is news."""
    newly = told.of_final and not case.told.of_final
    return replace(
        case,
        told=told,
        told_final_at=at.known(case) if newly else case.told_final_at,
        news_at=at.known(case) if newly else case.news_at,
    )


def merged_author_told(survivor: Case, id: UUID, told: Told) -> Case:
    """The survivor with what the author of one merged suggestion was told."""
    merged = tuple(
        replace(
            one,
            told=Told(one.told.of_decision or told.of_decision, one.told.of_final or told.of_final),
        )
        if one.id == id
        else one
        for one in survivor.merged
    )
    return replace(survivor, merged=merged)
