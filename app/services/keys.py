"""API keys over the API: made, listed, given a new secret, revoked.

A key manages the keys that are for no other sites than itself; others do not exist for it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select, update

from app.db.paging import ListView, decode_cursor, encode_cursor, page_of
from app.db.tables import ApiKey, Credential
from app.db.tenancy import ScopedSession
from app.domain.errors import MissingScope, NotFound
from app.domain.texts import Name, SiteName
from app.domain.vocabulary import Scope
from app.kit.codes import digest, new_api_key
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Instant, Shape
from app.services.access import Caller
from app.services.context import Context
from app.services.listing import Page
from app.services.organisations import NewKey, make_key
from app.services.subscriptions import pause_for_key
from app.services.suggestions import ANY_VERSION, Condition

MAX_OVERLAP_HOURS = 168


class KeyRequest(Shape, json_schema_extra={"examples": [{"scopes": ["raise", "read"], "system": "care-app"}]}):
    """A key that is to be made. `sites` limit it; without `expires_at` it holds until it is revoked."""

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    system: Name
    sites: Annotated[tuple[SiteName, ...], Field(min_length=1, max_length=1000)] | None = None
    expires_at: Instant | None = None


class Overlap(Shape, json_schema_extra={"examples": [{"overlap_hours": 24}]}):
    """How long the old secret still works: 0 to 168 hours, 24 unless said."""

    overlap_hours: Annotated[int, Field(ge=0, le=MAX_OVERLAP_HOURS)] = 24


class KeyView(Shape):
    """A key's rights. The key itself is shown once, when it is made."""

    id: UUID
    system: str
    scopes: tuple[Scope, ...]
    sites: tuple[UUID, ...] | None
    expires_at: Instant | None
    created_at: Instant


class NewKeyView(KeyView):
    """A key that was just made. `key` is null in the answer to a repetition."""

    key: str | None


def request_key(session: ScopedSession, context: Context, wanted: KeyRequest) -> NewKey:
    """Makes a key with no more rights than its maker has.

    A maker that is limited to sites makes keys of these sites. Raises MissingScope, and Invalid for an unknown site or
    an expiry that is not ahead.
    """
    lacking = {scope.value for scope in wanted.scopes} - context.caller.scopes
    if lacking:
        names = ", ".join(sorted(lacking))
        raise MissingScope(detail=f"A key cannot give what it does not have. Yours lacks {names}.")
    if wanted.expires_at is not None and wanted.expires_at <= context.now:
        raise Invalid(Fault("/expires_at", "out_of_range", "A key cannot expire before it is made."))
    sites = wanted.sites
    if sites is None and context.caller.sites is not None:
        sites = tuple(str(site) for site in sorted(context.caller.sites))
    return make_key(
        session,
        context.now,
        scopes=wanted.scopes,
        system=wanted.system,
        sites=sites,
        expires_at=wanted.expires_at,
    )


def find_key(session: ScopedSession, caller: Caller, key_id: UUID, *, locked: bool = False) -> ApiKey:
    """A key that the caller may manage and that was not revoked. Raises NotFound."""
    row = session.get(ApiKey, key_id, with_for_update=True) if locked else session.get(ApiKey, key_id)
    if row is None or row.revoked_at is not None or not caller.covers(row.sites):
        raise NotFound
    return row


def list_keys(session: ScopedSession, context: Context, page: Page) -> tuple[Sequence[ApiKey], str | None]:
    """The keys that the caller may manage and that were not revoked, in the order in which they were made."""
    view = ListView(context.caller.organisation_id, "keys")
    secret = context.secret.derive("cursor")
    after = decode_cursor(secret, view, page.cursor) if page.cursor is not None else None
    statement = select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
    mine = [row for row in session.execute(statement).scalars() if context.caller.covers(row.sites)]
    rows = [row for row in mine if after is None or (row.id,) > after]
    shown, position = page_of(rows, page.limit, lambda row: (row.id,))
    return shown, None if position is None else encode_cursor(secret, view, position)


def rotate_key(
    session: ScopedSession, context: Context, key_id: UUID, overlap: Overlap, condition: Condition = ANY_VERSION
) -> NewKey:
    """A new secret for the same key; the old one works on for the overlap. Raises NotFound and VersionMismatch."""
    row = find_key(session, context.caller, key_id, locked=True)
    condition.check(row.version)
    if lacking := set(row.scopes) - context.caller.scopes:
        raise MissingScope(detail=f"A key cannot give what it does not have. Yours lacks {', '.join(sorted(lacking))}.")
    _end_credentials(session, row, context, overlap.overlap_hours)
    key = new_api_key()
    session.add(
        Credential(
            hash=digest(key), kind="key", organisation_id=row.organisation_id, subject_id=row.id, expires_at=None
        )
    )
    row.version += 1
    session.flush()
    return NewKey(row.id, key)


def revoke_key(session: ScopedSession, context: Context, key_id: UUID, condition: Condition = ANY_VERSION) -> None:
    """Ends a key at once; its row stays for the audit, and what it has subscribed to is paused.

    Raises NotFound and VersionMismatch.
    """
    row = find_key(session, context.caller, key_id, locked=True)
    condition.check(row.version)
    _end_credentials(session, row, context, 0)
    row.revoked_at = context.now
    row.version += 1
    session.flush()
    pause_for_key(session, row.id, context.now)


def show_key(row: ApiKey) -> KeyView:
    """The key as lists show it."""
    sites = None if row.sites is None else tuple(UUID(site) for site in row.sites)
    return KeyView(
        id=row.id,
        system=row.system,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        sites=sites,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def _end_credentials(session: ScopedSession, row: ApiKey, context: Context, overlap_hours: int) -> None:
    mine = (Credential.organisation_id == row.organisation_id, Credential.subject_id == row.id)
    if overlap_hours == 0:
        session.execute(delete(Credential).where(*mine))
        return
    ends = context.now + timedelta(hours=overlap_hours)
    later = Credential.expires_at.is_(None) | (Credential.expires_at > ends)
    session.execute(update(Credential).where(*mine, later).values(expires_at=ends))
