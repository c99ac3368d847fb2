"""Fellside Homecare: an idea from a phone without a signal becomes a trial, a change, and an answer on day 71."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from app.db.ledgers import Benefit, Milestones, SupportRequest, TimeEntry, VerdictEntry
from app.db.session import ScopedSession, TenantScope
from app.kit.shapes import show_instant
from tests.service import Json, Tenant, eventually, message, person
from tests.stories.told import Rota, Told

ADAEZE = person("staff-118", "care_worker")
STEWARD = person("mgr-7", "manager", "steward")
CHAIR = person("coord-2", "manager", "chair")
PANEL = [
    person("cw-1", "care_worker"),
    person("cw-2", "care_worker"),
    person("cw-3", "care_worker"),
    person("coord-2", "manager"),
    person("daughter-1", "family_or_friend"),
]
WHY = "Two fixed pairs would halve the travel between the calls; we try it for six weeks and measure the late calls."
EVIDENCE = [{"kind": "rota_change", "title": "Rota week 1"}]


def test_the_idea_is_tried_adopted_seen_and_closed_on_day_71(tenant: Tenant, told: Told) -> None:
    staff, clock = tenant.all, tenant.service.clock
    day_0 = clock()
    told.subscribe(staff, "suggestion.*", "report.*", "progress.changed")

    # A phone without a signal for nine hours sends it three times: one suggestion.
    idea = offline_idea(show_instant(day_0 - timedelta(hours=9)))
    sent = [staff.send("POST", "/v1/suggestions", idea) for _ in range(3)]
    assert [answer.status_code for answer in sent] == [201, 200, 200]
    assert sent[0].json() == sent[1].json() == sent[2].json()
    made = sent[0].json()
    id, receipt = made["id"], tenant.service.client(made["receipt"]["code"])
    assert (id, made["author"], made["captured_at"]) == (idea["id"], None, idea["captured_at"])

    # Acknowledged in a day; an interpreter and protected time are given.
    clock.pass_time(days=1)
    acknowledged = {"steward": {"ref": "mgr-7", "name": "Sam Hollis"}, "decision_expected_on": clock.in_days(14)}
    staff.act(id, "acknowledge", actor=STEWARD, message=message(), **acknowledged)
    need = {"kind": "interpreter", "need": "Thirty minutes with an interpreter."}
    support = staff.acted(id, "request_support", actor=ADAEZE, **need)["event"]["data"]["support_id"]
    staff.act(id, "settle_support", actor=STEWARD, support_id=support, result="granted")
    for kind in ("offered", "rostered", "used"):
        staff.act(id, "log_time", actor=STEWARD, minutes=90, kind=kind, paid=True, purpose="Working on the idea.")

    # A panel of five decides for a trial of six weeks, which Adaeze leads.
    clock.pass_time(days=6)
    staff.act(id, "start_review", actor=STEWARD, panel=PANEL, chair="coord-2")
    for member in PANEL:
        staff.act(id, "vote", actor=member, member=member["ref"], choice="yes")
    lead = {"owner": "coord-2", "due_on": clock.in_days(50), "lead": ADAEZE}
    decided = staff.act(id, "decide", actor=CHAIR, **answer("trial"), commitment=lead)
    assert (decided["state"], decided["progress"]) == ("delivering", None)

    # The rota system's result arrives before the start of the trial that it is of: the timeline is right.
    rota = Rota(tenant)
    began = show_instant(clock() + timedelta(days=1))
    clock.pass_time(days=44)
    ended = show_instant(clock() - timedelta(hours=2))
    trial = {"suggestion_id": id, "site": "brough"}
    result = {"result": "worked", "value": 12, "narrative": "Late calls fell.", "next_step": "adopt"}
    assert rota.report("trial_result", **trial, occurred_at=ended, **result)["status"] == "applied"
    start = {"ends_on": clock.in_days(0), "measure": "late calls", "baseline": 31}
    assert rota.report("trial_started", **trial, occurred_at=began, **start)["status"] == "applied"
    assert staff.suggestion(id)["progress"] == "trial_done"
    reported = [event["data"]["report_type"] for event in staff.timeline(id) if event["type"] == "report.applied"]
    assert reported == ["trial_started", "trial_result"]
    assert [line["type"] for line in receipt.receipt()["reports"]] == ["trial_started", "trial_result"]

    for impact in IMPACTS:
        clock.pass_time(minutes=1)
        now = show_instant(clock())
        assert rota.report("impact_measured", **trial, occurred_at=now, **impact)["status"] == "applied"

    # Adopted for good by the steward, put in place, and seen by two colleagues.
    clock.pass_time(days=5)
    adopt = {"owner": "coord-2", "due_on": clock.in_days(14), "lead": ADAEZE}
    staff.act(id, "decide", actor=STEWARD, **answer("adopt"), commitment=adopt)
    clock.pass_time(days=7)
    now = show_instant(clock())
    change = {"what_changed": "Two fixed pairs cover all double-up calls.", "evidence": EVIDENCE}
    assert rota.report("implemented", **trial, occurred_at=now, **change)["status"] == "applied"
    for colleague in ("cw-1", "cw-2"):
        staff.act(id, "confirm", actor=person(colleague, "care_worker"), seen="seen")
    tenant.service.settle()
    assert (staff.suggestion(id)["state"], staff.suggestion(id)["progress"]) == ("delivering", "implemented")

    # On day 71 Adaeze reads the answer and judges it: five of five. Nothing more is owed, so it closes.
    clock.move_to(day_0 + timedelta(days=71))
    seen = receipt.receipt()
    assert (seen["decision"]["outcome"], seen["progress"]) == ("adopt", "implemented")
    tenant.service.settle()
    scores = dict.fromkeys(("heard", "respected", "same_rules", "clear_reason", "made_better"), 5)
    assert receipt.act_by_receipt("give_verdict", **scores, did_it_happen="yes")["state"] == "closed"
    closed = staff.suggestion(id)
    assert {one["promise"]: one["state"] for one in closed["promises"]} == {
        "P1": "kept",
        "P3": "kept",
        "P4": "kept",
        "P5": "kept",
        "P6": "kept",
        "P7": "broken",
    }
    assert [(benefit["measure"], benefit["verified_by"]) for benefit in closed["benefits"]] == [
        ("late calls", None),
        ("paid travel", None),
        ("mileage", "finance"),
    ]
    assert care_worker_led(tenant, id) == {"lead": "care_worker", "used_minutes": 90, "share_of_votes": 0.6}
    assert ledgers(tenant, id) == {"support": ["granted"], "verdict": [(5, 5, 5, 5, 5, "yes")], "verified": [1940.0]}

    # The subscribed system was told of each step once, under signatures that hold, without a gap.
    # Deliveries side by side may pass each other, so the last number can be there before the one ahead of it.
    eventually(lambda: "suggestion.verdict_given" in told.about(id) and told.complete(), seconds=20)
    assert told.refused == []
    kinds = told.about(id)
    assert kinds[:2] == ["suggestion.submitted", "suggestion.acknowledged"]
    counted = [kinds.count(f"suggestion.{name}") for name in ("closed", "decided", "voted")]
    assert counted == [1, 2, 5]
    assert not any("Adaeze" in str(event) or "staff-118" in str(event) for event in told.events.values())


IMPACTS: list[Json] = [
    {
        "benefit_type": "quality_of_life",
        "measure": "late calls",
        "baseline": 31,
        "value": 12,
        "unit": "percent",
        "period": "month",
        "method": "rota export",
    },
    {
        "benefit_type": "non_cash_time",
        "measure": "paid travel",
        "baseline": 420,
        "value": 210,
        "unit": "hours",
        "period": "year",
        "method": "rota export",
    },
    {
        "benefit_type": "cash_releasing",
        "measure": "mileage",
        "baseline": 3880,
        "value": 1940,
        "unit": "GBP",
        "period": "year",
        "method": "expense claims",
        "verified_by": "finance",
    },
]


def offline_idea(captured_at: str) -> Json:
    """What the phone sends, with an id that it has made itself."""
    return {
        "id": str(uuid4()),
        "title": "Pair the double-up calls at Brough",
        "text": "Double-up calls at Brough are 12 minutes apart on paper and 25 by road: give them to two fixed pairs.",
        "site": "brough",
        "group": "care_worker",
        "anonymity": "confidential",
        "author": {"ref": "staff-118", "name": "Adaeze"},
        "safety": {"at_risk_now": False, "own_employment": False},
        "captured_at": captured_at,
    }


def answer(outcome: str) -> Json:
    """A decision but for its commitment."""
    said = message("Here is our answer to your idea.", mode="D")
    return {"outcome": outcome, "rationale": WHY, "message": said, "participation_level": "co_production"}


def care_worker_led(tenant: Tenant, id: str) -> Json:
    """What makes an idea care-worker-led, as measures read it."""

    def read(session: ScopedSession) -> Json:
        row = session.execute(select(Milestones).where(Milestones.suggestion_id == UUID(id))).scalar_one()
        used = select(TimeEntry.minutes).where(TimeEntry.suggestion_id == UUID(id), TimeEntry.kind == "used")
        minutes = sum(session.execute(used).scalars())
        return {"lead": row.lead_group, "used_minutes": minutes, "votes": row.votes}

    found = tenant.service.database.read_now(TenantScope(UUID(tenant.id), sees_hidden=True), read)
    votes = found.pop("votes")
    return {**found, "share_of_votes": votes.get("care_worker", 0) / max(1, sum(votes.values()))}


def ledgers(tenant: Tenant, id: str) -> Json:
    """The other ledgers of a suggestion."""

    def read(session: ScopedSession) -> Json:
        support = select(SupportRequest.result).where(SupportRequest.suggestion_id == UUID(id))
        verdict = select(VerdictEntry).where(VerdictEntry.suggestion_id == UUID(id))
        verified = select(Benefit.amount).where(Benefit.suggestion_id == UUID(id), Benefit.verified.is_(True))
        return {
            "support": list(session.execute(support).scalars()),
            "verdict": [
                (one.heard, one.respected, one.same_rules, one.clear_reason, one.made_better, one.did_it_happen)
                for one in session.execute(verdict).scalars()
            ],
            "verified": list(session.execute(verified).scalars()),
        }

    return tenant.service.database.read_now(TenantScope(UUID(tenant.id), sees_hidden=True), read)
