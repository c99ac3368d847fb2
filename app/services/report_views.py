"""Reports as the API shows them: the answer to the one who sent it, one report, and lists of them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue, RootModel
from sqlalchemy import select

from app.db.paging import ListView, decode_cursor, encode_cursor, keyset, page_of
from app.db.tables import InboundCall, Report, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.errors import NotFound
from app.domain.reports.messages import PREFIX
from app.domain.reports.types import REPORTS
from app.domain.vocabulary import QuarantineReason, ReportStatus
from app.kit.shapes import Instant, Shape
from app.services.cases import read_case
from app.services.context import Context
from app.services.listing import Page

OK, ACCEPTED = 200, 202


class TakenView(
    Shape,
    json_schema_extra={
        "examples": [
            {
                "report_id": "0199b6f3-8a11-7c52-a3f4-6b1d9e0c7a21",
                "status": "applied",
                "suggestion_id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
            }
        ]
    },
):
    """A report that stands on the suggestion that it named. `applied`: it changed the progress, the benefits or the
    links, or stands against another report of the same instant (a conflict). `recorded`: it is part of the history.
    """

    report_id: UUID
    status: Literal["applied", "recorded"]
    suggestion_id: UUID


class QuarantinedView(
    Shape,
    json_schema_extra={
        "examples": [
            {
                "report_id": "0199b6f3-8a11-7c52-a3f4-6b1d9e0c7a21",
                "status": "quarantined",
                "reason": "unknown_suggestion",
            }
        ]
    },
):
    """A report that is kept and stands on no suggestion; `reason` says why."""

    report_id: UUID
    status: Literal["quarantined"]
    reason: QuarantineReason


class ReceivedView(Shape):
    """The answer to `ping` and `source.heartbeat`."""

    status: Literal["received"]


class InboundView(RootModel[TakenView | ReceivedView]):
    """The answer to an authentic message that was taken."""


class ReportView(Shape):
    """A report. `type` is null where none was sent, `suggestion_id` while the suggestion is unknown. `report_id` is the
    sender's own. `struck_out_by` is the report that corrected or retracted it. `data` is as it was sent, its personal
    numbers masked.
    """

    id: UUID
    report_id: str
    type: Annotated[str | None, Field(examples=["report.implemented"])]
    status: ReportStatus
    reason: QuarantineReason | None
    suggestion_id: UUID | None
    source_id: UUID | None
    system: str | None
    site: UUID | None
    occurred_at: Instant | None
    received_at: Instant
    data: dict[str, JsonValue]
    struck_out_by: UUID | None


class WholeReportView(ReportView):
    """A report with the bytes that arrived, in base64, where it was signed and the key has the scope `webhooks`."""

    raw: Annotated[str | None, Field(examples=["eyJ0eXBlIjoicmVwb3J0LmltcGxlbWVudGVkIn0="])]


@dataclass(frozen=True)
class ReportFilters:
    """What a list of reports is limited to."""

    status: str | None = None
    source: UUID | None = None
    suggestion: UUID | None = None


def answer_of(report: Report, *, unknown_to_caller: bool = False) -> tuple[int, Mapping[str, Any]]:
    """The status and body that the sender of a report is answered with, as things are now.

    `unknown_to_caller`: the suggestion does not exist for the one who reports, whatever else stands against the report.
    """
    if report.reason is not None:
        hides = unknown_to_caller and report.reason == QuarantineReason.NOT_ENTITLED
        reason = QuarantineReason.UNKNOWN_SUGGESTION.value if hides else report.reason
        return ACCEPTED, {"report_id": str(report.id), "status": "quarantined", "reason": reason}
    status = "applied" if report.status in (ReportStatus.APPLIED, ReportStatus.CONFLICT) else "recorded"
    return OK, {"report_id": str(report.id), "status": status, "suggestion_id": str(report.suggestion_id)}


def find_report(session: ScopedSession, report_id: UUID) -> Report:
    """A report that the session may see. Raises NotFound."""
    row = session.get(Report, report_id)
    if row is None:
        raise NotFound
    return row


def list_reports(
    session: ScopedSession, context: Context, filters: ReportFilters, page: Page, name: str = "reports"
) -> tuple[Sequence[Report], str | None]:
    """A page of reports, the latest to arrive first, and the next cursor. Raises InvalidCursor."""
    bound = {key: value for key, value in page.sent.items() if key not in ("limit", "cursor")}
    view = ListView(context.caller.organisation_id, name, filters=bound)
    key = context.secret.derive("cursor")
    after = decode_cursor(key, view, page.cursor) if page.cursor is not None else None
    statement = select(Report)
    for column, value in ((Report.status, filters.status), (Report.source_id, filters.source)):
        if value is not None:
            statement = statement.where(column == value)
    if filters.suggestion is not None:
        statement = statement.where(Report.suggestion_id.in_(_with_merged(session, filters.suggestion)))
    ordered = keyset(statement, (Report.number,), limit=page.limit, after=after, descending=True)
    rows: list[Report] = list(session.execute(ordered).scalars())
    shown, position = page_of(rows, page.limit, lambda row: (row.number,))
    return shown, None if position is None else encode_cursor(key, view, position)


def _with_merged(session: ScopedSession, suggestion_id: UUID) -> list[UUID]:
    """The suggestion and those that live on in it: their reports count for it, too."""
    row = session.get(Suggestion, suggestion_id)
    return [suggestion_id, *(one.id for one in read_case(row.case).merged)] if row is not None else [suggestion_id]


def show_report(row: Report) -> ReportView:
    """A report as lists show it."""
    return ReportView.model_construct(**_members_of(row))


def show_whole_report(session: ScopedSession, row: Report, *, with_raw: bool) -> WholeReportView:
    """A single report, with its bytes for those who may see them."""
    call = session.get(InboundCall, row.call_id) if with_raw and row.call_id is not None else None
    raw = None if call is None else base64.b64encode(call.raw).decode()
    return WholeReportView.model_construct(**_members_of(row), raw=raw)


def _members_of(row: Report) -> dict[str, Any]:
    return {
        "id": row.id,
        "report_id": row.report_key,
        "type": f"{PREFIX}{row.type}" if row.type in REPORTS else row.type or None,
        "status": ReportStatus(row.status),
        "reason": QuarantineReason(row.reason) if row.reason else None,
        "suggestion_id": row.suggestion_id,
        "source_id": row.source_id,
        "system": row.system,
        "site": row.site_id,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "data": row.data,
        "struck_out_by": row.struck_out_by,
    }
