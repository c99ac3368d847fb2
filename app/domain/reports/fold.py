"""What a set of outcome reports comes to, in whatever order and however often they arrived.

The rules are the product's ("Merging reports") and the contract's ("Legal steps"): drop what was retracted or
superseded; sort by time, rank of the type and content hash; walk; progress is the last legal step, per site first, then
rolled up over the committed sites.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.case import Confirmation
from app.domain.reports.place import Conflict, Place
from app.domain.reports.rollup import roll_up
from app.domain.reports.told import Entry, Struck, Told, entries_of, in_order, strike_out
from app.domain.reports.types import AdoptedElsewhere, ImpactMeasured
from app.domain.vocabulary import Progress, ReportStatus


@dataclass(frozen=True)
class Remembered:
    """A line of the history that the author reads."""

    id: UUID
    kind: str
    summary: str
    occurred_at: datetime
    struck_out: bool


@dataclass(frozen=True)
class Folded:
    """What the reports come to. Two equal ones have nothing new to tell anybody.

    `progress`, `benefits`, `links`, `finals` and `conflicts` are empty before a yes. `would_be` is the progress as if
    there were a yes. `statuses` has an entry for each report; `contradictions` and `targets_missing` are the
    quarantined ones among them, the latter corrections and retractions without an earlier report to speak of.
    `struck_out` leads from a report to the one that struck it out. `benefits` and `links` come with the id of their
    report. `finals` are the final reports that stand, once every place has one, and `final` is the one with which the
    last place came to its end. `final_measured`: an impact was measured, or every place says why not. `stopped_at` is
    the time of the stop while everything is stopped. `claims_done`: a report that the change is wholly or partly in
    place stands, whatever came after it. `history` is in the sorted order, without what is quarantined or dismissed.
    """

    progress: Progress | None
    would_be: Progress | None
    statuses: Mapping[UUID, ReportStatus]
    contradictions: frozenset[UUID]
    targets_missing: frozenset[UUID]
    struck_out: Mapping[UUID, UUID]
    benefits: tuple[tuple[UUID, ImpactMeasured], ...]
    links: tuple[tuple[UUID, AdoptedElsewhere], ...]
    final: UUID | None
    finals: tuple[UUID, ...]
    final_measured: bool
    conflicts: tuple[Conflict, ...]
    claims_done: bool
    trial_has_result: bool
    stopped_at: datetime | None
    history: tuple[Remembered, ...]

    @property
    def conflict(self) -> Conflict | None:
        """The conflict of the first place that has one."""
        return self.conflicts[0] if self.conflicts else None

    @property
    def stopped(self) -> bool:
        """Whether everything is stopped."""
        return self.stopped_at is not None


@dataclass(frozen=True)
class Course:
    """What happens beside the reports: for which places a yes was promised, from when reports count, what people did.

    `sites` without an entry make the whole organisation one place. Only what occurred after `since` counts.
    """

    sites: tuple[UUID, ...]
    since: datetime | None
    recommits: tuple[datetime, ...]
    confirmations: tuple[Confirmation, ...]

    def begins_after(self, instant: datetime) -> bool:
        """Whether an instant lies before what counts."""
        return self.since is not None and instant <= self.since


def fold(
    told: Iterable[Told],
    *,
    sites: Iterable[UUID] = (),
    since: datetime | None = None,
    recommits: Iterable[datetime] = (),
    confirmations: Iterable[Confirmation] = (),
    decided_yes: bool,
) -> Folded:
    """What reports come to; pure, and the same for every order and repetition of `told`.

    `since` is the last `appeal`, `reopen` or `revisit`: what occurred until then is history. `recommits` are steps at
    their own instants. `confirmations` stand in the order in which they were given. No source uses a `report_key`
    twice.
    """
    course = Course(tuple(dict.fromkeys(sites)), since, tuple(recommits), tuple(confirmations))
    order = in_order(told)
    struck = strike_out(order)
    walk = _walk(entries_of(order, struck), course)
    contradictions = frozenset(entry.id for entry in walk.entries if not walk.fits(entry))
    finals = walk.finals() if decided_yes else ()
    return Folded(
        progress=walk.progress if decided_yes else None,
        would_be=walk.progress,
        statuses=_statuses(order, struck, walk, course, decided_yes=decided_yes),
        contradictions=contradictions,
        targets_missing=struck.missing,
        struck_out=struck.by,
        benefits=walk.benefits if decided_yes else (),
        links=walk.links if decided_yes else (),
        final=walk.last_ending() if finals else None,
        finals=finals,
        final_measured=decided_yes and walk.is_measured(),
        conflicts=walk.conflicts if decided_yes else (),
        claims_done=any(place.claims_done for place in walk.places),
        trial_has_result=any(place.trial_has_result for place in walk.places),
        stopped_at=walk.stopped_at(),
        history=_history(order, struck, contradictions),
    )


@dataclass(frozen=True)
class _Walk:
    """A walk at its end. `entries` are the reports that took part in it, in their order."""

    entries: tuple[Entry, ...]
    places: tuple[Place, ...]

    @property
    def progress(self) -> Progress | None:
        return roll_up([place.progress for place in self.places])

    @property
    def benefits(self) -> tuple[tuple[UUID, ImpactMeasured], ...]:
        return tuple((entry.id, entry.report) for entry in self.entries if isinstance(entry.report, ImpactMeasured))

    @property
    def links(self) -> tuple[tuple[UUID, AdoptedElsewhere], ...]:
        return tuple((entry.id, entry.report) for entry in self.entries if isinstance(entry.report, AdoptedElsewhere))

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return tuple(place.conflict for place in self.places if place.conflict is not None)

    def outcome(self) -> object:
        """Everything that a report can change."""
        return [place.progress for place in self.places], self.benefits, self.links

    def fits(self, entry: Entry) -> bool:
        """Whether it is a legal step for at least one of the places it speaks of; of another place it is history."""
        hearing = [place for place in self.places if place.hears(entry.site)] if entry.report.says_progress else []
        return not hearing or any(entry.id in place.fitting for place in hearing)

    def changes(self, entry: Entry) -> bool:
        """Whether it changed a place's progress, the benefits or the links."""
        return isinstance(entry.report, ImpactMeasured | AdoptedElsewhere) or any(
            entry.id in place.changing for place in self.places
        )

    def finals(self) -> tuple[UUID, ...]:
        """The final reports that stand, if no place lacks one."""
        if not all(place.standing.finals for place in self.places):
            return ()
        standing = {final for place in self.places for final in place.standing.finals}
        return tuple(entry.id for entry in self.entries if entry.id in standing)

    def last_ending(self) -> UUID:
        """The final report that ended the last place to come to an end."""
        endings = {place.standing.finals[0] for place in self.places}
        return next(entry.id for entry in reversed(self.entries) if entry.id in endings)

    def is_measured(self) -> bool:
        """Whether an impact was measured, or every place has an end that says why none was."""
        excused = {entry.id for entry in self.entries if entry.report.why_not_measured}
        return bool(self.benefits) or all(excused.intersection(place.standing.finals) for place in self.places)

    def stopped_at(self) -> datetime | None:
        """When the last place stopped, if all did."""
        if self.progress is not Progress.STOPPED:
            return None
        return max(place.stopped_at for place in self.places if place.stopped_at is not None)


def _walk(entries: Iterable[Entry], course: Course, until: datetime | None = None) -> _Walk:
    """Walk through everything in the order of its instants: reports, then promises made anew, then confirmations.

    With `until`, of the recommitments and confirmations only those before that instant take part.
    """
    counting = tuple(entry for entry in entries if not course.begins_after(entry.told.occurred_at))
    reports: dict[datetime, list[Entry]] = defaultdict(list)
    for entry in counting:
        if entry.report.says_progress:
            reports[entry.told.occurred_at].append(entry)
    confirmations: dict[datetime, list[Confirmation]] = defaultdict(list)
    for confirmation in course.confirmations:
        confirmations[confirmation.at].append(confirmation)
    acts = {at for at in (*course.recommits, *confirmations) if not course.begins_after(at) and _is_before(at, until)}
    places = tuple(Place(site) for site in course.sites or (None,))
    for at in sorted(reports.keys() | acts):
        for place in places:
            place.take([entry for entry in reports.get(at, ()) if place.hears(entry.site)])
            if at in acts and at in course.recommits:
                place.recommit()
            for confirmation in confirmations.get(at, ()) if at in acts else ():
                place.confirm(confirmation)
    return _Walk(counting, places)


def _is_before(instant: datetime, until: datetime | None) -> bool:
    return until is None or instant < until


def _statuses(
    order: Sequence[Told], struck: Struck, walk: _Walk, course: Course, *, decided_yes: bool
) -> dict[UUID, ReportStatus]:
    """The status of each report: `applied` where it changed something in the sorted walk."""
    versions = {version.report for conflict in walk.conflicts for version in conflict.versions}
    entries = {entry.id: entry for entry in walk.entries}

    def status_of(index: int, told: Told) -> ReportStatus:
        if told.dismissed:
            return ReportStatus.REJECTED
        if told.id in struck.missing:
            return ReportStatus.QUARANTINED
        if (entry := entries.get(told.id)) is None:
            return ReportStatus.RECORDED
        if not walk.fits(entry):
            return ReportStatus.QUARANTINED
        if not decided_yes:
            return ReportStatus.RECORDED
        if told.id in versions:
            return ReportStatus.CONFLICT
        changes = walk.changes(entry) if told.target_key is None else _changes_in_hindsight(order, index, course)
        return ReportStatus.APPLIED if changes else ReportStatus.RECORDED

    return {told.id: status_of(index, told) for index, told in enumerate(order)}


def _changes_in_hindsight(order: Sequence[Told], index: int, course: Course) -> bool:
    """Whether a correction or retraction changes what the reports before it come to."""
    until = order[index].occurred_at

    def outcome(some: Sequence[Told]) -> object:
        return _walk(entries_of(list(some), strike_out(list(some))), course, until).outcome()

    return outcome(order[: index + 1]) != outcome(order[:index])


def _history(order: Sequence[Told], struck: Struck, contradictions: frozenset[UUID]) -> tuple[Remembered, ...]:
    """What the author reads: everything that stands on the suggestion, what was struck out included."""
    return tuple(
        Remembered(told.id, told.kind, told.report.summary, told.occurred_at, told.id in struck.by)
        for told in order
        if not (told.dismissed or told.id in struck.missing or told.id in contradictions)
    )
