"""A correction or retraction of what an author has read is told to that author, in a message that a rule writes."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select

from app.db.tables import Report, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.case import Case
from app.domain.vocabulary import FeedbackMode
from app.kit.ids import new_id
from app.services import words
from app.services.cases import read_case
from app.services.folding import Change
from app.services.outbox import Announcement, Cause

RETRACTED, CORRECTED, SAID, SAYS_NOW = "report_retracted", "report_corrected", "report_said", "report_says_now"
"""The words of the message, by their codes in `app/data/words.json`."""


@dataclass(frozen=True)
class RuleMessage:
    """A message to the author that a rule writes."""

    id: UUID
    text: str
    summary: str

    def announcement(self, cause: Cause) -> Announcement:
        """The event that carries it: `suggestion.message_sent`, by no person."""
        body: dict[str, JsonValue] = {
            "text": self.text,
            "summary": self.summary,
            "feedback_mode": FeedbackMode.INFORM_OF_ACTION.value,
        }
        return Announcement("suggestion.message_sent", facts={"message_id": str(self.id)}, body=body, cause=cause)


def write_message(
    session: ScopedSession, row: Suggestion, change: Change, now: datetime
) -> tuple[Case, RuleMessage | None]:
    """The case after a change, and a message about what was struck out just now if an author has read it."""
    known = _known_reports(session, change.before) if change.struck else set[UUID]()
    read = [report for report in change.struck if report.id in known]
    if not read:
        return change.case, None
    language = words.choose_language((row.author or {}).get("preferred_language") or row.language, None)
    strikers = {report.struck_out_by: session.get(Report, report.struck_out_by) for report in read}
    corrections = [striker for striker in strikers.values() if striker is not None and striker.type == "correction"]
    code = CORRECTED if corrections else RETRACTED
    lines = [_line(SAID, report, language) for report in read]
    lines += [_line(SAYS_NOW, striker, language) for striker in corrections]
    text = "\n\n".join([words.explanation("message", code, language), "\n".join(lines)])
    message = RuleMessage(new_id(now), text, words.label("message", code, language))
    case = replace(change.case, messages=(*change.case.messages, message.id), news_at=now)
    return case, message


def _line(code: str, report: Report, language: words.Language) -> str:
    return f"{words.label('message', code, language)}: “{report.data.get('summary')}”"


def _known_reports(session: ScopedSession, case: Case) -> set[UUID]:
    """The reports that the author, or one whose suggestion was merged into it, has read or was told of."""
    ids = [one.id for one in case.merged]
    statement = select(Suggestion).where(Suggestion.id.in_(ids))
    merged = [read_case(row.case) for row in session.execute(statement).scalars()] if ids else []
    known = {report_id for one in (case, *merged) for report_id in one.read_reports}
    told_of_final = any(one.of_final for one in (case.told, *(one.told for one in case.merged)))
    return known | ({case.delivery.final_report} if told_of_final and case.delivery.final_report else set())
