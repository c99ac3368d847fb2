"""What a doctor finds, and in which words."""

import json
from datetime import timedelta
from functools import partial

import pytest

from app.db.tables import Installation
from app.services import inbound, keys, reports, sources, subscriptions
from app.services.diagnosis import Finding, diagnose
from tests.services.outbound import SECRET, Outbound

CODE = "fellside-homecare"


def diagnosed(outbound: Outbound, fingerprint: str | None = None) -> list[Finding]:
    """What is found, but for the settings of the tests' own PostgreSQL and for its clock, which is not the test's."""
    found: list[Finding] = outbound.database.read_now(
        None, lambda session: diagnose(session, outbound.now, fingerprint)
    )
    return [finding for finding in found if finding.code not in {"unsafe_durability", "clock_differs"}]


def test_nothing_is_wrong_with_what_works(outbound: Outbound) -> None:
    outbound.subscribe()
    suggestion = outbound.submit()
    outbound.acknowledge(suggestion)
    outbound.deliver()
    assert diagnosed(outbound) == []


def test_the_settings_of_a_fast_and_loose_server_are_told(outbound: Outbound, database_kind: str) -> None:
    """The tests' PostgreSQL does without fsync; SQLite is always opened safely."""
    found = outbound.database.read_now(None, lambda session: diagnose(session, outbound.now))
    told = [finding.words for finding in found if finding.code == "unsafe_durability"]
    clause = "{} is off, and after a power cut the whole database may be damaged."
    expected = {
        "sqlite": [],
        "postgresql": [
            f"The database may lose what was committed: {clause.format(name)}" for name in ("fsync", "full_page_writes")
        ],
    }
    assert sorted(told) == expected[database_kind]


def test_a_clock_that_differs_is_told(outbound: Outbound, database_kind: str) -> None:
    found = outbound.database.read_now(None, lambda session: diagnose(session, outbound.now + timedelta(days=4000)))
    told = [finding.words for finding in found if finding.code == "clock_differs"]
    assert len(told) == (1 if database_kind == "postgresql" else 0)
    assert all("days behind this machine's." in words for words in told)


def test_a_clock_that_was_set_back_is_told(outbound: Outbound) -> None:
    outbound.pass_time(hours=-3)
    assert diagnosed(outbound) == [
        Finding(
            "clock_set_back",
            "The newest record is 3 hours ahead of this machine's clock. The clock was set back, or was wrong when it "
            "was recorded; nothing that is due by then happens before.",
        )
    ]


def test_another_secret_is_told(outbound: Outbound) -> None:
    outbound.database.write_now(
        None, lambda session: session.add(Installation(id=1, secret_fingerprint=SECRET.fingerprint()))
    )
    assert diagnosed(outbound, SECRET.fingerprint()) == []
    (finding,) = diagnosed(outbound, "0" * 16)
    assert finding.code == "wrong_secret"


def test_work_that_nobody_does_is_told(outbound: Outbound) -> None:
    outbound.pass_time(seconds=1)
    outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    outbound.submit()
    outbound.pass_time(seconds=61)
    hint = "and nobody has done it. Look whether a process runs with HEARDBACK_ROLE all or worker, and what it logs."
    assert diagnosed(outbound) == [
        Finding("worker_late", f"For 61 seconds, events were recorded and not fanned out, {hint}"),
        Finding("worker_late", f"For 61 seconds, deliveries are due, {hint}"),
    ]


def test_dead_deliveries_are_told_by_subscription(outbound: Outbound) -> None:
    subscription, other = outbound.subscribe(), outbound.subscribe()
    outbound.submit()
    for _ in range(3):
        outbound.deliver(500)
        outbound.pass_time(seconds=1000)
    outbound.write(lambda session: subscriptions.forget(session, outbound.context(), other))
    assert diagnosed(outbound) == [
        Finding(
            "dead_deliveries",
            f"1 delivery to the subscription {subscription} failed on every try and is dead. Look at what the receiver "
            "has answered, mend it, and replay them.",
            CODE,
            1,
        )
    ]


def test_subscriptions_that_stopped_are_told_and_paused_ones_are_not(outbound: Outbound) -> None:
    caller = outbound.key("webhooks", "read", "admin")
    strict = outbound.subscribe(ordering="strict")
    gone = outbound.subscribe()
    lost = outbound.subscribe(caller=caller)
    paused = outbound.subscribe()
    outbound.write(lambda session: subscriptions.pause(session, outbound.context(), paused))
    outbound.write(lambda session: keys.revoke_key(session, outbound.context(), caller.key_id))
    outbound.submit()
    outbound.fan_out()
    for _ in range(3):
        for outgoing in outbound.claim():
            outbound.answer(410 if outgoing.subscription_id == gone else 500, outgoing)
        outbound.pass_time(seconds=1000)
    stopped = {finding.words for finding in diagnosed(outbound) if finding.code == "subscription_stopped"}
    assert stopped == {
        f"The subscription {id_} {why}"
        for id_, why in (
            (strict, "is paused behind a dead delivery, because its order is strict. Resume it to go on after it."),
            (gone, "has ended, because its address answered 410. Give it another url and resume it, or delete it."),
            (lost, "is paused because the key that made it was revoked. Resume it with another key, or delete it."),
        )
    }


def test_a_suspended_subscription_is_told(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    for _ in range(4):
        outbound.submit()
        for _ in range(3):
            outbound.deliver(500)
            outbound.pass_time(days=1)
    codes = {finding.code: finding.words for finding in diagnosed(outbound)}
    assert codes["subscription_suspended"].startswith(f"The subscription {subscription} is suspended: ")


def test_an_event_that_does_not_arrive_is_told(outbound: Outbound) -> None:
    outbound.schedule = type(outbound.schedule)((0.0, 3600.0))
    outbound.subscribe()
    outbound.submit()
    outbound.deliver(500)
    outbound.pass_time(minutes=16)
    assert diagnosed(outbound) == [
        Finding(
            "undelivered",
            "An active subscription has not got an event for 16 minutes. Its deliveries tell what the receiver "
            "answers.",
            CODE,
        )
    ]


def test_reports_that_failed_through_our_own_fault_are_told(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = outbound.write(lambda session: sources.make_source(session, SECRET, outbound.now, name="Rota system"))

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(reports, "receive", fail)
    for number in range(2):
        body = {"type": "report.resumed", "data": {"report_id": str(number), "suggestion_id": str(made.id)}}
        signed = inbound.Signed(made.id, f"msg-{number}", json.dumps(body).encode())
        work = partial(inbound.take_in, secret=SECRET, signed=signed, now=outbound.now)
        assert outbound.write(work).body["reason"] == "internal_error"
    outbound.fan_out()
    assert diagnosed(outbound) == [
        Finding(
            "reports_failed",
            "2 reports are in quarantine because of a fault of this program. They are tried again by themselves; the "
            "log tells what went wrong.",
            CODE,
            2,
        )
    ]
