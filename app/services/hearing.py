"""Which subscription hears of which event: what it asks for, as far as its key may see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.db.fanout_statements import Listener, Subject, WaitingEvent
from app.domain.events import hears
from app.domain.vocabulary import Scope


@dataclass(frozen=True)
class Interest:
    """A subscription as the fan-out sees it."""

    id: UUID
    patterns: tuple[str, ...]
    ordering: str
    skips: str | None
    """The system whose reports' effects are left out."""
    sees_hidden: bool
    sites: frozenset[UUID] | None
    heard_from: int

    @classmethod
    def of(cls, row: Listener) -> "Interest":
        """Read the row."""
        return cls(
            id=row.id,
            patterns=tuple(row.event_types),
            ordering=row.ordering,
            skips=row.system if row.skip_own else None,
            sees_hidden=Scope.SAFEGUARD in row.scopes,
            sites=None if row.sites is None else frozenset(UUID(site) for site in row.sites),
            heard_from=row.heard_from,
        )

    def wants(self, event: WaitingEvent, subject: Subject | None) -> bool:
        """Whether it is told of the event, hidden or not.

        Only of what was recorded since it was made. A key that is limited to sites sees their suggestions, none that
        was generalised, and nothing that is about no suggestion.
        """
        if event.number < self.heard_from or not hears(self.patterns, event.type, sees_hidden=self.sees_hidden):
            return False
        if self.skips is not None and event.caused_by_system == self.skips:
            return False
        if self.sites is None:
            return True
        return subject is not None and subject.site_id in self.sites and not subject.generalised


def interests_of(rows: Iterable[Listener]) -> list[Interest]:
    """All of them."""
    return [Interest.of(row) for row in rows]
