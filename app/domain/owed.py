"""What is owed for a case now, and when to look at it again: promises, and the acts that the rules will do.

A suggestion keeps the days that were promised when it was received: a policy that is changed later makes no promise
broken that was kept, and takes none back.
"""

from dataclasses import replace
from datetime import UTC, datetime

from app.domain import promises
from app.domain.acts.rules import may_close, resumes_at
from app.domain.case import Case
from app.domain.days import start_of
from app.domain.policy import Rules
from app.domain.promises import Announcement, Marks, PromiseState
from app.domain.vocabulary import State
from app.kit.calendars import Calendar

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
OWES_NEWS = frozenset(
    {State.SUBMITTED, State.HELD, State.ACKNOWLEDGED, State.NEEDS_INFORMATION, State.UNDER_REVIEW, State.DELIVERING}
)
"""The states in which the author is owed news every 30 days. A deferral has told its author when it comes back."""


def marks_of(case: Case) -> Marks:
    """The instants on which the promises of a case depend."""
    return Marks(
        received_at=case.received_at or AT_ONCE,
        acknowledged_at=case.acknowledged_at,
        decided=case.decisions,
        held=case.held,
        asked=case.asked,
        news_at=case.news_at,
        is_open=case.state in OWES_NEWS,
        committed_at=case.committed_at,
        due_on=case.commitment.due_on if case.commitment else None,
        final_at=case.delivery.final_received_at,
        told_at=case.told_final_at,
        appealed_at=case.appealed_at,
        deferred_at=case.deferred_at,
        revisit_on=case.revisit_on,
        returned_at=case.returned_at,
        ended_at=case.ended_at,
        said=case.said,
    )


def promises_of(case: Case, rules: Rules, now: datetime) -> tuple[PromiseState, ...]:
    """The promises to the author as they stand now."""
    return promises.promises_of(marks_of(case), case.promised_days, Calendar(rules.nation), now)


def to_say(case: Case, rules: Rules, now: datetime) -> tuple[Announcement, ...]:
    """What is due to be said of the promises and was not said yet."""
    return promises.announcements(marks_of(case), case.promised_days, Calendar(rules.nation), now)


def said(case: Case, announcement: Announcement) -> Case:
    """The case in which it was said."""
    return replace(case, said=(*case.said, announcement.key))


def next_wake(case: Case, rules: Rules, now: datetime) -> datetime | None:
    """The earliest instant at which a rule has something to do; the beginning of time for what is due at once."""
    instants = list[datetime]()
    if case.state in (State.DECIDED, State.DELIVERING) and may_close(case):
        instants.append(AT_ONCE)
    if case.state is State.NEEDS_INFORMATION:
        instants.append(resumes_at(case))
    if case.state is State.DEFERRED and case.decision is not None and case.decision.revisit_on is not None:
        instants.append(start_of(case.decision.revisit_on))
    promised = promises.next_wake(marks_of(case), case.promised_days, Calendar(rules.nation), now)
    return min([*instants, *([promised] if promised else [])], default=None)


def about_to_break_at(states: tuple[PromiseState, ...]) -> datetime | None:
    """From when on the first of the running promises is about to break."""
    return min((state.due_soon_at for state in states if state.state == "running"), default=None)
