"""Opening a confidential author's identity is recorded."""

from uuid import UUID

from app.db.tenancy import ScopedSession
from app.services import outbox
from app.services.cases import find
from app.services.context import Context


def open_confidential(session: ScopedSession, context: Context, suggestion_id: UUID) -> None:
    """Publishes `suggestion.opened`; the suggestion's version stays."""
    row = find(session, suggestion_id)
    body = {"system": context.caller.system, "key_id": str(context.caller.key_id)}
    outbox.publish(session, row, outbox.Announcement("suggestion.opened", body=body), now=context.now)
