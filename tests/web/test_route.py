"""The order of checks, and what a declaration of a route must have."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.kit.shapes import Shape
from app.web.access import needs, open_to_all
from app.web.answers import NO_CONTENT
from app.web.call import Call
from app.web.queries import PageParameters
from app.web.route import Endpoint, NoMembers, Route
from tests.web.example import EXISTING
from tests.web.serving import Answer, exchange, request
from tests.web.target import Target


@dataclass(frozen=True)
class Sent:
    """An act on a suggestion, that is right in everything."""

    key: str
    method: str = "POST"
    path: str = f"/v1/suggestions/{EXISTING}/acts/note"
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"text": "Spoke with the coordinator."}'
    refused: tuple[str, ...] = field(default=())
    """The codes of all that is wrong with it, in the order of the checks."""


Fault = tuple[str, int, Callable[[Sent, Target], Sent]]


def wrong(sent: Sent, code: str, **changes: Any) -> Sent:  # noqa: ANN401 -- as `replace`
    return replace(sent, refused=(*sent.refused, code), **changes)


# Each makes one more thing wrong, without touching what an earlier one has made wrong.
FAULTS: list[Fault] = [
    ("not_found", 404, lambda sent, _: wrong(sent, "not_found", path=sent.path.replace("/acts/note", "/acts/explode"))),
    ("method_not_allowed", 405, lambda sent, _: wrong(sent, "method_not_allowed", method="PUT")),
    ("unauthenticated", 401, lambda sent, _: wrong(sent, "unauthenticated", key="hb_none")),
    ("missing_scope", 403, lambda sent, target: wrong(sent, "missing_scope", key=sent.key and target.narrow_key)),
    ("body_too_large", 413, lambda sent, _: wrong(sent, "body_too_large", body=b"{" + b" " * 300_000)),
    ("unsupported_media_type", 415, lambda sent, _: wrong(sent, "unsupported_media_type", media_type="text/plain")),
    (
        "malformed_header",
        400,
        lambda sent, _: wrong(sent, "malformed_header", headers=(*sent.headers, ("Idempotency-Key", ""))),
    ),
    ("malformed_json", 400, lambda sent, _: wrong(sent, "malformed_json", body=sent.body + b"}")),
    ("invalid", 422, lambda sent, _: wrong(sent, "invalid", body=b'{"text": 7}')),
    (
        "not_found",
        404,
        lambda sent, _: wrong(sent, "not_found", path=sent.path.replace(str(EXISTING), str(UUID(int=5)))),
    ),
    ("precondition_required", 428, lambda sent, _: wrong(sent, "precondition_required", body=b'{"text": "careful"}')),
    (
        "version_mismatch",
        412,
        lambda sent, _: wrong(sent, "version_mismatch", headers=(*sent.headers, ("If-Match", '"99"'))),
    ),
    ("invalid", 422, lambda sent, _: wrong(sent, "invalid", body=b'{"text": "nowhere"}')),
]
# What cannot be wrong at once: both replace the same part, or one takes the other away.
EXCLUSIVE = {
    frozenset({"unauthenticated", "missing_scope"}),
    frozenset({"precondition_required", "version_mismatch"}),
}


def send(target: Target, sent: Sent) -> Answer:
    headers = [("Authorization", f"Bearer {sent.key}"), ("Content-Type", sent.media_type), *sent.headers]
    return exchange(target.port, request(sent.method, sent.path, headers, sent.body))


def pairs() -> list[tuple[int, int]]:
    bodies = {4, 7, 8, 10, 12}
    found = []
    for first, second in itertools.combinations(range(len(FAULTS)), 2):
        names = frozenset({FAULTS[first][0], FAULTS[second][0]})
        if names not in EXCLUSIVE and not {first, second} <= bodies:
            found.append((first, second))
    return found


@pytest.mark.parametrize(("first", "second"), pairs(), ids=lambda index: f"{index}-{FAULTS[index][0]}")
def test_the_earlier_check_answers(example_target: Target, first: int, second: int) -> None:
    sent = Sent(example_target.key)
    for index in (second, first):
        sent = FAULTS[index][2](sent, example_target)
    code, status, _ = FAULTS[first]
    assert send(example_target, sent).outcome == (status, code)


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=lambda index: f"{index}-{FAULTS[index][0]}")
def test_each_check_answers_when_nothing_else_is_wrong(example_target: Target, index: int) -> None:
    code, status, make_wrong = FAULTS[index]
    assert send(example_target, make_wrong(Sent(example_target.key), example_target)).outcome == (status, code)


def test_nothing_wrong(example_target: Target) -> None:
    assert send(example_target, Sent(example_target.key)).outcome == (200, None)


def test_an_empty_body_has_no_media_type(example_target: Target) -> None:
    plain = ("Content-Type", "text/plain")
    erasure = f"/v1/suggestions/{EXISTING}/erasure"
    assert example_target.send("POST", erasure, b"", [plain]).outcome == (200, None)
    assert example_target.send("POST", example_target.act, b"", [plain]).outcome == (400, "malformed_json")
    assert example_target.send("PATCH", example_target.item, b"", [plain]).outcome == (400, "malformed_json")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/json;x=y", " application/json "]
)
def test_parameters_and_case_of_a_media_type_do_not_count(example_target: Target, media_type: str) -> None:
    answer = example_target.send("POST", example_target.act, b'{"text": "x"}', [("Content-Type", media_type)])
    assert answer.outcome == (200, None)


def test_a_post_without_members_takes_none(example_target: Target) -> None:
    path = f"{example_target.item}/pause"
    json = [("Content-Type", "application/json")]
    assert example_target.send("POST", path, b"", []).outcome == (200, None)
    assert example_target.send("POST", path, b"{}", json).outcome == (200, None)
    assert example_target.send("POST", path, b'{"x": null}', json).outcome == (200, None)
    assert example_target.send("POST", path, b'{"x": 1}', json).outcome == (422, "invalid")


def test_null_is_absent_in_a_post_and_takes_away_in_a_patch(example_target: Target) -> None:
    created = example_target.send("POST", "/v1/suggestions", {**example_target.body, "title": None, "tags": None})
    assert created.outcome == (201, None)
    path = created.header("Location") or ""
    assert example_target.send("PATCH", path, {"title": "Pairs"}).json["title"] == "Pairs"
    assert example_target.send("PATCH", path, {"title": None}).json["title"] is None
    refused = example_target.send("PATCH", path, {"text": None})
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/text"]


def test_a_batch_is_taken_as_bytes_up_to_its_own_limit(example_target: Target) -> None:
    path = "/v1/suggestions/batch"
    lines = [("Content-Type", "application/x-ndjson")]
    assert example_target.send("POST", path, b'{"a": 1}\n{"a": 2}\n', lines).json == {"count": 2}
    assert example_target.send("POST", path, b"x\n" * 200_000, lines).json == {"count": 200_000}
    assert example_target.send("POST", f"{path}?dry_run=true", b"x\n", lines).json == {"count": -1}
    json = [("Content-Type", "application/json")]
    assert example_target.send("POST", path, b"{}", json).outcome == (415, "unsupported_media_type")
    assert example_target.send("POST", f"{path}?dry_run=1", b"x\n", lines).json["errors"][0]["pointer"] == "?dry_run"
    too_large = request(
        "POST", path, [("Authorization", f"Bearer {example_target.key}"), ("Content-Length", "8388609")]
    )
    assert exchange(example_target.port, too_large).outcome == (413, "body_too_large")


def test_an_endpoint_may_read_the_body_in_its_own_order(example_target: Target) -> None:
    path = f"/v1/inbound/{EXISTING}"
    headers = [("Content-Type", "text/plain")]
    assert example_target.send("POST", path, b"x" * 300_000, headers, key=None).outcome == (404, "not_found")
    headers += [("webhook-id", "m-1")]
    assert example_target.send("POST", path, b"x" * 300_000, headers, key=None).outcome == (413, "body_too_large")
    assert example_target.send("POST", path, b"x", headers, key=None).outcome == (204, None)
    assert example_target.send("POST", path, b"x", [*headers, headers[1]], key=None).outcome == (
        400,
        "malformed_header",
    )


class Parameters(PageParameters):
    site: str | None = None


class Body(Shape):
    text: Annotated[str, Field(max_length=5)]


async def take_nothing() -> Response:
    return NO_CONTENT.response()


async def take_call(call: Call) -> Response:
    return NO_CONTENT.response()


async def take_body(call: Call, body: Body) -> Response:
    return NO_CONTENT.response()


async def take_id(call: Call, item_id: UUID, body: NoMembers) -> Response:
    return NO_CONTENT.response()


async def take_query(call: Call, wanted: Annotated[Parameters, Query()]) -> Response:
    return NO_CONTENT.response()


@pytest.mark.parametrize(
    ("path", "endpoint", "options", "sentence"),
    [
        ("/x", take_nothing, {"methods": ["GET"]}, "/x: say who may use it"),
        ("/x", take_call, {"methods": ["POST"], "openapi_extra": needs("read")}, "/x: give the endpoint a body"),
        ("/x", take_id, {"methods": ["POST"], "openapi_extra": needs("read")}, "/x: the endpoint must take body,"),
        (
            "/x/{item_id:uuid}",
            take_body,
            {"methods": ["POST"], "openapi_extra": needs("read")},
            "must take body, item_id,",
        ),
    ],
    ids=["no security", "no body", "an id that is not in the path", "an id that is not taken"],
)
def test_a_route_that_cannot_be_meant_does_not_come_to_be(
    path: str, endpoint: Endpoint, options: dict[str, Any], sentence: str
) -> None:
    router = APIRouter(route_class=Route)
    with pytest.raises(TypeError, match=sentence):
        router.add_api_route(path, endpoint, status_code=204, **options)


def test_the_problems_of_a_route_follow_from_what_it_takes() -> None:
    router = APIRouter(route_class=Route)
    router.add_api_route("/x", take_nothing, methods=["GET"], openapi_extra=open_to_all(), status_code=204)
    router.add_api_route("/y", take_query, methods=["GET"], openapi_extra=needs("read"), status_code=204)
    router.add_api_route(
        "/z/{item_id:uuid}", take_id, methods=["POST"], openapi_extra=needs("raise", refuses=["gone"]), status_code=204
    )
    found = [sorted(route.responses) for route in router.routes if isinstance(route, Route)]
    assert found == [
        [422, 429, 500, 503],
        [400, 401, 403, 422, 429, 500, 503],
        [400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503],
    ]
