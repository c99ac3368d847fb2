"""For tests of promises: a suggestion received on a Monday morning, and short ways to ask how its promises stand."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.days import LONDON
from app.domain.promises import Marks, announcements, promises_of
from app.kit.calendars import ENGLAND_WALES, Calendar

ENGLAND = Calendar(ENGLAND_WALES)
RECEIVED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
MARKS = Marks(RECEIVED)


@dataclass(frozen=True)
class Span:
    since: datetime
    until: datetime | None = None


def london(text: str) -> datetime:
    """An instant by the clocks of London, for example `2026-11-02 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def stop(since: str, until: str | None = None) -> Span:
    return Span(london(since), london(until) if until else None)


def stand(marks: Marks, now: str | datetime, nation: Calendar = ENGLAND, **days: int) -> dict[str, str]:
    """The state of each promise."""
    at = london(now) if isinstance(now, str) else now
    return {one.promise: one.state for one in promises_of(marks, days, nation, at)}


def due(marks: Marks, promise: str, nation: Calendar = ENGLAND, now: str = "2026-11-02 10:00", **days: int) -> str:
    """The end of the promise's last day, by the clocks of London."""
    [found] = [one for one in promises_of(marks, days, nation, london(now)) if one.promise == promise]
    return found.due_at.astimezone(LONDON).strftime("%Y-%m-%d %H:%M")


def said(marks: Marks, now: str, nation: Calendar = ENGLAND) -> list[str]:
    """What is to be said now."""
    return [f"{one.promise} {one.saying}" for one in announcements(marks, {}, nation, london(now))]


def keys(marks: Marks, now: str) -> tuple[str, ...]:
    """The keys of what is to be said now."""
    return tuple(one.key for one in announcements(marks, {}, ENGLAND, london(now)))
