"""The timeline: who sees what of it, and in which order things stand there."""

from tests.bodies import body
from tests.service import Tenant, person


def types_of(events: list[dict[str, object]]) -> list[object]:
    return [event["type"] for event in events]


def test_what_safeguarding_did_is_shown_to_that_scope_alone(tenant: Tenant) -> None:
    clock, reader = tenant.service.clock, tenant.key("read")
    id = tenant.all.submit()["id"]
    tenant.all.act(id, "hold", **body("hold", clock))
    tenant.all.act(id, "clear", **body("clear", clock))
    tenant.all.act(id, "note", **body("note", clock))
    seen = ["suggestion.submitted", "suggestion.noted"]
    assert types_of(reader.timeline(id)) == seen
    assert types_of(reader.items(f"/v1/suggestions/{id}/timeline", limit=1)) == seen
    everything = [seen[0], "safeguarding.held", "safeguarding.cleared", seen[1]]
    assert types_of(tenant.key("read", "safeguard").timeline(id)) == everything


def test_what_an_author_did_anonymously_stands_where_it_was_recorded_also_once_the_author_is_named(
    tenant: Tenant,
) -> None:
    clock = tenant.service.clock
    made = tenant.all.submit(anonymity="anonymous")
    id, receipt = made["id"], tenant.service.client(made["receipt"]["code"])
    tenant.all.act(id, "acknowledge", **body("acknowledge", clock))
    clock.pass_time(hours=1)
    tenant.all.act(id, "ask", **body("ask", clock))
    clock.pass_time(hours=1)
    receipt.act_by_receipt("answer", text="Tuesdays and Fridays.")
    told = ["suggestion.submitted", "suggestion.acknowledged", "suggestion.question_asked"]
    assert types_of(tenant.all.timeline(id)) == [*told, "suggestion.question_answered"]
    receipt.patch("/v1/receipt", {"anonymity": "named", "author": {"ref": "staff-118"}})
    events = tenant.all.timeline(id)
    assert types_of(events) == [*told, "suggestion.question_answered", "suggestion.revised"]
    assert events[3]["timestamp"] == "2026-11-02T00:00:00Z"


def test_no_vote_is_anybodys_before_the_suggestion_is_closed(tenant: Tenant) -> None:
    clock = tenant.service.clock
    id = tenant.all.submit()["id"]
    tenant.all.act(id, "acknowledge", **body("acknowledge", clock))
    tenant.all.act(id, "start_review", **body("start_review", clock))
    tenant.all.act(id, "vote", actor=person("cw-1", "care_worker"), member="cw-1", choice="yes")
    data = tenant.all.timeline(id)[-1]["data"]
    assert (data["member"], data["actor"], data["choice"]) == (None, {"group": "care_worker"}, "yes")
