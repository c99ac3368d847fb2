"""Authors who are told by a subscription: a delivery of the decision or of the final report that was answered 2xx."""

from datetime import datetime
from uuid import UUID

from pydantic_core import from_json

from app.db.tables import Event
from app.db.tenancy import ScopedSession
from app.domain.acts.rules import Notify
from app.domain.case import Case
from app.services.cases import lock, read_case
from app.services.suggestions import perform_rule

DECISIONS = frozenset({"suggestion.decided", "suggestion.deferred"})
TELLING = DECISIONS | {"report.applied"}
"""The types of events that can tell an author what stands."""


def told_by_delivery(session: ScopedSession, event_id: UUID, now: datetime) -> UUID | None:
    """Records that the author was told by a delivery of this event: of the decision or the final report that stands.

    Returns the event `suggestion.told`; None where there was nothing new to be told of.
    """
    event = session.get(Event, event_id)
    if event is None or event.suggestion_id is None:
        return None
    row = lock(session, [event.suggestion_id]).get(event.suggestion_id)
    if row is None:
        return None
    case = read_case(row.case)
    decision = _tells_decision(event, case) and not case.told.of_decision
    final = _tells_final(event, case) and not case.told.of_final
    if not decision and not final:
        return None
    return perform_rule(session, row.id, Notify(of_decision=decision, of_final=final), now)


def _tells_decision(event: Event, case: Case) -> bool:
    return event.type in DECISIONS and case.decision is not None and case.decision.message_id == event.id


def _tells_final(event: Event, case: Case) -> bool:
    if event.type != "report.applied" or case.delivery.final_report is None:
        return False
    cause = from_json(event.thin)["data"]["caused_by"]
    return cause is not None and cause["report_id"] == str(case.delivery.final_report)
