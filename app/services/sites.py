"""Sites by their id or code."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select

from app.db.tables import Site
from app.db.tenancy import ScopedSession
from app.kit.refusals import Fault, Invalid


def find_sites(session: ScopedSession, names: Iterable[str]) -> dict[str, UUID]:
    """The ids of those of the named sites that there are and that the caller's key is for."""
    wanted = set(names)
    if not wanted:
        return {}
    ids = {found for found in map(_as_id, wanted) if found is not None}
    statement = select(Site.id, Site.code).where(or_(Site.code.in_(sorted(wanted)), Site.id.in_(sorted(ids))))
    allowed = session.scope.sites if session.scope else None
    found: dict[str, UUID] = {}
    for site_id, code in session.execute(statement):
        if allowed is None or site_id in allowed:
            found[str(site_id)] = site_id
            found[code] = site_id
    return {name: found[name if name in found else name.lower()] for name in wanted if {name, name.lower()} & found.keys()}


def find_site(session: ScopedSession, name: str, pointer: str) -> UUID:
    """The id of a site. Raises Invalid where there is none."""
    found = find_sites(session, (name,))
    if name not in found:
        raise Invalid(Fault(pointer, "not_found", "Your organisation has no site with this id or code."))
    return found[name]


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name) if len(name) == len(str(UUID(int=0))) else None
    except ValueError:
        return None
