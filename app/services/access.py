"""Who calls: what an API key or a receipt code opens, and the tenant scope that follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from app.db.tables import ApiKey, Credential
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.vocabulary import Scope
from app.kit.codes import checksum_fits, digest, normalise
from app.services.sites import with_predecessors

RECEIPT_PREFIX = "hbr_"
KEY_PREFIX = "hb_"


@dataclass(frozen=True)
class Caller:
    """Who calls. `suggestion_id` is set for the bearer of a receipt, who has no scopes and sees no other suggestion."""

    organisation_id: UUID
    key_id: UUID
    system: str
    scopes: frozenset[str]
    sites: frozenset[UUID] | None = None
    suggestion_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def scope(self) -> TenantScope:
        """What the caller's statements may touch. The receipt sees its suggestion also while that is hidden."""
        sees_hidden = self.suggestion_id is not None or Scope.SAFEGUARD in self.scopes
        return TenantScope(self.organisation_id, self.sites, sees_hidden)

    def covers(self, sites: Iterable[str] | None) -> bool:
        """Whether the caller is for all of these sites, as they are stored; None stands for the whole organisation."""
        if self.sites is None:
            return True
        return sites is not None and {UUID(site) for site in sites} <= self.sites

    def may(self, *scopes: str) -> bool:
        """Whether one of the scopes is the caller's."""
        return not self.scopes.isdisjoint(scopes)


Token = Literal["key", "receipt"]


def credential_of(kind: Token, token: str) -> bytes | None:
    """The hash under which a bearer token is stored; None where it cannot be one (a typing error)."""
    if kind == "key":
        return digest(token) if checksum_fits(token) else None
    code = normalise(token.removeprefix(RECEIPT_PREFIX))
    return digest(RECEIPT_PREFIX + code) if code else None


def look_up(session: ScopedSession, kind: Token, hashed: bytes, now: datetime) -> Caller | None:
    """The caller with this credential; None for an unknown, revoked or expired one. Needs a session without a scope."""
    found = session.execute(select(Credential).where(Credential.hash == hashed)).scalar_one_or_none()
    if found is None or found.kind != kind or (found.expires_at is not None and found.expires_at <= now):
        return None
    if kind == "receipt":
        return Caller(
            found.organisation_id, found.subject_id, f"receipt:{found.subject_id}", frozenset(), None, found.subject_id
        )
    session.enter(TenantScope(found.organisation_id, sees_hidden=True))
    key = session.get(ApiKey, found.subject_id)
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    sites = None if key.sites is None else with_predecessors(session, (UUID(site) for site in key.sites))
    ends = [instant for instant in (key.expires_at, found.expires_at) if instant is not None]
    return Caller(
        found.organisation_id, key.id, key.system, frozenset(key.scopes), sites, None, min(ends, default=None)
    )
