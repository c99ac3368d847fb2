"""From the data that a report came with to its class, with every fault named by its place."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import JsonValue

from app.domain.reports.types import REPORTS, Report
from app.kit.refusals import Fault, Invalid, PersonalDataFound
from app.kit.shapes import fill
from app.kit.strict_json import canonical


class UnknownReportType(LookupError):  # noqa: N818 -- it names what was asked for, as a refusal does
    """No type of report has this name."""


def report_types() -> tuple[type[Report], ...]:
    """Every type of report, in the order of the table."""
    return tuple(sorted(REPORTS.values(), key=lambda report: report.rank))


def read_report(kind: str, data: Mapping[str, JsonValue]) -> Report:
    """The report of type `kind` (without `report.`) that the members of `data` make.

    Members that are null count as absent, unknown ones are ignored. Raises UnknownReportType, Invalid with every fault,
    or PersonalDataFound if personal numbers are all that is wrong; the pointers begin with `/data`.
    """
    if (report := REPORTS.get(kind)) is None:
        raise UnknownReportType(kind)
    try:
        return fill(report, canonical(dict(data)), data, null_is_absent=True)
    except Invalid as refusal:
        raise Invalid(*_within_data(refusal.faults)) from None
    except PersonalDataFound as refusal:
        raise PersonalDataFound(*_within_data(refusal.faults)) from None


def _within_data(faults: Iterable[Fault]) -> list[Fault]:
    return [replace(fault, pointer=f"/data{fault.pointer}") for fault in faults]
