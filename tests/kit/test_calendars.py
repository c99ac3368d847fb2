"""Bank holidays of the three nations, day by day, and counting in working days."""

from datetime import date

import pytest
from holidays.countries.united_kingdom import UnitedKingdom

from app.kit.calendars import (
    ENGLAND_WALES,
    NATIONS,
    NORTHERN_IRELAND,
    SCOTLAND,
    Calendar,
    bank_holidays,
    easter_sunday,
)

# As https://www.gov.uk/bank-holidays lists them.
PUBLISHED = {
    (ENGLAND_WALES, 2026): "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    (ENGLAND_WALES, 2027): "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    (ENGLAND_WALES, 2028): "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
    (SCOTLAND, 2026): "01-01 01-02 04-03 05-04 05-25 06-15 08-03 11-30 12-25 12-28",
    (SCOTLAND, 2027): "01-01 01-04 03-26 05-03 05-31 08-02 11-30 12-27 12-28",
    (SCOTLAND, 2028): "01-03 01-04 04-14 05-01 05-29 08-07 11-30 12-25 12-26",
    (NORTHERN_IRELAND, 2026): "01-01 03-17 04-03 04-06 05-04 05-25 07-13 08-31 12-25 12-28",
    (NORTHERN_IRELAND, 2027): "01-01 03-17 03-26 03-29 05-03 05-31 07-12 08-30 12-27 12-28",
    (NORTHERN_IRELAND, 2028): "01-03 03-17 04-14 04-17 05-01 05-29 07-12 08-28 12-25 12-26",
}


@pytest.mark.parametrize(("nation", "year"), PUBLISHED)
def test_the_published_days(nation: str, year: int) -> None:
    assert " ".join(f"{day:%m-%d}" for day in sorted(bank_holidays(nation, year))) == PUBLISHED[nation, year]


@pytest.mark.parametrize(
    ("nation", "parts"), [(ENGLAND_WALES, ("ENG", "WLS")), (SCOTLAND, ("SCT",)), (NORTHERN_IRELAND, ("NIR",))]
)
def test_every_day_agrees_with_another_source(nation: str, parts: tuple[str, ...]) -> None:
    for part in parts:
        theirs = UnitedKingdom(subdiv=part, years=range(2023, 2061))  # type: ignore[no-untyped-call]
        weekdays = {day for day in theirs if day.weekday() < 5}
        assert weekdays == {day for year in range(2023, 2061) for day in bank_holidays(nation, year)}


@pytest.mark.parametrize(("year", "day"), [(2024, "03-31"), (2025, "04-20"), (2038, "04-25"), (2285, "03-22")])
def test_easter_early_and_late(year: int, day: str) -> None:
    assert f"{easter_sunday(year):%m-%d}" == day


@pytest.mark.parametrize(
    ("nation", "day", "count", "expected"),
    [
        (ENGLAND_WALES, "2026-11-02", 0, "2026-11-02"),
        (ENGLAND_WALES, "2026-11-02", 3, "2026-11-05"),
        (ENGLAND_WALES, "2026-11-06", 1, "2026-11-09"),  # Friday
        (ENGLAND_WALES, "2026-11-07", 1, "2026-11-09"),  # Saturday
        (ENGLAND_WALES, "2026-11-08", 1, "2026-11-09"),  # Sunday
        (ENGLAND_WALES, "2026-04-02", 1, "2026-04-07"),  # over Easter
        (SCOTLAND, "2026-04-02", 1, "2026-04-06"),  # no Easter Monday
        (ENGLAND_WALES, "2026-12-24", 3, "2026-12-31"),  # over Christmas and a substitute day
        (ENGLAND_WALES, "2026-12-31", 1, "2027-01-04"),
        (SCOTLAND, "2026-12-31", 1, "2027-01-05"),  # 2 January is a Saturday, and 4 January its substitute
        (SCOTLAND, "2027-12-31", 1, "2028-01-05"),
        (NORTHERN_IRELAND, "2027-03-16", 1, "2027-03-18"),
        (ENGLAND_WALES, "2027-03-16", 1, "2027-03-17"),
        (NORTHERN_IRELAND, "2026-07-10", 1, "2026-07-14"),  # 12 July is a Sunday
        (NORTHERN_IRELAND, "2027-07-09", 1, "2027-07-13"),
    ],
)
def test_counting_in_working_days(nation: str, day: str, count: int, expected: str) -> None:
    assert Calendar(nation).after(date.fromisoformat(day), count) == date.fromisoformat(expected)


@pytest.mark.parametrize("nation", NATIONS)
def test_weekends_are_no_working_days(nation: str) -> None:
    calendar = Calendar(nation)
    assert [calendar.is_working(date(2026, 11, day)) for day in range(2, 9)] == [True] * 5 + [False] * 2


def test_there_are_three_nations() -> None:
    with pytest.raises(ValueError, match="wales"):
        Calendar("wales")
