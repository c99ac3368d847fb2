"""Calendar days as people in the United Kingdom live them."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def local_day(instant: datetime) -> date:
    """The day that it is in London at an instant."""
    return instant.astimezone(LONDON).date()


@lru_cache(4096)
def start_of(day: date) -> datetime:
    """The instant at which a day begins in London, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def same_date_next_year(day: date) -> date:
    """The same date a year later; 28 February stands for 29 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)
