"""What a set of reports comes to: progress, statuses, benefits, final reports, and what the author reads."""

from dataclasses import replace

import pytest

from app.domain.reports.fold import Folded, Remembered, fold
from app.domain.reports.told import Told
from app.domain.reports.types import AdoptedElsewhere, ImpactMeasured
from app.domain.vocabulary import BenefitType, Period, Progress, ReportStatus, Seen
from tests.domain.reports.making import A, B, C, at, folded, inside, progress, saw, statuses, tell

LIFE = (
    tell("planned", 1),
    tell("trial_started", 2),
    tell("paused", 3),
    tell("resumed", 4),
    tell("trial_result", 5),
    tell("partly_implemented", 6),
    tell("implemented", 7),
    tell("sustained_check", 8),
    tell("stopped", 9),
)


def test_nothing_comes_to_nothing() -> None:
    assert fold([], decided_yes=True) == Folded(
        progress=None,
        would_be=None,
        statuses={},
        contradictions=frozenset(),
        targets_missing=frozenset(),
        struck_out={},
        benefits=(),
        links=(),
        final=None,
        finals=(),
        final_measured=False,
        conflicts=(),
        claims_done=False,
        trial_has_result=False,
        stopped_at=None,
        history=(),
    )


def test_everything_comes_to_what_is_shown() -> None:
    impact = tell("impact_measured", 3, verified_by="finance")
    link = tell("adopted_elsewhere", 4)
    wrong = tell("implemented", 2, key="wrong", not_measured_because="Too small.")
    right = tell("correction", 5, supersedes="wrong", report=inside("implemented"))
    stray, waiting = tell("resumed", 6), tell("retraction", 7, retracts="not here yet")
    told = (impact, link, wrong, right, stray, waiting)
    assert fold(told, decided_yes=True) == Folded(
        progress=Progress.IMPLEMENTED,
        would_be=Progress.IMPLEMENTED,
        statuses={
            impact.id: ReportStatus.APPLIED,
            link.id: ReportStatus.APPLIED,
            wrong.id: ReportStatus.RECORDED,
            right.id: ReportStatus.RECORDED,
            stray.id: ReportStatus.QUARANTINED,
            waiting.id: ReportStatus.QUARANTINED,
        },
        contradictions=frozenset({stray.id}),
        targets_missing=frozenset({waiting.id}),
        struck_out={wrong.id: right.id},
        benefits=(
            (
                impact.id,
                ImpactMeasured(
                    summary="What happened: impact_measured",
                    benefit_type=BenefitType.NON_CASH_TIME,
                    measure="late calls",
                    baseline=31,
                    value=12,
                    unit="percent",
                    period=Period.MONTH,
                    method="rota export",
                    verified_by="finance",
                ),
            ),
        ),
        links=((link.id, AdoptedElsewhere(summary="What happened: adopted_elsewhere", organisation="Northgate Care")),),
        final=right.id,
        finals=(right.id,),
        final_measured=True,
        conflicts=(),
        claims_done=True,
        trial_has_result=False,
        stopped_at=None,
        history=(
            Remembered(wrong.id, "implemented", "What happened: implemented", at(2), struck_out=True),
            Remembered(impact.id, "impact_measured", "What happened: impact_measured", at(3), struck_out=False),
            Remembered(link.id, "adopted_elsewhere", "What happened: adopted_elsewhere", at(4), struck_out=False),
            Remembered(right.id, "correction", "What happened: correction", at(5), struck_out=False),
        ),
    )


def test_progress_through_a_whole_life() -> None:
    shown = [progress(*LIFE[:count]) for count in range(len(LIFE) + 1)]
    assert [one and one.value for one in shown] == [
        None,
        "planned",
        "trialling",
        "paused",
        "trialling",
        "trial_done",
        "partly_implemented",
        "implemented",
        "implemented",
        "stopped",
    ]
    assert progress(*reversed(LIFE)) is Progress.STOPPED


def test_a_report_dated_before_a_later_one_is_just_history() -> None:
    early = tell("trial_started", 1)
    assert statuses(folded(tell("implemented", 2), early), early) == ["applied"]
    assert progress(tell("implemented", 2), early) is Progress.IMPLEMENTED


def test_a_contradiction_joins_by_itself_when_what_it_needs_arrives() -> None:
    resumed = tell("resumed", 3)
    alone = folded(tell("planned", 1), resumed)
    assert (statuses(alone, resumed), alone.contradictions) == (["quarantined"], frozenset({resumed.id}))
    joined = folded(tell("planned", 1), resumed, tell("paused", 2))
    assert (statuses(joined, resumed), joined.contradictions) == (["applied"], frozenset())


# ── before a yes, and where the fold begins ──


def test_before_a_yes_everything_is_recorded_but_a_contradiction() -> None:
    told = (*LIFE, tell("impact_measured", 3), tell("resumed", 10, key="stray"))
    result = fold(told, decided_yes=False)
    assert (result.progress, result.would_be) == (None, Progress.STOPPED)
    assert (result.benefits, result.final, result.finals, result.final_measured) == ((), None, (), False)
    assert statuses(result, *told) == ["recorded"] * 10 + ["quarantined"]
    assert (result.claims_done, result.trial_has_result, len(result.history)) == (True, True, 10)


def test_a_conflict_before_a_yes_is_shown_from_the_yes_on() -> None:
    told = (tell("implemented", 1), tell("planned", 1, source="audit"))
    before, after = (fold(told, decided_yes=yes) for yes in (False, True))
    assert (before.progress, before.would_be, before.conflicts) == (None, Progress.CONFLICT, ())
    assert statuses(before, *told) == ["recorded", "recorded"]
    assert statuses(after, *told) == ["conflict", "conflict"]


def test_only_what_occurred_after_the_last_return_counts() -> None:
    impact, planned = tell("impact_measured", 3), tell("planned", 10, key="again")
    told = (*LIFE, impact, planned)
    people = [saw("n1", Seen.NOT_SEEN, 8), saw("n2", Seen.NOT_SEEN, 8)]
    result = fold(told, since=at(9), recommits=[at(9)], confirmations=people, decided_yes=True)
    assert (result.progress, result.benefits, result.claims_done) == (Progress.PLANNED, (), False)
    assert statuses(result, *told) == ["recorded"] * 10 + ["applied"]
    assert [one.kind for one in result.history][-2:] == ["stopped", "planned"]


def test_a_correction_after_the_return_counts_though_what_it_corrects_does_not() -> None:
    told = (tell("implemented", 1), tell("correction", 5, supersedes="implemented", report=inside("planned")))
    result = fold(told, since=at(3), decided_yes=True)
    assert (result.progress, statuses(result, *told)) == (Progress.PLANNED, ["recorded", "applied"])


# ── a promise made anew ──


def test_a_recommitment_leads_out_of_stopped_and_changes_nothing_else() -> None:
    def after(*told: Told, hour: float = 5) -> Progress | None:
        return fold(told, recommits=[at(hour)], decided_yes=True).progress

    assert after(tell("stopped", 4)) is Progress.PLANNED
    assert after(tell("stopped", 5)) is Progress.PLANNED  # at the same instant, the report is first
    assert after(tell("stopped", 6)) is Progress.STOPPED
    assert after(tell("stopped", 4), tell("trial_started", 6)) is Progress.TRIALLING
    assert after(tell("stopped", 4), tell("implemented", 6)) is Progress.IMPLEMENTED
    for kind in ("planned", "trial_started", "trial_result", "partly_implemented", "implemented", "paused"):
        assert after(tell(kind, 4)) is progress(tell(kind, 4))
    assert after(tell("stopped", 4), tell("implemented", 4, source="audit")) is Progress.CONFLICT


def test_a_recommitment_leaves_no_final_report() -> None:
    result = fold([tell("stopped", 4)], recommits=[at(5)], decided_yes=True)
    assert (result.final, result.finals, result.stopped) == (None, (), False)


# ── several sites ──


def test_sites_are_folded_apart_and_rolled_up() -> None:
    told = (tell("planned", 1), tell("implemented", 2, key="a", site=A), tell("implemented", 3, key="b", site=B))
    assert progress(*told, sites=[A, B, C]) is Progress.PARTLY_IMPLEMENTED
    assert progress(*told, sites=[A, B]) is Progress.IMPLEMENTED
    assert progress(*told, tell("stopped", 4, site=C), sites=[A, B, C]) is Progress.IMPLEMENTED
    assert statuses(folded(*told, sites=[A, B, C]), *told) == ["applied"] * 3


def test_a_report_of_a_site_that_was_not_promised_is_history() -> None:
    told = (tell("planned", 1), tell("resumed", 2, site=C), tell("impact_measured", 3, site=C))
    result = folded(*told, sites=[A, B])
    assert (result.progress, statuses(result, *told)) == (Progress.PLANNED, ["applied", "recorded", "applied"])


def test_a_report_that_fits_one_of_the_sites_it_speaks_of_is_no_contradiction() -> None:
    told = (tell("paused", 1, site=A), tell("trial_started", 1, site=B), tell("resumed", 2))
    assert statuses(folded(*told, sites=[A, B]), *told) == ["applied"] * 3
    assert statuses(folded(*told, sites=[B]), *told) == ["recorded", "applied", "quarantined"]


# ── statuses of what changes nothing, and in hindsight ──


def test_what_changes_nothing_is_recorded() -> None:
    told = (tell("planned", 1), tell("planned", 2, key="another date"), tell("sustained_check", 3))
    assert statuses(folded(*told), *told) == ["applied", "recorded", "recorded"]


@pytest.mark.parametrize(
    ("hindsight", "status"),
    [
        (tell("retraction", 5, retracts="implemented"), "applied"),
        (tell("retraction", 5, retracts="planned"), "recorded"),
        (tell("retraction", 5, retracts="impact_measured"), "applied"),
        (tell("retraction", 5, retracts="adopted_elsewhere"), "applied"),
        (tell("correction", 5, supersedes="implemented", report=inside("implemented")), "recorded"),
        (tell("correction", 5, supersedes="implemented", report=inside("partly_implemented")), "applied"),
        (tell("correction", 5, supersedes="impact_measured", report=inside("impact_measured", value=13)), "applied"),
        (tell("correction", 5, supersedes="impact_measured", report=inside("resumed")), "quarantined"),
    ],
)
def test_a_correction_or_retraction_is_applied_where_it_changes_what_was_so(hindsight: Told, status: str) -> None:
    told = (tell("planned", 1), tell("implemented", 2), tell("impact_measured", 3), tell("adopted_elsewhere", 4))
    assert statuses(folded(*told, hindsight), *told, hindsight)[4:] == [status]


def test_a_correction_is_judged_by_what_was_known_at_its_own_time() -> None:
    """Two people say later that they have not seen it; the correction of the day before has changed what was so."""
    told = (tell("implemented", 2), tell("correction", 3, supersedes="implemented", report=inside("planned")))
    people = [saw("n1", Seen.NOT_SEEN, 4), saw("n2", Seen.NOT_SEEN, 5)]
    result = fold(told, confirmations=people, recommits=[at(9)], decided_yes=True)
    assert (result.progress, statuses(result, *told)) == (Progress.PLANNED, ["recorded", "applied"])


def test_a_corrected_benefit_replaces_the_first() -> None:
    told = (
        tell("impact_measured", 1),
        tell("correction", 2, supersedes="impact_measured", report=inside("impact_measured", value=13)),
    )
    assert [(one, benefit.value) for one, benefit in folded(*told).benefits] == [(told[1].id, 13)]


def test_a_dismissed_report_counts_for_nothing() -> None:
    told = (tell("planned", 1), replace(tell("implemented", 2), dismissed=True))
    result = folded(*told)
    assert (result.progress, statuses(result, *told)) == (Progress.PLANNED, ["applied", "rejected"])
    assert [one.kind for one in result.history] == ["planned"]
