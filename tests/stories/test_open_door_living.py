"""Open Door Living: somebody who lives there asks to choose who is on shift; what lapses is promised anew.

Tenants' verdicts stay suppressed in measures, which come with a later version; what is kept here are the answers.
"""

from datetime import timedelta

from app.kit.shapes import show_instant
from tests.service import Json, Tenant, message, person
from tests.stories.told import Rota

STEWARD = person("mgr-3", "manager", "steward")
STAFF_ALONE = [person("cw-1", "care_worker"), person("cw-2", "care_worker"), person("mgr-4", "manager")]
JORDANS_FRIEND = person("tenant-5", "lived_experience")
CHAIR = person("mgr-4", "manager", "chair")
WHY = "Everybody who goes out that night chooses together with the rota who comes along, as far as shifts allow it."
YES: Json = {
    "actor": CHAIR,
    "outcome": "adapt",
    "reasons": ["no_capacity"],
    "rationale": WHY,
    "message": message("Yes, in a changed form: you choose among those who are on the late shift.", mode="D"),
    "participation_level": "co_production",
}


def test_a_missing_seat_is_named_and_a_lapsed_promise_is_made_anew(tenant: Tenant) -> None:
    staff, clock = tenant.all, tenant.service.clock
    made = staff.submit(
        title="Who is on shift for our night out",
        text="We should pick who is on shift for our night out.",
        group="lived_experience",
        anonymity="named",
        author={"ref": "jordan", "name": "Jordan", "preferred_format": "easy_read"},
        co_authors=[{"ref": "sw-9", "name": "Mina"}],
        lenses=["what_matters_most"],
    )
    id, receipt = made["id"], tenant.service.client(made["receipt"]["code"])
    acknowledged = {"steward": {"ref": "mgr-3", "name": "Ali Reyes"}, "decision_expected_on": clock.in_days(14)}
    staff.act(id, "acknowledge", actor=STEWARD, message=message(), **acknowledged)

    # A panel of staff alone cannot decide it: the missing seat is named.
    staff.act(id, "start_review", actor=STEWARD, panel=STAFF_ALONE, chair="mgr-4")
    for member in STAFF_ALONE:
        staff.act(id, "vote", actor=member, member=member["ref"], choice="yes")
    refused = staff.try_act(id, "decide", **YES, commitment={"owner": "coord-2", "due_on": clock.in_days(30)})
    assert (refused.status_code, refused.json()["code"]) == (409, "quorum_not_met")
    (seat,) = refused.json()["missing_seats"]
    assert (seat["groups"], seat["count"]) == (["lived_experience", "family_or_friend"], 1)

    # With somebody who lives there it can: the votes of those who stay are kept.
    staff.act(id, "start_review", actor=STEWARD, panel=[*STAFF_ALONE, JORDANS_FRIEND], chair="mgr-4")
    staff.act(id, "vote", actor=JORDANS_FRIEND, member="tenant-5", choice="yes")
    decided = staff.act(id, "decide", **YES, commitment={"owner": "coord-2", "due_on": clock.in_days(30)})
    assert (decided["state"], len(decided["decision"]["votes"])) == ("delivering", 4)

    # It is put in place, and the author reads so.
    care_system = Rota(tenant)
    clock.pass_time(days=20)
    care_system.report(
        "implemented",
        suggestion_id=id,
        occurred_at=show_instant(clock()),
        what_changed="The late shift is chosen with those who go out.",
        evidence=[{"kind": "lived_experience_statement", "title": "Jordan's words"}],
        not_measured_because="It is about choice and not about numbers.",
    )
    assert receipt.receipt()["progress"] == "implemented"
    tenant.service.settle()
    assert staff.suggestion(id)["state"] == "closed"

    # At 90 days a check says that it is no longer so: stopped, and open again by rule.
    clock.pass_time(days=90)
    at = show_instant(clock() - timedelta(hours=1))
    check = {"still_in_use": "no", "summary": "New staff do not know of it."}
    care_system.report("sustained_check", suggestion_id=id, occurred_at=at, **check)
    again = staff.suggestion(id)
    assert (again["state"], again["progress"]) == ("delivering", "stopped")
    assert {"appeal", "recommit"} <= set(again["allowed_acts"])

    # The promise is made anew, with a new owner and date, and its author is told why.
    clock.pass_time(days=3)
    news = message("New staff are shown how it is done from next week on.", mode="D")
    fresh = {"owner": "coord-8", "due_on": clock.in_days(21)}
    promised = staff.act(
        id, "recommit", actor=STEWARD, commitment=fresh, why="New staff had not been told.", message=news
    )
    assert (promised["state"], promised["progress"]) == ("delivering", "planned")
    assert promised["commitment"]["owner"] == "coord-8"
    seen = receipt.receipt()
    assert seen["messages"][-1]["text"] == news["text"]
    assert [line["type"] for line in seen["reports"]] == ["implemented", "sustained_check"]
    kinds = [event["type"] for event in staff.timeline(id)]
    assert (kinds.count("suggestion.reopened"), kinds.count("suggestion.recommitted")) == (1, 1)
    scores = dict.fromkeys(("heard", "respected", "same_rules", "clear_reason", "made_better"), 4)
    assert receipt.act_by_receipt("give_verdict", **scores, did_it_happen="partly")["state"] == "delivering"
