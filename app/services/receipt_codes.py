"""The code of a receipt: derived from the suggestion, answered to its system for thirty days, never stored."""

from datetime import timedelta
from uuid import UUID

from app.db.tables import Suggestion
from app.kit.codes import encode
from app.kit.sealing import Secret
from app.services.access import RECEIPT_PREFIX
from app.services.context import Context

RECEIPT_DAYS = 30
_CODE_BYTES = 20


def receipt_code(secret: Secret, organisation_id: UUID, suggestion_id: UUID) -> str:
    """The receipt's code without its prefix: derived, so that it can be answered again, and never stored."""
    return encode(secret.derive("receipt", organisation_id.bytes, suggestion_id.bytes)[:_CODE_BYTES])


def receipt_for(row: Suggestion, context: Context) -> str | None:
    """The receipt as it is answered: to the system that submitted the suggestion, for 30 days, else None."""
    within = context.now - row.received_at <= timedelta(days=RECEIPT_DAYS)
    known = row.receipt_key == context.secret.fingerprint()
    if row.system != context.caller.system or not within or not known:
        return None
    return RECEIPT_PREFIX + receipt_code(context.secret, row.organisation_id, row.id)
