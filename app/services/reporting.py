"""A report that is sent with an API key."""

from app.db.tenancy import ScopedSession
from app.domain.reports.messages import ReportRequest, as_sent
from app.services import reports
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.origins import of_caller
from app.services.quarantine import Incoming, digest_of
from app.services.report_views import answer_of, find_report
from app.services.sites import find_site


def report(session: ScopedSession, context: Context, request: ReportRequest) -> Effect:
    """Keeps the report and lets it join its suggestion: status 200, or 202 where it is quarantined.

    The same `report_id` with the same content is the same report. Raises IdConflict for other content, and Invalid for
    a site that there is not.
    """
    envelope = request.root
    data = as_sent(envelope.data)
    if (site := envelope.data.named_site) is not None:
        find_site(session, site, "/data/site" if "site" in data else "/data/report/site")
    incoming = Incoming(
        key=envelope.report_id,
        type=envelope.type,
        data=data,
        digest=digest_of(context.secret, context.caller.organisation_id, envelope.type, data),
    )
    with session.for_rules():
        received = reports.receive(session, context.secret, of_caller(context.caller), incoming, context.now)
        status, _ = answer_of(find_report(session, received.report_id))
    return Effect(status, (received.report_id,))
