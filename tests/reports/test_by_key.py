"""The same reports with an API key: a request like any other, refused where it is at fault."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.reports.sending import PERSONAL, ago, corrected, deliver, make_source, report
from tests.service import Json, Tenant


def request(kind: str, about: str | None, at: Any, **members: Any) -> Json:  # noqa: ANN401 -- members of `data`
    """The body of a report by key."""
    signed = report(kind, about, at, **members)
    return {"report_id": signed["data"].pop("report_id"), **signed}


@pytest.mark.parametrize("kind", ["planned", "trial_started", "trial_result", "paused", "implemented", "stopped"])
def test_a_report_is_taken(tenant: Tenant, target: str, kind: str) -> None:
    answer = tenant.all.send("POST", "/v1/reports", request(kind, target, ago(tenant.service, days=1)))
    (kept,) = tenant.all.items("/v1/reports")
    assert (answer.status_code, answer.json()) == (
        200,
        {"report_id": kept["id"], "status": "applied", "suggestion_id": target},
    )
    assert (kept["system"], kept["source_id"], kept["type"]) == ("care-app", None, f"report.{kind}")


def test_a_report_is_shown_as_it_was_sent(tenant: Tenant, target: str) -> None:
    body = request("implemented", target, ago(tenant.service, days=1), site="brough", sequence=7)
    shown = tenant.all.get(f"/v1/reports/{tenant.all.post('/v1/reports', body)['report_id']}")
    assert shown == {
        "id": shown["id"],
        "report_id": body["report_id"],
        "type": "report.implemented",
        "status": "applied",
        "reason": None,
        "suggestion_id": target,
        "source_id": None,
        "system": "care-app",
        "site": tenant.sites["brough"],
        "occurred_at": "2026-11-01T09:00:00Z",
        "received_at": "2026-11-02T09:00:00Z",
        "data": body["data"],
        "struck_out_by": None,
        "raw": None,
    }


def with_(body: Json, **members: Any) -> Json:  # noqa: ANN401 -- any JSON value
    return {**body, "data": {**body["data"], **members}}


REFUSED: dict[str, tuple[Callable[[Json], Json], str, str]] = {
    "no report id": (lambda body: {"type": body["type"], "data": body["data"]}, "/report_id", "missing"),
    "another report id inside": (lambda body: with_(body, report_id="x"), "/data/report_id", "not_allowed"),
    "no type": (lambda body: {"report_id": "x", "data": body["data"]}, "/type", "missing"),
    "an unknown type": (lambda body: {**body, "type": "report.celebrated"}, "/type", "not_allowed"),
    "a type without its prefix": (lambda body: {**body, "type": "implemented"}, "/type", "not_allowed"),
    "no data": (lambda body: {"report_id": "x", "type": body["type"]}, "/data", "missing"),
    "no suggestion": (lambda body: with_(body, suggestion_id=None), "/data/suggestion_id", "missing"),
    "no instant": (lambda body: with_(body, occurred_at=None), "/data/occurred_at", "missing"),
    "a summary that is too long": (lambda body: with_(body, summary="x" * 301), "/data/summary", "too_long"),
    "no evidence": (lambda body: with_(body, evidence=[]), "/data/evidence", "too_short"),
    "an unknown member": (lambda body: with_(body, note="x"), "/data/note", "unknown"),
    "an unknown member beside the data": (lambda body: {**body, "note": "x"}, "/note", "unknown"),
    "an unknown member of evidence": (
        lambda body: with_(body, evidence=[{"kind": "link", "title": "x", "note": "x"}]),
        "/data/evidence/0/note",
        "unknown",
    ),
    "an unknown site": (lambda body: with_(body, site="nowhere"), "/data/site", "not_found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_is_refused_at_its_place(tenant: Tenant, target: str, name: str) -> None:
    change, pointer, code = REFUSED[name]
    answer = tenant.all.send("POST", "/v1/reports", change(request("implemented", target, ago(tenant.service, days=1))))
    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert (answer.status_code, faults, tenant.all.items("/v1/reports")) == (422, [(pointer, code)], [])


def test_the_report_inside_a_correction_is_read_as_strictly(tenant: Tenant, target: str) -> None:
    wrong = corrected("rota-46", "implemented", note="x", evidence=[{"kind": "link", "title": "x", "note": "x"}])
    body = request("correction", target, ago(tenant.service, days=1), **wrong)
    answer = tenant.all.send("POST", "/v1/reports", body)
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "/data/report/note",
        "/data/report/evidence/0/note",
    }


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"summary": f"For {PERSONAL}"}, "/data/summary"),
        ({"evidence": [{"kind": "link", "title": f"For {PERSONAL}"}]}, "/data/evidence/0/title"),
    ],
)
def test_a_personal_number_is_refused_at_its_place(
    tenant: Tenant, target: str, members: dict[str, Any], pointer: str
) -> None:
    body = request("implemented", target, ago(tenant.service, days=1), **members)
    answer = tenant.all.send("POST", "/v1/reports", body)
    (fault,) = answer.json()["errors"]
    assert (answer.json()["code"], fault["pointer"], fault["code"], fault["position"]) == (
        "personal_data",
        pointer,
        "nhs_number",
        4,
    )
    assert PERSONAL not in answer.text


@pytest.mark.parametrize(
    ("about", "parts", "reason"),
    [
        ("unknown", {"days": 1}, "unknown_suggestion"),
        ("target", {"minutes": -6}, "in_the_future"),
        ("target", {"days": 91}, "too_old"),
    ],
)
def test_what_does_not_fit_is_kept(
    tenant: Tenant, target: str, about: str, parts: dict[str, float], reason: str
) -> None:
    body = request("planned", target if about == "target" else str(uuid4()), ago(tenant.service, **parts))
    answer = tenant.all.send("POST", "/v1/reports", body)
    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (202, "quarantined", reason)


def test_the_same_report_id_with_the_same_content_is_one_report(tenant: Tenant, target: str) -> None:
    body = request("implemented", target, ago(tenant.service, days=1))
    first = tenant.all.post("/v1/reports", body)
    again = tenant.all.post("/v1/reports", {**body, "timestamp": "2026-11-02T08:59:00Z"})
    assert (again, len(tenant.all.items("/v1/reports"))) == (first, 1)


def test_the_same_report_id_with_other_content_is_a_conflict(tenant: Tenant, target: str) -> None:
    body = request("implemented", target, ago(tenant.service, days=1))
    tenant.all.post("/v1/reports", body)
    answer = tenant.all.send("POST", "/v1/reports", with_(body, summary="Another one."))
    assert (answer.status_code, answer.json()["code"], len(tenant.all.items("/v1/reports"))) == (409, "id_conflict", 1)


def test_report_ids_belong_to_the_system_of_the_key(tenant: Tenant, target: str) -> None:
    body = request("impact_measured", target, ago(tenant.service, days=1))
    same, other = tenant.key("report"), tenant.key("report", system="rota")
    first, second, third = (client.post("/v1/reports", body) for client in (tenant.all, same, other))
    assert (first == second, first["report_id"] == third["report_id"]) == (True, False)


def test_an_idempotency_key_repeats_the_answer(tenant: Tenant, target: str) -> None:
    body = request("implemented", target, ago(tenant.service, days=1))
    first, again = (tenant.all.send("POST", "/v1/reports", body, idempotency_key="once") for _ in range(2))
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")


def test_a_key_for_one_site_speaks_of_nothing_else(tenant: Tenant) -> None:
    two = tenant.service.tenant(sites=("brough", "kirkby"))
    here, there = (deliver(two, site=site)["id"] for site in ("brough", "kirkby"))
    limited = two.key("report", "read", sites=("brough",))
    day = ago(two.service, days=1)
    taken = limited.post("/v1/reports", request("planned", here, day))
    elsewhere = limited.post("/v1/reports", request("planned", there, day))
    nowhere = limited.post("/v1/reports", request("planned", str(uuid4()), day))
    assert [one.get("reason", one["status"]) for one in (taken, elsewhere, nowhere)] == [
        "applied",
        "unknown_suggestion",
        "unknown_suggestion",
    ]
    assert [
        limited.send("GET", f"/v1/reports/{one['report_id']}").status_code for one in (taken, elsewhere, nowhere)
    ] == [
        200,
        404,
        404,
    ]
    assert two.all.get(f"/v1/reports/{elsewhere['report_id']}")["reason"] == "not_entitled"


def test_lists_are_filtered_and_the_latest_comes_first(tenant: Tenant, target: str) -> None:
    source, day = make_source(tenant.all), ago(tenant.service, days=1)
    planned = tenant.all.post("/v1/reports", request("planned", target, ago(tenant.service, days=2)))["report_id"]
    signed = source.report("implemented", target, day)["report_id"]
    lost = source.report("implemented", str(uuid4()), day)["report_id"]

    def listed(path: str = "/v1/reports", **filters: str | int) -> list[str]:
        return [one["id"] for one in tenant.all.items(path, **filters)]

    assert listed() == listed(limit=1) == [lost, signed, planned]
    assert listed(source=source.id) == [lost, signed]
    assert listed(suggestion=target) == listed(f"/v1/suggestions/{target}/reports") == [signed, planned]
    assert listed(f"/v1/suggestions/{target}/reports", limit=1) == [signed, planned]
    assert (listed(status="quarantined"), listed(status="conflict")) == ([lost], [])


def test_what_is_not_there_is_not_found(tenant: Tenant, target: str) -> None:
    stranger = tenant.service.tenant()
    made = tenant.all.post("/v1/reports", request("planned", target, ago(tenant.service, days=1)))["report_id"]
    paths = (f"/v1/reports/{uuid4()}", f"/v1/reports/{made}", f"/v1/suggestions/{target}/reports")
    assert [stranger.all.send("GET", path).status_code for path in paths] == [404, 404, 404]
    assert stranger.all.items("/v1/reports") == []


def test_the_bytes_are_for_keys_with_webhooks(tenant: Tenant, target: str) -> None:
    report_id = make_source(tenant.all).report("planned", target, ago(tenant.service, days=1))["report_id"]
    reader, operator = tenant.key("read"), tenant.key("read", "webhooks")
    shown = [client.get(f"/v1/reports/{report_id}")["raw"] is not None for client in (reader, operator)]
    assert shown == [False, True]


def test_a_report_has_an_entity_tag(tenant: Tenant, target: str) -> None:
    made = tenant.all.post("/v1/reports", request("planned", target, ago(tenant.service, days=1)))
    path = f"/v1/reports/{made['report_id']}"
    tag = tenant.all.send("GET", path).headers["etag"]
    assert tenant.all.send("GET", path, if_none_match=tag).status_code == 304
    mismatch = tenant.all.send("POST", f"{path}/dismiss", {"why": "A test."}, if_match='"99-0"')
    assert (mismatch.status_code, mismatch.json()["code"]) == (412, "version_mismatch")
