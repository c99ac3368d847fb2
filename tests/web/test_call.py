"""Conditions, repetitions and transactions, as an endpoint meets them."""

from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from app.domain.errors import MalformedHeader
from app.web.call import Call
from tests.web.client import client_of
from tests.web.example import EXISTING, SUBMISSION, AnswerLostError, Example, StoreDownError

LIST = "/v1/suggestions"
ITEM = f"{LIST}/{EXISTING}"
NOTE = f"{ITEM}/acts/note"


@pytest.fixture
def client(example: Example) -> TestClient:
    return client_of(example, example.make_key("raise", "read", "review", "admin"))


def call_with(*headers: tuple[str, str]) -> Call:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Call({"type": "http", "method": "POST", "headers": raw, "state": {}})


# ── If-Match ──


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ([], None),
        (["*"], None),
        ([" * "], None),
        (['"3-9f86"'], {3}),
        (['"3"'], {3}),
        (['"3-9f86", "4-aaaa"'], {3, 4}),
        (['"3-9f86"', '"4-aaaa"'], {3, 4}),
        ([', "3-9f86" ,, "4"\t,'], {3, 4}),
        (['W/"3-9f86"'], set()),
        (['W/"3-9f86", "4"'], {4}),
        (['"abc"'], set()),
        (['""'], set()),
        (['"3x"'], set()),
        (['"03"'], set()),
        (['"3,4"', '"5"'], {5}),
        (['"é"'], set()),
        (['"' + "9" * 4400 + '"'], set()),
    ],
)
def test_if_match_gives_versions(values: list[str], seen: set[int] | None) -> None:
    call = call_with(*(("If-Match", value) for value in values))
    call.read_if_match()
    assert (call.seen, call.seen_header) == (None if seen is None else frozenset(seen), bool(values))


@pytest.mark.parametrize(
    "value", ["", " ", ",", "3", '"3', '3"', "W/3", 'w/"3"', '"3" "4"', '"3"; x', "*, *", '"3", *', '*, "3"', '"a b"']
)
def test_if_match_of_another_form_is_refused(value: str) -> None:
    with pytest.raises(MalformedHeader, match="malformed_header"):
        call_with(("If-Match", value)).read_if_match()


def test_a_list_of_many_tags_is_read_in_time() -> None:
    call = call_with(("If-Match", ", ".join(['"x"'] * 10_000)))
    call.read_if_match()
    assert call.seen == frozenset()


def test_a_write_compares_the_version_that_was_read(client: TestClient) -> None:
    etag = client.get(ITEM).headers["ETag"]
    first = client.patch(ITEM, json={"title": "One"}, headers={"If-Match": etag})
    second = client.patch(ITEM, json={"title": "Two"}, headers={"If-Match": etag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["code"] == "version_mismatch"
    assert client.get(ITEM).json()["title"] == "One"
    third = client.patch(ITEM, json={"title": "Two"}, headers={"If-Match": first.headers["ETag"]})
    assert (third.status_code, third.json()["version"]) == (200, 5)


def test_a_deletion_compares_it_too(client: TestClient) -> None:
    assert client.delete(ITEM, headers={"If-Match": '"1"'}).status_code == 412
    deleted = client.delete(ITEM, headers={"If-Match": '"3"'})
    assert (deleted.status_code, deleted.content, "Content-Type" in deleted.headers) == (204, b"", False)
    assert client.get(ITEM).status_code == 404


def test_a_policy_can_tell_no_header_from_a_star(client: TestClient) -> None:
    careful = {"text": "careful"}
    refused = client.post(NOTE, json=careful)
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    assert client.post(NOTE, json=careful, headers={"If-Match": "*"}).status_code == 200


# ── If-None-Match ──


def test_the_answer_that_the_client_has_is_not_sent_again(client: TestClient) -> None:
    etag = client.get(ITEM).headers["ETag"]
    for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = client.get(ITEM, headers={"If-None-Match": value})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
        assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(ITEM, headers={"If-None-Match": '"3-0000"'}).status_code == 200


def test_every_line_of_if_none_match_counts(client: TestClient) -> None:
    etag = client.get(ITEM).headers["ETag"]
    lines = httpx2.Headers([("If-None-Match", '"x"'), ("If-None-Match", etag)])
    assert client.get(ITEM, headers=lines).status_code == 304


def test_the_tag_covers_the_whole_answer(client: TestClient, example: Example) -> None:
    before = client.get(ITEM).headers["ETag"]
    example.memory.rows.put(EXISTING, title="Another", text="Pair the calls.", version=3)
    after = client.get(ITEM).headers["ETag"]
    assert before != after
    assert (before.partition("-")[0], after.partition("-")[0]) == ('"3', '"3')


def test_a_head_has_the_tag_and_no_body(client: TestClient) -> None:
    answer = client.head(ITEM)
    assert (answer.status_code, answer.headers["ETag"]) == (200, client.get(ITEM).headers["ETag"])


# ── Idempotency-Key ──


def test_a_repetition_has_its_effect_once(client: TestClient, example: Example) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = client.post(LIST, json=SUBMISSION, headers=key)
    again = client.post(LIST, json=SUBMISSION, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert [answer.headers.get("Idempotent-Replayed") for answer in (first, again)] == [None, "true"]
    assert [answer.headers["Location"] for answer in (first, again)] == [f"{LIST}/{first.json()['id']}"] * 2
    assert len(example.memory.rows.suggestions) == 2


def test_without_a_key_each_request_has_its_effect(client: TestClient, example: Example) -> None:
    assert {client.post(LIST, json=SUBMISSION).status_code for _ in range(2)} == {201}
    assert len(example.memory.rows.suggestions) == 3


@pytest.mark.parametrize(
    "body", [b'{"text":"x","why":null}', b' {  "why" : null,\n "text" : "x" } ', b'{"te\\u0078t": "x"}']
)
def test_spacing_order_and_nulls_make_no_other_request(client: TestClient, body: bytes) -> None:
    headers = {"Idempotency-Key": "k-2", "Content-Type": "application/json"}
    assert client.post(NOTE, content=b'{"text":"x"}', headers=headers).status_code == 200
    answer = client.post(NOTE, content=body, headers=headers)
    assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (200, "true")


def test_the_case_of_an_id_makes_no_other_request(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k-3"}
    assert client.post(NOTE, json={"text": "x"}, headers=headers).status_code == 200
    upper = NOTE.replace(str(EXISTING), str(EXISTING).upper())
    assert client.post(upper, json={"text": "x"}, headers=headers).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [(NOTE, {"text": "y"}), (f"{ITEM}/erasure", {}), (NOTE.replace(str(EXISTING), str(UUID(int=5))), {"text": "x"})],
    ids=["another body", "another path", "another id"],
)
def test_another_request_under_the_same_key_is_refused(client: TestClient, path: str, body: dict[str, str]) -> None:
    headers = {"Idempotency-Key": "k-4"}
    assert client.post(NOTE, json={"text": "x"}, headers=headers).status_code == 200
    answer = client.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_belongs_to_a_system(example: Example) -> None:
    headers = {"Idempotency-Key": "k-5"}
    for system in ("app", "rota"):
        client = client_of(example, example.make_key("raise", system=system))
        assert "Idempotent-Replayed" not in client.post(LIST, json=SUBMISSION, headers=headers).headers
    other = client_of(example, example.make_key("raise", system="rota"))
    assert other.post(LIST, json=SUBMISSION, headers=headers).headers["Idempotent-Replayed"] == "true"


def test_a_refused_request_leaves_its_key_free_and_no_trace(client: TestClient, example: Example) -> None:
    headers = {"Idempotency-Key": "k-6"}
    refused = client.post(NOTE, json={"text": "nowhere"}, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_found")
    assert example.memory.rows.keys == {}
    assert client.get(ITEM).json()["version"] == 3
    assert client.post(NOTE, json={"text": "x"}, headers=headers).status_code == 200


def test_a_patch_takes_no_key(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k-7"}
    for title in ("One", "Two"):
        assert client.patch(ITEM, json={"title": title}, headers=headers).json()["title"] == title


# ── lists ──


def test_a_page_links_to_the_next_one_with_all_that_was_asked(client: TestClient) -> None:
    client.post(LIST, json=SUBMISSION)
    answer = client.get(LIST, params={"limit": "1", "q": "ä & b", "cursor": "old"})
    assert answer.headers["Link"] == f'<{LIST}?limit=1&q=%C3%A4+%26+b&cursor=further>; rel="next"'
    assert (len(answer.json()["items"]), answer.json()["next_cursor"]) == (1, "further")


def test_the_last_page_links_nowhere(client: TestClient) -> None:
    answer = client.get(LIST)
    assert ("Link" in answer.headers, answer.json()["next_cursor"]) == (False, None)


# ── a store that fails ──


@pytest.mark.parametrize(
    ("failure", "code"), [(StoreDownError(), "unavailable"), (AnswerLostError(), "outcome_unknown")]
)
def test_a_store_that_fails_is_a_503(client: TestClient, example: Example, failure: Exception, code: str) -> None:
    client.get(ITEM)  # So that the caller is known.
    example.memory.fails = failure
    for answer in (client.post(LIST, json=SUBMISSION), client.get(ITEM)):
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert answer.headers["Retry-After"].isdigit()


def test_a_store_that_fails_before_the_caller_is_known_is_a_503(client: TestClient, example: Example) -> None:
    example.memory.fails = StoreDownError()
    assert client.get(ITEM).json()["code"] == "unavailable"


def test_an_open_route_has_no_caller() -> None:
    with pytest.raises(RuntimeError, match="no caller"):
        _ = call_with().caller
