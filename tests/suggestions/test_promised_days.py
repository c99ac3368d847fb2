"""A suggestion keeps the days that were promised to its author, whatever the policy says later."""

from tests.bodies import body
from tests.service import Json, Tenant


def due(suggestion: Json) -> dict[str, tuple[str, str]]:
    return {one["promise"]: (one["state"], one["due_at"][:10]) for one in suggestion["promises"]}


def test_a_tighter_policy_holds_for_what_comes_from_then_on(tenant: Tenant) -> None:
    clock = tenant.service.clock
    before = tenant.all.submit()["id"]
    clock.pass_time(days=2)
    tenant.all.act(before, "acknowledge", **body("acknowledge", clock))
    tenant.all.patch("/v1/organisation", {"policy": {"promises": {"P3": 1, "P4": 14}}})
    after = tenant.all.submit()["id"]
    promised = {"P3": ("kept", "2026-11-06"), "P4": ("running", "2026-12-01")}
    assert {**due(tenant.all.suggestion(before)), **promised} == due(tenant.all.suggestion(before))
    assert due(tenant.all.suggestion(after)) == {
        "P1": ("kept", "2026-11-05"),
        "P3": ("running", "2026-11-06"),
        "P4": ("running", "2026-11-19"),
        "P5": ("running", "2026-12-05"),
    }
    tenant.all.act(before, "note", **body("note", clock))
    assert [event["type"] for event in tenant.all.timeline(before)][-1] == "suggestion.noted"


def test_a_policy_that_is_loosened_again_takes_no_promise_back(tenant: Tenant) -> None:
    tenant.all.patch("/v1/organisation", {"policy": {"promises": {"P3": 1}}})
    id = tenant.all.submit()["id"]
    tenant.all.patch("/v1/organisation", {"policy": None})
    assert due(tenant.all.suggestion(id))["P3"] == ("running", "2026-11-04")
