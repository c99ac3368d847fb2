"""Many administrators at once: each change is made on what its maker has seen, and nobody meets a fault of ours."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.service import Client, Tenant

AT_ONCE = 16


def answered(client: Client, method: str, path: str, body: object, **headers: str) -> Counter[int]:
    """Send the same so many times at once; how often each status is answered."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        sent = [threads.submit(client.send, method, path, body, **headers) for _ in range(AT_ONCE)]
        return Counter(one.result().status_code for one in sent)


def test_of_many_changes_to_one_version_of_a_site_one_is_made(tenant: Tenant) -> None:
    path = f"/v1/sites/{tenant.sites['brough']}"
    tag = tenant.all.send("GET", path).headers["etag"]
    assert answered(tenant.all, "PATCH", path, {"name": "Brough and Warcop"}, if_match=tag) == {
        200: 1,
        412: AT_ONCE - 1,
    }


def test_of_many_new_secrets_for_one_version_of_a_key_one_is_made(tenant: Tenant) -> None:
    made = tenant.all.send("POST", "/v1/keys", {"scopes": ["read"], "system": "viewer"})
    path, tag = f"{made.headers['location']}/rotate", made.headers["etag"]
    assert answered(tenant.all, "POST", path, {}, if_match=tag) == {200: 1, 412: AT_ONCE - 1}


def test_of_many_sites_of_one_code_one_is_made(tenant: Tenant) -> None:
    body = {"code": "appleby", "name": "Appleby", "service_type": "8"}
    assert answered(tenant.all, "POST", "/v1/sites", body) == {201: 1, 409: AT_ONCE - 1}


def test_many_head_counts_of_one_day_are_one(tenant: Tenant) -> None:
    path = f"/v1/sites/{tenant.sites['brough']}/headcounts"
    body = {"group": "care_worker", "count": 64, "counted_on": "2026-11-01"}
    assert answered(tenant.all, "POST", path, body) == {201: AT_ONCE}
    assert len(tenant.all.items(path)) == 1


def test_many_perceptions_by_one_receipt_are_one(tenant: Tenant) -> None:
    receipt = tenant.service.client(tenant.all.submit()["receipt"]["code"])
    assert answered(receipt, "POST", "/v1/perceptions", {"answers": {"better_outcomes": 4}}) == {201: AT_ONCE}
