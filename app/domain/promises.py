"""The promises to every author: from when each runs, what keeps it, and by when. Rows of data and one clock.

A promise is counted in days of London. A day has passed when its midnight has; a midnight that passes while the clock
stands still (`held`, `needs_information`) does not count. What is due is due at the end of its last day, and said to be
due soon at six o'clock in the morning of that day.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, Protocol

from app.domain.days import LONDON, local_day, start_of
from app.kit.calendars import Calendar
from app.kit.shapes import show_instant

PromiseName = Literal["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"]
StateName = Literal["running", "paused", "kept", "broken", "void"]
Saying = Literal["due_soon", "broken"]

DUE_SOON = time(6)
DAY = timedelta(days=1)
LATEST = date(9999, 12, 30)
"""The last day that has an end which a calendar shows."""


class Stretch(Protocol):
    """A time in which the clock stood still; `until` is None while it lasts."""

    @property
    def since(self) -> datetime:
        """Its beginning."""

    @property
    def until(self) -> datetime | None:
        """Its end."""


@dataclass(frozen=True)
class Marks:
    """The instants of a suggestion on which its promises depend.

    `decided` are all its decisions, in their order. `news_at` is the last time that its author heard something
    (message, question, decision, told report), or that it came back to be worked on. `is_open`: somebody owes the
    author news. `committed_at` and `due_on` are of the commitment that stands, the last `recommit` included. `final_at`
    is when the final report was received, `told_at` when the author was told of that report. `deferred_at`,
    `revisit_on` and `returned_at` are of the last deferral, and stay when it is over. `ended_at`: withdrawn,
    redirected or merged. `said` holds what was announced.
    """

    received_at: datetime
    acknowledged_at: datetime | None = None
    decided: tuple[datetime, ...] = ()
    held: Sequence[Stretch] = ()
    asked: Sequence[Stretch] = ()
    news_at: datetime | None = None
    is_open: bool = True
    committed_at: datetime | None = None
    due_on: date | None = None
    final_at: datetime | None = None
    told_at: datetime | None = None
    appealed_at: datetime | None = None
    deferred_at: datetime | None = None
    revisit_on: date | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None
    said: Collection[str] = ()


@dataclass(frozen=True)
class Run:
    """One time that a promise is owed: from when, until when it was settled, and its last day where that is a date."""

    start: datetime
    settled_at: datetime | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Promise:
    """A row of the table. `days` are calendar days, or working days, after the day of the start; a policy may ask for
    fewer. `latest_run` finds the time that it is owed last, None where it is not owed yet. `also_of_the_ended`: it is
    owed even where that time begins after the suggestion has ended.
    """

    name: PromiseName
    latest_run: Callable[[Marks], Run | None]
    days: int = 0
    working: bool = False
    stands_still: bool = True
    also_of_the_ended: bool = False


def _screening(marks: Marks) -> Run | None:
    return Run(marks.held[-1].since, marks.held[-1].until) if marks.held else None


def _decision(marks: Marks) -> Run:
    return Run(marks.received_at, marks.decided[0] if marks.decided else None)


def _news(marks: Marks) -> Run:
    start = marks.news_at or marks.received_at
    return Run(start, None if marks.is_open or marks.ended_at else start)


def _commitment(marks: Marks) -> Run | None:
    if marks.committed_at is None or marks.due_on is None:
        return None
    return Run(marks.committed_at, marks.final_at, marks.due_on)


def _telling(marks: Marks) -> Run | None:
    if marks.final_at is None:
        return None
    return Run(marks.final_at, marks.told_at if marks.told_at and marks.told_at >= marks.final_at else None)


def _appeal(marks: Marks) -> Run | None:
    if (appealed_at := marks.appealed_at) is None:
        return None
    return Run(appealed_at, next((at for at in marks.decided if at > appealed_at), None))


def _return(marks: Marks) -> Run | None:
    if marks.deferred_at is None or marks.revisit_on is None:
        return None
    return Run(marks.deferred_at, marks.returned_at, marks.revisit_on)


PROMISES = (
    # Receipt and signposts, in the same response.
    Promise("P1", lambda marks: Run(marks.received_at, marks.received_at)),
    # A held item is screened: kept by `clear` or `redirect`.
    Promise("P2", _screening, days=1, working=True, stands_still=False, also_of_the_ended=True),
    # A named human acknowledges.
    Promise("P3", lambda marks: Run(marks.received_at, marks.acknowledged_at), days=3, working=True),
    # A decision with reasons.
    Promise("P4", _decision, days=28),
    # News while open; each piece of news starts it anew.
    Promise("P5", _news, days=30),
    # The commitment: kept by a final report, or renegotiated, by its date.
    Promise("P6", _commitment),
    # The author is told after a final report.
    Promise("P7", _telling, days=5, working=True),
    # An appeal is answered by the next decision.
    Promise("P8", _appeal, days=20, working=True),
    # Nothing is forgotten: a deferral comes back by itself.
    Promise("P9", _return),
)
"""The table of the product's section 3, row by row."""

LOOSEST_DAYS: Mapping[str, int] = {promise.name: promise.days for promise in PROMISES if promise.days}
"""The promises whose days a policy may set, each with the most days that it may set."""


@dataclass(frozen=True)
class PromiseState:
    """How a promise stands now. `due_at` is the end of its last day in London; while `paused`, as if the pause ended
    now. It is about to break from `due_soon_at` on, if it is running.
    """

    promise: PromiseName
    state: StateName
    due_at: datetime
    due_soon_at: datetime


@dataclass(frozen=True)
class Announcement:
    """Something about a promise to be said once, as the event `promise.<saying>`; `key` then goes into `Marks.said`."""

    promise: PromiseName
    saying: Saying
    due_at: datetime
    key: str


def promises_of(
    marks: Marks, policy_days: Mapping[str, int], calendar: Calendar, now: datetime
) -> tuple[PromiseState, ...]:
    """The promises that are or were owed, in the order of the table, as they stand at `now`.

    A promise that was not kept in time stays broken, but for P5 and P6, which start anew.
    """
    return tuple(clock.state for clock in _clocks(marks, policy_days, calendar, now))


def announcements(
    marks: Marks, policy_days: Mapping[str, int], calendar: Calendar, now: datetime
) -> tuple[Announcement, ...]:
    """What is to be said now and was not said before, of each run of a promise once.

    An act must not start a promise anew, or settle it, before what is due was said: ask before each act, too.
    """
    return tuple(
        Announcement(clock.state.promise, saying, clock.state.due_at, clock.key(saying))
        for clock in _clocks(marks, policy_days, calendar, now)
        for at, saying in clock.to_say()
        if at <= now and clock.key(saying) not in marks.said
    )


def next_wake(marks: Marks, policy_days: Mapping[str, int], calendar: Calendar, now: datetime) -> datetime | None:
    """The earliest instant at which something is to be said that was not said before; it may be past."""
    instants = (
        at
        for clock in _clocks(marks, policy_days, calendar, now)
        for at, saying in clock.to_say()
        if clock.key(saying) not in marks.said
    )
    return min(instants, default=None)


@dataclass(frozen=True)
class _Clock:
    """A run of a promise, and how it stands."""

    run: Run
    state: PromiseState
    is_owed: bool

    def key(self, saying: Saying) -> str:
        return f"{self.state.promise} {saying} {show_instant(self.run.start)}"

    def to_say(self) -> Iterator[tuple[datetime, Saying]]:
        """What this run will say, or should have said, if nothing happens."""
        if self.is_owed and self.state.state in ("running", "broken"):
            yield self.state.due_soon_at, "due_soon"
        if self.state.state in ("running", "broken"):
            yield self.state.due_at, "broken"


def _clocks(marks: Marks, policy_days: Mapping[str, int], calendar: Calendar, now: datetime) -> tuple[_Clock, ...]:
    return _clocks_kept(marks, frozenset(policy_days.items()), calendar, now)


@lru_cache(64)
def _clocks_kept(
    marks: Marks, policy_days: frozenset[tuple[str, int]], calendar: Calendar, now: datetime
) -> tuple[_Clock, ...]:
    """Kept for a while, as one request asks several times: what to say, when to wake up, what to show."""
    fewer = dict(policy_days)
    runs = [(promise, run) for promise in PROMISES if (run := promise.latest_run(marks)) is not None]
    return tuple(
        _clock(promise, run, marks, max(0, min(promise.days, fewer.get(promise.name, promise.days))), calendar, now)
        for promise, run in runs
    )


def _clock(promise: Promise, run: Run, marks: Marks, days: int, calendar: Calendar, now: datetime) -> _Clock:
    outlives_end = promise.also_of_the_ended and marks.ended_at is not None and marks.ended_at < run.start
    ends = (run.settled_at, None if outlives_end else marks.ended_at)
    over_at = min((at for at in ends if at is not None), default=None)
    stops = _stops(marks, over_at or now) if promise.stands_still else []
    last = _last_working_day(run, days, calendar, stops) if promise.working else _last_day(run, days, stops)
    due_at = start_of(last + DAY)
    state: StateName
    if (over_at or now) >= due_at:
        state = "broken"
    elif over_at is not None:
        state = "kept" if over_at == run.settled_at else "void"
    else:
        state = "paused" if promise.stands_still and _is_stopped(marks, now) else "running"
    due_soon_at = datetime.combine(last, DUE_SOON, LONDON).astimezone(UTC)
    return _Clock(run, PromiseState(promise.name, state, due_at, due_soon_at), is_owed=over_at is None)


def _is_stopped(marks: Marks, now: datetime) -> bool:
    return any(stop.since <= now and (stop.until is None or now < stop.until) for stop in (*marks.held, *marks.asked))


def _stops(marks: Marks, until: datetime) -> list[tuple[datetime, datetime]]:
    """When the clock stood still before an instant, in order and without overlaps."""
    stops: list[tuple[datetime, datetime]] = []
    for stop in sorted((*marks.held, *marks.asked), key=lambda stop: stop.since):
        end = min(stop.until or until, until)
        if stop.since >= end:
            continue
        if stops and stop.since <= stops[-1][1]:
            stops[-1] = (stops[-1][0], max(stops[-1][1], end))
        else:
            stops.append((stop.since, end))
    return stops


def _last_day(run: Run, days: int, stops: Iterable[tuple[datetime, datetime]]) -> date:
    """So many calendar days after the start, or the date itself, later by each midnight that passed in a stop."""
    last = run.due_on or local_day(run.start) + days * DAY
    for since, until in stops:
        if since < start_of(min(last, LATEST) + DAY) and until > run.start:
            passed = local_day(until) - local_day(max(since, run.start))
            last = min(last, LATEST - passed) + passed
    return min(last, LATEST)


def _last_working_day(run: Run, days: int, calendar: Calendar, stops: Sequence[tuple[datetime, datetime]]) -> date:
    """So many working days after the start; a day does not count if the clock stands still when it begins.

    If the clock stands still when the last day ends, the day on which it goes on is the last, or the next working day.
    """
    first = last = local_day(run.start)
    left = days
    while left or _stands_still(start_of(last + DAY), stops) or not (last == first or calendar.is_working(last)):
        last += DAY
        if calendar.is_working(last) and not _stands_still(start_of(last), stops):
            left = max(0, left - 1)
    return last


def _stands_still(midnight: datetime, stops: Iterable[tuple[datetime, datetime]]) -> bool:
    return any(since < midnight <= until for since, until in stops)
