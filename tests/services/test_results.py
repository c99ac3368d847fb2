"""What comes of attempts: retries, the end of a subscription, suspension, order, and leases."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.db.session import ScopedSession
from app.db.tables import Agenda, ApiKey, Attempt, Delivery, Subscription
from app.services import deliveries, subscriptions
from app.services.claims import LEASE_SECONDS, Outgoing
from app.services.results import give_back
from tests.services.outbound import EVERYDAY, MONDAY, Outbound, answered, told


def stored(outbound: Outbound, subscription: UUID) -> Subscription:
    row: Subscription = outbound.read(lambda session: session.get(Subscription, subscription))
    return row


def states(outbound: Outbound, subscription: UUID) -> list[str]:
    def look(session: ScopedSession) -> list[str]:
        statement = select(Delivery.state).where(Delivery.subscription_id == subscription).order_by(Delivery.sequence)
        return list(session.execute(statement).scalars())

    found: list[str] = outbound.read(look)
    return found


def attempts(outbound: Outbound, delivery: UUID) -> list[tuple[int, int | None, str | None]]:
    def look(session: ScopedSession) -> list[Any]:
        statement = select(Attempt).where(Attempt.delivery_id == delivery).order_by(Attempt.number)
        return [(one.number, one.status, one.error) for one in session.execute(statement).scalars()]

    found: list[tuple[int, int | None, str | None]] = outbound.read(look)
    return found


def agenda(outbound: Outbound) -> list[float]:
    def look(session: ScopedSession) -> list[float]:
        return list(session.execute(select(Agenda.due_at).where(Agenda.kind == "subscription")).scalars())

    found: list[float] = outbound.read(look)
    return found


def resume(outbound: Outbound, subscription: UUID) -> None:
    outbound.write(lambda session: subscriptions.resume(session, outbound.context(), subscription))


def pause(outbound: Outbound, subscription: UUID) -> None:
    outbound.write(lambda session: subscriptions.pause(session, outbound.context(), subscription))


def redeliver(outbound: Outbound, delivery: UUID) -> None:
    outbound.write(lambda session: deliveries.redeliver(session, outbound.context(), delivery))


def test_a_success_is_final_and_leaves_nothing_to_look_at(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    (sent,) = outbound.deliver()
    assert states(outbound, subscription) == ["delivered"]
    assert attempts(outbound, sent.delivery_id) == [(1, 204, None)]
    assert agenda(outbound) == []


def test_a_failure_is_tried_again_by_the_schedule_and_then_dead(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    sent = []
    for wait in (0, 12.1, 120.1):
        outbound.pass_time(seconds=wait)
        sent += outbound.deliver(500)
    assert len(sent) == 3
    assert len({(one.message_id, one.body) for one in sent}) == 1
    assert states(outbound, subscription) == ["dead"]
    assert attempts(outbound, sent[0].delivery_id) == [(n, 500, "status") for n in (1, 2, 3)]
    outbound.pass_time(days=9)
    assert outbound.claim() == []


def test_a_retry_is_not_due_before_its_time(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    outbound.deliver(500)
    outbound.pass_time(seconds=7.9)
    assert outbound.claim() == []
    outbound.pass_time(seconds=4.2)
    assert len(outbound.claim()) == 1


def test_no_answer_at_all_is_a_failure_without_a_status(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    (sent,) = outbound.deliver(None)
    assert attempts(outbound, sent.delivery_id) == [(1, None, "timeout")]


@pytest.mark.parametrize(("asked", "seconds"), [("60", 60), ("Mon, 23 Nov 2026 09:05:00 GMT", 300), ("999999", 86400)])
def test_retry_after_holds_for_the_whole_subscription(outbound: Outbound, asked: str, seconds: int) -> None:
    outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    (first,) = outbound.claim()
    outbound.answer(503, first, retry_after=asked)
    outbound.submit()
    outbound.fan_out()
    outbound.pass_time(seconds=seconds - 1)
    assert outbound.claim() == []
    outbound.pass_time(seconds=2)
    assert len(outbound.deliver()) == 2


def test_410_ends_the_subscription(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.submit()
    outbound.fan_out()
    (first,) = outbound.claim()
    outbound.answer(410, first)
    assert stored(outbound, subscription).state == "ended"
    assert states(outbound, subscription) == ["dead", "dead"]
    outbound.submit()
    outbound.fan_out()
    assert states(outbound, subscription) == ["dead", "dead"]
    assert agenda(outbound) == []


def test_five_days_and_ten_attempts_without_a_success_suspend(outbound: Outbound) -> None:
    subscription = outbound.subscribe("suggestion.*")
    watcher = outbound.subscribe("subscription.*")
    while stored(outbound, subscription).state == "active":
        outbound.submit()
        outbound.fan_out()
        outbound.answer(500, *outbound.claim())
        outbound.pass_time(hours=5)
    since = outbound.now - MONDAY
    assert timedelta(days=5) <= since <= timedelta(days=5, hours=10)
    heard = outbound.deliver()
    assert [(one.subscription_id, one.event_type) for one in heard] == [(watcher, "subscription.suspended")]
    resume(outbound, subscription)
    sent = outbound.deliver()
    assert sorted({one.event_type for one in sent}) == ["subscription.revived", "suggestion.submitted"]


def test_less_than_five_days_do_not_suspend(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    for _ in range(12):
        outbound.submit()
        outbound.deliver(500)
        outbound.pass_time(minutes=5)
    assert stored(outbound, subscription).state == "active"


def test_nothing_is_dropped_while_paused(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    pause(outbound, subscription)
    for _ in range(3):
        outbound.submit()
    assert outbound.deliver() == []
    assert [one["sequence"] for one in outbound.polled(subscription)] == [1, 2, 3]
    resume(outbound, subscription)
    assert sorted(one.sequence for one in outbound.deliver()) == [1, 2, 3]


def test_one_is_under_way_until_the_address_has_answered_well(outbound: Outbound) -> None:
    outbound.subscribe(max_in_flight=3)
    for _ in range(6):
        outbound.submit()
    outbound.fan_out()
    (first,) = outbound.claim()
    assert outbound.claim() == []
    outbound.answer(204, first)
    three = outbound.claim()
    assert len(three) == 3
    assert outbound.claim() == []
    outbound.answer(500, three[0])
    assert outbound.claim() == []
    outbound.answer(204, *three[1:])
    assert len(outbound.claim()) == 2


def test_what_a_worker_left_behind_is_sent_again_within_a_minute(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    (lost,) = outbound.claim()
    assert outbound.claim() == []
    outbound.pass_time(seconds=LEASE_SECONDS)
    (again,) = outbound.claim()
    assert (again.delivery_id, again.body) == (lost.delivery_id, lost.body)
    assert LEASE_SECONDS < 60


def test_a_late_result_writes_nothing(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    (late,) = outbound.claim()
    outbound.pass_time(seconds=LEASE_SECONDS)
    (again,) = outbound.claim()
    outbound.answer(204, late)
    assert states(outbound, subscription) == ["sending"]
    outbound.answer(500, again)
    assert attempts(outbound, again.delivery_id) == [(1, 500, "status")]


@pytest.mark.parametrize("late_first", [True, False])
def test_results_of_both_leases_of_a_delivery_come_together(outbound: Outbound, *, late_first: bool) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    (late,) = outbound.claim()
    outbound.pass_time(seconds=LEASE_SECONDS)
    (again,) = outbound.claim()
    results = [(late, answered(204)), (again, answered(500))]
    outbound.record(*(results if late_first else reversed(results)))
    assert attempts(outbound, again.delivery_id) == [(1, 500, "status")]
    assert states(outbound, subscription) == ["pending"]


def test_what_is_given_back_is_due_at_once_and_was_not_tried(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    (leased,) = outbound.claim()
    outbound.database.write_now(None, lambda session: give_back(session, outbound.now, [leased]))
    (again,) = outbound.claim()
    assert (again.delivery_id, again.tries) == (leased.delivery_id, 0)


def test_the_least_recently_served_comes_first(outbound: Outbound) -> None:
    greedy, modest = outbound.subscribe(max_in_flight=64), outbound.subscribe(max_in_flight=64)
    outbound.submit()
    outbound.deliver()
    pause(outbound, modest)
    for _ in range(10):
        outbound.submit()
    outbound.fan_out()
    assert {one.subscription_id for one in outbound.claim(4)} == {greedy}
    resume(outbound, modest)
    assert {one.subscription_id for one in outbound.claim(4)} == {modest}


def test_strict_sends_one_at_a_time_in_order(outbound: Outbound) -> None:
    outbound.subscribe(ordering="strict", max_in_flight=8)
    for _ in range(3):
        outbound.submit()
    outbound.fan_out()
    seen = []
    while claimed := outbound.claim():
        assert len(claimed) == 1
        seen += [one.sequence for one in claimed]
        outbound.answer(204, *claimed)
    assert seen == [1, 2, 3]


def test_strict_waits_for_the_retries_and_is_paused_by_a_dead_delivery(outbound: Outbound) -> None:
    subscription = outbound.subscribe(ordering="strict")
    outbound.submit()
    outbound.submit()
    for wait in (0, 12.1, 120.1):
        outbound.pass_time(seconds=wait)
        assert told(outbound.deliver(500)) == [(1, "suggestion.submitted")]
    row = stored(outbound, subscription)
    assert (row.state, row.paused_because) == ("paused", "dead_delivery")
    assert outbound.claim() == []
    resume(outbound, subscription)
    assert told(outbound.deliver()) == [(2, "suggestion.submitted")]


def test_per_suggestion_only_followers_of_the_same_suggestion_wait(outbound: Outbound) -> None:
    outbound.subscribe(ordering="per_suggestion", max_in_flight=8)
    outbound.submit()
    outbound.deliver()
    one, other = outbound.submit(), outbound.submit()
    outbound.acknowledge(one)
    outbound.acknowledge(other)
    outbound.fan_out()
    first = outbound.claim()
    assert sorted(told(first)) == [(2, "suggestion.submitted"), (3, "suggestion.submitted")]
    failed, good = sorted(first, key=lambda each: each.sequence)
    outbound.answer(204, good)
    outbound.answer(500, failed)
    (follower,) = outbound.claim()
    assert told([follower]) == [(5, "suggestion.acknowledged")]
    outbound.answer(204, follower)
    outbound.pass_time(seconds=12.1)
    assert sorted(told(outbound.deliver())) == [(2, "suggestion.submitted"), (4, "suggestion.acknowledged")]


def test_a_new_event_waits_behind_one_that_is_under_way(outbound: Outbound) -> None:
    outbound.subscribe(ordering="per_suggestion")
    suggestion = outbound.submit()
    outbound.fan_out()
    (under_way,) = outbound.claim()
    outbound.acknowledge(suggestion)
    outbound.fan_out()
    outbound.answer(204, under_way)
    assert told(outbound.deliver()) == [(2, "suggestion.acknowledged")]


def test_a_dead_delivery_lets_the_next_of_its_suggestion_go(outbound: Outbound) -> None:
    outbound.subscribe(ordering="per_suggestion")
    outbound.acknowledge(outbound.submit())
    for wait in (0, 12.1, 120.1):
        outbound.pass_time(seconds=wait)
        outbound.fan_out()
        outbound.answer(500, *outbound.claim())
    assert told(outbound.deliver()) == [(2, "suggestion.acknowledged")]


@pytest.mark.parametrize("ordering", ["none", "per_suggestion", "strict"])
def test_redelivered_is_the_same_again(outbound: Outbound, ordering: str) -> None:
    subscription = outbound.subscribe(ordering=ordering)
    outbound.submit()
    (first,) = outbound.deliver()
    redeliver(outbound, first.delivery_id)
    assert states(outbound, subscription) == ["pending"]
    (second,) = outbound.deliver()
    assert (second.message_id, second.body, second.sequence) == (first.message_id, first.body, first.sequence)
    assert attempts(outbound, first.delivery_id) == [(1, 204, None), (2, 204, None)]


def test_a_revoked_key_pauses_what_it_made(outbound: Outbound) -> None:
    caller = outbound.key(*EVERYDAY)
    subscription = outbound.subscribe(caller=caller)
    outbound.submit()

    def revoke(session: ScopedSession) -> None:
        session.get(ApiKey, caller.key_id).revoked_at = outbound.now  # type: ignore[union-attr]
        session.flush()

    outbound.write(revoke)
    assert outbound.deliver() == []
    row = stored(outbound, subscription)
    assert (row.state, row.paused_because) == ("paused", "key_revoked")
    successor = outbound.key(*EVERYDAY, system="new-app")
    outbound.write(lambda session: subscriptions.resume(session, outbound.context(successor), subscription), successor)
    assert len(outbound.deliver()) == 1
    assert stored(outbound, subscription).system == "new-app"


def test_both_secrets_sign_during_the_overlap(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    context = outbound.context()
    made = outbound.write(lambda session: subscriptions.rotate(session, context, subscription, 24))
    outbound.submit()
    (sent,) = outbound.deliver()
    assert len(sent.secrets) == 2
    assert sent.secrets[0] == made.secret
    outbound.pass_time(hours=24)
    outbound.submit()
    (sent,) = outbound.deliver()
    assert sent.secrets == (made.secret,)


def test_a_decision_that_was_delivered_counts_as_told(outbound: Outbound) -> None:
    outbound.subscribe("suggestion.*", payload="full", notifies_authors=True)
    suggestion = outbound.submit()
    outbound.acknowledge(suggestion)
    commitment = {"owner": "mgr-7", "due_on": "2027-01-20"}
    outbound.act(
        suggestion,
        "decide",
        outcome="adopt",
        rationale="The pairs were tried on paper with the rota team, and nobody loses paid hours because of it.",
        message={"text": "Yes.", "summary": "Yes.", "feedback_mode": "D"},
        participation_level="engagement",
        commitment=commitment,
    )
    types = [one.event_type for one in outbound.deliver()]
    assert "suggestion.told" not in types
    assert told(outbound.deliver()) == [(4, "suggestion.told")]


def test_wait_between_tries_is_varied_by_a_fifth(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    for _ in range(30):
        outbound.submit()
    outbound.fan_out()
    sent: list[Outgoing] = []
    while claimed := outbound.claim():
        outbound.answer(500, *claimed)
        sent += claimed

    def look(session: ScopedSession) -> list[float]:
        return list(session.execute(select(Delivery.due_at).where(Delivery.subscription_id == subscription)).scalars())

    waits = [due - outbound.now.timestamp() for due in outbound.read(look)]
    assert len(sent) == 30
    assert all(8 <= wait <= 12 for wait in waits)
    assert len(set(waits)) > 1
    assert timedelta(seconds=max(waits) - min(waits)) > timedelta(0)
