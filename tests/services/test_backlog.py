"""How far background work is behind, as operators are told."""

from dataclasses import replace

from app.services import subscriptions
from app.services.backlog import Backlog, measure_backlog
from tests.services.outbound import Outbound

NONE = Backlog()


def backlog(outbound: Outbound) -> Backlog:
    found: Backlog = outbound.database.read_now(None, lambda session: measure_backlog(session, outbound.now))
    return replace(found, rules_lag_seconds=0.0)


def test_nothing_waits_where_nothing_is(outbound: Outbound) -> None:
    assert backlog(outbound) == NONE


def test_an_event_waits_for_the_fan_out(outbound: Outbound) -> None:
    outbound.pass_time(seconds=1)  # At midnight only the day would be known.
    outbound.submit()
    outbound.pass_time(seconds=40)
    outbound.submit()
    assert backlog(outbound) == Backlog(waiting_events=2, fan_out_lag_seconds=40)
    outbound.fan_out()
    assert backlog(outbound) == NONE


def test_what_an_anonymous_author_did_tells_no_age(outbound: Outbound) -> None:
    outbound.submit(anonymity="anonymous")
    outbound.pass_time(seconds=40)
    assert backlog(outbound) == Backlog(waiting_events=1)


def test_a_delivery_waits_for_the_sender(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    outbound.pass_time(seconds=7)
    assert backlog(outbound) == Backlog(queue_age_seconds=7, undelivered_seconds=7)
    outbound.deliver()
    assert backlog(outbound) == NONE


def test_a_delivery_that_fails_is_undelivered_and_no_queue(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    outbound.deliver(500)
    outbound.pass_time(seconds=5)  # It is due again after ten.
    assert backlog(outbound) == Backlog(undelivered_seconds=5)


def test_what_is_paused_is_not_counted(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    outbound.write(lambda session: subscriptions.pause(session, outbound.context(), subscription))
    outbound.claim()
    outbound.pass_time(days=1)
    assert backlog(outbound) == NONE


def test_suggestions_that_nobody_looks_at_are_late(outbound: Outbound) -> None:
    outbound.submit()
    outbound.pass_time(days=30)
    found = outbound.database.read_now(None, lambda session: measure_backlog(session, outbound.now))
    assert found.rules_lag_seconds > 20 * 86400
