import json
import logging
import re

import pytest

from app.kit.codes import encode
from tests.web.client import client_of
from tests.web.example import EXISTING, Example

EVERYWHERE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
API = {**EVERYWHERE, "cache-control": "no-store"}
PAGE = {**EVERYWHERE, "content-security-policy": POLICY}


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", f"/v1/suggestions/{EXISTING}", 200, API),
        ("GET", "/v1/suggestions/7", 404, API),
        ("GET", "/v1", 404, API),
        ("PUT", "/v1/suggestions", 405, API),
        ("POST", "/v1/suggestions", 400, API),
        ("GET", "/v1/boom", 500, API),
        ("GET", "/", 200, PAGE),
        ("GET", "/nothing", 404, PAGE),
        ("GET", "/v1beta", 404, PAGE),
        ("GET", "/problems/invalid", 200, PAGE),
        ("GET", "/static/page.css", 200, PAGE),
        ("GET", "/openapi.json", 200, PAGE),
        ("POST", "/", 405, PAGE),
    ],
)
def test_every_answer_has_its_headers(
    example: Example, method: str, path: str, status: int, expected: dict[str, str]
) -> None:
    answer = client_of(example, example.make_key("raise", "read")).request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert ("content-security-policy" in answer.headers) == (expected is PAGE)
    assert "server" not in answer.headers


@pytest.mark.parametrize("given", ["a", "A-Z.a_z-0.9", "x" * 128])
def test_a_request_id_is_taken(example: Example, given: str) -> None:
    answer = client_of(example).get("/v1/nothing", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"], answer.json()["request_id"]) == (given, given)


@pytest.mark.parametrize("given", ["", " ", "x" * 129, "a b", 'a"b', "a\u00e9", "{}"])
def test_a_request_id_of_another_form_is_replaced(example: Example, given: str) -> None:
    headers = [(b"x-request-id", given.encode("latin-1"))]
    answer = client_of(example).get("/v1/nothing", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["X-Request-Id"])


def test_two_requests_have_two_ids(example: Example) -> None:
    client = client_of(example)
    assert client.get("/livez").headers["X-Request-Id"] != client.get("/livez").headers["X-Request-Id"]


def test_a_fault_of_ours_shows_nothing_of_itself(example: Example, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "app.web"):
        answer = client_of(example).get("/v1/boom", headers={"X-Request-Id": "boom-1"})
    assert answer.json() == {
        "type": "/problems/internal_error",
        "title": "Our mistake",
        "status": 500,
        "detail": "Something went wrong here. It is our mistake, and the log knows it by this request_id.",
        "code": "internal_error",
        "request_id": "boom-1",
    }
    assert [(record.message, record.__dict__["request_id"]) for record in caplog.records] == [("unhandled", "boom-1")]


def test_a_request_leaves_one_line(example: Example) -> None:
    client = client_of(example, example.make_key("read"))
    client.get(f"/v1/suggestions/{EXISTING}", headers={"X-Request-Id": "line-1"})
    client.get("/v1/nothing?secret=x", headers={"X-Request-Id": "line-2"})
    lines = [json.loads(line) for line in example.lines]
    for line in lines:
        assert isinstance(line.pop("at"), float)
        assert line.pop("milliseconds") >= 0
    assert re.fullmatch(r"[0-9a-f-]{36}", lines[0].pop("key"))
    assert lines == [
        {
            "request_id": "line-1",
            "method": "GET",
            "route": "/v1/suggestions/{suggestion_id}",
            "organisation": "00000000-0000-0000-0000-000000000001",
            "status": 200,
        },
        {"request_id": "line-2", "method": "GET", "route": "", "status": 404},
    ]


def test_who_reads_a_receipt_is_not_in_the_log(example: Example) -> None:
    assert client_of(example, example.make_receipt(encode(bytes(20)))).get("/v1/receipt").status_code == 200
    (line,) = example.lines
    assert str(EXISTING) not in line
