"""What time alone brings about: suggestions whose instant has come are looked at, and the rules do what is due."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.db import statements
from app.db.tables import Agenda, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.acts.rules import Close, Resume, Revisit
from app.domain.owed import next_wake
from app.services.cases import find, read_case, read_rules
from app.services.suggestions import perform_rule, say_promises

KIND = "suggestion"


def do_due(session: ScopedSession, now: datetime, limit: int = 50) -> int:
    """Looks at the suggestions whose instant has come, at most `limit` of them; returns how many there were.

    The agenda's rows are locked first, those that another process has are left to it, and a suggestion that nothing is
    due for any more gets its next instant. Needs a session without a scope.
    """
    statement = (
        select(Agenda.organisation_id, Agenda.subject)
        .where(Agenda.kind == KIND, Agenda.due_at <= now.timestamp())
        .order_by(Agenda.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [(organisation_id, subject) for organisation_id, subject in session.execute(statement)]
    for organisation_id, suggestion_id in sorted(due):
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        look_after(session, suggestion_id, now)
    return len(due)


def look_after(session: ScopedSession, suggestion_id: UUID, now: datetime) -> None:
    """Does everything that is due for one suggestion, and writes down when to look again."""
    row = session.get(Suggestion, suggestion_id, with_for_update=True)
    if row is None:
        statements.drop_agenda(session, KIND, suggestion_id)
        return
    rules = read_rules(session)
    say_promises(session, row, read_case(row.case), rules, now)
    for act in (Resume(), Revisit(), Close()):
        perform_rule(session, suggestion_id, act, now)
    row = find(session, suggestion_id)
    wake_at = next_wake(read_case(row.case), rules, now)
    if wake_at is None or wake_at <= now:
        statements.drop_agenda(session, KIND, suggestion_id)
    else:
        statements.put_agenda(session, KIND, suggestion_id, wake_at.timestamp())
