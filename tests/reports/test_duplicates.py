"""A message or a report that comes again changes nothing, however often and however many at once."""

import asyncio
import base64
import json
from typing import Any

import httpx

from tests.reports.sending import Source, acknowledge, adopt, ago, make_source, report
from tests.service import Tenant

COPIES, SEVERAL = 50, 12


def kept(tenant: Tenant, **filters: str) -> list[dict[str, Any]]:
    return tenant.all.items("/v1/reports", **filters)


def burst(source: Source, messages: list[tuple[bytes, str]]) -> list[httpx.Response]:
    """Send all of them at once."""

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=source.service.url, trust_env=False, timeout=60) as client:
            sending = [
                client.post(source.path, content=raw, headers=source.headers(raw, webhook_id))
                for raw, webhook_id in messages
            ]
            return await asyncio.gather(*sending)

    return asyncio.run(send())


def test_the_same_message_gets_the_first_answer_again(tenant: Tenant, source: Source, target: str) -> None:
    body = report("impact_measured", target, ago(source.service, days=1))
    first = source.send(body, "once")
    before = tenant.all.timeline(target)
    again = source.send(body, "once", at=ago(source.service, minutes=-4))
    assert (again.status_code, again.content) == (200, first.content)
    assert ("webhook-duplicate" in first.headers, again.headers["webhook-duplicate"]) == (False, "true")
    assert (len(kept(tenant)), tenant.all.timeline(target)) == (1, before)


def test_the_first_answer_stays_when_the_report_moves_on(tenant: Tenant, source: Source) -> None:
    made = tenant.all.submit()
    body = report("impact_measured", made["id"], ago(source.service, days=1))
    first = source.send(body, "once").json()
    acknowledge(tenant, made["id"])
    adopt(tenant, made["id"])
    assert [one["status"] for one in kept(tenant)] == ["applied"]
    assert (first["status"], source.send(body, "once").json()) == ("recorded", first)


def test_the_body_is_compared_as_json(tenant: Tenant, source: Source, target: str) -> None:
    body = report("impact_measured", target, ago(source.service, days=1), summary="Café")
    first = source.send(body, "once")
    turned = dict(reversed(body.items())) | {"data": dict(reversed(body["data"].items()))}
    again = source.send(json.dumps(turned, indent=2, ensure_ascii=False).encode(), "once")
    assert (again.headers["webhook-duplicate"], again.json(), len(kept(tenant))) == ("true", first.json(), 1)


def test_another_body_under_a_used_id_is_refused_and_listed(tenant: Tenant, source: Source, target: str) -> None:
    first = source.send(report("implemented", target, ago(source.service, days=1)), "once")
    raw = json.dumps(report("stopped", target, ago(source.service, hours=1))).encode()
    for _ in range(2):
        refused = source.send(raw, "once")
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_id_reused")
    (rejected,) = kept(tenant, status="rejected")
    assert (rejected["suggestion_id"], rejected["type"], rejected["reason"]) == (target, "report.stopped", None)
    assert base64.b64decode(tenant.all.get(f"/v1/reports/{rejected['id']}")["raw"]) == raw
    assert (tenant.all.suggestion(target)["progress"], len(kept(tenant))) == ("implemented", 2)
    assert tenant.all.get(f"/v1/reports/{first.json()['report_id']}")["status"] == "applied"


def test_what_was_rejected_for_its_id_is_taken_under_a_new_one(tenant: Tenant, source: Source, target: str) -> None:
    source.send(report("planned", target, ago(source.service, days=2)), "once")
    body = report("implemented", target, ago(source.service, days=1))
    assert source.send(body, "once").status_code == 409
    assert source.send(body, "twice").json()["status"] == "applied"


def test_what_is_no_json_is_refused_for_a_used_id_and_listed_without_a_type(tenant: Tenant, source: Source) -> None:
    source.send({"type": "ping"}, "once")
    refused = source.send(b"[1]", "once")
    (rejected,) = kept(tenant)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_id_reused")
    assert (rejected["status"], rejected["type"], rejected["data"]) == ("rejected", None, {})


def test_the_same_report_under_a_new_webhook_id_is_no_new_report(tenant: Tenant, source: Source, target: str) -> None:
    body = report("implemented", target, ago(source.service, days=1), report_id="rota-47")
    first = source.send(body, "one")
    again = source.send({**body, "timestamp": "2026-11-02T08:59:00Z"}, "two")
    assert (again.status_code, again.json(), "webhook-duplicate" in again.headers) == (200, first.json(), False)
    assert len(kept(tenant)) == 1


def test_another_report_under_a_used_report_id_is_quarantined(tenant: Tenant, source: Source, target: str) -> None:
    day = ago(source.service, days=1)
    source.report("implemented", target, day, report_id="rota-47")
    for _ in range(2):
        answer = source.report("stopped", target, day, report_id="rota-47")
        assert (answer["status"], answer["reason"]) == ("quarantined", "report_id_reused")
    assert (tenant.all.suggestion(target)["progress"], len(kept(tenant, status="quarantined"))) == ("implemented", 1)


def test_ids_belong_to_their_source(tenant: Tenant, source: Source, target: str) -> None:
    other = make_source(tenant.all)
    body = report("impact_measured", target, ago(source.service, days=1), report_id="rota-47")
    first, second = source.send(body, "one").json(), other.send(body, "one").json()
    assert (first["status"], second["status"], first["report_id"] == second["report_id"]) == (
        "applied",
        "applied",
        False,
    )


def test_an_unreadable_report_leaves_its_report_id_free(tenant: Tenant, source: Source, target: str) -> None:
    day = ago(source.service, days=1)
    body = report("implemented", target, day, report_id="rota-47", what_changed=...)
    first = source.send(body, "one").json()
    assert (first["reason"], source.send(body, "two").json()) == ("incomplete", first)
    assert source.report("implemented", target, day, report_id="rota-47")["status"] == "applied"
    assert len(kept(tenant)) == 2


def test_many_copies_of_one_message_at_once(tenant: Tenant, source: Source, target: str) -> None:
    raw = json.dumps(report("impact_measured", target, ago(source.service, days=1))).encode()
    answers = burst(source, [(raw, "once")] * COPIES)
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert sum("webhook-duplicate" in answer.headers for answer in answers) == COPIES - 1
    assert (len(kept(tenant)), len(tenant.all.suggestion(target)["benefits"])) == (1, 1)


def test_many_copies_of_one_report_under_ids_of_their_own(tenant: Tenant, source: Source, target: str) -> None:
    raw = json.dumps(report("impact_measured", target, ago(source.service, days=1))).encode()
    answers = burst(source, [(raw, f"copy-{number}") for number in range(COPIES)])
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert (len(kept(tenant)), len(tenant.all.suggestion(target)["benefits"])) == (1, 1)


def test_many_reports_on_one_suggestion_at_once(tenant: Tenant, source: Source, target: str) -> None:
    version = tenant.all.suggestion(target)["version"]
    messages = [
        (
            json.dumps(report("impact_measured", target, ago(source.service, days=1), value=number)).encode(),
            f"m-{number}",
        )
        for number in range(SEVERAL)
    ]
    answers = burst(source, messages)
    after = tenant.all.suggestion(target)
    assert {answer.json()["status"] for answer in answers} == {"applied"}
    assert (len(after["benefits"]), after["version"]) == (SEVERAL, version + SEVERAL)
