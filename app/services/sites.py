"""Sites by their id or code."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import select

from app.db.prepared_reads import find_site_codes, latest_count
from app.db.tables import Site
from app.db.tenancy import ScopedSession
from app.domain.vocabulary import Group
from app.kit.refusals import Fault, Invalid


def find_sites(session: ScopedSession, names: Iterable[str]) -> dict[str, UUID]:
    """The ids of those of the named sites that there are and that the caller's key is for."""
    wanted = set(names)
    if not wanted:
        return {}
    ids = {found for found in map(_as_id, wanted) if found is not None}
    allowed = session.scope.sites if session.scope else None
    found: dict[str, UUID] = {}
    for site_id, code in find_site_codes(session, wanted, ids):
        if allowed is None or site_id in allowed:
            found[str(site_id)] = site_id
            found[code] = site_id
    return {
        name: found[name if name in found else name.lower()] for name in wanted if {name, name.lower()} & found.keys()
    }


def find_site(session: ScopedSession, name: str, pointer: str) -> UUID:
    """The id of a site. Raises Invalid where there is none."""
    found = find_sites(session, (name,))
    if name not in found:
        raise Invalid(Fault(pointer, "not_found", "Your organisation has no site with this id or code."))
    return found[name]


def people_at(session: ScopedSession, site_id: UUID | None, group: Group, today: date) -> int | None:
    """How many people of a group a site has by its latest count until today; None where nobody has counted.

    Asked for once in a session: what the answer says of anonymity must not differ from what was done about it.
    """
    if site_id is None:
        return None
    known: dict[tuple[UUID, Group, date], int | None] = session.info.setdefault("people", {})
    asked = (site_id, group, today)
    if asked not in known:
        known[asked] = latest_count(session, site_id, group.value, today)
    return known[asked]


def with_predecessors(session: ScopedSession, site_ids: Iterable[UUID]) -> frozenset[UUID]:
    """The sites and all those that they follow: a successor inherits the history."""
    followed = select(Site.id, Site.successor_of).where(Site.successor_of.is_not(None))
    before = {site_id: earlier for site_id, earlier in session.execute(followed)}  # noqa: C416 -- rows are no pairs to mypy
    found = set(site_ids)
    waiting = list(found)
    while waiting:
        earlier = before.get(waiting.pop())
        if earlier is not None and earlier not in found:
            found.add(earlier)
            waiting.append(earlier)
    return frozenset(found)


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name) if len(name) == len(str(UUID(int=0))) else None
    except ValueError:
        return None
