"""Lists of suggestions: their order, their filters, and cursors that stay good while rows are added."""

from typing import Any

import pytest

from tests.bodies import PANEL, body, decision
from tests.service import Service, Tenant


def ids(tenant: Tenant, **filters: str | int) -> list[str]:
    """The titles on all pages."""
    return [item["title"] for item in tenant.all.items("/v1/suggestions", **filters)]


def submit(tenant: Tenant, *titles: str, **members: object) -> dict[str, str]:
    """Submit a suggestion a minute; their ids by their titles."""
    made = {}
    for title in titles:
        tenant.service.clock.pass_time(minutes=1)
        made[title] = tenant.all.submit(title=title, **members)["id"]
    return made


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("sort", ["-received_at", "received_at", "updated_at"])
def test_pages_come_one_after_the_other_without_gaps(tenant: Tenant, rows: int, sort: str) -> None:
    titles = [f"Idea {index}" for index in range(rows)]
    submit(tenant, *titles)
    expected = titles[::-1] if sort == "-received_at" else titles
    assert ids(tenant, sort=sort, limit=2) == ids(tenant, sort=sort) == expected


def test_the_latest_come_first_unless_asked_otherwise(tenant: Tenant) -> None:
    submit(tenant, "One", "Two")
    assert ids(tenant) == ["Two", "One"]


def test_rows_that_come_meanwhile_do_not_disturb_a_cursor(tenant: Tenant) -> None:
    submit(tenant, "One", "Two", "Three")
    first = tenant.all.get("/v1/suggestions", limit=2)
    submit(tenant, "Four")
    second = tenant.all.get("/v1/suggestions", limit=2, cursor=first["next_cursor"])
    assert [item["title"] for page in (first, second) for item in page["items"]] == ["Three", "Two", "One"]
    assert second["next_cursor"] is None


def test_a_link_leads_to_the_next_page(tenant: Tenant) -> None:
    submit(tenant, "One", "Two", tags=["rota"])
    first = tenant.all.send("GET", "/v1/suggestions?tag=rota&limit=1")
    link = first.headers["link"]
    assert link.endswith('; rel="next"')
    path = link.partition(">")[0].removeprefix("<")
    second = tenant.all.send("GET", path)
    assert [item["title"] for item in second.json()["items"]] == ["One"]
    assert "link" not in second.headers


@pytest.mark.parametrize(
    "other",
    [
        {"sort": "received_at"},
        {"state": "submitted"},
        {"tag": "rota"},
    ],
)
def test_a_cursor_of_another_list_is_refused(tenant: Tenant, other: dict[str, str]) -> None:
    submit(tenant, "One", "Two")
    cursor = tenant.all.get("/v1/suggestions", limit=1)["next_cursor"]
    query = "&".join(f"{name}={value}" for name, value in {**other, "cursor": cursor}.items())
    refused = tenant.all.send("GET", f"/v1/suggestions?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


def test_a_cursor_of_another_organisation_or_an_altered_one_is_refused(service: Service, tenant: Tenant) -> None:
    submit(tenant, "One", "Two")
    cursor = tenant.all.get("/v1/suggestions", limit=1)["next_cursor"]
    timeline = f"/v1/suggestions/{submit(tenant, 'Three')['Three']}/timeline"
    altered = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    refused = [
        service.tenant().all.send("GET", f"/v1/suggestions?cursor={cursor}"),
        tenant.all.send("GET", f"/v1/suggestions?cursor={altered}"),
        tenant.all.send("GET", "/v1/suggestions?cursor=x"),
        tenant.all.send("GET", f"{timeline}?cursor={cursor}"),
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(400, "invalid_cursor")}


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "?limit", "out_of_range"),
        ("limit=201", "?limit", "out_of_range"),
        ("limit=+5", "?limit", "wrong_format"),
        ("sort=title", "?sort", "not_allowed"),
        ("state=open", "?state", "not_allowed"),
        ("promise=kept", "?promise", "not_allowed"),
        ("site=nowhere", "?site", "not_found"),
        ("received_from=yesterday", "?received_from", "wrong_format"),
        ("colour=red", "?colour", "unknown"),
    ],
)
def test_what_a_query_may_not_hold(tenant: Tenant, query: str, pointer: str, code: str) -> None:
    refused = tenant.all.send("GET", f"/v1/suggestions?{query}")
    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"], fault["code"]) == (422, pointer, code)


def test_a_parameter_that_stands_twice_is_refused(tenant: Tenant) -> None:
    refused = tenant.all.send("GET", "/v1/suggestions?state=held&state=closed")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "?state")


def test_filters_by_what_was_submitted(service: Service) -> None:
    tenant = service.tenant(sites=("brough", "kendal"))
    submit(tenant, "A", site="brough", tags=["rota"], lenses=["structure"], external_id="a-1")
    submit(tenant, "B", site="kendal", group="manager", tags=["rota", "travel"])
    submit(tenant, "C", lenses=["structure", "collaboration"])
    found = {
        query: ids(tenant, **dict([query.split("=")]))
        for query in (
            "site=brough",
            f"site={tenant.sites['kendal']}",
            "group=manager",
            "tag=rota",
            "tag=Rota",
            "lens=structure",
            "external_id=a-1",
            "external_id=a-2",
        )
    }
    assert list(found.values()) == [["A"], ["B"], ["B"], ["B", "A"], [], ["C", "A"], ["A"], []]
    assert ids(tenant, tag="rota", group="care_worker") == ["A"]


def test_filters_by_what_has_happened(tenant: Tenant) -> None:
    clock = tenant.service.clock
    made = submit(tenant, "New", "Read", "Declined", "Adopted")
    for title in ("Read", "Declined", "Adopted"):
        tenant.all.act(made[title], "acknowledge", **body("acknowledge", clock))
    for title, outcome in (("Declined", "decline"), ("Adopted", "adopt")):
        tenant.all.act(made[title], "start_review", **body("start_review", clock))
        for member in PANEL:
            tenant.all.act(made[title], "vote", actor=member, member=member["ref"], choice="abstain")
        tenant.all.act(made[title], "decide", **decision(outcome, clock))
    clock.pass_time(minutes=1)
    tenant.all.report(made["Adopted"], "planned", occurred_at=clock().isoformat(), due_on="2027-01-31", owner_role="X")
    found: dict[str, Any] = {
        query: ids(tenant, **dict([query.split("=")]))
        for query in (
            "state=submitted",
            "state=acknowledged",
            "state=decided",
            "outcome=decline",
            "outcome=adopt",
            "progress=planned",
            "steward=mgr-7",
            "steward=nobody",
        )
    }
    assert list(found.values()) == [
        ["New"],
        ["Read"],
        ["Declined"],
        ["Declined"],
        ["Adopted"],
        ["Adopted"],
        ["Adopted", "Declined", "Read"],
        [],
    ]


def test_filters_by_time(tenant: Tenant) -> None:
    made = submit(tenant, "One", "Two", "Three")  # at 9:01, 9:02 and 9:03
    tenant.service.clock.pass_time(hours=1)
    tenant.all.act(made["One"], "note", text="Seen.")
    assert ids(tenant, received_from="2026-11-02T09:02:00Z") == ["Three", "Two"]
    assert ids(tenant, received_to="2026-11-02T09:02:00Z") == ["One"]
    assert ids(tenant, received_from="2026-11-02T10:02:00+01:00", received_to="2026-11-02T09:03:00Z") == ["Two"]
    assert ids(tenant, updated_since="2026-11-02T10:00:00Z") == ["One"]
    assert ids(tenant, sort="updated_at") == ["Two", "Three", "One"]


def test_anonymous_ones_are_rather_seen_twice(tenant: Tenant) -> None:
    submit(tenant, "Hidden", anonymity="anonymous")
    assert ids(tenant, updated_since="2026-11-02T23:00:00Z") == ["Hidden"]
    assert ids(tenant, updated_since="2026-11-03T00:00:00Z") == []


def test_filters_by_promises(tenant: Tenant) -> None:
    clock = tenant.service.clock
    made = submit(tenant, "Forgotten", "Read")
    tenant.all.act(made["Read"], "acknowledge", **body("acknowledge", clock))
    assert (ids(tenant, promise="due"), ids(tenant, promise="broken")) == ([], [])
    clock.pass_time(days=3)  # the last day of the acknowledgement
    tenant.service.settle()
    assert (ids(tenant, promise="due"), ids(tenant, promise="broken")) == (["Forgotten"], [])
    clock.pass_time(days=1)
    tenant.service.settle()
    assert (ids(tenant, promise="due"), ids(tenant, promise="broken")) == ([], ["Forgotten"])
    tenant.all.act(made["Forgotten"], "acknowledge", **body("acknowledge", clock))
    tenant.service.settle()
    assert ids(tenant, promise="broken") == ["Forgotten"]  # kept too late stays broken


def test_a_key_for_sites_sees_these_alone(service: Service) -> None:
    tenant = service.tenant(sites=("brough", "kendal"))
    submit(tenant, "Here", site="brough")
    elsewhere = submit(tenant, "There", site="kendal") | submit(tenant, "Nowhere")
    limited = tenant.key("read", "review", sites=("brough",))
    assert [item["title"] for item in limited.items("/v1/suggestions")] == ["Here"]
    for id in elsewhere.values():
        assert limited.send("GET", f"/v1/suggestions/{id}").status_code == 404
        assert limited.try_act(id, "note", text="Seen.").status_code == 404
    assert limited.send("GET", "/v1/suggestions?site=kendal").status_code == 422


def test_hidden_ones_are_in_no_list_and_no_page(tenant: Tenant) -> None:
    made = submit(tenant, "One", "Two", "Three")
    tenant.all.act(made["Two"], "hold", **body("hold", tenant.service.clock))
    plain = tenant.key("read")
    pages = [plain.get("/v1/suggestions", limit=1)]
    pages.append(plain.get("/v1/suggestions", limit=1, cursor=pages[0]["next_cursor"]))
    assert [[item["title"] for item in page["items"]] for page in pages] == [["Three"], ["One"]]
    assert plain.items("/v1/suggestions", state="held") == []
    assert ids(tenant) == ["Three", "Two", "One"]


def test_a_timeline_comes_in_pages(tenant: Tenant) -> None:
    id = submit(tenant, "One")["One"]
    for index in range(4):
        tenant.service.clock.pass_time(minutes=1)
        tenant.all.act(id, "note", text=f"Note {index}.")
    paged = tenant.all.items(f"/v1/suggestions/{id}/timeline", limit=2)
    assert paged == tenant.all.timeline(id)
    assert [event["data"].get("text") for event in paged[1:]] == [f"Note {index}." for index in range(4)]
