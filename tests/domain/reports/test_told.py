"""The one order of reports, and what corrections and retractions do."""

from dataclasses import replace

import pytest

from app.domain.reports.told import Struck, Told, in_order, strike_out
from app.domain.vocabulary import Progress
from tests.domain.reports.making import A, B, C, folded, inside, progress, tell


def struck(*told: Told) -> dict[str, str]:
    """What no longer counts, and what struck it out, by their keys."""
    keys = {one.id: one.report_key for one in told}
    return {keys[old]: keys[new] for old, new in strike_out(in_order(told)).by.items()}


def missing(*told: Told) -> set[str]:
    keys = {one.id: one.report_key for one in told}
    return {keys[one] for one in strike_out(in_order(told)).missing}


def correction(of: str, into: str, hour: float, key: str = "correction") -> Told:
    return tell("correction", hour, key=key, supersedes=of, report=inside(into))


def retraction(of: str, hour: float, key: str = "retraction") -> Told:
    return tell("retraction", hour, key=key, retracts=of)


# ── the order ──


def test_the_order_is_time_then_rank_then_content() -> None:
    early = tell("stopped", 1)
    same_time = [tell(kind, 2, key=f"at two {kind}") for kind in ("planned", "implemented", "stopped")]
    twins = sorted((tell("paused", 3, key=key) for key in "abc"), key=lambda told: told.digest)
    whole = [early, *same_time, *twins]
    assert in_order(reversed(whole)) == whole


def test_a_repeated_report_is_one() -> None:
    one = tell("planned")
    assert in_order([one, one, one]) == [one]


def test_equal_content_is_ordered_by_its_source() -> None:
    mine, yours = (replace(tell("planned", source=source), digest=b"same") for source in ("a", "b"))
    assert in_order([yours, mine]) == in_order([mine, yours]) == [mine, yours]


def test_a_correction_of_the_same_instant_stands_behind_what_it_names() -> None:
    first = correction("implemented", "planned", 1, key="first")
    second = correction("first", "partly_implemented", 1, key="second")
    for low, high in ((first, second), (second, first)):  # Whatever the content hash says.
        told = [tell("implemented", 1), replace(low, digest=b"0"), replace(high, digest=b"9")]
        assert [one.report_key for one in in_order(told)] == ["implemented", "first", "second"]
        assert struck(*told) == {"implemented": "second", "first": "second"}


def test_a_circle_of_one_instant_is_ordered_by_content() -> None:
    low = replace(retraction("high", 1, key="low"), digest=b"0")
    high = replace(retraction("low", 1, key="high"), digest=b"9")
    assert in_order([high, low]) == [low, high]
    assert strike_out([low, high]) == Struck({low.id: high.id}, frozenset())


# ── what is struck out ──


def test_a_correction_replaces_and_a_retraction_drops() -> None:
    told = tell("implemented", 1)
    assert struck(told, correction("implemented", "planned", 2)) == {"implemented": "correction"}
    assert struck(told, retraction("implemented", 2)) == {"implemented": "retraction"}


@pytest.mark.parametrize(
    "told",
    [
        retraction("nothing", 2),
        retraction("retraction", 2),  # itself
        retraction("later", 2),
        replace(retraction("implemented", 2), source="another"),
        correction("later", "planned", 2),
    ],
)
def test_only_an_earlier_report_of_the_same_source_can_be_struck_out(told: Told) -> None:
    others = (tell("implemented", 1), tell("planned", 3, key="later"))
    assert struck(*others, told) == {}
    assert missing(*others, told) == {told.report_key}


def test_there_are_no_circles() -> None:
    first, second = retraction("second", 1, key="first"), retraction("first", 2, key="second")
    assert struck(first, second) == {"first": "second"}
    assert missing(first, second) == set()


def test_the_last_of_two_corrections_of_one_report_counts() -> None:
    told = (
        tell("implemented", 1),
        correction("implemented", "planned", 2, key="first"),
        correction("implemented", "partly_implemented", 3, key="second"),
    )
    assert struck(*told) == {"implemented": "second", "first": "second"}
    assert progress(*told) == Progress.PARTLY_IMPLEMENTED


def test_a_correction_of_a_correction_stands_in_the_place_of_both() -> None:
    told = (
        tell("implemented", 1),
        correction("implemented", "partly_implemented", 2, key="first"),
        correction("first", "planned", 3, key="second"),
        correction("second", "trial_started", 4, key="third"),
    )
    assert struck(*told) == {"implemented": "third", "first": "third", "second": "third"}
    assert progress(*told) == Progress.TRIALLING


def test_a_retracted_correction_brings_back_what_it_corrected() -> None:
    told = (
        tell("implemented", 1),
        correction("implemented", "planned", 2),
        retraction("correction", 3),
    )
    assert struck(*told) == {"correction": "retraction"}
    assert progress(*told) == Progress.IMPLEMENTED


def test_a_retracted_retraction_brings_back_what_it_retracted() -> None:
    told = (tell("implemented", 1), retraction("implemented", 2, key="first"), retraction("first", 3, key="second"))
    assert struck(*told) == {"first": "second"}
    assert progress(*told) == Progress.IMPLEMENTED


def test_a_corrected_retraction_leaves_what_it_retracted_struck_out() -> None:
    told = (tell("implemented", 1), retraction("implemented", 2), correction("retraction", "planned", 3))
    assert struck(*told) == {"implemented": "correction", "retraction": "correction"}
    assert progress(*told) == Progress.PLANNED


def test_a_retraction_of_what_was_corrected_strikes_out_the_correction_too() -> None:
    told = (tell("implemented", 1), correction("implemented", "planned", 2), retraction("implemented", 3))
    assert struck(*told) == {"implemented": "retraction", "correction": "retraction"}
    assert progress(*told) is None


def test_a_correction_after_a_retraction_is_the_last_word() -> None:
    told = (tell("implemented", 1), retraction("implemented", 2), correction("implemented", "planned", 3))
    assert struck(*told) == {"implemented": "correction", "retraction": "correction"}
    assert progress(*told) == Progress.PLANNED


def test_a_later_word_about_the_first_report_overtakes_a_chain() -> None:
    told = (
        tell("implemented", 1),
        correction("implemented", "partly_implemented", 2, key="first"),
        correction("first", "planned", 3, key="second"),
        correction("implemented", "stopped", 4, key="third"),
    )
    assert struck(*told) == {"implemented": "third", "first": "third", "second": "third"}


def test_a_correction_that_waits_for_its_target_can_be_corrected_itself() -> None:
    waiting = correction("not here yet", "implemented", 1, key="waiting")
    told = (waiting, correction("waiting", "planned", 2))
    assert struck(*told) == {"waiting": "correction"}
    assert missing(*told) == set()
    assert progress(*told) == Progress.PLANNED


def test_a_dismissed_report_can_still_be_corrected_but_strikes_nothing_out() -> None:
    dismissed = replace(tell("implemented", 1), dismissed=True)
    assert progress(dismissed, correction("implemented", "planned", 2)) == Progress.PLANNED
    no_longer = replace(retraction("implemented", 2), dismissed=True)
    assert struck(tell("implemented", 1), no_longer) == {}
    assert progress(tell("implemented", 1), no_longer) == Progress.IMPLEMENTED


# ── what a correction says ──


def test_a_correction_speaks_at_its_own_date() -> None:
    told = (tell("implemented", 1), tell("stopped", 2), correction("stopped", "paused", 3))
    assert folded(*told).statuses[told[2].id] == "quarantined"  # A pause is no legal step after `implemented`.
    assert progress(*told) == Progress.IMPLEMENTED


def test_a_correction_without_a_site_speaks_of_the_site_of_its_target() -> None:
    told = (
        tell("implemented", 1, site=A),
        tell("implemented", 1, key="at b", site=B),
        correction("implemented", "planned", 2, key="first"),
        correction("first", "partly_implemented", 3, key="second"),
    )
    assert [place.progress for place in (folded(*told, sites=[A]), folded(*told, sites=[B]))] == [
        Progress.PARTLY_IMPLEMENTED,
        Progress.IMPLEMENTED,
    ]


def test_a_correction_may_name_another_site() -> None:
    told = (tell("implemented", 1, site=A), replace(correction("implemented", "implemented", 2), site=C))
    assert [folded(*told, sites=[site]).progress for site in (A, C)] == [None, Progress.IMPLEMENTED]
