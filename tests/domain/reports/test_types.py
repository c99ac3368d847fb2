"""Each type as a step: from which progress it is legal, and where it leads. Written down from the contract's words."""

from uuid import UUID

import pytest
from pydantic import JsonValue

from app.domain.reports.reading import read_report
from app.domain.reports.standing import Standing
from app.domain.vocabulary import Progress
from tests.domain.reports.making import DATA

PLANNED, TRIALLING, TRIAL_DONE = Progress.PLANNED, Progress.TRIALLING, Progress.TRIAL_DONE
PARTLY, IMPLEMENTED = Progress.PARTLY_IMPLEMENTED, Progress.IMPLEMENTED
PAUSED, STOPPED = Progress.PAUSED, Progress.STOPPED
ALL = (None, PLANNED, TRIALLING, TRIAL_DONE, PARTLY, IMPLEMENTED, PAUSED, STOPPED)
ID, OTHER = UUID(int=1), UUID(int=2)
BEFORE = Standing(TRIALLING)

# "Legal steps" of the contract's section 3, type by type: from where, and what follows.
STEPS: dict[str, tuple[tuple[Progress | None, ...], Progress]] = {
    "planned": ((None, PLANNED), PLANNED),
    "trial_started": ((None, PLANNED, TRIAL_DONE), TRIALLING),
    "trial_result": ((None, PLANNED, TRIALLING, TRIAL_DONE, PAUSED), TRIAL_DONE),
    "partly_implemented": ((None, PLANNED, TRIALLING, TRIAL_DONE, PARTLY, PAUSED), PARTLY),
    "paused": ((None, PLANNED, TRIALLING, TRIAL_DONE, PARTLY, PAUSED), PAUSED),
    "implemented": ((None, PLANNED, TRIALLING, TRIAL_DONE, PARTLY, IMPLEMENTED, PAUSED), IMPLEMENTED),
    "resumed": ((PAUSED,), TRIALLING),
    "stopped": (ALL, STOPPED),
}


def after(kind: str, standing: Standing, **data: JsonValue) -> Standing | None:
    return read_report(kind, {"summary": "s"} | DATA[kind] | data).after(standing, ID)


def stood(progress: Progress | None) -> Standing:
    return Standing(progress, before=BEFORE if progress is PAUSED else None)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("progress", ALL)
def test_a_legal_step_leads_on_and_no_other_does(kind: str, progress: Progress | None) -> None:
    legal, leads_to = STEPS[kind]
    found = after(kind, stood(progress))
    assert (found and found.progress) == (leads_to if progress in legal else None)


@pytest.mark.parametrize(
    "kind", ["impact_measured", "adopted_elsewhere", "sustained_check", "correction", "retraction"]
)
@pytest.mark.parametrize("progress", ALL)
def test_what_is_always_legal_and_changes_no_progress(kind: str, progress: Progress | None) -> None:
    assert after(kind, stood(progress)) == stood(progress)


@pytest.mark.parametrize("progress", ALL)
def test_a_check_that_finds_nothing_in_use_stops(progress: Progress | None) -> None:
    assert after("sustained_check", stood(progress), still_in_use="changed") == stood(progress)
    assert after("sustained_check", stood(progress), still_in_use="no") == Standing(STOPPED)


def test_what_was_stopped_by_a_final_report_stays_final_when_a_check_finds_nothing() -> None:
    stopped = Standing(STOPPED, finals=(OTHER,))
    assert after("sustained_check", stopped, still_in_use="no") == stopped


@pytest.mark.parametrize("progress", [None, PLANNED, TRIALLING, TRIAL_DONE, PARTLY])
def test_a_pause_remembers_what_it_was_before(progress: Progress | None) -> None:
    before = Standing(progress, finals=(OTHER,) if progress is TRIAL_DONE else ())
    paused = after("paused", before)
    assert paused == Standing(PAUSED, before=before)
    assert after("paused", paused) == paused
    assert after("resumed", paused) == before


@pytest.mark.parametrize(
    ("kind", "data", "is_final"),
    [
        ("implemented", {}, True),
        ("stopped", {}, True),
        ("trial_result", {"next_step": "stop"}, True),
        ("trial_result", {"next_step": "adopt"}, False),
        ("trial_result", {"next_step": "adapt"}, False),
        ("trial_result", {"next_step": "extend"}, False),
        ("partly_implemented", {}, False),
        ("planned", {}, False),
    ],
)
def test_final_reports(kind: str, data: dict[str, JsonValue], *, is_final: bool) -> None:
    assert after(kind, Standing(), **data) == Standing(STEPS[kind][1], finals=(ID,) if is_final else ())


def test_a_final_report_stands_beside_one_that_said_the_same() -> None:
    assert after("implemented", Standing(IMPLEMENTED, (OTHER,))) == Standing(IMPLEMENTED, (OTHER, ID))
    assert after("stopped", Standing(IMPLEMENTED, (OTHER,))) == Standing(STOPPED, (ID,))
    assert after("trial_result", Standing(TRIAL_DONE, (OTHER,)), next_step="adopt") == Standing(TRIAL_DONE)
