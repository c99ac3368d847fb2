"""Working days in the nations of the United Kingdom: every weekday that is no bank holiday.

The days follow from rules, so that no year is missing. Sources: Banking and Financial Dealings Act 1971, schedule 1,
with the royal proclamations that are made under it every year (substitute days, the early May and the New Year days),
as https://www.gov.uk/bank-holidays lists them; a one-off holiday is a row of `ONE_OFF`. EDITION says when that list was
last compared with the source; a test compares every day with the package `holidays`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EDITION = "2026-11"

ENGLAND_WALES, SCOTLAND, NORTHERN_IRELAND = "england_wales", "scotland", "northern_ireland"
NATIONS = (ENGLAND_WALES, SCOTLAND, NORTHERN_IRELAND)

ONE_OFF = {
    date(2023, 5, 8): NATIONS,  # the coronation
    date(2026, 6, 15): (SCOTLAND,),  # Scotland at the football World Cup
}
"""Holidays of one year only, since 2023."""

SATURDAY = 5
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The working days of one of NATIONS. Raises ValueError for another name."""

    nation: str

    def __post_init__(self) -> None:
        if self.nation not in NATIONS:
            raise ValueError(f"no nation of the United Kingdom: {self.nation}")

    def is_working(self, day: date) -> bool:
        """Whether a day is neither on a weekend nor a bank holiday."""
        return day.weekday() < SATURDAY and day not in bank_holidays(self.nation, day.year)

    def after(self, day: date, count: int) -> date:
        """The working day that is so many working days after a day of any kind; `count` 0 gives the day itself."""
        while count > 0:
            day += DAY
            if self.is_working(day):
                count -= 1
        return day


@lru_cache(maxsize=256)
def bank_holidays(nation: str, year: int) -> frozenset[date]:
    """The days of a year on which nobody works, where they are weekdays; substitute days included."""
    new_year, christmas = [date(year, 1, 1)], [date(year, 12, 25), date(year, 12, 26)]
    easter = easter_sunday(year)
    days = [easter - 2 * DAY, _monday(year, 5), _last_monday(year, 5)]
    if nation == SCOTLAND:
        new_year.append(date(year, 1, 2))
        days += [_monday(year, 8), *_moved_off_weekends([date(year, 11, 30)])]
    else:
        days += [easter + DAY, _last_monday(year, 8)]
    if nation == NORTHERN_IRELAND:
        days += [*_moved_off_weekends([date(year, 3, 17)]), *_moved_off_weekends([date(year, 7, 12)])]
    one_off = [day for day, nations in ONE_OFF.items() if day.year == year and nation in nations]
    return frozenset([*days, *_moved_off_weekends(new_year), *_moved_off_weekends(christmas), *one_off])


def easter_sunday(year: int) -> date:
    """The Gregorian Easter, by the algorithm of Meeus, Jones and Butcher (Nature, 20 April 1876)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _moved_off_weekends(days: Sequence[date]) -> list[date]:
    """Neighbouring holidays, each that falls on a weekend moved to the next weekday that is none of them."""
    taken = [day for day in days if day.weekday() < SATURDAY]
    for day in days:
        if day in taken:
            continue
        while day.weekday() >= SATURDAY or day in taken:
            day += DAY  # noqa: PLW2901 -- the day itself is what moves
        taken.append(day)
    return taken


def _monday(year: int, month: int) -> date:
    """The first Monday of a month."""
    first = date(year, month, 1)
    return first + -first.weekday() % 7 * DAY


def _last_monday(year: int, month: int) -> date:
    """The last Monday of a month of 31 days."""
    last = date(year, month, 31)
    return last - last.weekday() * DAY
