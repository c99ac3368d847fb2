"""Publishing: in the business transaction, an event with the bytes that will be sent, and its row in the agenda."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from app.db import statements
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain.vocabulary import Anonymity
from app.kit.ids import day_of, new_id, new_random_id
from app.kit.shapes import show_instant
from app.kit.strict_json import canonical


@dataclass(frozen=True)
class Cause:
    """The report that brought an event about, and the system that sent it."""

    report_id: UUID
    source_id: UUID | None
    system: str | None


@dataclass(frozen=True)
class Announcement:
    """What is to be told: the type, the codes and dates that everybody may see, and what was said.

    `group` and `ref` are the person's who did it; a rule has neither. `occurred_at` is when it happened, where that is
    another time than that of recording. `by_author`: of an anonymous author only the day and the group are kept.
    """

    type: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    body: Mapping[str, JsonValue] = field(default_factory=dict)
    group: str | None = None
    ref: str | None = None
    by_author: bool = False
    occurred_at: datetime | None = None
    cause: Cause | None = None


def event_id(row_anonymity: str, *, by_author: bool, now: datetime) -> UUID:
    """A fresh id; one that says nothing about the time for what an anonymous author did."""
    return new_random_id() if by_author and row_anonymity == Anonymity.ANONYMOUS else new_id(now)


def publish(
    session: ScopedSession,
    about: Suggestion | None,
    announcement: Announcement,
    *,
    now: datetime,
    id: UUID | None = None,
) -> UUID:
    """Writes the event of what happened to a suggestion (or to none) and returns its id."""
    anonymous_author = announcement.by_author and about is not None and about.anonymity == Anonymity.ANONYMOUS
    made_id = id or (new_random_id() if anonymous_author else new_id(now))
    timestamp = day_of(now) if anonymous_author else now
    data: dict[str, JsonValue] = {
        **_about(about),
        "actor_group": announcement.group,
        "caused_by": _cause(announcement.cause),
        **announcement.facts,
    }
    thin: dict[str, JsonValue] = {
        "id": str(made_id),
        "type": announcement.type,
        "timestamp": show_instant(timestamp),
        "data": data,
    }
    statements.insert_event(
        session,
        {
            "organisation_id": statements.organisation_of(session),
            "id": made_id,
            "suggestion_id": about.id if about is not None else None,
            "type": announcement.type,
            "version": about.version if about is not None else 0,
            "timestamp": timestamp,
            "occurred_at": announcement.occurred_at or timestamp,
            "thin": canonical(thin),
            "body": dict(announcement.body),
            "actor_ref": None if anonymous_author else announcement.ref,
            "by_author": announcement.by_author,
            "caused_by_system": announcement.cause.system if announcement.cause else None,
        },
    )
    return made_id


def _about(row: Suggestion | None) -> dict[str, JsonValue]:
    if row is None:
        return dict.fromkeys(("suggestion_id", "external_id", "state", "progress", "outcome", "version"))
    return {
        "suggestion_id": str(row.id),
        "external_id": row.external_id,
        "state": row.state,
        "progress": row.progress,
        "outcome": row.outcome,
        "version": row.version,
    }


def _cause(cause: Cause | None) -> JsonValue:
    if cause is None:
        return None
    source = str(cause.source_id) if cause.source_id else None
    return {"report_id": str(cause.report_id), "source_id": source}
