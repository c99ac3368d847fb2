"""Larchfield Homes: many ideas that ask for the same, one that does not, homes that report differently, and a deferral.

The script submits one by one: the import in batches comes with a later version.
"""

from datetime import timedelta

from app.kit.shapes import show_instant
from tests.service import Client, Json, Service, Tenant, message, person
from tests.stories.told import Rota

HOMES = ("home-a", "home-b", "home-c", "home-d", "home-e", "home-f", "home-g")
STEWARD = person("mgr-1", "manager", "steward")
CHAIR = person("mgr-2", "manager", "chair")
PANEL = [person("cw-1", "care_worker"), person("cw-2", "care_worker"), person("mgr-2", "manager")]
WHY = "Charging points on each floor save the night staff a walk; six homes have the wiring for it and the budget."
EVIDENCE = [{"kind": "purchase", "title": "Invoice of the electrician"}]


def test_many_ideas_become_one_and_every_home_is_heard(service: Service) -> None:
    tenant = service.tenant(sites=HOMES)
    staff, clock = tenant.all, service.clock

    # Of the lines of the paper list, those with a personal number are refused and leave nothing behind.
    refused = [staff.send("POST", "/v1/suggestions", idea(HOMES[0], text)) for text in WITH_NUMBERS]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "personal_data")] * 3
    assert staff.items("/v1/suggestions") == []

    # Fourteen ask for the same, and are merged under the oldest: thirteen authors are told.
    lines = [idea(HOMES[number % 6], "Tablet charging on each floor.") for number in range(14)]
    ideas = [staff.post("/v1/suggestions", line) for line in lines]
    apart = staff.post("/v1/suggestions", idea("home-g", "Tablet charging at home G, too."))
    for one in (*ideas, apart):
        acknowledge(staff, one["id"], clock.in_days(20))
        staff.act(one["id"], "endorse", actor=person("cw-9", "care_worker"))
    oldest, *others = ideas
    merged = message("Your idea lives on in an older one that asks for the same.")
    for one in others:
        staff.act(one["id"], "merge", actor=STEWARD, into=oldest["id"], why_the_same="The same points.", message=merged)
    assert staff.suggestion(oldest["id"])["supporters"] == 1
    assert all(receipt_of(tenant, one).receipt()["messages"][-1]["text"] == merged["text"] for one in others)

    # One objects within 14 days and stands on its own again.
    objector = receipt_of(tenant, others[0])
    assert objector.act_by_receipt("unmerge", why="Mine is about nights.")["state"] == "acknowledged"
    assert staff.suggestion(others[0]["id"])["merged_into"] is None

    # Adopted for six homes; the seventh's idea stays apart and is deferred.
    homes = {"owner": "estates", "due_on": clock.in_days(60), "sites": list(HOMES[:6])}
    review(staff, oldest["id"], "yes")
    staff.act(oldest["id"], "decide", **answer("adopt"), commitment=homes)
    review(staff, apart["id"], "no")
    later = clock.in_days(120)
    staff.act(apart["id"], "decide", **answer("defer"), reasons=["no_funding"], revisit_on=later)
    assert receipt_of(tenant, others[5]).receipt()["decision"]["outcome"] == "adopt"

    # Four homes say that it is done: partly implemented.
    estates = Rota(tenant)
    for home in HOMES[:4]:
        clock.pass_time(days=1)
        done(estates, oldest["id"], home, clock())
    assert staff.suggestion(oldest["id"])["progress"] == "partly_implemented"

    # A home is sold and registered anew: its successor inherits the history.
    sold = {"code": "home-b2", "name": "Home B", "service_type": "8", "successor_of": "home-b"}
    staff.post("/v1/sites", sold)
    before = {one["id"] for one in staff.items("/v1/suggestions", site="home-b")}
    assert before
    assert {one["id"] for one in staff.items("/v1/suggestions", site="home-b2")} == before

    # Home E says so, too, and three night workers have not seen it: a conflict, which a correction ends.
    clock.pass_time(days=1)
    done(estates, oldest["id"], "home-e", clock(), report_id="estates-e")
    clock.pass_time(hours=8)
    for worker in ("night-1", "night-2", "night-3"):
        seen = {"seen": "not_seen", "site": "home-e"}
        staff.act(oldest["id"], "confirm", actor=person(worker, "care_worker"), **seen)
    assert staff.suggestion(oldest["id"])["progress"] == "conflict"
    clock.pass_time(days=1)
    partly = {"type": "partly_implemented", "what_changed": "The office only.", "evidence": EVIDENCE}
    fixed = {"supersedes": "estates-e", "why": "Fitted in the office only.", "report": partly}
    estates.report("correction", suggestion_id=oldest["id"], occurred_at=show_instant(clock()), **fixed)
    assert staff.suggestion(oldest["id"])["progress"] == "partly_implemented"
    struck = [one["struck_out_by"] for one in staff.items(f"/v1/suggestions/{oldest['id']}/reports")]
    assert sum(one is not None for one in struck) == 1

    # The deferral comes back by itself on its date, and only then.
    clock.move_to(clock().replace(hour=9) + timedelta(days=100))
    service.settle()
    assert staff.suggestion(apart["id"])["state"] == "deferred"
    clock.pass_time(days=20)
    service.settle()
    back = staff.suggestion(apart["id"])
    assert (back["state"], back["outcome"], back["decision"]) == ("acknowledged", None, None)
    assert [event["type"] for event in staff.timeline(apart["id"])].count("suggestion.revisited") == 1


WITH_NUMBERS = (
    "Mrs Hall, 943 476 5919, wants her tablet at night.",
    "Her number is 9434765919.",
    "Ask for AB 12 34 56 C in the office.",
)


def idea(home: str, text: str) -> Json:
    """A line of the list."""
    return {
        "text": text,
        "site": home,
        "group": "care_worker",
        "anonymity": "confidential",
        "author": {"ref": f"staff-{home}"},
        "safety": {"at_risk_now": False, "own_employment": False},
    }


def receipt_of(tenant: Tenant, made: Json) -> Client:
    """The author of a suggestion."""
    return tenant.service.client(made["receipt"]["code"])


def acknowledge(staff: Client, id: str, expected_on: str) -> None:
    """A named person has read it."""
    steward = {"ref": "mgr-1", "name": "Jo Marsh"}
    staff.act(id, "acknowledge", actor=STEWARD, steward=steward, message=message(), decision_expected_on=expected_on)


def review(staff: Client, id: str, choice: str) -> None:
    """A panel votes."""
    staff.act(id, "start_review", actor=STEWARD, panel=PANEL, chair="mgr-2")
    for member in PANEL:
        staff.act(id, "vote", actor=member, member=member["ref"], choice=choice)


def answer(outcome: str) -> Json:
    """A decision but for what its outcome needs."""
    said = message("Here is our answer.", mode="D")
    return {
        "actor": CHAIR,
        "outcome": outcome,
        "rationale": WHY,
        "message": said,
        "participation_level": "engagement",
    }


def done(estates: Rota, id: str, home: str, at: object, **more: str) -> None:
    """A home reports that the points are fitted."""
    occurred = show_instant(at)  # type: ignore[arg-type]  # the clock gives an instant
    change = {"what_changed": "Points on each floor.", "evidence": EVIDENCE}
    told = estates.report("implemented", suggestion_id=id, site=home, occurred_at=occurred, **change, **more)
    assert told["status"] == "applied"
