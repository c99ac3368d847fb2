"""A body for each act that is well formed and, where the act fits, does it. Tests change what they are about."""

from tests.service import Clock, Json, message, person

STEWARD = "mgr-7"
CHAIR = "mgr-9"
PANEL = [person("cw-1", "care_worker"), person("cw-2", "care_worker"), person("fam-3", "family_or_friend")]
RATIONALE = (
    "Two fixed pairs halve the travel time between the calls, nobody loses paid hours, and the rota has room for it."
)


def body(act: str, clock: Clock, **changes: object) -> Json:
    """The act's fields and its actor."""
    return {"actor": person(STEWARD, "manager"), **_FIELDS[act], **_dates(act, clock), **changes}


def decision(outcome: str, clock: Clock, **changes: object) -> Json:
    """The body of `decide` by the chair, with what the outcome must carry."""
    made: Json = {"actor": person(CHAIR, "manager"), "outcome": outcome, **_ANSWER}
    if outcome in ("adopt", "adapt", "trial"):
        made["commitment"] = {"owner": "coord-2", "due_on": clock.in_days(60)}
    if outcome not in ("adopt", "trial"):
        made["reasons"] = ["no_funding"]
    if outcome == "defer":
        made["revisit_on"] = clock.in_days(90)
    if outcome == "refer_on":
        made["refer_to"] = {"body": "Westmorland and Furness Council", "contact": "adult-care@council.example"}
    return {**made, **changes}


_ANSWER: Json = {
    "rationale": RATIONALE,
    "message": message("This is our answer.", mode="D"),
    "participation_level": "co_design",
}
_FIELDS: dict[str, Json] = {
    "acknowledge": {"steward": {"ref": STEWARD, "name": "Sam Hollis"}, "message": message()},
    "answer": {"text": "Tuesdays and Fridays."},
    "appeal": {"grounds": "The vote was taken without us."},
    "ask": {"question": "Which days do you mean?"},
    "assign": {"steward": {"ref": STEWARD, "name": "Robin Kerr"}},
    "clear": {"why": "Nobody is at risk."},
    "confirm": {"actor": person("cw-5", "care_worker"), "seen": "seen"},
    "decide": {"outcome": "adopt", **_ANSWER},
    "endorse": {"actor": person("cw-6", "care_worker")},
    "give_verdict": {"heard": 5, "respected": 5, "same_rules": 4, "clear_reason": 4, "made_better": 3},
    "hold": {"route": "safeguarding", "why": "A resident may be at risk."},
    "log_time": {"minutes": 90, "kind": "used", "paid": True, "purpose": "The panel's meeting."},
    "merge": {"why_the_same": "Both ask for the same pairs.", "message": message("Your idea lives on in another.")},
    "message": message("No change yet, because the rota is being drawn up."),
    "note": {"text": "Spoke with the coordinator."},
    "recommit": {"why": "The supplier is late.", "message": message("It will take a month longer.")},
    "redirect": {
        "route": "complaint",
        "handed_to": "The complaints officer",
        "handed_over_at": "2026-11-02T10:00:00Z",
        "message": message("This belongs to another procedure."),
    },
    "reopen": {"why": "A new law applies."},
    "request_support": {"kind": "interpreter", "need": "Thirty minutes, in Igbo."},
    "settle_support": {"result": "granted"},
    "start_review": {"panel": PANEL, "chair": CHAIR},
    "tell": {"channel": "phone", "told_at": "2026-11-02T10:00:00Z"},
    "unmerge": {"why": "Mine is about nights."},
    "vote": {"actor": PANEL[0], "member": "cw-1", "choice": "yes"},
    "withdraw": {"reason": "It has been solved."},
}


def _dates(act: str, clock: Clock) -> Json:
    if act == "acknowledge":
        return {"decision_expected_on": clock.in_days(20)}
    if act in ("decide", "recommit"):
        return {"commitment": {"owner": "coord-2", "due_on": clock.in_days(60)}}
    return {}
