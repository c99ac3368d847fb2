"""What arrives at an inbound address is checked in the contract's order, and the first failure answers."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kit.signing import sign
from tests.reports.sending import Source, ago, report
from tests.service import Service, Tenant
from tests.web.serving import exchange, request

MAX_BYTES = 256 * 1024
CHUNK = 64 * 1024


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def stored(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.all.items("/v1/reports")


def test_an_authentic_report_is_taken(tenant: Tenant, source: Source, target: str) -> None:
    answer = source.send(report("implemented", target, ago(source.service, days=1)))
    (kept,) = stored(tenant)
    assert (answer.status_code, answer.json()) == (
        200,
        {"report_id": kept["id"], "status": "applied", "suggestion_id": target},
    )
    assert answer.headers["content-type"] == "application/json"
    assert "webhook-duplicate" not in answer.headers
    assert tenant.all.suggestion(target)["progress"] == "implemented"


def test_our_own_signatures_are_verified_like_the_reference_library_s(source: Source, target: str) -> None:
    raw = json.dumps(report("planned", target, ago(source.service, days=1))).encode()
    headers = sign([source.secret], "ours", int(source.service.clock().timestamp()), raw)
    assert (
        source.service.http.post(
            source.path, content=raw, headers={**headers, "content-type": "application/json"}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_method_is_looked_at_before_the_source(service: Service, method: str) -> None:
    answer = service.http.request(method, f"/v1/inbound/{uuid4()}")
    assert (*outcome(answer), answer.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_an_unknown_source_is_not_found_whatever_else_is_wrong(service: Service) -> None:
    assert outcome(service.http.post(f"/v1/inbound/{uuid4()}", content=b"x")) == (404, "not_found")


def test_a_deleted_source_is_gone_whatever_else_is_wrong(tenant: Tenant, source: Source, target: str) -> None:
    tenant.all.send("DELETE", f"/v1/sources/{source.id}")
    assert outcome(source.service.http.post(source.path)) == (410, "gone")
    assert outcome(source.send(report("planned", target, ago(source.service, days=1)))) == (410, "gone")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing(source: Source, name: str) -> None:
    assert outcome(source.send({"type": "ping"}, changes={name: None})) == (400, "missing_header")


MALFORMED: Mapping[str, Mapping[str, str | None]] = {
    "id with a full stop": {"webhook-id": "a.1"},
    "id that is too long": {"webhook-id": "x" * 129},
    "timestamp with a sign": {"webhook-timestamp": "+1"},
    "timestamp with a fraction": {"webhook-timestamp": "1.5"},
    "timestamp that is too long": {"webhook-timestamp": "0" * 12},
    "seventeen signatures": {"webhook-signature": " ".join(["v1,AAAA"] * 17)},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_header_of_another_form(source: Source, name: str) -> None:
    assert outcome(source.send({"type": "ping"}, changes=MALFORMED[name])) == (400, "malformed_header")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_stands_there_twice(source: Source, name: str) -> None:
    raw = b'{"type":"ping"}'
    headers = [*source.headers(raw, "twice").items()]
    port = source.service.http.base_url.port or 0
    again = [(key, value) for key, value in headers if key == name]
    assert exchange(port, request("POST", source.path, [*headers, *again], raw), method="POST").outcome == (
        400,
        "malformed_header",
    )


def test_a_body_that_is_too_large_is_refused_unread(source: Source) -> None:
    headers = [*source.headers(b"x", "large").items(), ("Content-Length", str(MAX_BYTES + 1))]
    port = source.service.http.base_url.port or 0
    answer = exchange(port, request("POST", source.path, headers, sized=False), method="POST")
    assert answer.outcome == (413, "body_too_large")


def test_a_body_that_turns_out_too_large(tenant: Tenant, source: Source) -> None:
    raw = b'{"type":"ping"}' + b" " * MAX_BYTES
    headers = source.headers(raw, "chunked")
    parts = (raw[start : start + CHUNK] for start in range(0, len(raw), CHUNK))
    assert outcome(source.service.http.post(source.path, content=parts, headers=headers)) == (413, "body_too_large")
    assert stored(tenant) == []


def test_the_largest_body_is_taken(source: Source) -> None:
    assert source.send(b'{"type":"ping"}' + b" " * (MAX_BYTES - len(b'{"type":"ping"}'))).status_code == 200


MEDIA: Mapping[str, tuple[dict[str, str | None], int]] = {
    "compressed": ({"content-encoding": "gzip"}, 415),
    "plainly not compressed": ({"content-encoding": "Identity"}, 200),
    "text": ({"content-type": "text/plain"}, 415),
    "a media type that begins alike": ({"content-type": "application/jsonp"}, 415),
    "no media type": ({"content-type": None}, 415),
    "JSON with a charset": ({"content-type": "Application/JSON; charset=utf-8"}, 200),
}


@pytest.mark.parametrize("name", MEDIA)
def test_only_plain_json_is_read(source: Source, name: str) -> None:
    changes, status = MEDIA[name]
    assert source.send({"type": "ping"}, changes=changes).status_code == status


def test_the_signature_is_made_over_id_timestamp_and_body(tenant: Tenant, source: Source, target: str) -> None:
    raw = json.dumps(report("planned", target, ago(source.service, days=1))).encode()
    good = source.headers(raw, "one")
    forged: list[tuple[bytes, dict[str, str]]] = [
        (raw.replace(b"rota", b"roto"), good),
        (raw, {**good, "webhook-id": "two"}),
        (raw, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}),
        (raw, {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v1a,")}),
        (raw, {**good, "webhook-signature": "garbage"}),
    ]
    answers = [source.service.http.post(source.path, content=body, headers=headers) for body, headers in forged]
    assert [outcome(answer) for answer in answers] == [(401, "invalid_signature")] * len(forged)
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert stored(tenant) == []


def test_one_right_signature_among_sixteen_is_enough(source: Source) -> None:
    raw = b'{"type":"ping"}'
    right = source.headers(raw, "many")["webhook-signature"]
    assert (
        source.send(raw, "many", changes={"webhook-signature": " ".join([*["v1,AAAA"] * 15, right])}).status_code == 200
    )


def test_the_secret_of_another_source_is_none(tenant: Tenant, source: Source) -> None:
    from_stranger = source.service.tenant().all.post("/v1/sources", {"name": "Rota", "scheme": "standard_webhooks"})
    assert outcome(source.send({"type": "ping"}, secret=from_stranger["secret"])) == (401, "invalid_signature")


@pytest.mark.parametrize(("seconds", "status"), [(-300, 200), (300, 200), (-301, 401), (301, 401)])
def test_clocks_may_differ_by_five_minutes(source: Source, seconds: int, status: int) -> None:
    answer = source.send({"type": "ping"}, at=ago(source.service, seconds=seconds))
    told = answer.json()
    assert (answer.status_code, told.get("code"), told.get("skew_seconds")) == (
        (200, None, None) if status == 200 else (401, "timestamp_out_of_tolerance", seconds)
    )


LARGE = b" " * (MAX_BYTES + 1)
ORDER: Mapping[str, tuple[tuple[int, str], bytes, dict[str, str | None]]] = {
    "missing before malformed": ((400, "missing_header"), b"{}", {"webhook-id": None, "webhook-timestamp": "x"}),
    "headers before 413": ((400, "malformed_header"), LARGE, {"webhook-timestamp": "x"}),
    "413 before 415": ((413, "body_too_large"), LARGE, {"content-type": "text/plain"}),
    "415 before 401": (
        (415, "unsupported_media_type"),
        b"[1]",
        {"content-type": "text/plain", "webhook-signature": "v1,A"},
    ),
    "401 before 422": ((401, "invalid_signature"), b"[1]", {"webhook-signature": "v1,A"}),
}


@pytest.mark.parametrize("name", ORDER)
def test_the_first_failure_answers(source: Source, name: str) -> None:
    expected, raw, changes = ORDER[name]
    assert outcome(source.send(raw, changes=changes)) == expected


def test_the_signature_is_judged_before_the_clock_and_the_clock_before_the_body(source: Source) -> None:
    late = ago(source.service, minutes=6)
    assert outcome(source.send(b"[1]", at=late, changes={"webhook-signature": "v1,A"})) == (401, "invalid_signature")
    assert outcome(source.send(b"[1]", at=late)) == (401, "timestamp_out_of_tolerance")


NONSENSE = {
    "nothing": b"",
    "a list": b"[1]",
    "a text": b'"ping"',
    "no JSON": b"type=ping",
    "one name twice": b'{"type":"ping","type":"ping"}',
    "a byte order mark": b'\xef\xbb\xbf{"type":"ping"}',
    "not UTF-8": b'{"type":"\xff"}',
    "NaN": b'{"type":"ping","n":NaN}',
    "U+0000": rb'{"type":"ping","n":"\u0000"}',
    "half of a surrogate pair": rb'{"type":"ping","n":"\ud800"}',
    "too deep": b'{"n":' + b"[" * 40 + b"]" * 40 + b"}",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_authentic_nonsense_is_invalid_and_leaves_its_id_free(tenant: Tenant, source: Source, name: str) -> None:
    webhook_id = f"msg_{time.monotonic_ns()}"
    assert outcome(source.send(NONSENSE[name], webhook_id)) == (422, "invalid")
    assert stored(tenant) == []
    mended = source.send({"type": "ping"}, webhook_id)
    assert (mended.json(), "webhook-duplicate" in mended.headers) == ({"status": "received"}, False)


@pytest.mark.parametrize("kind", ["ping", "source.heartbeat"])
def test_a_sign_of_life_is_no_report(tenant: Tenant, source: Source, kind: str) -> None:
    answer = source.send({"type": kind, "data": {}})
    assert (answer.status_code, answer.json(), stored(tenant)) == (200, {"status": "received"}, [])
