"""The organisation's policy, and sites with their identifiers, successors and head counts."""

from tests.service import Service, Tenant

DEFAULTS = {
    "quorum": 3,
    "care_worker_share": 0.5,
    "require_if_match": False,
    "promises": {},
    "personal_data": "mask",
    "board": False,
}


def test_the_policy_is_patched_member_by_member(tenant: Tenant) -> None:
    before = tenant.all.get("/v1/organisation")
    assert (before["kind"], before["nation"], before["policy"]) == ("provider", "england_wales", DEFAULTS)
    changed = tenant.all.patch("/v1/organisation", {"policy": {"quorum": 5, "promises": {"P3": 2, "P4": 20}}})
    assert changed == {**before, "policy": {**DEFAULTS, "quorum": 5, "promises": {"P3": 2, "P4": 20}}}
    back = tenant.all.patch("/v1/organisation", {"nation": "scotland", "policy": {"promises": {"P4": None}}})
    assert (back["nation"], back["policy"]["promises"], back["policy"]["quorum"]) == ("scotland", {"P3": 2}, 5)
    assert tenant.all.patch("/v1/organisation", {"policy": None})["policy"] == DEFAULTS


def test_a_policy_never_loosens_what_is_owed(tenant: Tenant) -> None:
    for patch, pointer in (
        ({"promises": {"P3": 4}}, "/policy/promises/P3"),
        ({"promises": {"P1": 1}}, "/policy/promises/P1"),
        ({"promises": {"P3": 0}}, "/policy/promises/P3"),
        ({"care_worker_share": 0.33}, "/policy/care_worker_share"),
        ({"quorum": 0}, "/policy/quorum"),
        ({"personal_data": "ignore"}, "/policy/personal_data"),
        ({"surprise": 1}, "/policy/surprise"),
    ):
        refused = tenant.all.send("PATCH", "/v1/organisation", {"policy": patch})
        assert refused.status_code == 422, patch
        assert pointer in [error["pointer"] for error in refused.json()["errors"]], refused.text
    assert tenant.all.get("/v1/organisation")["policy"] == DEFAULTS


def test_if_match_guards_the_organisation(tenant: Tenant) -> None:
    read = tenant.all.send("GET", "/v1/organisation")
    first = tenant.all.send("PATCH", "/v1/organisation", {"name": "Fellside"}, if_match=read.headers["etag"])
    second = tenant.all.send("PATCH", "/v1/organisation", {"name": "Other"}, if_match=read.headers["etag"])
    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "version_mismatch")


def test_require_if_match_holds_for_acts(tenant: Tenant) -> None:
    tenant.all.patch("/v1/organisation", {"policy": {"require_if_match": True}})
    made = tenant.all.submit()
    refused = tenant.all.try_act(made["id"], "note", text="Spoke with the coordinator.")
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    path = f"/v1/suggestions/{made['id']}/acts/note"
    body = {"actor": {"ref": "mgr-7", "group": "manager"}, "text": "Spoke with the coordinator."}
    assert tenant.all.send("POST", path, body, if_match='"1-x"').status_code == 200
    assert tenant.all.send("POST", path, body, if_match='"1-x"').status_code == 412
    assert tenant.all.send("POST", path, body, if_match="*").status_code == 200


def test_a_site_has_dated_identifiers_and_a_code_of_its_own(tenant: Tenant) -> None:
    identifier = {"scheme": "cqc_location", "value": "1-123", "valid_from_on": "2024-04-01", "valid_until_on": None}
    body = {"code": "appleby", "name": "Appleby", "service_type": "8", "identifiers": [identifier]}
    made = tenant.all.send("POST", "/v1/sites", body)
    site = made.json()
    assert made.headers["location"] == f"/v1/sites/{site['id']}"
    assert site == {**body, "id": site["id"], "successor_of": None}
    taken = tenant.all.send("POST", "/v1/sites", {**body, "identifiers": []})
    assert (taken.status_code, taken.json()["code"]) == (409, "id_conflict")
    changed = tenant.all.patch(f"/v1/sites/{site['id']}", {"name": "Appleby North", "identifiers": None})
    assert changed == {**site, "name": "Appleby North", "identifiers": []}
    assert {one["code"] for one in tenant.all.items("/v1/sites", limit=1)} == {"brough", "appleby"}


def test_a_successor_inherits_the_history(tenant: Tenant) -> None:
    before = tenant.all.submit(site="brough")["id"]
    follower = {"code": "brough-2", "name": "Brough", "service_type": "8", "successor_of": "brough"}
    made = tenant.all.post("/v1/sites", follower)
    after = tenant.all.submit(site="brough-2")["id"]
    assert made["successor_of"] == tenant.sites["brough"]
    assert {one["id"] for one in tenant.all.items("/v1/suggestions", site="brough-2")} == {before, after}
    assert {one["id"] for one in tenant.all.items("/v1/suggestions", site="brough")} == {before}
    limited = tenant.key("read", sites=("brough-2",))
    assert limited.suggestion(before)["id"] == before
    circle = tenant.all.send("PATCH", f"/v1/sites/{tenant.sites['brough']}", {"successor_of": "brough-2"})
    assert (circle.status_code, circle.json()["errors"][0]["pointer"]) == (422, "/successor_of")


def test_head_counts_say_how_far_anonymity_can_be_promised(tenant: Tenant) -> None:
    path = f"/v1/sites/{tenant.sites['brough']}/headcounts"
    count = {"group": "care_worker", "count": 3, "counted_on": "2026-10-01"}
    assert tenant.all.post(path, count) == {**count, "site": tenant.sites["brough"]}
    few = tenant.all.submit(anonymity="confidential", site="brough")
    assert (few["anonymity_advice"]["code"], few["flags"], few["site"]) == ("cannot_be_promised", ["generalised"], None)
    tenant.all.post(path, {**count, "count": 9})
    assert tenant.all.submit(anonymity="confidential", site="brough")["anonymity_advice"]["code"] == "generalised"
    tenant.all.post(path, {**count, "count": 10, "counted_on": "2026-10-02"})
    many = tenant.all.submit(anonymity="confidential", site="brough")
    assert (many["anonymity_advice"]["code"], many["flags"], many["site"]) == ("possible", [], tenant.sites["brough"])
    assert tenant.all.submit(site="brough")["anonymity_advice"] is None
    assert [(one["counted_on"], one["count"]) for one in tenant.all.items(path, limit=1)] == [
        ("2026-10-01", 9),
        ("2026-10-02", 10),
    ]
    limited = tenant.key("read", sites=("brough",))
    assert limited.send("GET", f"/v1/suggestions/{few['id']}").status_code == 404
    assert {one["id"] for one in limited.items("/v1/suggestions")} >= {many["id"]}


def test_a_stranger_sees_none_of_it(service: Service) -> None:
    mine, stranger = service.tenant(), service.tenant()
    path = f"/v1/sites/{mine.sites['brough']}"
    count = {"group": "care_worker", "count": 3, "counted_on": "2026-10-01"}
    assert stranger.all.send("GET", path).status_code == 404
    assert stranger.all.send("PATCH", path, {"name": "Mine"}).status_code == 404
    assert stranger.all.send("POST", f"{path}/headcounts", count).status_code == 404
    assert mine.all.get(path)["name"] != "Mine"


def test_a_problem_has_its_title_in_the_language_that_is_asked_for(tenant: Tenant) -> None:
    path = "/v1/suggestions/0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05"
    english, welsh = (
        tenant.all.send("GET", path, accept_language=wanted).json() for wanted in ("en-GB", "cy, en;q=0.5")
    )
    assert english["title"] != welsh["title"]
    assert (english["code"], welsh["code"], english["detail"]) == ("not_found", "not_found", welsh["detail"])
