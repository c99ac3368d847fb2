"""Whatever the order and repetition of reports: one progress, one timeline, one author's view, one set of benefits."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from app.domain.reports.fold import Folded, fold
from app.domain.reports.told import Told, in_order
from app.domain.reports.types import REPORTS
from app.domain.vocabulary import Progress, Seen
from tests.domain.reports.making import DATA, A, B, C, at, saw, tell

KEYS = [f"r{number}" for number in range(6)]
SOURCES = ["rota", "audit"]
SITES = st.sampled_from([None, A, B, C])
HOURS = st.integers(0, 3)
VARIANTS: dict[str, list[dict[str, JsonValue]]] = {
    "trial_result": [{"next_step": step} for step in ("adopt", "stop")],
    "sustained_check": [{"still_in_use": answer} for answer in ("yes", "no", "changed")],
    "implemented": [{}, {"not_measured_because": "Too small."}],
    "impact_measured": [{"value": value} for value in (1, 2)],
}
INSIDE = [kind for kind in DATA if kind not in ("correction", "retraction")]


@st.composite
def bodies(draw: st.DrawFn, kinds: Sequence[str] = tuple(DATA)) -> tuple[str, dict[str, JsonValue]]:
    """A type and what it carries; corrections and retractions name any of the reports, of either source."""
    kind = draw(st.sampled_from(list(kinds)))
    data = DATA[kind] | draw(st.sampled_from(VARIANTS.get(kind, [{}])))
    if kind == "retraction":
        data["retracts"] = draw(st.sampled_from(KEYS))
    if kind == "correction":
        inner, fields = draw(bodies(INSIDE))
        data["supersedes"] = draw(st.sampled_from(KEYS))
        data["report"] = {"type": inner, **fields}
    return kind, data


@st.composite
def reports(draw: st.DrawFn, kinds: Sequence[str] = tuple(DATA)) -> list[Told]:
    """Up to six reports of any types, of three sites or none, by two sources, often of the same instant."""
    told = []
    for key in KEYS[: draw(st.integers(1, 6))]:
        kind, data = draw(bodies(kinds))
        source, site = draw(st.sampled_from(SOURCES)), draw(SITES)
        one = tell(kind, draw(HOURS), key=key, source=source, site=site, **data)
        told.append(replace(one, dismissed=draw(st.sampled_from([False] * 9 + [True]))))
    return told


@st.composite
def courses(draw: st.DrawFn) -> dict[str, object]:
    """What else the fold looks at."""
    people = st.builds(saw, st.sampled_from("xyz"), st.sampled_from(Seen), st.sampled_from([0.5, 1.5, 2]), SITES)
    return {
        "sites": draw(st.sampled_from([(), (A,), (A, B), (C, A, B)])),
        "since": draw(st.sampled_from([None, None, at(0), at(1.5)])),
        "recommits": draw(st.sampled_from([(), (at(1),), (at(2.5),)])),
        "confirmations": draw(st.lists(people, max_size=4)),
        "decided_yes": draw(st.sampled_from([True, True, False])),
    }


def come_to(told: Sequence[Told], course: dict[str, object]) -> Folded:
    return fold(told, **course)  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None)
@given(reports(), courses(), st.data())
def test_every_order_and_repetition_comes_to_the_same(
    told: list[Told], course: dict[str, object], data: st.DataObject
) -> None:
    expected = come_to(told, course)
    for _ in range(3):
        again = data.draw(st.lists(st.sampled_from(told), max_size=4))
        arrived = data.draw(st.permutations([*told, *again]))
        found = come_to(arrived, course)
        assert found == expected
        assert list(found.history) == list(expected.history)
        assert in_order(arrived) == in_order(told)


@settings(max_examples=5, deadline=None)
@given(reports(), courses())
def test_all_orders_of_six_reports_come_to_the_same(told: list[Told], course: dict[str, object]) -> None:
    expected = come_to(told, course)
    for arrived in permutations(told):
        assert come_to(arrived, course) == expected


@settings(max_examples=400, deadline=None)
@given(reports(), courses())
def test_what_must_hold_of_any_fold(told: list[Told], course: dict[str, object]) -> None:
    result = come_to(told, course)
    quarantined = result.contradictions | result.targets_missing
    ids = {one.id: one for one in told}
    assert set(result.statuses) == set(ids)
    assert {one for one, status in result.statuses.items() if status == "quarantined"} == quarantined
    assert {one for one, status in result.statuses.items() if status == "rejected"} == {
        one.id for one in told if one.dismissed
    }
    assert not quarantined & set(result.struck_out)
    assert result.progress is (result.would_be if course["decided_yes"] else None)
    assert (result.progress is Progress.CONFLICT) == bool(result.conflicts)
    assert result.stopped == (result.would_be is Progress.STOPPED)
    assert (result.final in result.finals) == bool(result.finals)
    for old, new in result.struck_out.items():
        assert ids[old].source == ids[new].source
        assert in_order(told).index(ids[old]) < in_order(told).index(ids[new])
        assert new not in result.struck_out
    assert {one for one, _ in (*result.benefits, *result.links)} <= {
        one for one, status in result.statuses.items() if status in ("applied", "recorded")
    }
    assert [one.id for one in result.history] == [
        one.id for one in in_order(told) if one.id not in quarantined and not one.dismissed
    ]


@settings(max_examples=300, deadline=None)
@given(reports(INSIDE), courses())
def test_a_contradiction_has_no_effect(told: list[Told], course: dict[str, object]) -> None:
    whole = come_to(told, course)
    fitting = come_to([one for one in told if one.id not in whole.contradictions], course)
    kept = {one: status for one, status in whole.statuses.items() if one not in whole.contradictions}
    assert fitting == replace(whole, statuses=kept, contradictions=frozenset())


LEGAL: dict[str, set[Progress | None]] = {kind: set(REPORTS[kind].follows) for kind in INSIDE}


@settings(max_examples=300, deadline=None)
@given(reports(INSIDE))
def test_one_source_and_one_place_walk_by_the_table(told: list[Told]) -> None:
    """The table once more, as plainly as it can be put: pauses by a variable, no sites, no versions."""
    mine = [replace(one, source="rota", site=None) for one in told if not one.dismissed]
    shown: Progress | None = None
    before: Progress | None = None
    for one in in_order(mine):
        report = one.report
        if shown not in LEGAL[one.kind]:
            continue
        if one.kind == "paused" and shown is not Progress.PAUSED:
            before = shown
        if one.kind == "resumed":
            shown = before
        elif report.says_progress:
            shown = report.enters or Progress.STOPPED
    assert fold(mine, decided_yes=True).progress is shown
