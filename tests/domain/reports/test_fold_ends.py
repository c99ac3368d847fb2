"""Final reports: which stand, what ends them, whether the impact is known; and what acts ask of the fold."""

from collections.abc import Iterable
from uuid import UUID

import pytest

from app.domain.reports.told import Told
from tests.domain.reports.making import A, B, at, folded, tell


def final(*told: Told, sites: Iterable[UUID] = ()) -> tuple[str | None, list[str], bool]:
    """The keys of the final report and of all that stand, and whether the impact is known."""
    result = folded(*told, sites=sites)
    keys = {one.id: one.report_key for one in told}
    return keys.get(result.final) if result.final else None, [keys[one] for one in result.finals], result.final_measured


@pytest.mark.parametrize("excused", [True, False])
@pytest.mark.parametrize("kind", ["implemented", "stopped", "trial_result"])
def test_a_final_report_may_say_why_nothing_was_measured(kind: str, *, excused: bool) -> None:
    why = "Too small." if excused else None
    assert final(tell(kind, 1, not_measured_because=why, next_step="stop")) == (kind, [kind], excused)
    assert final(tell(kind, 1, next_step="stop"), tell("impact_measured", 2)) == (kind, [kind], True)


@pytest.mark.parametrize("kind", ["planned", "trial_started", "trial_result", "partly_implemented", "paused"])
def test_nothing_else_is_final(kind: str) -> None:
    assert final(tell(kind, 1), tell("impact_measured", 2)) == (None, [], True)


def test_what_ends_the_end() -> None:
    implemented = tell("implemented", 1, not_measured_because="Too small.")
    stop = tell("trial_result", 1, next_step="stop", not_measured_because="Too small.")
    assert final(implemented, tell("sustained_check", 2, still_in_use="no")) == (None, [], False)
    assert final(implemented, tell("stopped", 2)) == ("stopped", ["stopped"], False)
    assert final(stop, tell("trial_started", 2)) == (None, [], False)
    assert final(stop, tell("trial_result", 2, key="again", next_step="extend")) == (None, [], False)
    assert final(stop, tell("paused", 2)) == (None, [], False)
    assert final(stop, tell("paused", 2), tell("resumed", 3)) == ("trial_result", ["trial_result"], True)


def test_final_reports_that_say_the_same_stand_beside_each_other() -> None:
    told = (tell("implemented", 1), tell("implemented", 2, key="again", not_measured_because="Too small."))
    assert final(*told) == ("implemented", ["implemented", "again"], True)


def test_every_site_needs_its_end() -> None:
    a = tell("implemented", 1, key="a", site=A, not_measured_because="Too small.")
    b = tell("stopped", 3, key="b", site=B)
    assert final(a, sites=[A, B]) == (None, [], False)
    assert final(a, b, sites=[A, B]) == ("b", ["a", "b"], False)
    excused = tell("stopped", 3, key="b", site=B, not_measured_because="Never begun.")
    again = tell("implemented", 4, key="a again", site=A)
    assert final(a, excused, again, sites=[A, B]) == ("b", ["a", "b", "a again"], True)


# ── what acts ask for ──


def test_a_claim_stands_whatever_came_after_it() -> None:
    assert folded(tell("planned", 1), tell("sustained_check", 2)).claims_done is False
    assert folded(tell("partly_implemented", 1), tell("stopped", 2)).claims_done is True
    assert folded(tell("stopped", 1), tell("implemented", 2)).claims_done is False  # a contradiction
    assert folded(tell("implemented", 1), tell("retraction", 2, retracts="implemented")).claims_done is False


def test_a_trial_has_its_result_until_the_next_trial() -> None:
    assert folded(tell("trial_started", 1)).trial_has_result is False
    assert folded(tell("trial_result", 1)).trial_has_result is True
    assert folded(tell("trial_result", 1), tell("partly_implemented", 2)).trial_has_result is True
    assert folded(tell("trial_result", 1), tell("trial_started", 2)).trial_has_result is False


def test_stopped_is_when_the_last_site_stopped() -> None:
    told = (tell("stopped", 1, key="a", site=A), tell("stopped", 2, key="a again", site=A))
    assert folded(*told, sites=[A, B]).stopped_at is None
    assert folded(*told, tell("stopped", 3, key="b", site=B), sites=[A, B]).stopped_at == at(3)
    assert folded(*told, sites=[A]).stopped_at == at(1)
