"""The external id of an anonymous suggestion finds it, and is shown with no report, whatever becomes of that."""

from typing import Any

import pytest

from tests.service import Json, Tenant

FITS: Json = {"occurred_at": "2026-11-02T08:00:00Z", "due_on": "2027-01-31", "owner_role": "Coordinator"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (FITS, None),
        ({**FITS, "occurred_at": "2020-01-01T00:00:00Z"}, "too_old"),
        ({**FITS, "occurred_at": "2027-01-01T00:00:00Z"}, "in_the_future"),
    ],
)
def test_a_report_by_it_names_the_suggestion_by_its_id(tenant: Tenant, data: Json, reason: str | None) -> None:
    id = tenant.all.submit(anonymity="anonymous", external_id="idea-1")["id"]
    sent = {"external_id": "idea-1", "summary": "Fixed pairs are planned.", **data}
    answer: dict[str, Any] = tenant.all.post(
        "/v1/reports", {"report_id": "rota-47", "type": "report.planned", "data": sent}
    )
    assert answer.get("reason") == reason
    shown = tenant.all.get(f"/v1/reports/{answer['report_id']}")
    assert shown["data"] == {
        **{name: value for name, value in sent.items() if name != "external_id"},
        "suggestion_id": id,
    }
    again = tenant.all.post("/v1/reports", {"report_id": "rota-47", "type": "report.planned", "data": sent})
    assert again["report_id"] == answer["report_id"]


def test_so_does_one_that_came_before_the_suggestion(tenant: Tenant) -> None:
    sent = {**FITS, "external_id": "idea-2", "summary": "Fixed pairs are planned."}
    early = tenant.all.post("/v1/reports", {"report_id": "rota-48", "type": "report.planned", "data": sent})
    assert early["reason"] == "unknown_suggestion"
    id = tenant.all.submit(anonymity="anonymous", external_id="idea-2")["id"]
    shown = tenant.all.get(f"/v1/reports/{early['report_id']}")
    assert (shown["status"], shown["data"].get("external_id"), shown["data"]["suggestion_id"]) == ("recorded", None, id)
