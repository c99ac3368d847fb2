"""Acts of the author, by a key on the author's behalf or by the receipt."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.domain.acts.safeguarding import ended
from app.domain.case import Case, Support, Verdict
from app.domain.lifecycle import RECEIPT, VISIBLE_ALIVE, Act, Moment, in_days
from app.domain.texts import LongText
from app.domain.vocabulary import Happened, Progress, Scope, State, SupportKind

APPEAL_DAYS = 28
UNMERGE_DAYS = 14
Score = Annotated[int, Field(ge=1, le=5)]


class Answer(
    Act,
    scope=(Scope.RAISE, RECEIPT),
    leaves=State.NEEDS_INFORMATION,
    enters=(State.ACKNOWLEDGED, State.UNDER_REVIEW),
    event="suggestion.question_answered",
    by_author=True,
):
    """The author answers the open question. The suggestion goes back to the state in which the question was asked, and
    the decision clock goes on.
    """

    text: Annotated[LongText, Field(examples=["The early round on weekdays."])]

    def apply(self, case: Case, at: Moment) -> Case:
        """Back to the state in which it was asked."""
        return question_closed(case, at)


class Withdraw(
    Act,
    scope=(Scope.RAISE, RECEIPT),
    leaves=(
        State.SUBMITTED,
        State.ACKNOWLEDGED,
        State.NEEDS_INFORMATION,
        State.UNDER_REVIEW,
        State.DELIVERING,
        State.DEFERRED,
    ),
    enters=(State.WITHDRAWN, State.DELIVERING),
    event="suggestion.withdrawn",
    by_author=True,
):
    """The author takes the suggestion back. After a yes, only the author's name and credit are taken away: the change
    goes on.
    """

    reason: Annotated[LongText, Field(examples=["We found another way."])] | None = None

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """After a yes it fits once: then the name is gone."""
        return super().fits(case, now) and not (case.state is State.DELIVERING and case.credit_withdrawn)

    def others(self, case: Case) -> tuple[UUID, ...]:
        """What was merged into it is set free, unless the change goes on."""
        return () if case.state is State.DELIVERING else tuple(one.id for one in case.merged)

    def apply(self, case: Case, at: Moment) -> Case:
        """An end before a yes; without the name after it."""
        if case.state is State.DELIVERING:
            return replace(case, credit_withdrawn=True)
        asked = ended(case.asked, at.known(case)) if case.state is State.NEEDS_INFORMATION else case.asked
        return replace(case, state=State.WITHDRAWN, question=None, asked_from=None, asked=asked)


class Appeal(
    Act,
    scope=(Scope.RAISE, RECEIPT),
    leaves=(State.DECIDED, State.DEFERRED, State.CLOSED, State.DELIVERING),
    enters=State.ACKNOWLEDGED,
    event="suggestion.appealed",
    by_author=True,
):
    """The author asks for another look at the decision: once per decision, within 28 days of it or of the report that
    stopped its delivery. The next panel needs another chair and somebody new.
    """

    grounds: Annotated[LongText, Field(examples=["The panel looked at another round than the one I meant."])]

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """Within 28 days; in `delivering` only after the delivery was stopped."""
        if not super().fits(case, now) or case.decision is None:
            return False
        stopped = case.delivery.progress is Progress.STOPPED
        if case.state is State.DELIVERING and not stopped:
            return False
        return in_days(now, (case.decision.decided_at, case.delivery.stopped_at if stopped else None), APPEAL_DAYS)

    def apply(self, case: Case, at: Moment) -> Case:
        """The decision no longer stands; who took it is remembered."""
        return replace(case.returned(at.known(case)), appealed_at=at.known(case))


class Unmerge(
    Act,
    scope=(Scope.REVIEW, RECEIPT),
    leaves=State.MERGED,
    enters=(State.ACKNOWLEDGED, State.UNDER_REVIEW),
    event="suggestion.unmerged",
):
    """It is not the same after all: for 14 days after a merge the suggestion can go back to the state it came from."""

    why: Annotated[LongText, Field(examples=["Mine is about nights."])]

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """For 14 days after the merge."""
        return super().fits(case, now) and in_days(now, (case.merged_at,), UNMERGE_DAYS)

    def others(self, case: Case) -> tuple[UUID, ...]:
        """The one it lives on in, those on the way there, and those that came along."""
        return unmerge_others(case)

    def apply(self, case: Case, at: Moment) -> Case:
        """Back to the state it came from; its author reads its own news again."""
        return replace(unmerged(case), news_at=at.known(case))

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """Takes it out of the others, and takes along what came with it."""
        return unmerge_ripple(other, before)


class GiveVerdict(
    Act,
    scope=(Scope.RAISE, RECEIPT),
    leaves=VISIBLE_ALIVE - {State.MERGED},
    enters=VISIBLE_ALIVE - {State.MERGED},
    event="suggestion.verdict_given",
    shows=("heard", "respected", "same_rules", "clear_reason", "made_better", "did_it_happen"),
    by_author=True,
):
    """The author judges the answer: heard, respected, by the same rules as everybody, with a clear reason, made better
    by it (1 to 5 each), and whether what was promised did happen. "No" opens a closed suggestion again.
    """

    heard: Score
    respected: Score
    same_rules: Score
    clear_reason: Score
    made_better: Score
    did_it_happen: Happened | None = None

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:
        """Once a decision stands."""
        return super().fits(case, now) and case.decision is not None

    def apply(self, case: Case, at: Moment) -> Case:
        """Keeps the last word; "no" leads a closed yes back to `delivering`, until a later final report."""
        after = replace(case, verdict=Verdict(self.did_it_happen, at.known(case)))
        if case.state is State.CLOSED and case.decided_yes and self.did_it_happen is Happened.NO:
            after = replace(after, state=State.DELIVERING, final_needed_after=at.known(case))
        return after


class RequestSupport(
    Act, scope=Scope.RAISE, leaves=VISIBLE_ALIVE, event="suggestion.support_requested", shows="kind", by_author=True
):
    """The author asks for practical support, for example an interpreter or cover for a shift. `support_id` in the event
    names the request when it is settled.
    """

    kind: SupportKind
    need: Annotated[LongText, Field(examples=["Thirty minutes with an interpreter."])]

    def apply(self, case: Case, at: Moment) -> Case:
        """Keeps the request until it is settled."""
        return replace(case, supports=(*case.supports, Support(at.event_id, self.kind)))


def question_closed(case: Case, at: Moment) -> Case:
    """The case without its open question, back in the state in which it was asked."""
    return replace(
        case,
        state=case.asked_from or State.ACKNOWLEDGED,
        asked_from=None,
        question=None,
        asked=ended(case.asked, at.known(case)),
    )


def unmerge_others(case: Case) -> tuple[UUID, ...]:
    """Every other case that an unmerging touches."""
    into = (case.merged_into,) if case.merged_into else ()
    return (*into, *case.merged_path, *(one.id for one in case.merged))


def unmerged(case: Case) -> Case:
    """The case on its own again."""
    return replace(
        case,
        state=case.merged_from or State.ACKNOWLEDGED,
        merged_from=None,
        merged_into=None,
        merged_at=None,
        merged_path=(),
        ended_at=None,
    )


def unmerge_ripple(other: Case, before: Case) -> Case:
    """What the unmerging of `before` changes in another case."""
    along = {one.id for one in before.merged}
    if other.id in along:
        place = other.merged_path.index(before.id) if before.id in other.merged_path else 0
        return replace(other, merged_into=before.id, merged_path=other.merged_path[:place])
    return replace(other, merged=tuple(one for one in other.merged if one.id not in along | {before.id}))
