"""An author who wants no credit any more, and one whose group at a site is small: nothing leads to either."""

import json

import pytest

from tests.bodies import body
from tests.service import Service, Tenant, person

AUTHOR = person("staff-118", "care_worker")


@pytest.mark.parametrize("anonymity", ["named", "confidential"])
def test_who_takes_the_name_back_after_a_yes_is_named_nowhere_any_more(tenant: Tenant, anonymity: str) -> None:
    clock = tenant.service.clock
    id = tenant.all.submit(anonymity=anonymity, co_authors=[{"ref": "staff-119"}])["id"]
    tenant.all.act(id, "acknowledge", **body("acknowledge", clock))
    tenant.all.act(id, "log_time", **{**body("log_time", clock), "actor": person("staff-119", "care_worker")})
    decide = body("decide", clock)
    decide["commitment"]["lead"] = {"ref": "staff-118", "group": "care_worker"}
    assert tenant.all.act(id, "decide", **decide)["commitment"]["lead"]["ref"] == "staff-118"
    after = tenant.all.act(id, "withdraw", **{**body("withdraw", clock), "actor": AUTHOR})
    assert (after["state"], after["author"], after["co_authors"]) == ("delivering", None, [])
    assert after["commitment"] == {**after["commitment"], "owner": "coord-2", "lead": None}
    timeline = tenant.all.timeline(id)
    assert [event["type"] for event in timeline][-1] == "suggestion.withdrawn"
    assert timeline[-1]["data"]["actor"] == {"group": "care_worker"}
    assert "staff-11" not in json.dumps([timeline, tenant.all.suggestion(id)])


def test_a_commitment_does_not_tell_the_site_of_an_author_who_is_generalised(service: Service) -> None:
    tenant = service.tenant(sites=("brough", "kendal"))
    few = {"group": "care_worker", "count": 5, "counted_on": "2026-10-01"}
    tenant.all.post(f"/v1/sites/{tenant.sites['brough']}/headcounts", few)
    decide = body("decide", service.clock)
    named = {**decide, "commitment": {**decide["commitment"], "sites": ["brough", "kendal"]}}
    for decision, shown in ((decide, []), (named, [tenant.sites["kendal"]])):
        made = tenant.all.submit(anonymity="confidential", site="brough")
        id, receipt = made["id"], service.client(made["receipt"]["code"])
        tenant.all.act(id, "acknowledge", **body("acknowledge", service.clock))
        after = tenant.all.act(id, "decide", **decision)
        assert (after["site"], after["commitment"]["sites"]) == (None, shown)
        assert tenant.sites["brough"] in receipt.receipt()["commitment"]["sites"]
