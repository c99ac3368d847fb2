"""What a report comes in: one model per type and way in, derived from the types, each with an example that holds."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from app.domain.reports.examples import EXAMPLES
from app.domain.reports.messages import DATA, ReportRequest, SignedReport, as_sent, read_address
from app.domain.reports.reading import read_report, report_types
from app.kit.refusals import Invalid
from app.kit.shapes import fill

KINDS = [kind.kind for kind in report_types()]


def request_of(kind: str, **members: Any) -> dict[str, JsonValue]:  # noqa: ANN401 -- any JSON value
    return {"report_id": "rota-47", "type": f"report.{kind}", "data": {**EXAMPLES[kind], **members}}


def read(body: dict[str, JsonValue]) -> ReportRequest:
    return fill(ReportRequest, json.dumps(body).encode(), body, null_is_absent=True)


def faults(body: dict[str, JsonValue]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read(body)
    return sorted((fault.pointer, fault.code) for fault in caught.value.faults)


def test_every_type_has_a_model_and_an_example() -> None:
    assert list(DATA) == list(EXAMPLES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_hold_on_both_ways_in(kind: str) -> None:
    body = request_of(kind)
    sent = as_sent(read(body).root.data)
    inner = {"report": {"summary": EXAMPLES[kind]["summary"], **EXAMPLES[kind]["report"]}} if "report" in sent else {}  # type: ignore[dict-item]
    assert sent == {**EXAMPLES[kind], **inner}
    assert SignedReport.model_validate_json(json.dumps(body)).root.type == f"report.{kind}"
    assert read_report(kind, EXAMPLES[kind]).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_members_are_refused_by_key(kind: str) -> None:
    assert faults(request_of(kind, note="x")) == [("/data/note", "unknown")]


def test_unknown_members_are_refused_at_every_depth() -> None:
    evidence: JsonValue = [{"kind": "link", "title": "x", "note": 1}]
    assert faults(request_of("implemented", evidence=evidence)) == [("/data/evidence/0/note", "unknown")]
    inside = {"type": "partly_implemented", "what_changed": "x", "evidence": evidence, "note": 1}
    assert faults(request_of("correction", report=inside)) == [
        ("/data/report/evidence/0/note", "unknown"),
        ("/data/report/note", "unknown"),
    ]


def test_null_counts_as_absent_and_is_not_kept() -> None:
    assert as_sent(read(request_of("planned", site=None)).root.data) == EXAMPLES["planned"]


def test_numbers_and_instants_come_back_as_they_mean_the_same() -> None:
    body = request_of("impact_measured", value=12.5, baseline=31, occurred_at="2026-11-20T10:30:00+01:00")
    sent = as_sent(read(body).root.data)
    assert (sent["value"], sent["baseline"], sent["occurred_at"]) == (12.5, 31, "2026-11-20T09:30:00Z")


def test_one_report_has_one_id() -> None:
    assert faults(request_of("planned", report_id="rota-48")) == [("/data/report_id", "not_allowed")]


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        ({"occurred_at": "2026-11-20T09:30:00Z"}, "/suggestion_id", "missing"),
        ({"external_id": "idea-1"}, "/occurred_at", "missing"),
        ({"external_id": 1, "occurred_at": "2026-11-20T09:30:00Z"}, "/external_id", "wrong_type"),
    ],
)
def test_an_address_says_which_suggestion_and_when(data: dict[str, JsonValue], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_address(data)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]
