"""Rewording a suggestion: a new version, the old text kept for audit."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from app.db import statements
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.policy import Rules
from app.domain.submission import Rewording, is_about_what_matters_most, treated
from app.domain.vocabulary import Anonymity
from app.kit.ids import day_of
from app.services import outbox
from app.services.cases import find_locked, read_case, read_rules, save
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.suggestions import ANY_VERSION, Condition, say_promises


def reword(
    session: ScopedSession, context: Context, suggestion_id: UUID, wanted: Rewording, condition: Condition = ANY_VERSION
) -> Effect:
    """Changes title, text, tags or lenses and publishes `suggestion.revised`. What changes nothing leaves no trace.

    Raises NotFound, PreconditionRequired, VersionMismatch, and PersonalDataFound where the policy refuses contact
    details.
    """
    row = find_locked(session, suggestion_id)
    rules = read_rules(session)
    condition.check(row.version, rules)
    sent = wanted.model_dump(mode="json", exclude_unset=True)
    new: dict[str, Any] = {name: value for name, value in sent.items() if name in ("title", "text")}
    new |= {name: list(sent[name] or ()) for name in ("tags", "lenses") if name in sent}
    found = row.contact_details
    for name in ("title", "text"):
        if new.get(name) is not None:
            new[name], in_it = treated(new[name], f"/{name}", rules.policy)
            found = found or in_it
    changed = {name: value for name, value in new.items() if getattr(row, name) != value}
    if changed:
        _write(session, context, row, changed, rules, contact_details=found)
    return Effect(200, (suggestion_id,))


def _write(
    session: ScopedSession,
    context: Context,
    row: Suggestion,
    changed: dict[str, Any],
    rules: Rules,
    *,
    contact_details: bool,
) -> None:
    """The words of a suggestion are its author's: of an anonymous one, only the day of the change is kept."""
    by_day = row.anonymity == Anonymity.ANONYMOUS
    case = say_promises(session, row, read_case(row.case), rules, context.now)
    statements.insert_revision(
        session,
        {
            "organisation_id": row.organisation_id,
            "suggestion_id": row.id,
            "version": row.version,
            "title": row.title,
            "text": row.text,
            "tags": row.tags,
            "lenses": row.lenses,
            "replaced_at": day_of(context.now) if by_day else context.now,
            "system": context.caller.system,
        },
    )
    for name, value in changed.items():
        setattr(row, name, value)
    row.contact_details = contact_details
    session.flush()
    if not changed.keys().isdisjoint(("tags", "lenses")):
        statements.insert_labels(session, row.id, row.tags, row.lenses)
    voices = is_about_what_matters_most(tuple(row.lenses), tuple(row.tags))
    save(session, row, replace(case, what_matters_most=voices), rules, now=context.now, by_day=by_day)
    facts: dict[str, JsonValue] = {"changed": [*sorted(changed)]}
    announcement = outbox.Announcement(
        "suggestion.revised", facts=facts, body={name: changed[name] for name in changed}, by_author=True
    )
    outbox.publish(session, row, announcement, now=context.now)
