"""Lowering the level of anonymity: the author alone may do it, with the receipt."""

from dataclasses import replace
from typing import Literal
from uuid import UUID

from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.texts import Author
from app.domain.vocabulary import Anonymity, Group
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Shape
from app.services import outbox
from app.services.cases import find_locked, read_case, read_rules, save
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.suggestions import ANY_VERSION, Condition, say_promises

_LEVELS = (Anonymity.ANONYMOUS, Anonymity.CONFIDENTIAL, Anonymity.NAMED)


class Lowering(
    Shape, json_schema_extra={"examples": [{"anonymity": "named", "author": {"ref": "staff-118", "name": "Adaeze"}}]}
):
    """The lower level that the author wants, and who the author is where that was not known."""

    anonymity: Literal[Anonymity.CONFIDENTIAL, Anonymity.NAMED]
    author: Author | None = None


def lower_anonymity(
    session: ScopedSession, context: Context, suggestion_id: UUID, wanted: Lowering, condition: Condition = ANY_VERSION
) -> Effect:
    """Shows more of the author from now on and publishes `suggestion.revised`; the same level again changes nothing.

    Raises Invalid for a higher level, and for a missing author. What was kept by the day alone stays so.
    """
    row = find_locked(session, suggestion_id)
    condition.check(row.version)
    before = Anonymity(row.anonymity)
    if _LEVELS.index(wanted.anonymity) < _LEVELS.index(before):
        words = "The level can only be lowered: what others have seen cannot be taken back."
        raise Invalid(Fault("/anonymity", "not_allowed", words))
    if wanted.author is None and row.author is None:
        raise Invalid(Fault("/author", "missing", "Say who you are: nothing is known of an anonymous author."))
    author = wanted.author.model_dump(mode="json", exclude_none=True) if wanted.author else row.author
    if before is wanted.anonymity and author == row.author:
        return Effect(200, (suggestion_id,))
    _write(session, context, row, wanted.anonymity, author)
    return Effect(200, (suggestion_id,))


def _write(
    session: ScopedSession, context: Context, row: Suggestion, level: Anonymity, author: dict[str, object] | None
) -> None:
    rules = read_rules(session)
    case = say_promises(session, row, read_case(row.case), rules, context.now)
    row.anonymity, row.author = level.value, author
    if level is Anonymity.NAMED:
        row.generalised = False
    session.flush()
    save(session, row, replace(case, anonymity=level), rules, now=context.now)
    facts = {"anonymity": level.value}
    announcement = outbox.Announcement("suggestion.revised", facts=facts, group=Group(row.group).value, by_author=True)
    outbox.publish(session, row, announcement, now=context.now)
