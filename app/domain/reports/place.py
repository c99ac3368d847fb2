"""The walk of reports through one place: one committed site, or the whole organisation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.case import Confirmation
from app.domain.reports.standing import Standing
from app.domain.reports.told import Entry
from app.domain.reports.types import Implemented, PartlyImplemented, TrialResult, TrialStarted
from app.domain.vocabulary import Progress, Seen

PEOPLE_WHO_CONTRADICT = 2
"""So many of the front line must say `not_seen` of a claim before it is a conflict."""


@dataclass(frozen=True)
class Version:
    """What one report claims where versions differ."""

    report: UUID
    source: str
    progress: Progress | None


@dataclass(frozen=True)
class Conflict:
    """Versions that cannot all be true of a place, and how many of the front line have not seen what is claimed.

    `site` is None for the whole organisation. `since` is the instant that two sources speak of differently, or that
    of the confirmation which made it a conflict.
    """

    site: UUID | None
    since: datetime
    versions: tuple[Version, ...]
    not_seen: int


@dataclass(frozen=True)
class Claim:
    """One report's claim at an instant, and where it leads."""

    entry: Entry
    standing: Standing

    def is_by(self, source: str) -> bool:
        """Whether this source claims it."""
        return self.entry.told.source == source

    def overlaps(self, entry: Entry) -> bool:
        """Whether it speaks of the same place as a report; one without a site speaks of every place."""
        return self.entry.site is None or entry.site is None or self.entry.site == entry.site

    def meets(self, other: "Claim") -> bool:
        """Another source speaks of the same place."""
        return not self.is_by(other.entry.told.source) and self.overlaps(other.entry)

    def disagrees_with(self, other: "Claim") -> bool:
        """Another source says another progress of the same place."""
        return self.meets(other) and self.standing.progress != other.standing.progress


class Place:
    """One place while the reports are read in their order. The sets hold ids of reports."""

    def __init__(self, site: UUID | None) -> None:
        self.site = site
        self.standing = Standing()
        self.fitting: set[UUID] = set()
        self.changing: set[UUID] = set()
        self.stopped_at: datetime | None = None
        self.claims_done = False
        self.trial_has_result = False
        self._versions: tuple[Claim, ...] = ()
        self._implemented: tuple[Entry, ...] = ()
        self._not_seen: dict[str, datetime] = {}

    @property
    def progress(self) -> Progress | None:
        """What is shown of the place."""
        return Progress.CONFLICT if self._versions or self._is_contradicted else self.standing.progress

    @property
    def conflict(self) -> Conflict | None:
        """The conflict that stands now."""
        not_seen = len(self._not_seen) if self._is_contradicted else 0
        if self._versions:
            versions = tuple(
                Version(one.entry.id, one.entry.told.source, one.standing.progress) for one in self._versions
            )
            return Conflict(self.site, self._versions[0].entry.told.occurred_at, versions, not_seen)
        if not_seen:
            claimed = Progress.IMPLEMENTED
            versions = tuple(Version(entry.id, entry.told.source, claimed) for entry in self._implemented)
            since = sorted(self._not_seen.values())[PEOPLE_WHO_CONTRADICT - 1]
            return Conflict(self.site, since, versions, not_seen)
        return None

    def hears(self, site: UUID | None) -> bool:
        """Whether what is said of a site is said of this place."""
        return self.site is None or site is None or site == self.site

    def take(self, entries: Sequence[Entry]) -> None:
        """Take the reports of one instant that say a progress of this place, in their order.

        Each is judged from where the one before left the place. While versions stand it is judged from any of them,
        so that each source can go on with its own. Two sources that say the same of one instant agree, and both fit.
        What fits nowhere is left out: a contradiction.
        """
        before = self._standings()
        claims: dict[tuple[str, UUID | None], Claim] = {}
        for entry in entries:
            step = first_step(entry, self._standings())
            claimed = step or first_step(entry, before)
            if claimed is not None:
                key = (entry.told.source, entry.site)
                claims.pop(key, None)  # The last word of a source counts, at its place in the order.
                claims[key] = Claim(entry, claimed)
            if step is not None:
                self._move(entry, step)
        self._compare(tuple(claims.values()))

    def recommit(self) -> None:
        """A promise was made anew: out of `stopped` to `planned`. It changes nothing else."""
        if self.standing.progress is Progress.STOPPED and not self._versions:
            self.standing = Standing(Progress.PLANNED)

    def confirm(self, confirmation: Confirmation) -> None:
        """What a person of the front line sees; each person's last one counts, at whatever place."""
        self._not_seen.pop(confirmation.ref, None)
        if confirmation.seen is Seen.NOT_SEEN and self.hears(confirmation.site):
            self._not_seen[confirmation.ref] = confirmation.at

    @property
    def _is_contradicted(self) -> bool:
        return self.standing.progress is Progress.IMPLEMENTED and len(self._not_seen) >= PEOPLE_WHO_CONTRADICT

    def _standings(self) -> tuple[Standing, ...]:
        return (self.standing, *(one.standing for one in self._versions))

    def _move(self, entry: Entry, step: Standing) -> None:
        """Take a legal step: it ends a conflict of sources, and a claim made anew wants to be seen anew."""
        shown, was = self.progress, self.standing
        self.standing, self._versions = step, ()
        if isinstance(entry.report, Implemented):
            self._not_seen.clear()
            self._implemented = (*self._implemented, entry) if was.progress is Progress.IMPLEMENTED else (entry,)
        if step.progress is Progress.STOPPED and was.progress is not Progress.STOPPED:
            self.stopped_at = entry.told.occurred_at
        self.claims_done |= isinstance(entry.report, PartlyImplemented | Implemented)
        if isinstance(entry.report, TrialStarted | TrialResult):
            self.trial_has_result = isinstance(entry.report, TrialResult)
        self.fitting.add(entry.id)
        if self.progress != shown:
            self.changing.add(entry.id)

    def _compare(self, claims: tuple[Claim, ...]) -> None:
        """Two sources that say different things of the same instant are both kept: a conflict.

        What is compared with another source's word has an effect, whether they agree or not, and is no contradiction.
        """
        versions = tuple(one for one in claims if any(one.disagrees_with(other) for other in claims))
        self.fitting |= {one.entry.id for one in claims if any(one.meets(other) for other in claims)}
        if versions:
            self._versions = versions


def first_step(entry: Entry, standings: Iterable[Standing]) -> Standing | None:
    """The step from the first standing from which it is legal."""
    return next((step for standing in standings if (step := entry.report.after(standing, entry.id)) is not None), None)
