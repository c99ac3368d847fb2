"""What is sent again, or under an id that is used: by Idempotency-Key, id and external id, also many times at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service import Client, Tenant, submission

AT_ONCE = 32
ID = "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"


def send_many(client: Client, path: str, body: object, **headers: str) -> list[httpx.Response]:
    """Send the same request so many times at once. Who is told that it is still under way asks again."""

    def send(_: int) -> httpx.Response:
        while (answer := client.send("POST", path, body, **headers)).status_code == 409:
            assert (answer.json()["code"], "retry-after" in answer.headers) == ("idempotency_key_in_use", True)
        return answer

    with ThreadPoolExecutor(AT_ONCE) as senders:
        return list(senders.map(send, range(AT_ONCE)))


def outcomes(answers: list[httpx.Response]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.headers.get("idempotent-replayed")) for answer in answers)


def test_many_submissions_with_one_idempotency_key_are_one_suggestion(tenant: Tenant) -> None:
    answers = send_many(tenant.all, "/v1/suggestions", submission(), idempotency_key="phone-1")
    assert outcomes(answers) == {(201, None): 1, (201, "true"): AT_ONCE - 1}
    first = answers[0].json()
    assert [answer.json() for answer in answers] == [first] * AT_ONCE
    assert len(tenant.all.items("/v1/suggestions")) == 1


def test_many_acts_with_one_idempotency_key_are_one_act(tenant: Tenant) -> None:
    id = tenant.all.submit()["id"]
    body = {"actor": {"ref": "mgr-7", "group": "manager"}, "text": "Spoke with the coordinator."}
    answers = send_many(tenant.all, f"/v1/suggestions/{id}/acts/note", body, idempotency_key="note-1")
    assert outcomes(answers) == {(200, None): 1, (200, "true"): AT_ONCE - 1}
    assert {answer.json()["event"]["id"] for answer in answers} == {answers[0].json()["event"]["id"]}
    assert (tenant.all.suggestion(id)["version"], len(tenant.all.timeline(id))) == (2, 2)


def test_many_different_acts_at_once_are_all_kept(tenant: Tenant) -> None:
    id = tenant.all.submit()["id"]
    body = {"actor": {"ref": "mgr-7", "group": "manager"}, "text": "Spoke with the coordinator."}
    answers = send_many(tenant.all, f"/v1/suggestions/{id}/acts/note", body)
    assert sorted(answer.json()["suggestion"]["version"] for answer in answers) == list(range(2, AT_ONCE + 2))
    assert len(tenant.all.timeline(id)) == AT_ONCE + 1


def test_of_many_acts_on_one_version_one_is_done(tenant: Tenant) -> None:
    created = tenant.all.send("POST", "/v1/suggestions", submission())
    body = {"actor": {"ref": "mgr-7", "group": "manager"}, "text": "Spoke with the coordinator."}
    path = f"/v1/suggestions/{created.json()['id']}/acts/note"
    answers = send_many(tenant.all, path, body, if_match=created.headers["etag"])
    assert outcomes(answers) == {(200, None): 1, (412, None): AT_ONCE - 1}


def test_a_repetition_is_answered_as_things_are_now(tenant: Tenant) -> None:
    first = tenant.all.submit(external_id="idea-1")
    tenant.all.act(first["id"], "note", text="Spoke with the coordinator.")
    again = tenant.all.send("POST", "/v1/suggestions", submission(external_id="idea-1"))
    assert (again.status_code, again.json()) == (200, {**first, "version": 2})


@pytest.mark.parametrize(
    "other",
    [
        {"external_id": "idea-1", "text": "Other words."},
        {"external_id": "idea-1", "id": "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0c"},
        {"external_id": "idea-2", "id": ID},
        {"external_id": "idea-1", "id": ID, "tags": ["rota"]},
    ],
)
def test_an_id_with_other_content_is_a_conflict(tenant: Tenant, other: dict[str, object]) -> None:
    tenant.all.submit(external_id="idea-1", id=ID)
    refused = tenant.all.send("POST", "/v1/suggestions", submission(**other))
    assert (refused.status_code, refused.json()["code"]) == (409, "id_conflict")
    assert len(tenant.all.items("/v1/suggestions")) == 1


def test_two_ids_that_name_two_suggestions_are_a_conflict(tenant: Tenant) -> None:
    tenant.all.submit(id=ID)
    tenant.all.submit(external_id="idea-1")
    refused = tenant.all.send("POST", "/v1/suggestions", submission(id=ID, external_id="idea-1"))
    assert (refused.status_code, refused.json()["code"]) == (409, "id_conflict")


def test_null_members_are_as_absent_ones(tenant: Tenant) -> None:
    first = tenant.all.send("POST", "/v1/suggestions", submission(external_id="idea-1", title=None))
    again = tenant.all.send("POST", "/v1/suggestions", submission(external_id="idea-1", tags=None))
    assert (first.status_code, again.status_code) == (201, 200)


def test_external_ids_belong_to_the_system_of_the_key(tenant: Tenant) -> None:
    mine = tenant.all.submit(external_id="idea-1")
    other = tenant.key("raise", system="other-app").submit(external_id="idea-1")
    assert mine["id"] != other["id"]


def test_the_receipt_is_repeated_for_thirty_days(tenant: Tenant) -> None:
    first = tenant.all.submit(external_id="idea-1")
    tenant.service.clock.pass_time(days=30)
    assert tenant.all.submit(external_id="idea-1")["receipt"] == first["receipt"]
    tenant.service.clock.pass_time(seconds=1)
    assert tenant.all.submit(external_id="idea-1")["receipt"] is None
    # The code itself opens the author's view for ever.
    assert tenant.service.client(first["receipt"]["code"]).receipt()["id"] == first["id"]


def test_an_idempotency_key_with_another_request_is_refused(tenant: Tenant) -> None:
    first = tenant.all.send("POST", "/v1/suggestions", submission(), idempotency_key="k-1")
    other = tenant.all.send("POST", "/v1/suggestions", submission(text="Other words."), idempotency_key="k-1")
    assert (first.status_code, other.status_code, other.json()["code"]) == (201, 422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_idempotency_key_free(tenant: Tenant) -> None:
    refused = tenant.all.send("POST", "/v1/suggestions", submission(site="nowhere"), idempotency_key="k-1")
    taken = tenant.all.send("POST", "/v1/suggestions", submission(), idempotency_key="k-1")
    assert (refused.status_code, taken.status_code, taken.headers.get("idempotent-replayed")) == (422, 201, None)


def test_idempotency_keys_belong_to_the_system_of_the_key(tenant: Tenant) -> None:
    mine = tenant.all.send("POST", "/v1/suggestions", submission(), idempotency_key="k-1").json()
    other = tenant.key("raise", system="other-app").send("POST", "/v1/suggestions", submission(), idempotency_key="k-1")
    assert (other.status_code, other.headers.get("idempotent-replayed")) == (201, None)
    assert other.json()["id"] != mine["id"]


@pytest.mark.parametrize("key", ["", "with space", "Käse", "x" * 256])
def test_an_idempotency_key_is_visible_ascii(tenant: Tenant, key: str) -> None:
    own = {b"Authorization": f"Bearer {tenant.all.token}".encode(), b"Idempotency-Key": key.encode("latin-1")}
    refused = tenant.service.http.request("POST", "/v1/suggestions", headers=own, json=submission())
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_header")
