"""What time alone brings about: suggestions whose instant has come are looked at, and the rules do what is due."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.db import statements
from app.db.failures import as_unavailable
from app.db.tables import Agenda, Suggestion
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.acts.rules import Close, Resume, Revisit
from app.domain.owed import next_wake
from app.services.cases import find, read_case, read_rules
from app.services.suggestions import perform_rule, say_promises

KIND = "suggestion"
TRIED_AGAIN_AFTER = timedelta(minutes=1)
"""When a suggestion is looked at again after what was due for it has failed."""

_log = logging.getLogger(__name__)


def do_due(session: ScopedSession, now: datetime, limit: int = 50) -> int:
    """Looks at the suggestions whose instant has come, at most `limit` of them; returns how many it has looked at.

    Each is locked before its row in the agenda is written, in the order in which acts lock them, so that neither waits
    for the other for ever. Those that somebody else is at are left to them, and what fails for one does not keep the
    others waiting. Needs a session without a scope.
    """
    statement = (
        select(Agenda.organisation_id, Agenda.subject)
        .where(Agenda.kind == KIND, Agenda.due_at <= now.timestamp())
        .order_by(Agenda.due_at)
        .limit(limit)
    )
    due = [(organisation_id, subject) for organisation_id, subject in session.execute(statement)]
    looked_at = 0
    for organisation_id, suggestion_id in sorted(due):
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        looked_at += _try(session, suggestion_id, now)
    return looked_at


def _try(session: ScopedSession, suggestion_id: UUID, now: datetime) -> bool:
    """Does what is due for one suggestion; where that fails, undoes it and writes down to try again."""
    try:
        with session.begin_nested():
            return look_after(session, suggestion_id, now)
    except Exception as error:
        if as_unavailable(error) is not None:
            raise
        _log.exception("what was due for a suggestion failed", extra={"suggestion": str(suggestion_id)})
    statements.put_agenda(session, KIND, suggestion_id, (now + TRIED_AGAIN_AFTER).timestamp())
    return True


def look_after(session: ScopedSession, suggestion_id: UUID, now: datetime) -> bool:
    """Does everything that is due for one suggestion, and writes down when to look again; says whether it could.

    What a rule has done may make a promise due at once, so promises are looked at last: none is forgotten.
    """
    row = session.get(Suggestion, suggestion_id, with_for_update={"skip_locked": True})
    if row is None:
        return False
    rules = read_rules(session)
    for act in (Resume(), Revisit(), Close()):
        if act.fits(read_case(row.case), now):
            perform_rule(session, suggestion_id, act, now)
            row = find(session, suggestion_id)
    case = say_promises(session, row, read_case(row.case), rules, now)
    wake_at = next_wake(case, rules, now)
    if wake_at is None:
        statements.drop_agenda(session, KIND, suggestion_id)
    else:
        later = wake_at if wake_at > now else now + TRIED_AGAIN_AFTER
        statements.put_agenda(session, KIND, suggestion_id, later.timestamp())
    return True
