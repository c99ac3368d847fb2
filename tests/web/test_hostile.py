"""Input that no friend would send, each with the exact status and code of its answer.

The corpus is one list; it is sent over a socket, byte by byte as it stands here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.web.serving import Answer
from tests.web.target import COLLECTION, Target

JSON = ("Content-Type", "application/json")
MERGE_PATCH = ("Content-Type", "application/merge-patch+json")
ID = "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05"
DEEP = b'{"text":' + b"[" * 40 + b"]" * 40 + b"}"


@dataclass(frozen=True)
class Case:
    """One request, and how it must be answered."""

    name: str
    status: int
    code: str | None
    pointers: tuple[str, ...] = ()
    """Places of the problem's `errors`, all of them, in any order."""
    method: str = "POST"
    path: str = COLLECTION
    body: bytes | Mapping[str, Any] | None = None
    """None: the target's own body."""
    headers: tuple[tuple[str, str], ...] = (JSON,)
    key: str | None = ""


def body(name: str, text: bytes, status: int = 400, code: str = "malformed_json", *pointers: str) -> Case:
    return Case(name, status, code, pointers, body=text)


def changed(name: str, pointer: str, **members: object) -> Case:
    """The target's body with other members; it is refused at the pointer."""
    return Case(name, 422, "invalid", (pointer,), body=members)


def get(name: str, path: str, status: int, code: str, *pointers: str) -> Case:
    return Case(name, status, code, pointers, "GET", path, b"", ())


def header(name: str, *headers: tuple[str, str], status: int = 400, code: str = "malformed_header") -> Case:
    return Case(name, status, code, headers=(JSON, *headers))


CORPUS = [
    # What is no JSON text.
    body("no body", b""),
    body("white space", b" \n\t"),
    body("cut off", b'{"text": "x"'),
    body("a comma too many", b'{"text": "x",}'),
    body("single quotes", b"{'text': 'x'}"),
    body("two values", b"{} {}"),
    body("a comment", b"{} // really"),
    body("NaN", b'{"text": NaN}'),
    body("Infinity", b'{"text": -Infinity}'),
    body("a number beyond a double", b'{"text": 1e999}'),
    body("an integer beyond a double", b'{"text": ' + b"9" * 400 + b"}"),
    body("an integer that int() refuses", b'{"text": ' + b"9" * 5000 + b"}"),
    body("a byte order mark", b'\xef\xbb\xbf{"text": "x"}'),
    body("UTF-16", '{"text": "x"}'.encode("utf-16")),
    body("Latin-1", '{"text": "café"}'.encode("latin-1")),
    body("an overlong encoding", b'{"text": "\xc0\xaf"}'),
    body("an encoded surrogate", b'{"text": "\xed\xa0\x80"}'),
    body("half of a surrogate pair", b'{"text": "\\ud800"}'),
    body("the other half", b'{"text": "\\udc00x"}'),
    body("a name twice", b'{"text": "x", "text": "y"}'),
    body("a name twice, once escaped", b'{"text": "x", "te\\u0078t": "y"}'),
    body("33 levels", b'{"text":' + b"[" * 32 + b"]" * 32 + b"}"),
    body("100,000 levels", b"[" * 100_000),
    body("a raw line feed in a text", b'{"text": "a\nb"}'),
    body("an unknown escape", b'{"text": "\\x41"}'),
    body("a leading zero", b'{"text": 01}'),
    # JSON, and not an object.
    body("a list", b"[]", 422, "invalid", ""),
    body("a text", b'"text"', 422, "invalid", ""),
    body("null", b"null", 422, "invalid", ""),
    body("true", b"true", 422, "invalid", ""),
    body("a number", b"7", 422, "invalid", ""),
    # An object whose members are refused.
    changed("a control character", "/text", text="a\x00b"),
    changed("an escape sequence of terminals", "/text", text="\x1b[31mred"),
    changed("a C1 control character", "/text", text="a\x85b"),
    changed("a control character in a name", "/na\x01me", **{"na\x01me": 1}),
    changed("an empty text", "/text", text=""),
    changed("a text of spaces", "/text", text=" \t\n"),
    changed("a text of invisible characters", "/text", text="\u200b\ufeff\u2060"),
    changed("a text that is too long", "/text", text="x" * 5001),
    changed("a number for a text", "/text", text=7),
    changed("an object for a text", "/text", text={"$ne": ""}),
    changed("a truth value as a text", "/safety/at_risk_now", safety={"at_risk_now": "true", "own_employment": False}),
    changed("a truth value as a number", "/safety/own_employment", safety={"at_risk_now": False, "own_employment": 0}),
    changed("a missing member inside", "/safety/own_employment", safety={"at_risk_now": False}),
    changed("null for a required member", "/text", text=None),
    changed("an unknown member", "/surprise", surprise=1),
    changed("an unknown member inside", "/author/shoe_size", author={"ref": "a", "shoe_size": 41}),
    changed("a member of Python's", "/__class__", __class__="Admin"),
    changed("a member with a slash and a tilde", "/a~1b~0c", **{"a/b~c": 1}),
    changed("an unknown value", "/group", group="boss"),
    changed("a value in capitals", "/group", group="CARE_WORKER"),
    changed("a list for a text", "/group", group=["care_worker"]),
    changed("a text for a list", "/tags", tags="rota"),
    changed("a list that is too long", "/tags", tags=["x"] * 21),
    changed("an entry that is too long", "/tags/1", tags=["a", "x" * 51]),
    changed("an entry of another type", "/tags/0", tags=[{}]),
    changed("1,001 entries", "/tags", tags=["x"] * 1001),
    changed("an id without hyphens", "/id", id=ID.replace("-", "")),
    changed("an id in braces", "/id", id="{" + ID + "}"),
    changed("an id as a URN", "/id", id=f"urn:uuid:{ID}"),
    changed("an id with a line feed", "/id", id=f"{ID}\n"),
    changed("an instant without an offset", "/captured_at", captured_at="2026-11-22T21:14:00"),
    changed("an instant without seconds", "/captured_at", captured_at="2026-11-22T21:14Z"),
    changed("an instant with a space", "/captured_at", captured_at="2026-11-22 21:14:00Z"),
    changed("an instant as a number", "/captured_at", captured_at=1795554000),
    changed("an instant as digits", "/captured_at", captured_at="1795554000"),
    changed("a leap second", "/captured_at", captured_at="2016-12-31T23:59:60Z"),
    changed("the 30th of February", "/captured_at", captured_at="2026-02-30T00:00:00Z"),
    changed("a year before all years", "/captured_at", captured_at="0001-01-01T00:00:00+23:59"),
    changed("digits of another script", "/captured_at", captured_at="٢٠٢٦-11-22T21:14:00Z"),
    # Media types and content codings.
    Case("no media type", 415, "unsupported_media_type", headers=()),
    Case("text", 415, "unsupported_media_type", headers=(("Content-Type", "text/plain"),)),
    Case("a form", 415, "unsupported_media_type", headers=(("Content-Type", "application/x-www-form-urlencoded"),)),
    Case("a merge patch to POST", 415, "unsupported_media_type", headers=(MERGE_PATCH,)),
    Case(
        "two types in one", 415, "unsupported_media_type", headers=(("Content-Type", "application/json, text/plain"),)
    ),
    Case(
        "a JSON patch",
        415,
        "unsupported_media_type",
        (),
        "PATCH",
        "{item}",
        {"title": "x"},
        (("Content-Type", "application/json-patch+json"),),
    ),
    Case("gzip", 415, "unsupported_media_type", headers=(JSON, ("Content-Encoding", "gzip"))),
    # Headers.
    header("two media types", ("Content-Type", "application/json")),
    header("an empty Idempotency-Key", ("Idempotency-Key", "")),
    header("an Idempotency-Key with a space", ("Idempotency-Key", "a b")),
    header("an Idempotency-Key of 256", ("Idempotency-Key", "k" * 256)),
    header("an Idempotency-Key beyond ASCII", ("Idempotency-Key", "clé")),
    header("two Idempotency-Keys", ("Idempotency-Key", "a"), ("Idempotency-Key", "a")),
    header("two request ids", ("X-Request-Id", "a"), ("X-Request-Id", "b")),
    header("If-Match without quotation marks", ("If-Match", "3")),
    header("an empty If-Match", ("If-Match", "")),
    header("If-Match of commas", ("If-Match", ", ,")),
    header("If-Match with a star among tags", ("If-Match", '"3", *')),
    header("If-Match with an open tag", ("If-Match", '"3')),
    Case(
        "an If-Match of 4,400 digits",
        412,
        "version_mismatch",
        (),
        "PATCH",
        "{item}",
        {"title": "x"},
        (MERGE_PATCH, ("If-Match", '"' + "9" * 4400 + '"')),
    ),
    Case(
        "a weak tag",
        412,
        "version_mismatch",
        (),
        "PATCH",
        "{item}",
        {"title": "x"},
        (MERGE_PATCH, ("If-Match", 'W/"3"')),
    ),
    Case(
        "an old version",
        412,
        "version_mismatch",
        (),
        "PATCH",
        "{item}",
        {"title": "x"},
        (MERGE_PATCH, ("If-Match", '"0", "99999"')),
    ),
    # Keys.
    Case("no key", 401, "unauthenticated", key=None),
    Case("two keys", 401, "unauthenticated", headers=(JSON, ("Authorization", "Bearer hb_x"))),
    Case("another scheme", 401, "unauthenticated", headers=(JSON, ("Authorization", "Basic aGI6eA==")), key=None),
    Case("no scheme", 401, "unauthenticated", headers=(JSON, ("Authorization", "hb_x")), key=None),
    Case("a key that is none", 401, "unauthenticated", key="hb_" + "A" * 49),
    Case("a key beyond ASCII", 401, "unauthenticated", key="hb_é"),
    Case("a key of 60,000 characters", 401, "unauthenticated", key="hb_" + "a" * 60_000),
    Case("a receipt code for a key", 401, "unauthenticated", key="hbr_0000-0000"),
    Case("a key for a receipt code", 401, "unauthenticated", (), "GET", "/v1/receipt", b"", ()),
    Case(
        "a receipt code with a typing error", 401, "unauthenticated", (), "GET", "/v1/receipt", b"", (), "hbr_0000-0001"
    ),
    # Paths and methods.
    get("an unknown path", "/v1/nothing", 404, "not_found"),
    get("a trailing slash", "/v1/suggestions/", 404, "not_found"),
    get("two slashes", "//v1/suggestions", 404, "not_found"),
    get("capitals", "/V1/suggestions", 404, "not_found"),
    get("dots", "/v1/suggestions/../suggestions", 404, "not_found"),
    get("an id that is none", "/v1/suggestions/7", 404, "not_found"),
    get("an id without hyphens in the path", f"/v1/suggestions/{ID.replace('-', '')}", 404, "not_found"),
    get("an id with a line feed in the path", f"/v1/suggestions/{ID}%0A", 404, "not_found"),
    get("NUL", "/v1/suggestions/%00", 404, "not_found"),
    get("bytes that are no UTF-8", "/v1/suggestions/%ff", 404, "not_found"),
    get("an encoded slash", f"/v1%2Fsuggestions/{ID}", 404, "not_found"),
    get("a way out", "/v1/suggestions/..%2f..%2fetc%2fpasswd", 404, "not_found"),
    get("a way out of the static files", "/static/..%2f..%2fpages.py", 404, "not_found"),
    get("a long path", "/v1/suggestions/" + "x" * 5000, 404, "not_found"),
    Case("an unknown act", 404, "not_found", path=f"/v1/suggestions/{ID}/acts/explode", body={}),
    Case("an act of the system", 404, "not_found", path=f"/v1/suggestions/{ID}/acts/close", body={}),
    *(
        Case(f"{method} on a collection", 405, "method_not_allowed", (), method, body=b"", headers=())
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
    ),
    Case("GET on an act", 405, "method_not_allowed", (), "GET", "{act}", b"", ()),
    # Queries.
    get("an unknown parameter", "/v1/suggestions?colour=red", 422, "invalid", "?colour"),
    get("a parameter twice", "/v1/suggestions?limit=1&limit=2", 422, "invalid", "?limit"),
    get("an empty number", "/v1/suggestions?limit=", 422, "invalid", "?limit"),
    get("a number with a point", "/v1/suggestions?limit=5.0", 422, "invalid", "?limit"),
    get("a number with a sign", "/v1/suggestions?limit=%2B5", 422, "invalid", "?limit"),
    get("a number with a space", "/v1/suggestions?limit=+5", 422, "invalid", "?limit"),
    get("a number in other digits", "/v1/suggestions?limit=%D9%A5", 422, "invalid", "?limit"),
    get("a number that is too large", "/v1/suggestions?limit=201", 422, "invalid", "?limit"),
    get("a number of 5,000 digits", "/v1/suggestions?limit=" + "9" * 5000, 422, "invalid", "?limit"),
    get("zero", "/v1/suggestions?limit=0", 422, "invalid", "?limit"),
    get("an unknown sort", "/v1/suggestions?sort=title;drop", 422, "invalid", "?sort"),
    get("an unknown value in the query", "/v1/suggestions?group=boss", 422, "invalid", "?group"),
    get("a day for an instant", "/v1/suggestions?updated_since=2026-11-22", 422, "invalid", "?updated_since"),
    get("a query that is no UTF-8", "/v1/suggestions?group=%ff", 422, "invalid", "?group"),
    get("a broken escape", "/v1/suggestions?group=%zz", 422, "invalid", "?group"),
    get("NUL in a query", "/v1/suggestions?cursor=a%00b", 422, "invalid", "?cursor"),
    get("faults side by side", "/v1/suggestions?limit=0&sort=x", 422, "invalid", "?limit", "?sort"),
    Case("a parameter where none is taken", 422, "invalid", ("?dry_run",), path=f"{COLLECTION}?dry_run=true"),
]


@pytest.fixture(params=["example", "application"])
def target(request: pytest.FixtureRequest) -> Target:
    """What the corpus is sent to."""
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found


def send(target: Target, case: Case) -> Answer:
    path = case.path.format(item=target.item, act=target.act) if case.path.startswith("{") else case.path
    given = target.body if case.body is None else case.body
    if isinstance(given, Mapping) and case.path == COLLECTION and case.method == "POST":
        given = {**target.body, **given}
    return target.send(case.method, path, given, case.headers, key=case.key)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_each_is_refused_by_its_code(target: Target, case: Case) -> None:
    answer = send(target, case)
    assert answer.outcome == (case.status, case.code)
    problem = answer.json
    assert [fault["pointer"] for fault in problem.get("errors", [])] == list(case.pointers)
    assert problem["request_id"] == answer.header("X-Request-Id")
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"} | (
        {"errors"} if case.pointers else set()
    )


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_each_answer_has_the_headers_of_every_answer(target: Target, case: Case) -> None:
    answer = send(target, case)
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Server": None}
    if case.path.startswith(("/v1/", "{")):
        wanted["Cache-Control"] = "no-store"
    assert {name: answer.header(name) for name in wanted} == wanted


def test_the_names_of_the_corpus_are_told_apart() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS) >= 60


def test_the_body_that_is_changed_is_taken_as_it_is(target: Target) -> None:
    assert target.send("POST", COLLECTION, target.body).status == 201
    assert target.send("POST", target.act, target.act_body).status == 200
    assert target.send("PATCH", target.item, {"title": "Pairs"}, [MERGE_PATCH]).status == 200


def test_31_levels_inside_the_outermost_are_json(target: Target) -> None:
    text = b'{"text":' + b"[" * 31 + b"]" * 31 + b"}"
    assert target.send("POST", COLLECTION, text).outcome == (422, "invalid")


def test_at_most_a_hundred_faults_are_named(target: Target) -> None:
    members = {f"member_{number}": number for number in range(500)}
    answer = target.send("POST", COLLECTION, {**target.body, **members})
    assert answer.outcome == (422, "invalid")
    assert len(answer.json["errors"]) == 100


def test_nothing_of_what_was_sent_is_repeated(target: Target) -> None:
    secret = "zq-my-secret-text"
    answer = target.send(
        "POST", COLLECTION, {**target.body, "text": {"x": secret}, "group": secret, "tags": [secret * 10]}
    )
    assert answer.outcome == (422, "invalid")
    assert secret not in json.dumps(answer.json)
