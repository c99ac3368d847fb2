"""Retention: what goes, what stays, and what integrators see of it."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.db.session import ScopedSession, TenantScope
from app.db.tables import Attempt, Base, Delivery, Idempotency, InboundCall, Report, WebhookId
from app.services import deliveries, inbound, requeue, retention, sources, subscriptions
from app.services.idempotency import Effect, once
from app.services.report_views import find_report, show_whole_report
from app.services.retention import Place, Retention, purge
from app.services.subscription_shapes import ReplayRequest
from tests.conftest import make_organisation
from tests.services.outbound import SECRET, Outbound, filled

KEPT = Retention()


def purged(outbound: Outbound, kept: Retention = KEPT, *, dry_run: bool = False) -> dict[str, int]:
    """Go through everything once; a dry run where nothing can be written."""
    run = outbound.database.read_now if dry_run else outbound.database.write_now
    counts: Counter[str] = Counter()
    place: Place | None = None
    while True:
        done = run(None, partial(purge, now=outbound.now, retention=kept, place=place, dry_run=dry_run))
        counts.update(done.counts)
        place = done.next
        if place is None:
            return {kind: count for kind, count in counts.items() if count}


def count(outbound: Outbound, *tables: type[Base]) -> list[int]:
    def look(session: ScopedSession) -> list[int]:
        return [session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]

    found: list[int] = outbound.read(look)
    return found


def sequences(outbound: Outbound, subscription: UUID) -> list[int]:
    return [event["sequence"] for event in outbound.polled(subscription)]


def make_source(outbound: Outbound) -> UUID:
    made = outbound.write(lambda session: sources.make_source(session, SECRET, outbound.now, name="Rota system"))
    source: UUID = made.id
    return source


def send(outbound: Outbound, source: UUID, webhook_id: str, about: UUID, **members: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """A signed report arrives. Gives what was answered."""
    data = {
        "suggestion_id": str(about),
        "report_id": "rota-47",
        "occurred_at": outbound.now.isoformat().replace("+00:00", "Z"),
        "summary": "Fixed pairs on the rota",
        "due_on": "2027-01-31",
        "owner_role": "rota coordinator",
        **members,
    }
    raw = json.dumps({"type": "report.planned", "timestamp": "2026-11-23T09:00:00Z", "data": data}).encode()
    signed = inbound.Signed(source, webhook_id, raw)
    answer = outbound.write(lambda session: inbound.take_in(session, SECRET, signed, outbound.now))
    body: Mapping[str, Any] = answer.body
    return body


def remember(outbound: Outbound, key: str) -> None:
    """A request with an Idempotency-Key has its effect."""
    outbound.write(
        lambda session: once(session, "care-app", key, b"fingerprint", outbound.now, lambda _: Effect(201, ()))
    )


# ── what goes ──


def test_an_empty_database_has_nothing_to_delete(outbound: Outbound) -> None:
    assert purged(outbound) == {}


def test_repeated_requests_are_recognised_for_thirty_whole_days(outbound: Outbound) -> None:
    remember(outbound, "first")
    outbound.pass_time(days=1)
    remember(outbound, "second")
    outbound.pass_time(days=29, hours=14)
    assert purged(outbound) == {}
    outbound.pass_time(hours=1)
    assert (purged(outbound, dry_run=True), count(outbound, Idempotency)) == ({"idempotency": 1}, [2])
    assert (purged(outbound), count(outbound, Idempotency)) == ({"idempotency": 1}, [1])
    assert purged(outbound) == {}


def test_attempts_go_first_and_deliveries_later(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.deliver()
    outbound.pass_time(days=30, seconds=1)
    assert purged(outbound, dry_run=True) == {"attempts": 1}
    assert purged(outbound) == {"attempts": 1}
    assert (count(outbound, Attempt, Delivery), sequences(outbound, subscription)) == ([0, 1], [1])
    outbound.pass_time(days=60)
    assert purged(outbound, dry_run=True) == {"deliveries": 1}
    assert purged(outbound) == {"deliveries": 1}
    assert (count(outbound, Attempt, Delivery), sequences(outbound, subscription)) == ([0, 0], [])


@pytest.mark.parametrize("dry_run_first", [False, True])
def test_a_delivery_takes_the_attempts_with_it_that_would_stay_longer(outbound: Outbound, dry_run_first: bool) -> None:  # noqa: FBT001
    kept = Retention(attempt_days=365, delivered_days=1)
    outbound.subscribe()
    outbound.submit()
    outbound.deliver()
    outbound.pass_time(days=2)
    if dry_run_first:
        assert purged(outbound, kept, dry_run=True) == {"attempts": 1, "deliveries": 1}
    assert purged(outbound, kept) == {"attempts": 1, "deliveries": 1}


def test_the_poll_goes_on_after_what_has_gone(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    outbound.deliver()  # 1 is delivered
    outbound.submit()
    outbound.deliver(500)  # 2 fails for the first time
    outbound.pass_time(days=91)
    outbound.submit()
    outbound.fan_out()  # 3 waits
    assert sequences(outbound, subscription) == [1, 2, 3]
    assert purged(outbound) == {"attempts": 2, "deliveries": 1}
    assert sequences(outbound, subscription) == [2, 3]
    outbound.submit()
    assert [one.sequence for one in outbound.deliver()] == [2, 3, 4]
    assert sequences(outbound, subscription) == [2, 3, 4]


def test_what_is_dead_or_pending_stays_and_can_be_sent_again(outbound: Outbound) -> None:
    subscription = outbound.subscribe()
    outbound.submit()
    for _ in range(3):
        outbound.deliver(500)
        outbound.pass_time(seconds=1000)
    outbound.pass_time(days=400)
    assert purged(outbound) == {"attempts": 3}
    replay = filled(ReplayRequest, {})
    assert outbound.write(lambda session: deliveries.replay(session, outbound.context(), subscription, replay)) == 1
    (sent,) = outbound.deliver()
    detail = outbound.read(
        lambda session: deliveries.show_detail(
            session, deliveries.find_delivery(session, outbound.context(), sent.delivery_id)
        )
    )
    assert (detail.state, [one.status for one in detail.attempts]) == ("delivered", [204])


def test_a_deleted_subscription_leaves_nothing(outbound: Outbound) -> None:
    subscription, other = outbound.subscribe(), outbound.subscribe()
    outbound.submit()
    outbound.fan_out()
    outbound.write(lambda session: subscriptions.forget(session, outbound.context(), subscription))
    outbound.pass_time(days=90, seconds=1)
    assert purged(outbound) == {"deliveries": 1}
    assert sequences(outbound, other) == [1]


# ── signed messages ──


def test_the_bytes_of_an_applied_report_go_and_the_report_stays(outbound: Outbound) -> None:
    source, about = make_source(outbound), outbound.submit()
    outbound.acknowledge(about)
    first = send(outbound, source, "msg-1", about)
    outbound.pass_time(days=400)
    assert purged(outbound) == {}
    outbound.pass_time(seconds=1)
    assert purged(outbound, dry_run=True) == {"raw_reports": 1, "webhook_ids": 1}
    assert purged(outbound) == {"raw_reports": 1, "webhook_ids": 1}
    assert count(outbound, Report, InboundCall, WebhookId) == [1, 0, 0]

    def show(session: ScopedSession) -> Any:  # noqa: ANN401
        return show_whole_report(session, find_report(session, UUID(first["report_id"])), with_raw=True)

    shown = outbound.read(show)
    assert (shown.raw, shown.report_id, shown.data["summary"]) == (None, "rota-47", "Fixed pairs on the rota")


def test_a_report_that_comes_again_much_later_is_still_the_same_report(outbound: Outbound) -> None:
    source, about = make_source(outbound), outbound.submit()
    outbound.acknowledge(about)
    at = outbound.now.isoformat().replace("+00:00", "Z")
    first = send(outbound, source, "msg-1", about, occurred_at=at)
    outbound.pass_time(days=401)
    purged(outbound)
    assert send(outbound, source, "msg-1", about, occurred_at=at) == first
    assert count(outbound, Report, InboundCall, WebhookId) == [1, 1, 1]


def test_the_bytes_of_a_report_in_quarantine_stay_until_it_is_settled(outbound: Outbound) -> None:
    source, about = make_source(outbound), UUID("0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05")
    kept = send(outbound, source, "msg-1", about)
    assert kept["reason"] == "unknown_suggestion"
    outbound.pass_time(days=401)
    assert (purged(outbound, dry_run=True), purged(outbound)) == ({}, {})

    why = filled(requeue.Dismissal, {"why": "A test of the rota system that went to this server."})
    outbound.write(lambda session: requeue.dismiss(session, outbound.context(), UUID(kept["report_id"]), why))
    assert purged(outbound) == {"raw_reports": 1, "webhook_ids": 1}
    assert count(outbound, Report, InboundCall, WebhookId) == [1, 0, 0]


def test_a_message_that_is_no_report_goes_as_well(outbound: Outbound) -> None:
    source = make_source(outbound)
    for webhook_id, raw in (("msg-1", b'{"type":"ping"}'), ("msg-2", b"no JSON")):
        signed = inbound.Signed(source, webhook_id, raw)
        outbound.write(lambda session, signed=signed: inbound.take_in(session, SECRET, signed, outbound.now))
    outbound.pass_time(days=401)
    assert purged(outbound) == {"raw_reports": 2, "webhook_ids": 1}


def test_a_webhook_id_stays_as_long_as_a_message_under_it(outbound: Outbound) -> None:
    source = make_source(outbound)

    def send_raw(raw: bytes) -> None:
        signed = inbound.Signed(source, "msg-1", raw)
        outbound.write(lambda session: inbound.take_in(session, SECRET, signed, outbound.now))

    send_raw(b'{"type":"ping"}')
    outbound.pass_time(days=10)
    send_raw(b'{"type": "ping"}')
    outbound.pass_time(days=395)
    assert purged(outbound) == {"raw_reports": 1}
    assert count(outbound, InboundCall, WebhookId) == [1, 1]
    outbound.pass_time(days=10)
    assert purged(outbound) == {"raw_reports": 1, "webhook_ids": 1}


# ── how it goes ──


def test_it_goes_on_where_a_step_has_ended(outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    outbound.subscribe()
    source = make_source(outbound)
    for number in range(5):
        about = outbound.submit()
        send(outbound, source, f"msg-{number}", about, report_id=f"rota-{number}")
        remember(outbound, f"key-{number}")
    outbound.deliver()
    outbound.pass_time(days=401)
    expected = {"idempotency": 5, "attempts": 10, "deliveries": 10, "raw_reports": 5, "webhook_ids": 5}
    assert purged(outbound, dry_run=True) == expected
    assert purged(outbound) == expected
    assert purged(outbound) == {}


def test_what_stays_does_not_hold_up_what_comes_after_it(outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    outbound.subscribe()
    for _ in range(5):
        outbound.submit()
    for _ in range(3):
        outbound.deliver(500)
        outbound.pass_time(seconds=1000)
    outbound.submit()
    outbound.deliver()
    outbound.pass_time(days=91)
    assert purged(outbound) == {"attempts": 16, "deliveries": 1}


def test_every_organisation_has_its_turn_and_keeps_to_itself(outbound: Outbound) -> None:
    stranger = make_organisation(outbound.database)
    for organisation in (outbound.organisation, stranger):
        for days in (32, 29):
            first = partial(
                once,
                system="care-app",
                key=f"key-{days}",
                fingerprint=b"",
                now=outbound.now - timedelta(days=days),
                perform=lambda _: Effect(201, ()),
            )
            outbound.database.write_now(TenantScope(organisation), first)
    assert purged(outbound) == {"idempotency": 2}
    for organisation in (outbound.organisation, stranger):
        left = outbound.database.read_now(
            TenantScope(organisation), lambda session: list(session.execute(select(Idempotency.key)).scalars())
        )
        assert left == ["key-29"]


def test_several_at_once_delete_everything_once(outbound: Outbound) -> None:
    outbound.subscribe()
    for number in range(30):
        outbound.submit()
        remember(outbound, f"key-{number}")
    outbound.deliver()
    outbound.pass_time(days=91)
    counted: list[dict[str, int]] = []
    threads = [threading.Thread(target=lambda: counted.append(purged(outbound))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total: Counter[str] = Counter()
    for one in counted:
        total.update(one)
    assert len(counted) == 3
    assert total == {"idempotency": 30, "attempts": 30, "deliveries": 30}
    assert count(outbound, Idempotency, Attempt, Delivery) == [0, 0, 0]


def test_a_hundred_years_are_no_trouble(outbound: Outbound) -> None:
    century = 36500
    remember(outbound, "first")
    assert purged(outbound, Retention(century, century, century, century)) == {}
