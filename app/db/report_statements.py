"""Prepared Core statements for what providers' systems send: each is made once, and names its organisation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, LargeBinary, Table, bindparam, select, update

from app.db.statements import inserting_once, next_number_of, organisation_of
from app.db.tables import Base, InboundCall, Report, Suggestion, WebhookId
from app.db.tenancy import ScopedSession


class Named(NamedTuple):
    """What must be known of a suggestion before a report on it is judged."""

    id: UUID
    merged_into: UUID | None
    site_id: UUID | None
    generalised: bool
    system: str
    anonymity: str
    received_at: datetime


class Judged(NamedTuple):
    """What the fold makes of a report, and the report's new version."""

    status: str
    reason: str | None
    struck_out_by: UUID | None
    joined: bool
    version: int


class Kept(NamedTuple):
    """What is kept of a webhook id: the hash of its body, and the answer that was given."""

    body_hash: bytes
    status: int
    answer: Mapping[str, Any]


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- every model of ours is one table
    return table


_CALLS, _IDS, _REPORTS, _SUGGESTIONS = (_table(model) for model in (InboundCall, WebhookId, Report, Suggestion))


_KEEP_CALL = inserting_once(_CALLS, "id")
_CLAIM_ID = inserting_once(_IDS, "webhook_id")
_INSERT_REPORT = inserting_once(_REPORTS, "id", next_number_of(_REPORTS))
_MINE: BindParameter[UUID] = bindparam("its_organisation_id")
_FIND_CALL = select(_CALLS.c.id).where(
    _CALLS.c.organisation_id == _MINE,
    _CALLS.c.source_id == bindparam("its_source_id"),
    _CALLS.c.webhook_id == bindparam("its_webhook_id"),
    _CALLS.c.raw_hash == bindparam("its_raw_hash"),
)
_ITS_ID = (
    _IDS.c.organisation_id == _MINE,
    _IDS.c.source_id == bindparam("its_source_id"),
    _IDS.c.webhook_id == bindparam("its_webhook_id"),
)
_FIND_ID = select(_IDS.c.body_hash, _IDS.c.answer_status, _IDS.c.answer).where(*_ITS_ID)
_ANSWER_ID = update(_IDS).where(*_ITS_ID).values(answer_status=bindparam("new_status"), answer=bindparam("new_answer"))
_NAMED = select(*(_SUGGESTIONS.c[name] for name in Named._fields)).where(_SUGGESTIONS.c.organisation_id == _MINE)
_BY_ID = _NAMED.where(_SUGGESTIONS.c.id == bindparam("its_id"))
_BY_EXTERNAL_ID = _NAMED.where(_SUGGESTIONS.c.external_hash == bindparam("its_hash")).order_by(_SUGGESTIONS.c.id)
_OF_ORIGIN = select(_REPORTS.c.id, _REPORTS.c.digest).where(
    _REPORTS.c.organisation_id == _MINE, _REPORTS.c.origin == bindparam("its_origin")
)
_CLAIMED = _OF_ORIGIN.where(_REPORTS.c.claimed_key == bindparam("its_key"))
_UNCLAIMED = _OF_ORIGIN.where(
    _REPORTS.c.claimed_key.is_(None),
    _REPORTS.c.reason.is_not(None),
    _REPORTS.c.report_key == bindparam("its_key"),
    _REPORTS.c.digest == bindparam("its_digest"),
).order_by(_REPORTS.c.number)
_SAVE_JUDGED = (
    update(_REPORTS)
    .where(_REPORTS.c.organisation_id == _MINE, _REPORTS.c.id == bindparam("its_id"))
    .values({name: bindparam(name) for name in Judged._fields})
)
_ANY_OF = (
    select(_REPORTS.c.id)
    .where(
        _REPORTS.c.organisation_id == _MINE,
        _REPORTS.c.suggestion_id.in_(bindparam("its_ids", expanding=True)),
    )
    .limit(1)
)
_WAITING = (
    select(_REPORTS.c.id)
    .where(
        _REPORTS.c.organisation_id == _MINE,
        _REPORTS.c.waits_for.in_(
            [bindparam("its_id_bytes", type_=LargeBinary), bindparam("its_hash", type_=LargeBinary)]
        ),
    )
    .order_by(_REPORTS.c.number)
)


def keep_call(session: ScopedSession, values: Mapping[str, Any]) -> UUID:
    """Stores what arrived, with a value for every column, and returns its id: that of the same bytes under the same
    webhook id, where they are stored already.
    """
    connection = session.connection()
    made = connection.execute(_KEEP_CALL[connection.dialect.name], values).scalar()
    if made is None:
        names = ("organisation_id", "source_id", "webhook_id", "raw_hash")
        made = connection.execute(_FIND_CALL, {f"its_{name}": values[name] for name in names}).scalar_one()
    found: UUID = made
    return found


def claim_webhook_id(session: ScopedSession, values: Mapping[str, Any]) -> bool:
    """Takes a webhook id, with a value for every column; says whether nobody had it. Waits for who is about to."""
    connection = session.connection()
    return connection.execute(_CLAIM_ID[connection.dialect.name], values).first() is not None


def find_webhook_id(session: ScopedSession, source_id: UUID, webhook_id: str) -> Kept | None:
    """What is kept of a webhook id that was taken, or None."""
    where = _of_source(session, source_id, webhook_id)
    found = session.connection().execute(_FIND_ID, where).first()
    return None if found is None else Kept(*found)


def answer_webhook_id(
    session: ScopedSession, source_id: UUID, webhook_id: str, status: int, answer: Mapping[str, Any]
) -> None:
    """Writes down the answer that every repetition gets."""
    values = {**_of_source(session, source_id, webhook_id), "new_status": status, "new_answer": dict(answer)}
    session.connection().execute(_ANSWER_ID, values)


def find_named(session: ScopedSession, suggestion_id: UUID) -> Named | None:
    """The suggestion with this id, whoever may see it."""
    where = {"its_organisation_id": organisation_of(session), "its_id": suggestion_id}
    found = session.connection().execute(_BY_ID, where).first()
    return None if found is None else Named(*found)


def find_by_external_id(session: ScopedSession, external_hash: bytes) -> Sequence[Named]:
    """The suggestions with this external id, of whatever system, whoever may see them."""
    where = {"its_organisation_id": organisation_of(session), "its_hash": external_hash}
    return [Named(*row) for row in session.connection().execute(_BY_EXTERNAL_ID, where)]


def insert_report_once(session: ScopedSession, values: Mapping[str, Any]) -> bool:
    """One report, unless its origin has used its `claimed_key`; says whether it is in.

    It has a value for every column but its number, which is the next one in the order of recording. Waits for who is
    about to use that key.
    """
    connection = session.connection()
    mine = {"its_organisation_id": values["organisation_id"]}
    return connection.execute(_INSERT_REPORT[connection.dialect.name], {**values, **mine}).first() is not None


def find_claimed(session: ScopedSession, origin: str, key: str) -> tuple[UUID, bytes] | None:
    """The report that took an origin's own id, and the hash of its content."""
    where = {"its_organisation_id": organisation_of(session), "its_origin": origin, "its_key": key}
    found = session.connection().execute(_CLAIMED, where).first()
    return None if found is None else (found.id, found.digest)


def find_unclaimed(session: ScopedSession, origin: str, key: str, digest: bytes) -> UUID | None:
    """The first report with this content that came under an origin's own id, was quarantined, and did not take it."""
    where = {"its_organisation_id": organisation_of(session), "its_origin": origin, "its_key": key}
    found = session.connection().execute(_UNCLAIMED, {**where, "its_digest": digest}).first()
    return None if found is None else found.id


def save_judged(session: ScopedSession, report_id: UUID, judged: Judged) -> None:
    """Writes what the fold makes of a report whose suggestion is locked."""
    where = {"its_organisation_id": organisation_of(session), "its_id": report_id}
    session.connection().execute(_SAVE_JUDGED, {**judged._asdict(), **where})


def has_reports(session: ScopedSession, suggestion_ids: Sequence[UUID]) -> bool:
    """Whether any report names one of these suggestions, whatever became of it."""
    where = {"its_organisation_id": organisation_of(session), "its_ids": suggestion_ids}
    return session.connection().execute(_ANY_OF, where).first() is not None


def find_waiting(session: ScopedSession, id_bytes: bytes, external_hash: bytes | None) -> Sequence[UUID]:
    """The reports that wait for a suggestion with this id or external id, in the order in which they came."""
    where = {"its_organisation_id": organisation_of(session), "its_id_bytes": id_bytes, "its_hash": external_hash}
    return list(session.connection().execute(_WAITING, where).scalars())


def _of_source(session: ScopedSession, source_id: UUID, webhook_id: str) -> dict[str, Any]:
    return {
        "its_organisation_id": organisation_of(session),
        "its_source_id": source_id,
        "its_webhook_id": webhook_id,
    }
