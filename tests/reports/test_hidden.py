"""Reports about what is hidden, and about what lives on in another suggestion."""

from typing import Any

from tests.reports.sending import Source, acknowledge, adopt, ago, deliver, events
from tests.service import Json, Tenant, message


def hold(tenant: Tenant, suggestion_id: str) -> None:
    tenant.all.act(suggestion_id, "hold", route="safeguarding", why="Someone may be at risk on these calls.")


def clear(tenant: Tenant, suggestion_id: str) -> Json:
    return tenant.all.act(suggestion_id, "clear", why="Looked into, nobody is at risk.")


def merged(tenant: Tenant) -> tuple[str, str]:
    """A suggestion that lives on in another one, and that one, which is decided with a yes."""
    first, survivor = tenant.all.submit()["id"], tenant.all.submit()["id"]
    for one in (first, survivor):
        acknowledge(tenant, one)
    tenant.all.act(first, "merge", into=survivor, why_the_same="Both ask for fixed pairs.", message=message())
    adopt(tenant, survivor)
    return first, survivor


def types(tenant: Tenant, *wanted: str) -> list[str]:
    return [event["type"] for event in events(tenant) if event["type"].startswith(wanted)]


def test_a_report_on_a_held_suggestion_is_kept_and_the_safeguarding_lead_is_told(
    tenant: Tenant, source: Source, target: str
) -> None:
    reader = tenant.key("read")
    hold(tenant, target)
    answer = source.report("implemented", target, ago(source.service, days=1))
    path = f"/v1/reports/{answer['report_id']}"
    assert (answer["status"], answer["suggestion_id"]) == ("recorded", target)
    assert (reader.send("GET", path).status_code, tenant.all.get(path)["status"]) == (404, "recorded")
    assert (reader.items("/v1/reports"), tenant.all.suggestion(target)["progress"]) == ([], None)
    assert types(tenant, "report.", "safeguarding.") == ["safeguarding.held", "safeguarding.report_kept"]
    assert events(tenant)[-1]["data"]["report_type"] == "implemented"


def test_what_was_kept_joins_when_the_suggestion_is_cleared(tenant: Tenant, source: Source, target: str) -> None:
    hold(tenant, target)
    answer = source.report("implemented", target, ago(source.service, days=1))
    cleared = clear(tenant, target)
    assert (cleared["progress"], tenant.all.get(f"/v1/reports/{answer['report_id']}")["status"]) == (
        "implemented",
        "applied",
    )
    assert types(tenant, "report.", "progress.") == ["report.applied", "progress.changed"]


def test_the_author_does_not_read_what_was_kept(tenant: Tenant, source: Source) -> None:
    made = deliver(tenant)
    author = tenant.service.client(made["receipt"]["code"])
    hold(tenant, made["id"])
    source.report("implemented", made["id"], ago(source.service, days=1))
    before = author.receipt()["reports"]
    clear(tenant, made["id"])
    assert (before, [one["type"] for one in author.receipt()["reports"]]) == ([], ["implemented"])


def test_what_is_quarantined_about_a_hidden_suggestion_is_hidden_with_it(
    tenant: Tenant, source: Source, target: str
) -> None:
    hold(tenant, target)
    broken: list[dict[str, Any]] = [{"what_changed": ...}, {"summary": "For 943 476 5919"}, {"evidence": 4}]
    for members in broken:
        source.report("implemented", target, ago(source.service, days=1), **members)
    assert (tenant.key("read").items("/v1/reports"), len(tenant.all.items("/v1/reports"))) == ([], len(broken))


def test_a_key_without_safeguard_may_report_and_learns_nothing(tenant: Tenant, target: str) -> None:
    hold(tenant, target)
    answer = tenant.key("report").report(
        target, "planned", occurred_at="2026-11-01T09:00:00Z", due_on="2027-01-31", owner_role="x"
    )
    assert (answer["status"], answer["suggestion_id"]) == ("recorded", target)


def test_a_report_on_a_merged_suggestion_applies_to_the_one_it_lives_on_in(tenant: Tenant, source: Source) -> None:
    first, survivor = merged(tenant)
    answer = source.report("implemented", first, ago(source.service, hours=1))
    assert (answer["status"], answer["suggestion_id"]) == ("applied", first)
    assert (tenant.all.suggestion(survivor)["progress"], tenant.all.suggestion(first)["progress"]) == (
        "implemented",
        None,
    )
    assert [one["id"] for one in tenant.all.items("/v1/reports", suggestion=first)] == [answer["report_id"]]


def test_a_report_goes_with_its_suggestion_when_that_stands_on_its_own_again(tenant: Tenant, source: Source) -> None:
    first, survivor = merged(tenant)
    answer = source.report("implemented", first, ago(source.service, hours=1))
    tenant.all.act(first, "unmerge", why="Mine is about nights.")
    assert tenant.all.suggestion(survivor)["progress"] is None
    assert (tenant.all.suggestion(first)["flags"], tenant.all.get(f"/v1/reports/{answer['report_id']}")["status"]) == (
        ["ahead_of_decision"],
        "recorded",
    )


def test_what_was_kept_of_a_merged_suggestion_joins_where_it_lives_on(tenant: Tenant, source: Source) -> None:
    first, survivor = merged(tenant)
    hold(tenant, first)
    kept = source.report("implemented", first, ago(source.service, hours=1))
    source.report("planned", survivor, ago(source.service, hours=2))
    before = tenant.all.suggestion(survivor)["progress"]
    clear(tenant, first)
    assert (kept["status"], before, tenant.all.suggestion(survivor)["progress"]) == (
        "recorded",
        "planned",
        "implemented",
    )
