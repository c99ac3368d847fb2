"""Who the authors of a suggestion are: where their references stand, and how they are taken away."""

from collections.abc import Mapping

from pydantic import JsonValue
from sqlalchemy import select

from app.db.tables import Event, Suggestion
from app.db.tenancy import ScopedSession


def refs_of(row: Suggestion) -> frozenset[str]:
    """The references of the author and the co-authors."""
    authors = [row.author, *row.co_authors]
    return frozenset(author["ref"] for author in authors if author and "ref" in author)


def without_refs(said: Mapping[str, JsonValue], hidden: frozenset[str], *, by_author: bool) -> dict[str, JsonValue]:
    """What an event says without any of these references, wherever one stands; of who did what the author did, the
    group is left.
    """
    cleaned = {name: _scrubbed(value, hidden) for name, value in said.items()}
    actor = cleaned.get("actor")
    if by_author and isinstance(actor, dict):
        cleaned["actor"] = {"group": actor.get("group")}
    return cleaned


def forget_authors(session: ScopedSession, row: Suggestion) -> None:
    """Takes the authors away, and their references out of everything that the events of the suggestion say: once it is
    not known any more whose they are, nothing could hide them.
    """
    refs = refs_of(row)
    row.author, row.co_authors = None, []
    for event in session.execute(select(Event).where(Event.suggestion_id == row.id)).scalars():
        event.body = without_refs(event.body, refs, by_author=event.by_author)
        if event.by_author or event.actor_ref in refs:
            event.actor_ref = None
    session.flush()


def _scrubbed(value: JsonValue, hidden: frozenset[str]) -> JsonValue:
    if isinstance(value, dict):
        return {
            name: None if isinstance(inner, str) and inner in hidden else _scrubbed(inner, hidden)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_scrubbed(inner, hidden) for inner in value]
    return value
