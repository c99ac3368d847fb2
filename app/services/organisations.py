"""Organisations, sites and keys: how they are made."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db.tables import ApiKey, Credential, Organisation, Site
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.errors import IdConflict, NotFound
from app.domain.vocabulary import Nation, OrganisationKind, Scope
from app.kit.codes import digest, new_api_key
from app.kit.ids import new_id
from app.kit.refusals import Fault, Invalid
from app.services.sites import find_sites

MAX_CODE = 60


@dataclass(frozen=True)
class NewKey:
    """A key that was just made. `key` is shown once and stands nowhere."""

    id: UUID
    key: str


def make_organisation(
    session: ScopedSession,
    now: datetime,
    *,
    name: str,
    kind: OrganisationKind,
    nation: Nation = Nation.ENGLAND_WALES,
    code: str | None = None,
) -> Organisation:
    """A new tenant. Its code is made from the name where none is given. Raises IdConflict for a code that is taken."""
    wanted = code or _free_code(session, name)
    if code is not None and _is_taken(session, code):
        raise IdConflict(f"There is an organisation with the code {code} already.")
    row = Organisation(
        id=new_id(now),
        code=wanted,
        name=name,
        kind=kind.value,
        nation=nation.value,
        policy={},
        version=1,
        feed_position=0,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def find_organisation(session: ScopedSession, code: str) -> Organisation:
    """The organisation with this code. Raises NotFound."""
    found = session.execute(select(Organisation).where(Organisation.code == code)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no organisation with the code {code}.")
    return found


def make_site(session: ScopedSession, now: datetime, *, code: str, name: str, service_type: str | None = None) -> Site:
    """A new site of the session's organisation. Raises IdConflict for a code that is taken."""
    row = Site(
        organisation_id=_organisation_of(session),
        id=new_id(now),
        code=code,
        name=name,
        service_type=service_type,
        identifiers=[],
        successor_of=None,
        version=1,
        created_at=now,
    )
    write_site(session, row)
    return row


def write_site(session: ScopedSession, row: Site) -> None:
    """Writes a site that is new or changed. Raises IdConflict for a code that is taken; the database decides that, so
    that of two who want it at once one gets it.
    """
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise IdConflict("There is a site with this code already.") from None


def make_key(
    session: ScopedSession,
    now: datetime,
    *,
    scopes: Iterable[Scope],
    system: str,
    sites: Iterable[str] | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """A new key of the session's organisation. Raises Invalid for an unknown site."""
    organisation_id, key_id, key = _organisation_of(session), new_id(now), new_api_key()
    row = ApiKey(
        organisation_id=organisation_id,
        id=key_id,
        system=system,
        scopes=sorted({scope.value for scope in scopes}),
        sites=None if sites is None else _ids_of_sites(session, tuple(sites)),
        expires_at=expires_at,
        revoked_at=None,
        version=1,
        created_at=now,
    )
    session.add(row)
    session.add(
        Credential(hash=digest(key), kind="key", organisation_id=organisation_id, subject_id=key_id, expires_at=None)
    )
    session.flush()
    return NewKey(key_id, key)


def scope_of(organisation: Organisation) -> TenantScope:
    """The whole organisation, for its operators."""
    return TenantScope(organisation.id, sees_hidden=True)


def _ids_of_sites(session: ScopedSession, names: tuple[str, ...]) -> list[str]:
    found = find_sites(session, names)
    words = "Your organisation has no site with this id or code."
    faults = [Fault(f"/sites/{index}", "not_found", words) for index, name in enumerate(names) if name not in found]
    if faults:
        raise Invalid(*faults)
    return sorted({str(found[name]) for name in names})


def _organisation_of(session: ScopedSession) -> UUID:
    if session.scope is None:
        raise NotFound
    return session.scope.organisation_id


def _free_code(session: ScopedSession, name: str) -> str:
    """Letters and digits of the name joined by hyphens; with a few random ones where that is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: MAX_CODE - 8] or "organisation"
    while _is_taken(session, code):
        code = f"{code[: MAX_CODE - 8]}-{secrets.token_hex(3)}"
    return code


def _is_taken(session: ScopedSession, code: str) -> bool:
    return session.execute(select(Organisation.id).where(Organisation.code == code)).first() is not None
