"""Conflicts: two sources that disagree, and claims that the front line has not seen."""

import pytest

from app.domain.reports.place import Conflict, Version
from app.domain.reports.told import Told
from app.domain.vocabulary import Progress, Seen
from tests.domain.reports.making import A, B, at, folded, inside, progress, saw, statuses, tell

CONFLICT, IMPLEMENTED, PLANNED = Progress.CONFLICT, Progress.IMPLEMENTED, Progress.PLANNED
SEEN, PARTLY, NOT_SEEN = Seen.SEEN, Seen.PARTLY, Seen.NOT_SEEN

ROTA = tell("implemented", 5)
AUDIT = tell("stopped", 5, source="audit")


# ── two sources ──


def test_two_sources_that_disagree_about_one_time() -> None:
    result = folded(ROTA, AUDIT)
    versions = (Version(ROTA.id, "rota", IMPLEMENTED), Version(AUDIT.id, "audit", Progress.STOPPED))
    assert (result.progress, result.conflicts) == (CONFLICT, (Conflict(None, at(5), versions, 0),))
    assert statuses(result, ROTA, AUDIT) == ["conflict", "conflict"]
    assert result.stopped is False


@pytest.mark.parametrize(
    "other",
    [
        tell("implemented", 5, key="again"),  # the same source says the same
        tell("implemented", 5, source="audit"),  # another source says the same
        tell("stopped", 4, source="audit", site=B),  # another site
        tell("planned", 4, source="audit"),  # another time
        tell("impact_measured", 5, source="audit"),  # it says no progress
        tell("adopted_elsewhere", 5, source="audit"),
        tell("sustained_check", 5, source="audit"),
    ],
)
def test_what_is_no_conflict(other: Told) -> None:
    told = tell("implemented", 5, site=A)
    assert progress(told, other, sites=[A]) is IMPLEMENTED


def test_one_source_that_says_two_things_is_judged_by_its_last_word() -> None:
    mine = (tell("planned", 5), tell("trial_started", 5))
    assert progress(*mine) is Progress.TRIALLING
    assert progress(*mine, tell("trial_started", 5, source="audit")) is Progress.TRIALLING
    assert progress(*mine, tell("planned", 5, source="audit")) is CONFLICT


def test_two_sources_that_say_the_same_of_one_instant_agree() -> None:
    rota, audit = tell("trial_started", 5, key="rota"), tell("trial_started", 5, key="audit", source="audit")
    planned = tell("planned", 5)
    result = folded(planned, rota, audit)
    assert (result.progress, result.contradictions, result.conflicts) == (Progress.TRIALLING, frozenset(), ())


def test_what_disagrees_with_one_source_may_agree_with_another_word_of_it() -> None:
    site, paused = tell("implemented", 5, key="site", site=A), tell("paused", 5, key="paused")
    result = folded(tell("planned", 5), site, paused, tell("paused", 5, source="audit"))
    assert (result.progress, result.contradictions) == (CONFLICT, frozenset())
    assert len(result.conflicts[0].versions) == 2


def test_a_report_without_a_site_speaks_of_every_site() -> None:
    told = (tell("implemented", 5, site=A), tell("planned", 5, source="audit"))
    assert folded(*told, sites=[A, B]).conflicts == (
        Conflict(A, at(5), (Version(told[1].id, "audit", PLANNED), Version(told[0].id, "rota", IMPLEMENTED)), 0),
    )
    assert progress(*told, sites=[B]) is PLANNED


def test_two_sites_of_a_whole_organisation_do_not_disagree() -> None:
    assert progress(tell("planned", 5, site=A), tell("implemented", 5, source="audit", site=B)) is IMPLEMENTED
    assert progress(tell("planned", 5, site=A), tell("implemented", 5, source="audit")) is CONFLICT


def test_the_rank_of_a_type_decides_no_disagreement() -> None:
    """A pause is no legal step after `implemented`, but both may follow what stood before their common instant."""
    told = (tell("implemented", 5), tell("paused", 5, source="audit"))
    assert statuses(folded(*told), *told) == ["conflict", "conflict"]
    assert statuses(folded(told[0], tell("paused", 5)), *told[:1], tell("paused", 5)) == ["applied", "quarantined"]


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        (tell("implemented", 6, key="again"), IMPLEMENTED),
        (tell("stopped", 6, source="third"), Progress.STOPPED),
        (tell("sustained_check", 6, still_in_use="no"), Progress.STOPPED),
        (tell("trial_started", 6, source="audit"), Progress.TRIALLING),  # the other version goes on
        (tell("retraction", 6, retracts="implemented"), PLANNED),
        (
            tell("correction", 6, supersedes="implemented", report=inside("partly_implemented")),
            Progress.PARTLY_IMPLEMENTED,
        ),
        (tell("impact_measured", 6), CONFLICT),
        (tell("adopted_elsewhere", 6), CONFLICT),
        (tell("sustained_check", 6), CONFLICT),
        (tell("resumed", 6), CONFLICT),  # a contradiction
    ],
)
def test_what_ends_a_disagreement(later: Told, shown: Progress) -> None:
    told = (ROTA, tell("planned", 5, source="audit"))
    assert progress(*told) is CONFLICT
    assert progress(*told, later) is shown


def test_a_pause_in_one_version_can_be_resumed_to_what_it_was_before() -> None:
    told = (tell("trial_started", 4), tell("paused", 5), tell("stopped", 5, source="audit"), tell("resumed", 6))
    assert progress(*told[:3]) is CONFLICT
    assert progress(*told) is Progress.TRIALLING


def test_a_conflict_at_one_site_is_one_of_the_whole() -> None:
    told = (
        tell("implemented", 1),
        tell("stopped", 5, site=A),
        tell("implemented", 5, key="again", site=A, source="audit"),
    )
    result = folded(*told, sites=[B, A])
    assert (result.progress, result.conflict and result.conflict.site) == (CONFLICT, A)
    assert statuses(result, *told) == ["applied", "conflict", "conflict"]


# ── the front line ──


def test_two_people_who_have_not_seen_it() -> None:
    people = [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 8), saw("n3", NOT_SEEN, 7)]
    result = folded(ROTA, confirmations=people)
    expected = Conflict(None, at(7), (Version(ROTA.id, "rota", IMPLEMENTED),), 3)
    assert (result.progress, result.conflicts) == (CONFLICT, (expected,))
    assert statuses(result, ROTA) == ["conflict"]


@pytest.mark.parametrize(
    "people",
    [
        [saw("n1", NOT_SEEN, 6)],
        [saw("n1", NOT_SEEN, 6), saw("n1", NOT_SEEN, 7)],  # one person is one
        [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 7), saw("n1", SEEN, 8)],  # the last one counts
        [saw("n1", NOT_SEEN, 6), saw("n2", PARTLY, 7)],
        [saw("n1", NOT_SEEN, 4), saw("n2", NOT_SEEN, 7)],  # before the claim
    ],
)
def test_too_few_people(people: list[object]) -> None:
    assert folded(ROTA, confirmations=people).progress is IMPLEMENTED  # type: ignore[arg-type]


def test_only_a_claim_that_it_is_implemented_is_contradicted() -> None:
    people = [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 7)]
    assert folded(tell("partly_implemented", 5), confirmations=people).progress is Progress.PARTLY_IMPLEMENTED
    assert folded(ROTA, tell("stopped", 8), confirmations=people).progress is Progress.STOPPED


def test_people_who_said_so_of_a_part_have_said_it_before_the_claim_of_the_whole() -> None:
    people = [saw("n1", NOT_SEEN, 3), saw("n2", NOT_SEEN, 4)]
    told = tell("partly_implemented", 1)
    assert folded(told, ROTA, confirmations=people).progress is IMPLEMENTED
    assert folded(told, tell("implemented", 2), confirmations=people).progress is CONFLICT


def test_a_confirmation_counts_at_its_site() -> None:
    at_a = [saw("n1", NOT_SEEN, 6, A), saw("n2", NOT_SEEN, 7, A)]
    result = folded(ROTA, sites=[A, B], confirmations=at_a)
    assert [conflict.site for conflict in result.conflicts] == [A]
    assert folded(ROTA, sites=[B], confirmations=at_a).progress is IMPLEMENTED
    assert folded(ROTA, confirmations=at_a).progress is CONFLICT  # without committed sites there is one place
    apart = [saw("n1", NOT_SEEN, 6, A), saw("n2", NOT_SEEN, 7, B)]
    assert folded(ROTA, sites=[A, B], confirmations=apart).progress is IMPLEMENTED


def test_a_person_who_speaks_of_another_site_no_longer_speaks_of_the_first() -> None:
    people = [saw("n1", NOT_SEEN, 6, A), saw("n2", NOT_SEEN, 7, A), saw("n1", NOT_SEEN, 8, B)]
    assert folded(ROTA, sites=[A, B], confirmations=people).progress is IMPLEMENTED


def test_a_claim_made_anew_wants_to_be_seen_anew() -> None:
    people = [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 7)]
    again = tell("implemented", 8, key="again")
    between = tell("implemented", 6.5, key="again")
    assert folded(ROTA, again, confirmations=people).progress is IMPLEMENTED
    assert statuses(folded(ROTA, again, confirmations=people), ROTA, again) == ["applied", "applied"]
    assert folded(ROTA, again, confirmations=[*people, saw("n1", NOT_SEEN, 9)]).progress is IMPLEMENTED
    assert folded(ROTA, between, confirmations=people).progress is IMPLEMENTED
    anew = [*people, saw("n1", NOT_SEEN, 9), saw("n2", NOT_SEEN, 10)]
    assert folded(ROTA, again, confirmations=anew).progress is CONFLICT


def test_a_correction_or_retraction_ends_it() -> None:
    people = [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 7)]
    partly = tell("correction", 5, supersedes="implemented", report=inside("partly_implemented"))
    assert folded(ROTA, partly, confirmations=people).progress is Progress.PARTLY_IMPLEMENTED
    assert folded(ROTA, tell("retraction", 6, retracts="implemented"), confirmations=people).progress is None


def test_a_disagreement_of_sources_counts_the_front_line_too() -> None:
    told = (ROTA, tell("planned", 5, source="audit"))
    people = [saw("n1", NOT_SEEN, 6), saw("n2", NOT_SEEN, 7)]
    assert [(one.since, len(one.versions), one.not_seen) for one in folded(*told, confirmations=people).conflicts] == [
        (at(5), 2, 2)
    ]
