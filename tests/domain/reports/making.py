"""Reports for tests: one valid example of each type, and a short way to say who told what, when and of which site."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid5

from pydantic import JsonValue

from app.domain.case import Confirmation
from app.domain.reports.fold import Folded, fold
from app.domain.reports.reading import read_report
from app.domain.reports.told import Told
from app.domain.vocabulary import Progress, Seen
from app.kit.strict_json import canonical

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SPACE = UUID(int=7)
A, B, C = (uuid5(SPACE, name) for name in "ABC")
EVIDENCE: JsonValue = [{"kind": "rota_change", "title": "Rota week 47"}]

DATA: dict[str, dict[str, JsonValue]] = {
    "planned": {"due_on": "2026-12-01", "owner_role": "rota coordinator"},
    "trial_started": {"ends_on": "2026-12-20", "measure": "late calls", "baseline": 31},
    "trial_result": {"result": "worked", "value": 12, "next_step": "adopt"},
    "partly_implemented": {"what_changed": "One pair covers the mornings.", "evidence": EVIDENCE},
    "implemented": {"what_changed": "Two pairs cover all double-up calls.", "evidence": EVIDENCE},
    "adopted_elsewhere": {"organisation": "Northgate Care"},
    "impact_measured": {
        "benefit_type": "non_cash_time",
        "measure": "late calls",
        "baseline": 31,
        "value": 12,
        "unit": "percent",
        "period": "month",
        "method": "rota export",
    },
    "sustained_check": {"still_in_use": "yes"},
    "paused": {"reason": "Two people are away.", "until": "2026-12-10"},
    "resumed": {},
    "stopped": {"reason": "no_funding", "rationale": "The second car could not be paid for."},
    "correction": {"supersedes": "unknown", "why": "It was the office only.", "report": {"type": "resumed"}},
    "retraction": {"retracts": "unknown", "why": "It was sent for another suggestion."},
}


def at(hour: float) -> datetime:
    """So many hours after the start of the story."""
    return START + timedelta(hours=hour)


def tell(
    kind: str, hour: float = 0, *, key: str = "", source: str = "rota", site: UUID | None = None, **data: JsonValue
) -> Told:
    """A report; its `report_key` is its type, if nothing else is said, and its id follows from source and key."""
    whole: dict[str, JsonValue] = {"summary": f"What happened: {kind}"} | DATA[kind] | data
    key = key or kind
    digest = sha256(canonical(whole) + key.encode()).digest()
    return Told(uuid5(SPACE, f"{source} {key}"), source, key, kind, at(hour), site, digest, read_report(kind, whole))


def inside(kind: str, **data: JsonValue) -> JsonValue:
    """What a correction carries as its `report`."""
    return {"type": kind} | DATA[kind] | data


def saw(ref: str, seen: Seen, hour: float, site: UUID | None = None) -> Confirmation:
    """What a person of the front line says."""
    return Confirmation(ref, seen, at(hour), site)


def folded(*told: Told, sites: Iterable[UUID] = (), confirmations: Iterable[Confirmation] = ()) -> Folded:
    """What the reports come to after a yes."""
    return fold(told, sites=sites, confirmations=confirmations, decided_yes=True)


def progress(*told: Told, sites: Iterable[UUID] = ()) -> Progress | None:
    return folded(*told, sites=sites).progress


def statuses(result: Folded, *told: Told) -> list[str]:
    """The status of each report, in the order given."""
    return [result.statuses[one.id].value for one in told]
