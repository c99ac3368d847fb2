"""Judging a report on its own: whether it is whole, what it is about, who may speak of that, and when it was.

What does not fit is quarantined with the first reason in this order. Whether a report contradicts others, or corrects
one that is not here, is no matter of this file but a result of the fold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import JsonValue

from app.db import report_statements as statements
from app.db.report_statements import Named
from app.db.statements import organisation_of
from app.db.tenancy import ScopedSession
from app.domain.reports.messages import PREFIX, Address, read_address
from app.domain.reports.reading import read_report
from app.domain.reports.types import REPORTS, Correction, Report, Retraction
from app.domain.texts import MAX_REF
from app.domain.vocabulary import Anonymity, QuarantineReason
from app.kit.refusals import Invalid, PersonalDataFound
from app.kit.sealing import Secret
from app.kit.shapes import count_characters, read_id
from app.kit.strict_json import canonical, without_nulls
from app.services.external_ids import hash_external_id
from app.services.origins import Origin
from app.services.sites import find_sites

AHEAD = timedelta(minutes=5)
"""How far in the future a report may be dated: clocks differ."""
BEFORE_SUBMISSION = timedelta(days=90)
"""How long before its suggestion was received something may have happened."""
MAX_WRITTEN_KEY = 500
"""What a report id may have with the white space around it; an index takes no more."""
UNREADABLE = frozenset(
    {
        QuarantineReason.PERSONAL_DATA,
        QuarantineReason.UNKNOWN_TYPE,
        QuarantineReason.INCOMPLETE,
        QuarantineReason.IN_THE_FUTURE,
        QuarantineReason.TOO_OLD,
        QuarantineReason.REPORT_ID_REUSED,
        QuarantineReason.INTERNAL_ERROR,
    }
)
"""Reasons that leave the sender's own report id free: the sender mends the report and sends it under the same one."""


@dataclass(frozen=True)
class Incoming:
    """One report as it came in by any way, before anything is decided about it.

    `key` is the sender's own id of it, or the webhook id; `type` is as it was sent. `data` has its personal numbers
    masked, and `masked` says whether there were any. `digest` is the hash of the content as it arrived. `call_id` leads
    to the bytes.
    """

    key: str
    type: str
    data: Mapping[str, JsonValue]
    digest: bytes
    call_id: UUID | None = None
    masked: bool = False

    @property
    def kind(self) -> str | None:
        """The name of its type, or None for an unknown one. `report.` before it may be left out."""
        bare = self.type.removeprefix(PREFIX)
        return bare if bare in REPORTS else None


@dataclass(frozen=True)
class Judgement:
    """What a report comes to on its own. `reason` None: it stands on the suggestion as far as the fold lets it.

    `waits_for` leads to it from a suggestion that is not here yet.
    """

    reason: QuarantineReason | None
    named: Named | None = None
    occurred_at: datetime | None = None
    site_id: UUID | None = None
    waits_for: bytes | None = None

    @property
    def claims(self) -> bool:
        """Whether it takes the sender's own report id."""
        return self.reason not in UNREADABLE


def digest_of(secret: Secret, organisation_id: UUID, type_: str, data: Mapping[str, JsonValue]) -> bytes:
    """The hash of a report's content, without the ids under which it came. Keyed: a personal number must not be found
    by trying.
    """
    content = {name: value for name, value in data.items() if name != "report_id"}
    return secret.derive(
        "report", organisation_id.bytes, type_.removeprefix(PREFIX).encode(), canonical(without_nulls(content))
    )


def key_in(data: Mapping[str, JsonValue]) -> str | None:
    """The sender's own id of the report, if there is one that can be an id."""
    given = data.get("report_id")
    is_id = isinstance(given, str) and 0 < count_characters(given) <= MAX_REF and len(given) <= MAX_WRITTEN_KEY
    return given if is_id and isinstance(given, str) else None


def judge(
    session: ScopedSession,
    secret: Secret,
    origin: Origin,
    incoming: Incoming,
    now: datetime,
    *,
    instead: UUID | None = None,
    by_hand: bool = False,
) -> Judgement:
    """Judges a report on its own. The session sees the whole organisation.

    `instead` names another suggestion than the report does. `by_hand`: a person vouches for the source, so that its
    sites are not asked for.
    """
    suggestion_id, external_hash = (instead, None) if instead is not None else _names_in(session, secret, incoming)
    named = _resolve(session, origin, suggestion_id, external_hash)
    found = named if isinstance(named, Named) else None
    read = _read(incoming, instead)
    if isinstance(read, QuarantineReason):
        return Judgement(read, found)
    report, address = read
    if isinstance(named, QuarantineReason):
        waiting = named is QuarantineReason.UNKNOWN_SUGGESTION and not (origin.is_key and origin.sites is not None)
        waits_for = suggestion_id.bytes if suggestion_id else external_hash
        return Judgement(named, None, address.occurred_at, waits_for=waits_for if waiting else None)
    sites = find_sites(session, (report.named_site,)) if report.named_site else {}
    site_id = sites.get(report.named_site) if report.named_site else None
    reason = None if by_hand else _is_refused(origin, named, site_id)
    if reason is None and report.named_site is not None and site_id is None:
        reason = QuarantineReason.INCOMPLETE
    if origin.sites is not None and site_id is None and not isinstance(report, Correction | Retraction):
        site_id = named.site_id  # Without a site it would speak for places that are not this origin's.
    return Judgement(reason or _is_misdated(address, named, now), named, address.occurred_at, site_id)


def kept_data(data: Mapping[str, JsonValue], named: Named | None) -> dict[str, JsonValue]:
    """The data of a report as it is stored. An anonymous suggestion's external id is kept as a hash alone: whatever
    becomes of the report, it names that suggestion by its id.
    """
    if named is None or named.anonymity != Anonymity.ANONYMOUS or "external_id" not in data:
        return dict(data)
    return {name: value for name, value in data.items() if name != "external_id"} | {"suggestion_id": str(named.id)}


def find_named(session: ScopedSession, secret: Secret, origin: Origin, incoming: Incoming) -> Named | None:
    """The suggestion that a report names, if it is the only one."""
    named = _resolve(session, origin, *_names_in(session, secret, incoming))
    return named if isinstance(named, Named) else None


def _names_in(session: ScopedSession, secret: Secret, incoming: Incoming) -> tuple[UUID | None, bytes | None]:
    """The id and the hash of the external id that a report names, whatever else is wrong with it: what is hidden with
    its suggestion must be found by it.
    """
    external_id = incoming.data.get("external_id")
    try:
        suggestion_id = read_id(incoming.data.get("suggestion_id"))
    except ValueError:
        suggestion_id = None
    hashed = hash_external_id(secret, organisation_of(session), external_id) if isinstance(external_id, str) else None
    return suggestion_id if isinstance(suggestion_id, UUID) else None, hashed


def _resolve(
    session: ScopedSession, origin: Origin, suggestion_id: UUID | None, external_hash: bytes | None
) -> Named | QuarantineReason:
    """The one suggestion that is meant."""
    by_hash = statements.find_by_external_id(session, external_hash) if external_hash is not None else ()
    others = [one for one in by_hash if origin.system in (None, one.system)]
    if suggestion_id is not None:
        named = statements.find_named(session, suggestion_id)
        if named is None:
            return QuarantineReason.UNKNOWN_SUGGESTION
        return QuarantineReason.AMBIGUOUS_SUGGESTION if others and named not in others else named
    if not others:
        return QuarantineReason.UNKNOWN_SUGGESTION
    return others[0] if len(others) == 1 else QuarantineReason.AMBIGUOUS_SUGGESTION


def _read(incoming: Incoming, instead: UUID | None) -> tuple[Report, Address] | QuarantineReason:
    """What the report says, and of which suggestion and time."""
    if incoming.masked:
        return QuarantineReason.PERSONAL_DATA
    if incoming.kind is None:
        return QuarantineReason.UNKNOWN_TYPE
    if incoming.data.get("report_id") is not None and key_in(incoming.data) is None:
        return QuarantineReason.INCOMPLETE
    data = dict(incoming.data) if instead is None else {**incoming.data, "suggestion_id": str(instead)}
    try:
        return read_report(incoming.kind, data), read_address(data)
    except Invalid:
        return QuarantineReason.INCOMPLETE
    except PersonalDataFound:
        return QuarantineReason.PERSONAL_DATA


def _is_refused(origin: Origin, named: Named, site_id: UUID | None) -> QuarantineReason | None:
    """Whether an origin that is limited to sites speaks of something else. What is generalised is of no known site."""
    if origin.sites is None:
        return None
    entitled = origin.is_entitled(named.site_id) and not named.generalised
    if site_id is not None:
        entitled &= origin.is_entitled(site_id)
    return None if entitled else QuarantineReason.NOT_ENTITLED


def _is_misdated(address: Address, named: Named, now: datetime) -> QuarantineReason | None:
    if address.occurred_at > now + AHEAD:
        return QuarantineReason.IN_THE_FUTURE
    if address.occurred_at < named.received_at - BEFORE_SUBMISSION:
        return QuarantineReason.TOO_OLD
    return None
