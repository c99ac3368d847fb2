"""One example of each type of report, for the API's documents: the home care provider Fellside, which is made up."""

from collections.abc import Mapping

from pydantic import JsonValue

SUGGESTION_ID = "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05"
OCCURRED_AT = "2026-11-20T09:30:00Z"
SENT_AT = "2026-11-23T08:00:00Z"
_EVIDENCE: list[JsonValue] = [{"kind": "rota_change", "title": "Rota week 47"}]


def _example(summary: str, **members: JsonValue) -> dict[str, JsonValue]:
    about: dict[str, JsonValue] = {
        "suggestion_id": SUGGESTION_ID,
        "report_id": "rota-47",
        "occurred_at": OCCURRED_AT,
        "summary": summary,
    }
    return about | members


EXAMPLES: Mapping[str, dict[str, JsonValue]] = {
    "planned": _example("Fixed pairs are planned", due_on="2027-01-31", owner_role="rota coordinator"),
    "trial_started": _example(
        "Two fixed pairs for six weeks", ends_on="2027-01-08", measure="late calls in percent", baseline=31
    ),
    "trial_result": _example(
        "Late calls fell in both pairs",
        result="worked",
        value=12,
        narrative="Both pairs want to go on.",
        next_step="adopt",
    ),
    "partly_implemented": _example(
        "Fixed pairs on the morning calls", what_changed="One fixed pair covers the morning calls", evidence=_EVIDENCE
    ),
    "implemented": _example(
        "Fixed pairs on the rota",
        site="brough",
        what_changed="Two fixed pairs cover all double-up calls",
        evidence=_EVIDENCE,
    ),
    "adopted_elsewhere": _example("Another provider has taken it up", organisation="Northgate Care"),
    "impact_measured": _example(
        "Less paid travel",
        benefit_type="non_cash_time",
        measure="paid travel",
        baseline=420,
        value=210,
        unit="hours",
        period="year",
        method="Export of the rota system, before and after",
    ),
    "sustained_check": _example("The pairs still drive together", still_in_use="yes"),
    "paused": _example("Paused over the holidays", reason="Too many colleagues are off sick", until="2027-01-11"),
    "resumed": _example("The pairs drive together again"),
    "stopped": _example(
        "The pairs were given up",
        reason="no_funding",
        rationale="The second car could not be paid for after the trial.",
    ),
    "correction": _example(
        "It began on the mornings only",
        supersedes="rota-46",
        why="The afternoon calls follow in December.",
        report={
            "type": "partly_implemented",
            "what_changed": "One fixed pair covers the morning calls",
            "evidence": _EVIDENCE,
        },
    ),
    "retraction": _example("Sent by mistake", retracts="rota-46", why="It belongs to another suggestion."),
}
"""The members of `data`, by type."""
