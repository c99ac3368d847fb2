"""Whatever the order in which reports arrive, and however often: one state, one history, one view for the author."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.shapes import show_instant
from tests.reports.sending import Source, corrected, deliver, make_source, report
from tests.service import MONDAY, Json, Service, Tenant

DAY = MONDAY - timedelta(days=20)
TOLD: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (0, "planned", {"report_id": "rota-1"}),
    (1, "partly_implemented", {"report_id": "rota-2"}),
    (2, "impact_measured", {"report_id": "rota-3"}),
    (3, "implemented", {"report_id": "rota-4"}),
    (4, "correction", {"report_id": "rota-5", **corrected("rota-3", "impact_measured", value=300)}),
    (5, "retraction", {"report_id": "rota-6", "retracts": "rota-4"}),
    (6, "resumed", {"report_id": "rota-7"}),
)
"""Days, types and members; the last one contradicts the others, whatever comes first."""


def state_after(service: Service, tenant: Tenant, source: Source, order: list[int]) -> Json:
    """What everybody reads of a new suggestion once these reports have come."""
    made = deliver(tenant)
    for place, index in enumerate(order):
        days, kind, members = TOLD[index]
        body = report(kind, made["id"], DAY + timedelta(days=days), **members)
        body["data"]["report_id"] = f"{made['id']} {members['report_id']}"
        for name in ("supersedes", "retracts"):
            if name in body["data"]:
                body["data"][name] = f"{made['id']} {members[name]}"
        assert source.send(body, f"{made['id']}-{place}").status_code in (200, 202)
    shown = tenant.all.suggestion(made["id"])
    kept = tenant.all.items(f"/v1/suggestions/{made['id']}/reports")
    named = {one["id"]: one["report_id"].partition(" ")[2] for one in kept}
    timeline = [event for event in tenant.all.timeline(made["id"]) if event["type"] == "report.applied"]
    return {
        "progress": shown["progress"],
        "state": shown["state"],
        "benefits": [benefit["value"] for benefit in shown["benefits"]],
        "reports": sorted(
            (named[one["id"]], one["status"], one["reason"], named.get(one["struck_out_by"])) for one in kept
        ),
        "timeline": {(event["data"]["report_type"], event["data"]["occurred_at"]) for event in timeline},
        "author": service.client(made["receipt"]["code"]).receipt()["reports"],
    }


IN_ORDER: Json = {
    "progress": "partly_implemented",
    "state": "delivering",
    "benefits": [300],
    "reports": [
        ("rota-1", "applied", None, None),
        ("rota-2", "applied", None, None),
        ("rota-3", "recorded", None, "rota-5"),
        ("rota-4", "recorded", None, "rota-6"),
        ("rota-5", "applied", None, None),
        ("rota-6", "applied", None, None),
        ("rota-7", "quarantined", "contradiction", None),
    ],
    "timeline": {(kind, show_instant(DAY + timedelta(days=days))) for days, kind, _ in TOLD if kind != "resumed"},
    "author": [
        {
            "type": kind,
            "summary": f"What happened: {kind}",
            "occurred_at": show_instant(DAY + timedelta(days=days)),
            "struck_out": members["report_id"] in ("rota-3", "rota-4"),
        }
        for days, kind, members in TOLD
        if kind != "resumed"
    ],
}


def test_the_state_after_reports_in_order(service: Service, tenant: Tenant, source: Source) -> None:
    assert state_after(service, tenant, source, list(range(len(TOLD)))) == IN_ORDER


@given(data=st.data())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_order_and_repetition_comes_to_the_same(service: Service, tenant: Tenant, data: st.DataObject) -> None:
    source = make_source(tenant.all)
    order = data.draw(st.permutations(range(len(TOLD))))
    again = data.draw(st.lists(st.sampled_from(range(len(TOLD))), max_size=3))
    assert state_after(service, tenant, source, [*order, *again]) == IN_ORDER
