"""Repeated submissions: what an id or an external id already names, and whether the two are the same."""

from sqlalchemy import select

from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.errors import IdConflict, NotFound
from app.domain.submission import Submission
from app.kit.strict_json import canonical
from app.services.cases import read_case
from app.services.context import Context
from app.services.external_ids import hash_external_id
from app.services.idempotency import Effect


def external_hash_of(context: Context, submission: Submission) -> bytes | None:
    """What stands for the external id, by which a repetition is known even where the id itself may not be kept."""
    if submission.external_id is None:
        return None
    return hash_external_id(context.secret, context.caller.organisation_id, submission.external_id)


def content_hash_of(context: Context, submission: Submission) -> bytes:
    """What stands for everything that was submitted but the ids: the same for the same content."""
    content = submission.model_dump(mode="json", exclude={"id", "external_id"}, exclude_none=True)
    return context.secret.derive("content", context.caller.organisation_id.bytes, canonical(content))


def find_repeated(
    session: ScopedSession, context: Context, submission: Submission, external_hash: bytes | None
) -> list[Suggestion] | None:
    """What the id or the external id already names, or None. Hidden ones are found, too, because ids stay taken."""
    if submission.id is None and external_hash is None:
        return None
    found: list[Suggestion] = []
    with session.for_rules():
        if submission.id is not None and (row := session.get(Suggestion, submission.id)) is not None:
            found.append(row)
        if external_hash is not None:
            same = select(Suggestion).where(
                Suggestion.external_hash == external_hash, Suggestion.system == context.caller.system
            )
            found += session.execute(same).scalars()
    return found or None


def answer_repeated(
    kept: list[Suggestion], context: Context, submission: Submission, external_hash: bytes | None, content_hash: bytes
) -> Effect:
    """The effect of a submission that was already kept, with the status 200.

    Raises IdConflict where the two ids name different suggestions, or the content is another one; NotFound where the
    caller may not see the suggestion.
    """
    row = kept[0]
    other_id = submission.id is not None and submission.id != row.id
    other_external = external_hash is not None and external_hash != row.external_hash
    if other_id or other_external or row.content_hash != content_hash:
        raise IdConflict
    check_seen(context, row)
    return Effect(200, (row.id,))


def check_seen(context: Context, row: Suggestion) -> None:
    """Raises NotFound for what was submitted and may not be shown to the caller: hidden by somebody else since, or of a
    site that the key is not for. What the submission itself has hidden is shown to who repeats it.
    """
    unseen = row.hidden is not None and "safeguard" not in context.caller.scopes and not _was_at_risk(row)
    sites = context.caller.sites
    if unseen or (sites is not None and row.site_id is not None and row.site_id not in sites):
        raise NotFound


def _was_at_risk(row: Suggestion) -> bool:
    """Whether the suggestion's own submission hid it, and nobody has held it again."""
    held = read_case(row.case).held
    return len(held) == 1 and held[0].since == row.received_at
