"""What somebody has signed cannot be asked to be written otherwise: odd texts and long lists cost no true report."""

from tests.reports.sending import Source, ago, report
from tests.service import Tenant


def test_control_characters_are_taken_but_for_the_one_that_no_database_takes(
    tenant: Tenant, source: Source, target: str
) -> None:
    at = ago(source.service, days=1)
    told = source.send(report("planned", target, at, summary="a\u0001b", x_vendor="\u0007"), "odd-1")
    assert (told.status_code, told.json()["status"]) == (200, "applied")
    assert tenant.all.get(f"/v1/reports/{told.json()['report_id']}")["data"]["summary"] == "a\u0001b"
    refused = source.send(report("planned", target, at, summary="a\u0000b"), "odd-2")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


def test_a_list_that_is_too_long_is_quarantined(tenant: Tenant, source: Source, target: str) -> None:
    evidence = [{"kind": "document", "title": "a"}] * 1001
    told = source.send(report("implemented", target, ago(source.service, days=1), evidence=evidence), "long-1")
    assert (told.status_code, told.json()["reason"]) == (202, "incomplete")
    assert tenant.all.suggestion(target)["progress"] is None
