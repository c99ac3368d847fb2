"""From recorded events to numbered deliveries, and who gets which."""

from uuid import UUID

import pytest

from app.db.session import ScopedSession
from app.db.tables import Suggestion
from app.kit.signing import sign
from app.services import outbox
from tests.services.outbound import EVERYDAY, HOLD, Outbound, event_of, told


def test_an_event_is_sent_with_its_sequence_at_the_end(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    suggestion = outbound.submit()
    (sent,) = outbound.deliver()
    assert sent.subscription_id == subscription
    assert sent.body.endswith(b',"sequence":1}')
    event = event_of(sent)
    assert event["type"] == "suggestion.submitted"
    assert event["id"] == str(sent.message_id)
    assert event["data"]["suggestion_id"] == str(suggestion)


def test_every_subscription_counts_on_its_own_and_without_gaps(outbound: Outbound) -> None:
    everything, few = outbound.subscribe(), outbound.subscribe("suggestion.acknowledged")
    for _ in range(3):
        outbound.acknowledge(outbound.submit())
    sent = outbound.deliver()
    assert sorted(one.sequence for one in sent if one.subscription_id == everything) == [1, 2, 3, 4, 5, 6]
    assert sorted(one.sequence for one in sent if one.subscription_id == few) == [1, 2, 3]


def test_what_was_recorded_before_is_not_heard(outbound: Outbound) -> None:
    early = outbound.submit()
    outbound.subscribe()
    outbound.acknowledge(early)
    assert told(outbound.deliver()) == [(1, "suggestion.acknowledged")]


def test_nothing_is_sent_twice(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    assert len(outbound.deliver()) == 1
    outbound.pass_time(days=1)
    assert outbound.deliver() == []


@pytest.mark.parametrize(("patterns", "heard"), [(("*",), 2), (("suggestion.*",), 2), (("report.*",), 0)])
def test_patterns_choose(outbound: Outbound, patterns: tuple[str, ...], heard: int) -> None:
    outbound.subscribe(*patterns)
    outbound.acknowledge(outbound.submit())
    assert len(outbound.deliver()) == heard


def test_a_key_limited_to_sites_hears_of_these_alone(outbound: Outbound) -> None:
    caller = outbound.key(*EVERYDAY, sites=("brough",))
    outbound.subscribe(caller=caller)
    mine = outbound.submit(site="brough")
    outbound.submit(site="kendal")
    outbound.submit()
    assert [event_of(one)["data"]["suggestion_id"] for one in outbound.deliver()] == [str(mine)]


def test_hidden_from_the_beginning_is_told_to_safeguard_alone(outbound: Outbound) -> None:
    outbound.subscribe()
    guard = outbound.subscribe(caller=outbound.key(*EVERYDAY, "safeguard"))
    outbound.submit(safety={"at_risk_now": True, "own_employment": False})
    sent = outbound.deliver()
    assert {one.subscription_id for one in sent} == {guard}
    assert sorted(told(sent)) == [(1, "suggestion.submitted"), (2, "safeguarding.held")]


def test_what_becomes_hidden_before_it_is_sent_is_withheld(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    suggestion = outbound.submit()
    outbound.act(suggestion, "hold", **HOLD)
    (sent,) = outbound.deliver()
    event = event_of(sent)
    assert event == {
        "id": str(sent.message_id),
        "type": "event.withheld",
        "timestamp": "2026-11-23T00:00:00Z",
        "data": {},
        "sequence": 1,
    }
    assert outbound.polled(subscription) == [event]


def test_once_sent_the_poll_shows_it_withheld_while_it_is_hidden(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    suggestion = outbound.submit()
    (sent,) = outbound.deliver()
    outbound.act(suggestion, "hold", **HOLD)
    (polled,) = outbound.polled(subscription)
    assert (polled["type"], polled["sequence"], polled["data"]) == ("event.withheld", 1, {})
    assert polled["id"] != str(sent.message_id)
    outbound.act(suggestion, "clear", why="Nobody is at risk.")
    assert outbound.deliver() == []
    assert outbound.polled(subscription) == [event_of(sent)]


def test_cleared_brings_what_a_subscription_had_not_got(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    suggestion = outbound.submit()
    outbound.deliver()
    acknowledged = outbound.acknowledge(suggestion)
    outbound.fan_out()
    outbound.act(suggestion, "hold", **HOLD)
    outbound.act(suggestion, "note", text="Spoke with the family.")
    (withheld,) = outbound.deliver()
    assert told([withheld]) == [(2, "event.withheld")]
    outbound.act(suggestion, "clear", why="Nobody is at risk.")
    back = outbound.deliver()
    assert sorted(told(back)) == [(3, "suggestion.acknowledged"), (4, "suggestion.noted")]
    assert min(back, key=lambda one: one.sequence).message_id == acknowledged
    assert [one["sequence"] for one in outbound.polled(subscription)] == [1, 2, 3, 4]
    assert outbound.polled(subscription)[1] == event_of(withheld)


def test_cleared_before_anything_was_sent_keeps_the_place_withheld(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    suggestion = outbound.submit()
    outbound.fan_out()
    outbound.act(suggestion, "hold", **HOLD)
    (seen,) = outbound.polled(subscription)
    outbound.act(suggestion, "clear", why="Nobody is at risk.")
    assert sorted(told(outbound.deliver())) == [(1, "event.withheld"), (2, "suggestion.submitted")]
    assert outbound.polled(subscription)[0] == seen


def test_hidden_again_by_the_time_of_the_fan_out_nothing_comes_back(outbound: Outbound) -> None:
    outbound.subscribe()
    suggestion = outbound.submit()
    outbound.act(suggestion, "hold", **HOLD)
    outbound.act(suggestion, "clear", why="Nobody is at risk.")
    outbound.act(suggestion, "hold", **HOLD)
    assert told(outbound.deliver()) == [(1, "event.withheld")]
    outbound.act(suggestion, "clear", why="Nobody is at risk.")
    assert told(outbound.deliver()) == [(2, "suggestion.submitted")]


def test_full_payloads_carry_what_was_said(outbound: Outbound) -> None:
    outbound.subscribe("suggestion.submitted", payload="full")
    outbound.submit(title="Pairs", anonymity="confidential", author={"ref": "staff-9", "name": "Adaeze"})
    (sent,) = outbound.deliver()
    data = event_of(sent)["data"]
    assert (data["title"], data["text"]) == ("Pairs", "They are 12 minutes apart on paper and 25 by road.")
    assert b"staff-9" not in sent.body
    assert b"Adaeze" not in sent.body


def test_a_full_payload_needs_a_key_that_may_read(outbound: Outbound) -> None:
    outbound.subscribe(payload="full", caller=outbound.key("webhooks"))
    outbound.submit(title="Pairs")
    (sent,) = outbound.deliver()
    assert "title" not in event_of(sent)["data"]


def test_another_organisation_hears_nothing(outbound: Outbound) -> None:
    stranger = Outbound(outbound.database)
    stranger.subscribe()
    outbound.subscribe()
    outbound.submit()
    (sent,) = outbound.deliver()
    assert sent.organisation_id == outbound.organisation


def test_organisations_are_fanned_out_in_turn(outbound: Outbound) -> None:
    others = [outbound, Outbound(outbound.database), Outbound(outbound.database)]
    for each in others:
        each.subscribe()
        each.submit()
    assert {one.organisation_id for one in outbound.deliver()} == {each.organisation for each in others}


def test_what_is_sent_is_signed_with_the_secret(outbound: Outbound) -> None:
    outbound.subscribe()
    outbound.submit()
    (sent,) = outbound.deliver()
    (secret,) = sent.secrets
    assert sign([secret], str(sent.message_id), 0, sent.body)["webhook-id"] == str(sent.message_id)
    assert isinstance(sent.delivery_id, UUID)


def test_skip_own_leaves_out_what_own_reports_brought_about(outbound: Outbound) -> None:
    outbound.subscribe(skip_own=True, caller=outbound.key(*EVERYDAY, system="rota"))
    outbound.subscribe(skip_own=True, caller=outbound.key(*EVERYDAY, system="care-app"))
    suggestion = outbound.submit()

    def change(session: ScopedSession) -> None:
        row = session.get(Suggestion, suggestion)
        cause = outbox.Cause(UUID(int=7), None, "rota")
        outbox.publish(session, row, outbox.Announcement("progress.changed", cause=cause), now=outbound.now)

    outbound.write(change)
    sent = outbound.deliver()
    assert sorted(one.event_type for one in sent) == [
        "progress.changed",
        "suggestion.submitted",
        "suggestion.submitted",
    ]


def test_an_ended_subscription_is_numbered_for_no_more(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.deliver(410)
    outbound.submit()
    assert outbound.fan_out() == 0
    assert len(outbound.polled(subscription)) == 1


def test_votes_stay_secret_in_full_payloads(outbound: Outbound) -> None:
    outbound.subscribe("suggestion.voted", payload="full")
    suggestion = outbound.submit()
    outbound.acknowledge(suggestion)
    outbound.act(suggestion, "start_review", panel=[{"ref": "staff-201", "group": "care_worker"}], chair="mgr-9")
    outbound.act(suggestion, "vote", member="staff-201", choice="yes")
    (sent,) = outbound.deliver()
    assert b"staff-201" not in sent.body
    assert event_of(sent)["data"]["choice"] == "yes"
