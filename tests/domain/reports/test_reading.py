"""From data to a report: what each type must carry, what is ignored, and how a fault is named."""

from datetime import date

import pytest
from pydantic import JsonValue

from app.domain.reports.reading import UnknownReportType, read_report, report_types
from app.domain.reports.types import Correction, Evidence, Implemented, Planned, Report
from app.domain.vocabulary import EvidenceKind
from app.kit.refusals import Invalid, PersonalDataFound
from tests.domain.reports.making import DATA, inside

NHS_NUMBER = "943 476 5919"  # From the NHS Data Dictionary: it has a valid check digit.

MUST_CARRY: dict[str, set[str]] = {
    "planned": {"due_on", "owner_role"},
    "trial_started": {"ends_on", "measure", "baseline"},
    "trial_result": {"result", "next_step"},
    "partly_implemented": {"what_changed", "evidence"},
    "implemented": {"what_changed", "evidence"},
    "impact_measured": {"benefit_type", "measure", "baseline", "value", "unit", "period", "method"},
    "sustained_check": {"still_in_use"},
    "paused": {"reason", "until"},
    "stopped": {"reason", "rationale"},
    "correction": {"supersedes", "why", "report"},
    "retraction": {"retracts", "why"},
}


def faults(kind: str, data: dict[str, JsonValue]) -> list[tuple[str, str]]:
    """Pointer and code of everything that is wrong with a report."""
    with pytest.raises(Invalid) as refused:
        read_report(kind, data)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def changed(kind: str, **data: JsonValue) -> dict[str, JsonValue]:
    """The example of a type with other members."""
    return {"summary": "s"} | DATA[kind] | data


def test_the_thirteen_types_stand_in_the_order_of_the_table() -> None:
    assert [(report.kind, report.rank) for report in report_types()] == list(zip(DATA, range(1, 14), strict=True))


def test_a_report_is_read_whole() -> None:
    data = changed("implemented", summary="Fixed pairs", site="brough", not_measured_because="Too small.")
    assert read_report("implemented", data) == Implemented(
        summary="Fixed pairs",
        site="brough",
        evidence=(Evidence(kind=EvidenceKind.ROTA_CHANGE, title="Rota week 47"),),
        not_measured_because="Too small.",
        what_changed="Two pairs cover all double-up calls.",
    )


@pytest.mark.parametrize("kind", DATA)
def test_every_example_is_complete(kind: str) -> None:
    assert read_report(kind, changed(kind)).kind == kind


@pytest.mark.parametrize("kind", MUST_CARRY)
def test_what_a_type_must_carry(kind: str) -> None:
    wanted = {(f"/data/{name}", "missing") for name in MUST_CARRY[kind] | {"summary"}}
    assert set(faults(kind, {})) == wanted
    assert set(faults(kind, dict.fromkeys(DATA[kind]))) == wanted


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("trial_result", {"value": None}, [("/data/narrative", "missing")]),
        ("adopted_elsewhere", {"organisation": None}, [("/data/organisation", "missing")]),
        ("implemented", {"evidence": []}, [("/data/evidence", "too_short")]),
        (
            "implemented",
            {"evidence": [{"kind": "rumour", "title": ""}]},
            "/data/evidence/0/kind /data/evidence/0/title",
        ),
        (
            "implemented",
            {"evidence": [{"kind": "link", "title": "x", "url": "javascript:alert(1)"}]},
            "/data/evidence/0/url",
        ),
        ("planned", {"due_on": "2026-13-01"}, [("/data/due_on", "out_of_range")]),
        ("planned", {"due_on": "1 December"}, [("/data/due_on", "wrong_format")]),
        ("trial_started", {"baseline": "31"}, [("/data/baseline", "wrong_type")]),
        ("trial_started", {"baseline": True}, [("/data/baseline", "wrong_type")]),
        ("stopped", {"reason": "because"}, [("/data/reason", "not_allowed")]),
        ("impact_measured", {"period": "decade"}, [("/data/period", "not_allowed")]),
        ("sustained_check", {"still_in_use": True}, [("/data/still_in_use", "not_allowed")]),
        ("resumed", {"summary": " \n"}, [("/data/summary", "too_short")]),
        ("resumed", {"summary": "x" * 301}, [("/data/summary", "too_long")]),
        ("correction", {"report": "implemented"}, [("/data/report", "wrong_type")]),
        ("correction", {"report": {}}, [("/data/report/type", "missing")]),
        ("correction", {"report": {"type": 4}}, [("/data/report/type", "wrong_type")]),
        ("correction", {"report": {"type": "report.planned"}}, [("/data/report/type", "not_allowed")]),
        ("correction", {"report": {"type": "correction"}}, [("/data/report/type", "not_allowed")]),
        ("correction", {"report": {"type": "retraction"}}, [("/data/report/type", "not_allowed")]),
        ("correction", {"report": {"type": "paused", "until": "x"}}, "/data/report/reason /data/report/until"),
    ],
)
def test_a_fault_is_named_by_its_place(
    kind: str, data: dict[str, JsonValue], expected: list[tuple[str, str]] | str
) -> None:
    found = faults(kind, changed(kind, **data))
    assert (" ".join(place for place, _ in found) if isinstance(expected, str) else found) == expected


def test_the_faults_of_a_correction_and_of_what_it_carries_come_together() -> None:
    data = changed("correction", summary=None, why=None, report=inside("planned", due_on=None))
    assert set(faults("correction", data)) == {
        ("/data/summary", "missing"),
        ("/data/why", "missing"),
        ("/data/report/due_on", "missing"),
    }


def test_unknown_members_are_ignored_everywhere() -> None:
    evidence: dict[str, JsonValue] = {"kind": "audit", "title": "Audit"}
    plain = changed("implemented", evidence=[evidence])
    odd = changed("implemented", evidence=[evidence | {"vendor": 1}], vendor={"deep": [1]})
    assert read_report("implemented", odd) == read_report("implemented", plain)


@pytest.mark.parametrize("url", ["https://example.org/rota?week=47", "HTTP://intranet/47"])
def test_evidence_may_lead_to_a_page(url: str) -> None:
    evidence: dict[str, JsonValue] = {"kind": "link", "title": "Rota", "url": url}
    assert read_report("resumed", changed("resumed", evidence=[evidence])).evidence == (
        Evidence(kind=EvidenceKind.LINK, title="Rota", url=url),
    )


def test_a_correction_lends_its_summary_to_what_it_carries() -> None:
    assert read_report("correction", changed("correction", summary="Outer", report=inside("planned"))) == Correction(
        summary="Outer",
        supersedes="unknown",
        why="It was the office only.",
        report=Planned(summary="Outer", due_on=date(2026, 12, 1), owner_role="rota coordinator"),
    )
    own = read_report("correction", changed("correction", report=inside("planned", summary="Inner")))
    assert isinstance(own, Correction)
    assert own.report.summary == "Inner"


@pytest.mark.parametrize(("outer", "inner", "site"), [("a", "b", "a"), (None, "b", "b"), (None, None, None)])
def test_the_site_of_a_correction(outer: str | None, inner: str | None, site: str | None) -> None:
    data = changed("correction", site=outer, report=inside("planned", site=inner))
    assert read_report("correction", data).named_site == site
    assert read_report("planned", changed("planned", site=outer)).named_site == outer


@pytest.mark.parametrize("kind", ["report.implemented", "Implemented", "", "ping"])
def test_an_unknown_type(kind: str) -> None:
    with pytest.raises(UnknownReportType):
        read_report(kind, changed("implemented"))


@pytest.mark.parametrize(
    ("kind", "data", "place"),
    [
        ("resumed", {"summary": f"For {NHS_NUMBER}"}, "/data/summary"),
        ("implemented", {"evidence": [{"kind": "link", "title": f"for {NHS_NUMBER}"}]}, "/data/evidence/0/title"),
        ("correction", {"report": {"type": "resumed", "summary": f"For {NHS_NUMBER}"}}, "/data/report/summary"),
    ],
)
def test_a_personal_number_is_named_by_its_place(kind: str, data: dict[str, JsonValue], place: str) -> None:
    with pytest.raises(PersonalDataFound) as refused:
        read_report(kind, changed(kind, **data))
    assert [(one.pointer, one.code, one.position) for one in refused.value.faults] == [(place, "nhs_number", 4)]


def test_other_faults_are_told_before_personal_numbers() -> None:
    assert faults("planned", changed("planned", summary=NHS_NUMBER, due_on=None)) == [("/data/due_on", "missing")]


def test_numbers_are_shown_as_they_were_sent() -> None:
    shown = read_report("impact_measured", changed("impact_measured", baseline=420, value=0.5)).model_dump(mode="json")
    assert (repr(shown["baseline"]), repr(shown["value"])) == ("420", "0.5")


def test_a_type_needs_a_text_and_a_name_of_its_own() -> None:
    with pytest.raises(TypeError, match="planned"):
        type("Planned", (Report,), {"__doc__": "Another."}, rank=1)
    with pytest.raises(TypeError, match="without_words"):
        type("WithoutWords", (Report,), {}, rank=14)
