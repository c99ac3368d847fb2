"""Who reports: a source by its signature, or the system of an API key."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.db.tables import Report, Source
from app.db.tenancy import ScopedSession
from app.services.access import Caller
from app.services.sites import with_predecessors


@dataclass(frozen=True)
class Origin:
    """Whose reports these are. `name` is stored with each and tells the origins apart.

    `system`: reports by external id speak of this system's suggestions; None: of any. `sites`: only suggestions and
    reports of these may be spoken of; None: of all. `is_key`: what is not the caller's does not exist for it, and what
    is wrong with a request is said to it.
    """

    name: str
    source_id: UUID | None
    system: str | None
    sites: frozenset[UUID] | None
    is_key: bool = False

    def is_entitled(self, site_id: UUID | None) -> bool:
        """Whether a site, or the lack of one, is this origin's to speak of."""
        return self.sites is None or site_id in self.sites


def of_source(session: ScopedSession, source: Source) -> Origin:
    """A source speaks of its own sites and of those that they follow."""
    return Origin(f"source:{source.id}", source.id, source.system, sites_of(session, source.sites))


def of_caller(caller: Caller) -> Origin:
    """An API key speaks for its system."""
    return Origin(f"system:{caller.system}", None, caller.system, caller.sites, is_key=True)


def of_report(session: ScopedSession, report: Report) -> Origin:
    """The origin of a report that is judged again. Of a key only the system is known by then."""
    source = session.get(Source, report.source_id) if report.source_id is not None else None
    if source is not None:
        return of_source(session, source)
    return Origin(report.origin, report.source_id, report.system, None)


def sites_of(session: ScopedSession, stored: Iterable[str] | None) -> frozenset[UUID] | None:
    """The sites of a source as it is stored, with those that they follow."""
    return None if stored is None else with_predecessors(session, map(UUID, stored))
