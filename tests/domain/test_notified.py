"""An author who was told by a subscription that notifies authors was told like any other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain import owed
from app.domain.acts.rules import Notify
from app.domain.case import Case, Decision, Delivery, Told
from app.domain.lifecycle import Moment
from app.domain.policy import Rules
from app.domain.vocabulary import Outcome, ParticipationLevel, Progress, State

DECIDED = datetime(2026, 11, 2, 9, tzinfo=UTC)
REPORTED = DECIDED + timedelta(days=20)
NOTIFIED = REPORTED + timedelta(days=1)
CASE = Case(
    id=UUID(int=1),
    state=State.DELIVERING,
    received_at=DECIDED,
    acknowledged_at=DECIDED,
    decision=Decision(Outcome.ADOPT, (), "Because.", ParticipationLevel.CO_DESIGN, DECIDED),
    decisions=(DECIDED,),
    told=Told(of_decision=True),
    news_at=DECIDED,
    delivery=Delivery(progress=Progress.IMPLEMENTED, final_report=UUID(int=2), final_received_at=REPORTED),
)


def test_a_delivery_of_the_final_report_keeps_the_promise_to_tell_and_is_news() -> None:
    at = Moment(NOTIFIED, UUID(int=3), Rules())
    after = Notify(of_final=True).performed_on(CASE, at)
    assert after == replace(CASE, told=Told(of_decision=True, of_final=True), told_final_at=NOTIFIED, news_at=NOTIFIED)
    late = NOTIFIED + timedelta(days=20)
    states = {promise.promise: promise.state for promise in owed.promises_of(after, Rules(), late)}
    assert (states["P7"], states["P5"]) == ("kept", "running")


def test_a_delivery_of_the_decision_leaves_the_clocks_alone() -> None:
    unread = replace(CASE, told=Told())
    after = Notify(of_decision=True).performed_on(unread, Moment(NOTIFIED, UUID(int=3), Rules()))
    assert after == CASE
