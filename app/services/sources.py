"""Sources: the systems that may report by signed webhook, made, read, changed, and given new secrets.

A key manages the sources that may speak of no more sites than it does itself; others do not exist for it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import MISSING, Field
from sqlalchemy import bindparam, select

from app.db.paging import ListView, decode_cursor, encode_cursor, page_of
from app.db.statements import organisation_of
from app.db.tables import Credential, Source
from app.db.tenancy import ScopedSession, TenantScope, prepared
from app.domain.errors import Gone, NotFound
from app.domain.texts import Name, Ref, SiteName
from app.kit.ids import new_id
from app.kit.refusals import Fault, Invalid
from app.kit.sealing import Secret
from app.kit.shapes import Instant, Shape
from app.services.access import Caller
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.signing_secrets import first_secret, live_secrets, next_secret
from app.services.sites import find_sites
from app.services.suggestions import ANY_VERSION, Condition

Scheme = Literal["standard_webhooks"]
"""How a source signs: by Standard Webhooks, the symmetric scheme `v1`."""
STANDARD_WEBHOOKS: Scheme = "standard_webhooks"
_BY_HASH = prepared(select(Credential).where(Credential.hash == bindparam("its_hash")))
_Sites = Annotated[tuple[SiteName, ...], Field(min_length=1, max_length=1000)]
_SITES = "Sites, by id or code, of whose suggestions it may speak; of all, where there are none."
_SYSTEM = (
    "The system whose external ids it uses: a report by `external_id` then speaks of that system's suggestion. Without "
    "one it may speak of any system's."
)


class SourceRequest(
    Shape,
    json_schema_extra={"examples": [{"name": "Rota system", "scheme": STANDARD_WEBHOOKS, "system": "care-app"}]},
):
    """A source that is to be made."""

    name: Name
    scheme: Scheme
    sites: Annotated[_Sites | None, Field(description=_SITES)] = None
    system: Annotated[Ref | None, Field(description=_SYSTEM)] = None


class SourcePatch(Shape, json_schema_extra={"examples": [{"name": "Rota system, new server"}]}):
    """What can be changed of a source: a merge patch. Null takes the limit to sites, or the system, away."""

    name: Name | MISSING = MISSING
    sites: Annotated[_Sites | MISSING | None, Field(description=_SITES)] = MISSING
    system: Annotated[Ref | MISSING | None, Field(description=_SYSTEM)] = MISSING


class SourceView(Shape):
    """A source. `inbound_url` is the address that it sends to; its secret was shown when it was made."""

    id: UUID
    name: Annotated[str, Field(examples=["Rota system"])]
    scheme: Scheme
    sites: tuple[UUID, ...] | None
    system: Annotated[str | None, Field(examples=["care-app"])]
    inbound_url: str
    created_at: Instant


class NewSourceView(SourceView):
    """A source that was just made. `secret` is null in the answer to a repetition."""

    secret: Annotated[str | None, Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])]


@dataclass(frozen=True)
class NewSource:
    """A source that was just made, or given another secret; the secret is shown once."""

    id: UUID
    secret: str


@dataclass(frozen=True)
class Sender:
    """A source as it is known before anything it sends is believed. `secrets` are those that hold now."""

    organisation_id: UUID
    source_id: UUID
    secrets: tuple[str, ...]

    @property
    def scope(self) -> TenantScope:
        """A report may be about any suggestion of the organisation."""
        return TenantScope(self.organisation_id, sees_hidden=True)


def make_source(
    session: ScopedSession,
    secret: Secret,
    now: datetime,
    *,
    name: str,
    scheme: Scheme = STANDARD_WEBHOOKS,
    sites: Iterable[str] | None = None,
    system: str | None = None,
) -> NewSource:
    """A new source of the session's organisation, with its first secret. Raises Invalid for an unknown site."""
    shown, secrets = first_secret(secret, "source", now)
    row = Source(
        organisation_id=organisation_of(session),
        id=new_id(now),
        name=name,
        scheme=scheme,
        system=system,
        sites=None if sites is None else _ids_of(session, tuple(sites)),
        settings={},
        secrets=secrets,
        version=1,
        created_at=now,
        deleted_at=None,
    )
    session.add(row)
    session.flush()
    session.add(
        Credential(
            hash=_hash(row.id), kind="source", organisation_id=row.organisation_id, subject_id=row.id, expires_at=None
        )
    )
    session.flush()
    return NewSource(row.id, shown)


def request_source(session: ScopedSession, context: Context, wanted: SourceRequest) -> NewSource:
    """Makes a source; the maker's limit to sites is its limit, too. Raises Invalid for an unknown site."""
    sites = wanted.sites
    if sites is None and context.caller.sites is not None:
        sites = tuple(str(site) for site in sorted(context.caller.sites))
    return make_source(
        session,
        context.secret,
        context.now,
        name=wanted.name,
        scheme=wanted.scheme,
        sites=sites,
        system=wanted.system,
    )


def find_source(session: ScopedSession, caller: Caller, source_id: UUID, *, locked: bool = False) -> Source:
    """A source that the caller may manage and that was not deleted. Raises NotFound."""
    row = session.get(Source, source_id, with_for_update=locked or None)
    if row is None or row.deleted_at is not None or not caller.covers(row.sites):
        raise NotFound
    return row


def list_sources(session: ScopedSession, context: Context, page: Page) -> tuple[Sequence[Source], str | None]:
    """The sources that the caller may manage, in the order in which they were made."""
    view = ListView(context.caller.organisation_id, "sources")
    key = context.secret.derive("cursor")
    after = decode_cursor(key, view, page.cursor) if page.cursor is not None else None
    statement = select(Source).where(Source.deleted_at.is_(None)).order_by(Source.id)
    mine = [row for row in session.execute(statement).scalars() if context.caller.covers(row.sites)]
    rows = [row for row in mine if after is None or (row.id,) > after]
    shown, position = page_of(rows, page.limit, lambda row: (row.id,))
    return shown, None if position is None else encode_cursor(key, view, position)


def change_source(
    session: ScopedSession, context: Context, source_id: UUID, patch: SourcePatch, condition: Condition = ANY_VERSION
) -> Effect:
    """Changes name, sites and system, for reports that come from now on. Raises NotFound, VersionMismatch, Invalid."""
    row = find_source(session, context.caller, source_id, locked=True)
    condition.check(row.version)
    given: dict[str, Any] = {name: getattr(patch, name) for name in patch.model_fields_set}
    if "sites" in given:
        named = given["sites"]
        if named is None and context.caller.sites is not None:
            named = tuple(str(site) for site in sorted(context.caller.sites))
        given["sites"] = None if named is None else _ids_of(session, named)
    changed = {name: value for name, value in given.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.version += 1
        session.flush()
    return Effect(200, (row.id,))


def rotate_secret(
    session: ScopedSession,
    context: Context,
    source_id: UUID,
    overlap_hours: int,
    condition: Condition = ANY_VERSION,
) -> NewSource:
    """A new secret; the old ones verify for the overlap. Raises NotFound and VersionMismatch."""
    row = find_source(session, context.caller, source_id, locked=True)
    condition.check(row.version)
    shown, row.secrets = next_secret(context.secret, "source", row.secrets, context.now, overlap_hours)
    row.version += 1
    session.flush()
    return NewSource(row.id, shown)


def delete_source(
    session: ScopedSession, context: Context, source_id: UUID, condition: Condition = ANY_VERSION
) -> Effect:
    """Ends a source at once: its address answers 410. Its reports stay. Raises NotFound and VersionMismatch."""
    row = find_source(session, context.caller, source_id, locked=True)
    condition.check(row.version)
    row.deleted_at = context.now
    row.secrets = []
    row.version += 1
    session.flush()
    return Effect(204, (row.id,))


def show_source(row: Source, public_url: str) -> SourceView:
    """The source as the API shows it."""
    return SourceView(
        id=row.id,
        name=row.name,
        scheme=STANDARD_WEBHOOKS,
        sites=None if row.sites is None else tuple(UUID(site) for site in row.sites),
        system=row.system,
        inbound_url=f"{public_url}/v1/inbound/{row.id}",
        created_at=row.created_at,
    )


def find_sender(session: ScopedSession, secret: Secret, source_id: UUID, now: datetime) -> Sender:
    """The source behind an inbound address. Needs a session without a scope. Raises NotFound, and Gone once deleted."""
    found = session.execute(_BY_HASH, {"its_hash": _hash(source_id)}).scalar_one_or_none()
    if found is None or found.kind != "source":
        raise NotFound
    session.enter(TenantScope(found.organisation_id, sees_hidden=True))
    row = session.get(Source, found.subject_id)
    if row is None:
        raise NotFound
    if row.deleted_at is not None:
        raise Gone
    return Sender(found.organisation_id, row.id, live_secrets(secret, "source", row.secrets, now))


def _hash(source_id: UUID) -> bytes:
    """The hash under which a source's id leads to its organisation."""
    return hashlib.sha256(source_id.bytes).digest()


def _ids_of(session: ScopedSession, names: tuple[str, ...]) -> list[str]:
    found = find_sites(session, names)
    words = "Your organisation has no site with this id or code."
    faults = [Fault(f"/sites/{index}", "not_found", words) for index, name in enumerate(names) if name not in found]
    if faults:
        raise Invalid(*faults)
    return sorted({str(found[name]) for name in names})
