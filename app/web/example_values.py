"""What examples of the OpenAPI document are made of: the story of one suggestion, by names of models and members.

A new member whose text is not known here needs an entry, or `Field(examples=[...])` where it is declared: a test names
those that have neither.
"""

from collections.abc import Mapping
from typing import Any

BY_FORMAT = {
    "uuid": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
    "date-time": "2026-11-22T21:14:00Z",
    "date": "2026-12-18",
    "uri": "https://rota.example.org/heardback",
    "binary": "…",
}
"""Where neither the model nor the member's name says more."""

_RATIONALE = (
    "We tried fixed pairs at Brough for six weeks. Late calls fell from 31 to 12 a month, and both care workers and "
    "families asked us to keep them, so we will."
)

MEMBERS: dict[str, str] = {
    # Plain names, the same wherever they stand.
    "address": "203.0.113.7",
    "allowed_acts": "note",
    "answer": "ok",
    "contact": "Commissioning desk, 01632 960001",
    "description": "Tells the rota system of decisions.",
    "external_id": "idea-8841",
    "inbound_url": "https://heardback.example.org/v1/inbound/0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
    "key": "hb_2Hh6uKqvV0rXy3Nn8sWb1Tz5Lc9Qe4Dg7Fj0Ma6Pk2RoCx1w",
    "language": "en",
    "measure": "late calls a month",
    "method": "counted in the call monitoring system",
    "next_cursor": "qJk3Zt0xYw",
    "owner": "coord-2",
    "preferred_format": "text",
    "preferred_language": "en",
    "question": "Which of the two rounds do you mean?",
    "rationale": _RATIONALE,
    "raw": "eyJ0eXBlIjoicmVwb3J0LmltcGxlbWVudGVkIn0=",
    "ref": "mgr-7",
    "report_id": "rota-47",
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "site": "brough",
    "summary": "We have read your idea, and will answer by 18 December.",
    "system": "rota",
    "tags": "rota",
    "text": "They are 12 minutes apart on paper and 25 by road.",
    "title": "Pair the double-up calls at Brough",
    "unit": "calls",
    "url": "https://rota.example.org/heardback",
    "verified_by": "fin-3",
    "what_changed": "Two fixed pairs cover all double-up calls.",
    "why": "The facts have changed since.",
    # Where the same name means something else.
    "Identifier/value": "1-101234567",
    "OrganisationView/code": "fellside",
    "OrganisationView/name": "Fellside Homecare",
    "SiteView/code": "brough",
    "SiteView/name": "Brough",
    "SiteView/service_type": "8",
    "AdviceView/text": "Few people work at this site. What you write may still show who you are.",
    "AnswerView/outcome_text": "We are doing it.",
    "Author/name": "Adaeze",
    "Author/ref": "staff-118",
    "DecisionView/override_reason": "The panel was split, and the cost falls in the first month only.",
    "EventView/type": "suggestion.decided",
    "HappenedView/text": "Your idea was decided: we are doing it.",
    "HappenedView/type": "suggestion.decided",
    "IdeaView/state_text": "We are doing it.",
    "JobRole/code": "8",
    "LeadView/ref": "cw-1",
    "MessageView/text": "Thank you. From January two fixed pairs cover all double-up calls.",
    "PromisedView/text": "You have an answer within 20 working days.",
    "QuestionView/text": "Which of the two rounds do you mean?",
    "ReceiptCode/code": "hbr_0G4K-9QXT-5M2P-W8RC-71VN-6EJ3-ZB0A-HD5S-Y",
    "ReceiptView/state_text": "We are doing it.",
    "ReferralView/body": "Northmere Council",
    "ReportedView/summary": "Fixed pairs on the rota.",
    "ReportedView/type": "implemented",
    "SignpostView/code": "freedom_to_speak_up",
    "SignpostView/text": "If you do not feel safe to say this at work, somebody outside your team will listen.",
    "SignpostView/title": "Speaking up",
    "StewardView/name": "Sam Hollis",
    "VoteView/member": "cw-1",
}
"""Texts by the member's name, or by `Model/member` where that name means several things."""

_NOT_YET: dict[str, Any] = {
    "progress": None,
    "outcome": None,
    "steward": None,
    "decision": None,
    "commitment": None,
    "merged_into": None,
    "flags": [],
    "benefits": [],
}
_DECIDED = {
    "state": "delivering",
    "progress": "planned",
    "outcome": "adopt",
    "merged_into": None,
    "flags": [],
    "benefits": [],
    "supporters": 3,
    "version": 7,
    "allowed_acts": ["assign", "recommit", "hold", "withdraw", "message", "note", "tell", "endorse", "give_verdict"],
}

MODELS: Mapping[str, Mapping[str, Any]] = {
    "CommitmentView": {"due_on": "2027-01-15", "lead": None},
    "DecideRequest": {
        "outcome": "adopt",
        "participation_level": "co_design",
        "commitment": {"owner": "coord-2", "due_on": "2027-01-15"},
    },
    "DecisionView": {
        "reasons": [],
        "participation_level": "co_design",
        "override_reason": None,
        "revisit_on": None,
        "refer_to": None,
    },
    "PromiseView": {"promise": "P3", "due_at": "2026-12-18T23:59:59Z"},
    "SubmittedView": {
        **_NOT_YET,
        "state": "submitted",
        "anonymity": "confidential",
        "author": None,
        "co_authors": [],
        "lenses": ["structure"],
        "anonymity_advice": None,
        "similar": [],
        "supporters": 0,
        "allowed_acts": ["acknowledge", "withdraw", "hold", "redirect", "message", "note", "endorse"],
    },
    "SuggestionView": {
        **_DECIDED,
        "anonymity": "confidential",
        "author": None,
        "co_authors": [],
        "lenses": ["structure"],
    },
}
"""Members of a model whose values must fit each other."""
