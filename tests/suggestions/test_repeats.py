"""The same submission again, by its id, its external id or its Idempotency-Key, from whomever and however often."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.bodies import body
from tests.service import Service, Tenant, submission

AT_ONCE = 32
RISK = {"at_risk_now": True, "own_employment": False}


@pytest.mark.parametrize("name", ["id", "external_id"])
def test_of_many_at_once_one_is_kept_and_all_are_answered_alike(tenant: Tenant, name: str) -> None:
    sent = submission(**{name: str(uuid4())})
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: tenant.all.send("POST", "/v1/suggestions", sent), range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({answer.content for answer in answers}) == 1
    assert len(tenant.all.items("/v1/suggestions")) == 1


def test_another_system_gets_the_suggestion_and_no_receipt(tenant: Tenant) -> None:
    sent = submission(id=str(uuid4()))
    first = tenant.key("raise", system="phone").send("POST", "/v1/suggestions", sent)
    again = tenant.key("raise", system="script").send("POST", "/v1/suggestions", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "receipt": None}


@pytest.mark.parametrize("named", [{"id": str(uuid4())}, {}])
def test_what_somebody_else_has_hidden_is_not_shown_to_who_repeats_its_submission(
    tenant: Tenant, named: dict[str, str]
) -> None:
    phone, clock = tenant.key("raise"), tenant.service.clock
    sent = submission(**named)
    id = phone.post("/v1/suggestions", sent, idempotency_key="k-1")["id"]
    clock.pass_time(minutes=1)
    tenant.all.act(id, "hold", **body("hold", clock))
    repeated = [phone.send("POST", "/v1/suggestions", sent, idempotency_key="k-1")]
    repeated += [phone.send("POST", "/v1/suggestions", sent)] if named else []
    assert {(answer.status_code, answer.json()["code"]) for answer in repeated} == {(404, "not_found")}
    tenant.all.act(id, "clear", **body("clear", clock))
    assert phone.post("/v1/suggestions", sent, idempotency_key="k-1")["state"] == "submitted"


def test_what_the_submission_has_hidden_is_shown_to_who_repeats_it_until_it_is_hidden_anew(tenant: Tenant) -> None:
    phone, clock = tenant.key("raise"), tenant.service.clock
    sent = submission(safety=RISK)
    id = phone.post("/v1/suggestions", sent, idempotency_key="k-1")["id"]
    assert phone.post("/v1/suggestions", sent, idempotency_key="k-1")["state"] == "held"
    clock.pass_time(hours=1)
    tenant.all.act(id, "clear", **body("clear", clock))
    tenant.all.act(id, "hold", **body("hold", clock))
    again = phone.send("POST", "/v1/suggestions", sent, idempotency_key="k-1")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


def test_a_key_that_is_limited_to_sites_finds_again_what_it_submitted_for_none(service: Service) -> None:
    phone = service.tenant().key("raise", sites=("brough",))
    sent = submission(id=str(uuid4()))
    first, again = (phone.send("POST", "/v1/suggestions", sent) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
