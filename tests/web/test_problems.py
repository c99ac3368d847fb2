import asyncio
import json
from http import HTTPStatus

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.domain import errors
from app.kit.refusals import Invalid, MalformedJson, PersonalDataFound, Refusal
from app.web.problem_responses import example_of, name_of, responses_of
from app.web.problem_texts import PROBLEMS
from app.web.problems import body_of, handlers, problem, status_of

STATUSES = {
    400: {"malformed_json", "invalid_cursor", "missing_header", "malformed_header", "bad_request"},
    401: {"unauthenticated", "invalid_signature", "timestamp_out_of_tolerance"},
    403: {"missing_scope"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    408: {"request_timeout"},
    409: {"act_not_allowed", "id_conflict", "quorum_not_met", "webhook_id_reused", "idempotency_key_in_use"},
    410: {"gone"},
    412: {"version_mismatch"},
    413: {"body_too_large"},
    415: {"unsupported_media_type"},
    422: {"invalid", "personal_data", "idempotency_key_reused"},
    428: {"precondition_required"},
    429: {"rate_limited"},
    500: {"internal_error"},
    503: {"unavailable", "outcome_unknown"},
}
NOT_RAISED = {"bad_request", "internal_error", "unavailable", "outcome_unknown"}
"""What no rule refuses, and so no class stands for."""

REFUSALS: list[Refusal] = [
    MalformedJson(),
    Invalid(),
    PersonalDataFound(),
    errors.NotFound(),
    errors.Gone(),
    errors.MethodNotAllowed(["GET", "HEAD"]),
    errors.Unauthenticated(),
    errors.InvalidSignature(),
    errors.TimestampOutOfTolerance(412),
    errors.MissingScope({"raise"}),
    errors.MissingHeader(),
    errors.MalformedHeader(),
    errors.BodyTooLarge(10),
    errors.RequestTimeout(15),
    errors.UnsupportedMediaType(),
    errors.InvalidCursor(),
    errors.VersionMismatch(),
    errors.PreconditionRequired(),
    errors.IdempotencyKeyReused(),
    errors.IdempotencyKeyInUse(),
    errors.ActNotAllowed("decided", ["appeal"]),
    errors.QuorumNotMet([{"groups": ["care_worker"], "count": 1, "detail": "One more."}]),
    errors.IdConflict(),
    errors.WebhookIdReused(),
    errors.RateLimited(3),
]
FURTHER: dict[str, dict[str, object]] = {
    "act_not_allowed": {"state": "decided", "allowed_acts": ["appeal"]},
    "invalid": {"errors": []},
    "personal_data": {"errors": []},
    "quorum_not_met": {"missing_seats": [{"groups": ["care_worker"], "count": 1, "detail": "One more."}]},
    "timestamp_out_of_tolerance": {"skew_seconds": 412},
}
HEADERS = {
    "idempotency_key_in_use": {"Retry-After": "1"},
    "invalid_signature": {"WWW-Authenticate": "Bearer"},
    "method_not_allowed": {"Allow": "GET, HEAD"},
    "rate_limited": {"Retry-After": "3"},
    "request_timeout": {"Connection": "close"},
    "timestamp_out_of_tolerance": {"WWW-Authenticate": "Bearer"},
    "unauthenticated": {"WWW-Authenticate": "Bearer"},
}


def request() -> Request:
    return Request({"type": "http", "headers": [], "state": {"request_id": "r-1"}})


def test_each_code_has_its_status() -> None:
    found: dict[int, set[str]] = {}
    for code in PROBLEMS:
        found.setdefault(status_of(code), set()).add(code)
    assert found == STATUSES


def test_each_refusal_has_a_code_with_a_text_and_each_code_a_refusal() -> None:
    classes = {kind.code for kind in Refusal.__subclasses__() if kind.__module__.startswith("app.")}
    assert classes == {refusal.code for refusal in REFUSALS} == set(PROBLEMS) - NOT_RAISED


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_a_refusal_becomes_a_problem(refusal: Refusal) -> None:
    answer = asyncio.run(handlers()[Refusal](request(), refusal))
    text = PROBLEMS[refusal.code]
    assert json.loads(bytes(answer.body)) == {
        "type": f"/problems/{refusal.code}",
        "title": text.title,
        "status": text.status,
        "detail": refusal.text,
        "code": refusal.code,
        "request_id": "r-1",
        **FURTHER.get(refusal.code, {}),
    }
    assert (answer.status_code, answer.media_type) == (text.status, "application/problem+json")
    expected = HEADERS.get(refusal.code, {})
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert len(answer.headers) == len(expected) + 2  # Content-Type and Content-Length


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_each_refusal_speaks_in_sentences(refusal: Refusal) -> None:
    assert refusal.text[0].isupper()
    assert refusal.text.endswith((".", "hb_…"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "not_found"),
        (405, "method_not_allowed"),
        (400, "bad_request"),
        (418, "bad_request"),
        (501, "internal_error"),
    ],
)
def test_what_the_framework_refuses_loses_its_words(status: int, code: str) -> None:
    answer = asyncio.run(handlers()[HTTPException](request(), HTTPException(status, "secret words")))
    body = json.loads(bytes(answer.body))
    assert body == body_of("r-1", code)
    assert "secret" not in str(body)


def test_a_detail_is_never_empty() -> None:
    for code in PROBLEMS:
        assert json.loads(bytes(problem("r-1", code).body))["detail"]


@pytest.mark.parametrize("code", PROBLEMS)
def test_each_text_explains(code: str) -> None:
    text = PROBLEMS[code]
    HTTPStatus(text.status)
    assert len(text.cause) + len(text.cure) > 300
    assert text.cause.endswith(".")
    assert text.cure.endswith((".", '"'))
    assert not text.title.endswith(".")
    assert {"type", "title", "status", "detail", "code", "request_id", *text.members} == set(example_of(code))


def test_responses_are_one_per_status() -> None:
    found = responses_of(["personal_data", "invalid", "gone", "invalid"])
    assert list(found) == [410, 422]
    assert found[422] == {
        "description": "`invalid`: Something in the request is refused. `personal_data`: A text holds personal data.",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    "invalid": {"$ref": "#/components/examples/invalid"},
                    "personal_data": {"$ref": "#/components/examples/personal_data"},
                },
            }
        },
    }


def test_a_shared_response_is_named_by_its_codes() -> None:
    assert name_of(["invalid", "personal_data"]) == "InvalidOrPersonalData"
