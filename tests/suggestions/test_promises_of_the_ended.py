"""What an ended suggestion still owed is void, also while it is held; but what is held is screened."""

import pytest

from tests.bodies import body
from tests.service import Json, Tenant

SAID = ("promise.due_soon", "promise.broken")


def states(suggestion: Json) -> dict[str, str]:
    return {promise["promise"]: promise["state"] for promise in suggestion["promises"]}


def said(tenant: Tenant, id: str) -> list[tuple[str, str]]:
    return [(event["type"], event["data"]["promise"]) for event in tenant.all.timeline(id) if event["type"] in SAID]


@pytest.mark.parametrize("end", ["merge", "withdraw"])
def test_an_end_stays_one_while_it_is_held_and_after(tenant: Tenant, end: str) -> None:
    clock = tenant.service.clock
    id, other = tenant.all.submit()["id"], tenant.all.submit()["id"]
    for one in (id, other):
        tenant.all.act(one, "acknowledge", **body("acknowledge", clock))
    tenant.all.act(id, end, **(body(end, clock, into=other) if end == "merge" else body(end, clock)))
    void = {"P1": "kept", "P3": "kept", "P4": "void", "P5": "void"}
    clock.pass_time(days=40)
    tenant.service.settle()
    assert states(tenant.all.suggestion(id)) == void
    held = tenant.all.act(id, "hold", **body("hold", clock))
    assert states(held) == {**void, "P2": "running"}
    clock.pass_time(days=7)
    tenant.service.settle()
    assert states(tenant.all.suggestion(id)) == {**void, "P2": "broken"}
    assert states(tenant.all.act(id, "clear", **body("clear", clock))) == {**void, "P2": "broken"}
    clock.pass_time(days=40)
    tenant.service.settle()
    assert said(tenant, id) == [("promise.due_soon", "P2"), ("promise.broken", "P2")]


def test_what_is_set_free_while_it_is_held_owes_everything_again(tenant: Tenant) -> None:
    clock = tenant.service.clock
    id, other = tenant.all.submit()["id"], tenant.all.submit()["id"]
    for one in (id, other):
        tenant.all.act(one, "acknowledge", **body("acknowledge", clock))
    tenant.all.act(id, "merge", **body("merge", clock, into=other))
    tenant.all.act(id, "hold", **body("hold", clock))
    tenant.all.act(other, "withdraw", **body("withdraw", clock))
    cleared = tenant.all.act(id, "clear", **body("clear", clock))
    assert (cleared["state"], states(cleared)["P4"]) == ("acknowledged", "running")
