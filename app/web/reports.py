"""Reports over HTTP: sent with an API key, listed, read, tried again, put aside.

No postponed annotations here: the body of a report is a type that is put together at run time.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from app.domain.reports.messages import ReportRequest
from app.domain.vocabulary import ReportStatus, Scope
from app.kit.shapes import Id, Shape
from app.kit.strict_json import canonical
from app.services import report_views, reporting, requeue
from app.services.cases import find
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.report_views import QuarantinedView, ReportFilters, ReportView, TakenView, WholeReportView
from app.web.access import needs
from app.web.answers import Shown, page, single
from app.web.call import Call
from app.web.queries import PageParameters
from app.web.route import Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["reports"])


class ReportParameters(PageParameters):
    """The filters of the list of reports."""

    status: Annotated[ReportStatus | None, Field(description="Only reports of which this has become.")] = None
    source: Annotated[Id | None, Field(description="Only reports of this source.")] = None
    suggestion: Annotated[Id | None, Field(description="Only reports that name this suggestion.")] = None

    def filters(self) -> ReportFilters:
        """The filters without what pages."""
        return ReportFilters(self.status, self.source, self.suggestion)


class ReportPage(Shape):
    """A page of reports."""

    items: tuple[ReportView, ...]
    next_cursor: str | None


@router.post(
    "/v1/reports",
    operation_id="createReport",
    response_model=TakenView,
    responses={202: {"model": QuarantinedView, "description": "Kept, and stands on no suggestion yet."}},
    openapi_extra=needs(Scope.REPORT, refuses=["id_conflict", "personal_data"]),
)
async def create(call: Call, body: ReportRequest) -> Response:
    """Report what happened with an API key. The same as a signed report, but that faults of shape and personal numbers
    are refused, and that unknown members are, too.

    The same `report_id` with the same content is the same report, and is answered as it stands now. With other content
    it is 409.
    """
    context = call.context
    return await call.write(
        lambda session: reporting.report(session, context, body),
        lambda session, effect: _show_taken(session, call, effect),
    )


@router.get(
    "/v1/reports",
    operation_id="listReports",
    response_model=ReportPage,
    openapi_extra=needs(Scope.READ, refuses=["invalid_cursor"]),
)
async def list_all(call: Call, asked: Annotated[ReportParameters, Query()]) -> Response:
    """List reports, the latest to arrive first, whatever has become of them."""
    wanted = Page(asked.limit, asked.cursor, dict(call.parameters))
    return await call.read(lambda session: _show_page(session, call, asked.filters(), wanted, "reports"))


@router.get(
    "/v1/reports/{id:uuid}",
    operation_id="getReport",
    response_model=WholeReportView,
    openapi_extra=needs(Scope.READ),
)
async def get(call: Call, id: UUID) -> Response:
    """Read one report. With the scope `webhooks`, `raw` holds the bytes that were signed, in base64."""
    return await call.read(lambda session: _show(session, call, id))


@router.get(
    "/v1/suggestions/{id:uuid}/reports",
    operation_id="listReportsOfSuggestion",
    response_model=ReportPage,
    openapi_extra=needs(Scope.READ, refuses=["invalid_cursor"]),
)
async def list_of_suggestion(call: Call, id: UUID, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the reports that name a suggestion, the latest to arrive first, whatever has become of them."""
    wanted = Page(asked.limit, asked.cursor, {})

    def show(session: Session) -> Shown:
        find(session, id)
        return _show_page(session, call, ReportFilters(suggestion=id), wanted, f"reports:{id}")

    return await call.read(show)


@router.post(
    "/v1/reports/{id:uuid}/reapply",
    operation_id="reapplyReport",
    response_model=WholeReportView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def reapply(call: Call, id: UUID, body: requeue.Reapplication) -> Response:
    """Try a report again that is quarantined or was put aside, on the suggestion that it names or on another one. You
    vouch for it: it may be about sites that its source is not for. The answer is the report as it is then; with
    `dry_run`, as it would be.
    """

    def perform(session: Session) -> Effect:
        if body.dry_run:
            return Effect(200, (id,))
        return requeue.reapply(session, call.context, id, body, call.condition)

    def show(session: Session, _: Effect) -> Shown:
        if not body.dry_run:
            return _show(session, call, id)
        return requeue.rehearse(
            session, call.context, id, body, call.condition, lambda rehearsed: _show(rehearsed, call, id)
        )

    return await call.write(perform, show)


@router.post(
    "/v1/reports/{id:uuid}/dismiss",
    operation_id="dismissReport",
    response_model=WholeReportView,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["personal_data"]),
)
async def dismiss(call: Call, id: UUID, body: requeue.Dismissal) -> Response:
    """Put a report aside: it is rejected and counts for nothing, but stays listed. Once more is without effect."""
    return await call.write(
        lambda session: requeue.dismiss(session, call.context, id, body, call.condition),
        lambda session, _: _show(session, call, id),
    )


def _show_taken(session: Session, call: Call, effect: Effect) -> Shown:
    """What became of a report, for the one who sent it: also where its suggestion is hidden."""
    with session.for_rules():
        report = report_views.find_report(session, effect.ids[0])
        _, body = report_views.answer_of(report, unknown_to_caller=call.caller.sites is not None)
    return Shown(canonical(dict(body)), effect.status)


def _show_page(session: Session, call: Call, filters: ReportFilters, wanted: Page, name: str) -> Shown:
    rows, cursor = report_views.list_reports(session, call.context, filters, wanted, name)
    items = tuple(report_views.show_report(row) for row in rows)
    return page(ReportPage.model_construct(items=items, next_cursor=cursor), call.next_url(cursor))


def _show(session: Session, call: Call, id: UUID) -> Shown:
    row = report_views.find_report(session, id)
    view = report_views.show_whole_report(session, row, with_raw=Scope.WEBHOOKS in call.caller.scopes)
    return single(view, row.version)
