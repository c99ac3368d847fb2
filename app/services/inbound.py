"""What a source has signed: stored as it arrived, then read, judged and answered, in one transaction.

The bytes are stored before anything in them is believed, and committed whatever comes of them: a fault of this program
behind that point undoes its own doings only and leaves the report quarantined, to be tried again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select

from app.db import report_statements as statements
from app.db.failures import as_unavailable
from app.db.report_statements import Kept, Named
from app.db.statements import organisation_of
from app.db.tables import InboundCall, Report, Source
from app.db.tenancy import ScopedSession
from app.domain.errors import Gone, WebhookIdReused
from app.domain.reports.masking import masked_raw, masked_text, masked_value
from app.domain.reports.messages import SIGNS_OF_LIFE
from app.domain.vocabulary import QuarantineReason
from app.kit.ids import new_id
from app.kit.refusals import Fault, Invalid, MalformedJson, Refusal
from app.kit.sealing import Secret
from app.kit.strict_json import canonical, read_object
from app.services import reports
from app.services.origins import Origin, of_source
from app.services.quarantine import Incoming, Judgement, digest_of, find_named, key_in
from app.services.report_views import answer_of

OK, ACCEPTED = 200, 202
RECEIVED: Mapping[str, JsonValue] = {"status": "received"}
"""The answer to a sign of life."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Signed:
    """An authentic message: its source, its webhook id, and its bytes."""

    source_id: UUID
    webhook_id: str
    raw: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered once everything is stored: a status with a body, or a refusal. Either is committed."""

    status: int = OK
    body: Mapping[str, Any] | None = None
    is_duplicate: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True)
class _Opened:
    """A message that was read. `value` None: it is no JSON object, and `refusal` says why."""

    source: Source
    origin: Origin
    call_id: UUID
    value: dict[str, JsonValue] | None
    masked: bool
    refusal: Refusal | None


def take_in(session: ScopedSession, secret: Secret, signed: Signed, now: datetime) -> Answer:
    """Stores and answers an authentic message. The session sees the whole organisation.

    The same webhook id with the same canonical body gets the first answer again; with another body it is refused with
    `webhook_id_reused`, kept, and listed as rejected. What is no JSON object is refused with `invalid`, kept, and does
    not use the id up. Raises Gone if the source was deleted meanwhile.
    """
    source = session.get(Source, signed.source_id)
    if source is None or source.deleted_at is not None:
        raise Gone
    opened = _open(session, secret, source, signed, now)
    body_hash = None if opened.value is None else _hash_of(secret, canonical(opened.value))
    kept = _take_id(session, signed, body_hash, now)
    if kept is not None and kept.body_hash == body_hash:
        return Answer(kept.status, kept.answer, is_duplicate=True)
    value = _masked(opened)
    if kept is not None:
        _keep_rejected(session, secret, opened, signed, value or {}, now)
        return Answer(refusal=WebhookIdReused())
    if opened.value is None or value is None:
        return Answer(refusal=opened.refusal)
    status, body = _answer(session, secret, opened, signed, value, now)
    statements.answer_webhook_id(session, signed.source_id, signed.webhook_id, status, body)
    return Answer(status, body)


def was_masked(session: ScopedSession, secret: Secret, report: Report) -> bool:
    """Whether the bytes of a report are other ones than arrived, because a personal number was in them."""
    call = session.get(InboundCall, report.call_id) if report.call_id is not None else None
    return call is not None and _hash_of(secret, call.raw) != call.raw_hash


def _open(session: ScopedSession, secret: Secret, source: Source, signed: Signed, now: datetime) -> _Opened:
    """Reads the message and stores its bytes, with their personal numbers masked and the hash of what arrived."""
    value, refusal = _read(signed.raw)
    masked = masked_text(signed.raw) if value is None else masked_raw(signed.raw)
    call_id = statements.keep_call(
        session,
        {
            "organisation_id": organisation_of(session),
            "id": new_id(now),
            "source_id": signed.source_id,
            "webhook_id": signed.webhook_id,
            "raw_hash": _hash_of(secret, signed.raw),
            "raw": signed.raw if masked is None else masked,
            "received_at": now,
        },
    )
    return _Opened(source, of_source(session, source), call_id, value, masked is not None, refusal)


def _read(raw: bytes) -> tuple[dict[str, JsonValue] | None, Refusal | None]:
    try:
        return read_object(raw, foreign=True), None
    except MalformedJson as refusal:
        return None, Invalid(Fault("", "wrong_format", refusal.text))
    except Invalid as refusal:
        return None, refusal


def _take_id(session: ScopedSession, signed: Signed, body_hash: bytes | None, now: datetime) -> Kept | None:
    """Takes the webhook id for this body, or returns what was kept under it. Of what is no JSON it only looks."""
    if body_hash is not None:
        row = {
            "organisation_id": organisation_of(session),
            "source_id": signed.source_id,
            "webhook_id": signed.webhook_id,
            "body_hash": body_hash,
            "answer_status": 0,
            "answer": {},
            "received_at": now,
        }
        if statements.claim_webhook_id(session, row):
            return None
    return statements.find_webhook_id(session, signed.source_id, signed.webhook_id)


def _answer(
    session: ScopedSession,
    secret: Secret,
    opened: _Opened,
    signed: Signed,
    value: Mapping[str, JsonValue],
    now: datetime,
) -> tuple[int, Mapping[str, Any]]:
    """The answer to a message whose id is new. A fault of ours behind this point leaves the report quarantined."""
    if value.get("type") in SIGNS_OF_LIFE:
        return OK, RECEIVED
    incoming = _incoming(secret, opened, signed, value)
    try:
        with session.begin_nested():
            received = reports.receive(session, secret, opened.origin, incoming, now)
            return _answer_to(session, received)
    except Exception as error:
        if as_unavailable(error) is not None:
            raise
        _log.exception("a signed report could not be taken in", extra={"source": str(signed.source_id)})
    judgement = Judgement(QuarantineReason.INTERNAL_ERROR, _hiding(session, secret, opened.origin, incoming))
    return _answer_to(session, reports.keep(session, opened.origin, incoming, judgement, now))


def _answer_to(session: ScopedSession, received: reports.Received) -> tuple[int, Mapping[str, Any]]:
    """The first answer, where the report came before under another webhook id."""
    report = received.at_hand or session.get(Report, received.report_id)
    assert report is not None  # noqa: S101 -- it is there since this transaction at the latest
    if received.repeats and report.call_id is not None and (call := session.get(InboundCall, report.call_id)):
        first = statements.find_webhook_id(session, call.source_id, call.webhook_id)
        if first is not None and first.status:
            return first.status, first.answer
    return answer_of(report)


def _incoming(secret: Secret, opened: _Opened, signed: Signed, value: Mapping[str, JsonValue]) -> Incoming:
    """The report in a message. Its hash is made of what arrived; what is stored is masked."""
    arrived = opened.value or {}
    type_, data = arrived.get("type"), arrived.get("data")
    masked = value.get("data")
    kept: Mapping[str, JsonValue] = masked if isinstance(masked, dict) else {}
    return Incoming(
        key=key_in(kept) or signed.webhook_id,
        type=str(value["type"]) if isinstance(value.get("type"), str) else "",
        data=kept,
        digest=digest_of(
            secret,
            opened.source.organisation_id,
            type_ if isinstance(type_, str) else "",
            data if isinstance(data, dict) else {},
        ),
        call_id=opened.call_id,
        masked=opened.masked,
    )


def _keep_rejected(
    session: ScopedSession,
    secret: Secret,
    opened: _Opened,
    signed: Signed,
    value: Mapping[str, JsonValue],
    now: datetime,
) -> None:
    """Lists another body under a used webhook id, once however often it comes."""
    known = select(Report.id).where(Report.call_id == opened.call_id)
    if session.execute(known).first() is not None:
        return
    incoming = _incoming(secret, opened, signed, value)
    judgement = Judgement(None, _hiding(session, secret, opened.origin, incoming))
    reports.keep(session, opened.origin, incoming, judgement, now)


def _hiding(session: ScopedSession, secret: Secret, origin: Origin, incoming: Incoming) -> Named | None:
    """The suggestion that a report names, with which it is hidden. Nothing that is wrong here may stop it."""
    try:
        with session.begin_nested():
            return find_named(session, secret, origin, incoming)
    except Exception as error:
        if as_unavailable(error) is not None:
            raise
        return None


def _masked(opened: _Opened) -> dict[str, JsonValue] | None:
    if not opened.masked or opened.value is None:
        return opened.value
    value = masked_value(opened.value)
    return value if isinstance(value, dict) else None


def _hash_of(secret: Secret, raw: bytes) -> bytes:
    """The hash of what arrived. Keyed: a personal number that was masked must not be found by trying."""
    return secret.derive("inbound", raw)
