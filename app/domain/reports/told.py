"""A report as it was told: by whom, about what time and place. And the one order in which reports are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.reports.types import Correction, Report, Retraction


@dataclass(frozen=True)
class Told:
    """One report with what surrounds it.

    `source` is who says it: a source's id, or `system:<name>` for an API key's system. A source gives each of its
    reports another `report_key`. `site` is the site that the report names, None where it speaks for all. `digest` is
    the hash of its content. A dismissed report counts for nothing, but its source may still correct it.
    """

    id: UUID
    source: str
    report_key: str
    kind: str
    occurred_at: datetime
    site: UUID | None
    digest: bytes
    report: Report
    received_at: datetime | None = None
    dismissed: bool = False

    @property
    def target_key(self) -> str | None:
        """The `report_key` of the report that it corrects or retracts."""
        if isinstance(self.report, Correction):
            return self.report.supersedes
        return self.report.retracts if isinstance(self.report, Retraction) else None

    @property
    def tells(self) -> Report:
        """What it says: of a correction, the report inside it."""
        return self.report.report if isinstance(self.report, Correction) else self.report


ByKey = Mapping[tuple[str, str], Told]


def by_key(told: Iterable[Told]) -> ByKey:
    """Each report by its source and the source's own key."""
    return {(one.source, one.report_key): one for one in told}


def in_order(told: Iterable[Told]) -> list[Told]:
    """Each report once, sorted by what was said and not by when it arrived.

    The order is (`occurred_at`, rank of the type, content hash), as the product says. Two corrections, or two
    retractions, of one instant are no equals if one names the other: it stands behind what it names.
    """
    reports = {one.id: one for one in told}.values()
    named = by_key(reports)
    return sorted(
        reports,
        key=lambda one: (one.occurred_at, one.report.rank, _depth(one, named), one.digest, one.source, one.report_key),
    )


def _depth(told: Told, named: ByKey) -> int:
    """How many reports of the same instant and type stand before this one because it names them; 0 in a circle."""
    seen = {told.report_key}
    depth, last = 0, told
    while last.target_key is not None and (target := named.get((told.source, last.target_key))) is not None:
        if (target.occurred_at, target.report.rank) != (told.occurred_at, told.report.rank):
            break
        if target.report_key in seen:
            return 0
        seen.add(target.report_key)
        depth, last = depth + 1, target
    return depth


@dataclass(frozen=True)
class Struck:
    """What corrections and retractions do: `by` leads from what no longer counts to what struck it out.

    `missing` are the corrections and retractions that name no earlier report of their source: they do nothing yet.
    """

    by: Mapping[UUID, UUID]
    missing: frozenset[UUID]


def strike_out(order: list[Told]) -> Struck:
    """Find what no longer counts among reports that are `in_order`.

    Only an earlier report of the same source can be struck out, so there are no circles. The last word about a report
    counts: an earlier correction or retraction of it is struck out with it. A correction of a correction, or of a
    retraction, also stands in the place of what that one spoke of; a retraction of it brings that back.
    """
    place = {one.id: index for index, one in enumerate(order)}
    named = by_key(order)
    by: dict[UUID, UUID] = {}
    missing: set[UUID] = set()
    for told in reversed(order):
        if told.target_key is None or told.dismissed or told.id in by:
            continue
        targets = _targets(told, named, place)
        if not targets:
            missing.add(told.id)
        elif overtaken := [by[target.id] for target in targets if target.id in by]:
            by[told.id] = overtaken[0]
        else:
            by |= {target.id: told.id for target in targets}
    return Struck(by, frozenset(missing))


def _targets(told: Told, named: ByKey, place: Mapping[UUID, int]) -> list[Told]:
    """What a correction or retraction speaks of, the nearest first."""
    found: list[Told] = []
    last = told
    while last.target_key is not None:
        target = named.get((told.source, last.target_key))
        if target is None or place[target.id] >= place[last.id]:
            break
        found.append(target)
        if isinstance(told.report, Retraction):
            break
        last = target
    return found


@dataclass(frozen=True)
class Entry:
    """A report that counts, what it says, and of which site: of that of its target where a correction names none."""

    told: Told
    report: Report
    site: UUID | None

    @property
    def id(self) -> UUID:
        """The report's id."""
        return self.told.id


def entries_of(order: list[Told], struck: Struck) -> list[Entry]:
    """What is left of reports `in_order` when the struck out, the dismissed and the waiting are dropped."""
    named = by_key(order)
    return [
        Entry(one, one.tells, _site_of(one, named))
        for one in order
        if not (one.dismissed or one.id in struck.by or one.id in struck.missing)
    ]


def _site_of(told: Told, named: ByKey) -> UUID | None:
    """The site of a report; a correction that names none takes that of what it corrects."""
    seen = {told.report_key}
    while told.site is None and isinstance(told.report, Correction):
        target = named.get((told.source, told.report.supersedes))
        if target is None or target.report_key in seen:
            break
        seen.add(target.report_key)
        told = target
    return told.site
