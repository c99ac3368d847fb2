"""The days of a promise: pauses, clocks that change, years that end, and the holidays of three nations."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.days import LONDON, local_day
from app.domain.promises import Marks
from app.kit.calendars import ENGLAND_WALES, NORTHERN_IRELAND, SCOTLAND, Calendar
from tests.domain.promising import MARKS, RECEIVED, Span, due, london, stand, stop

# ── pauses ──


def test_the_clock_stops_for_a_question_and_while_held() -> None:
    asked = replace(MARKS, asked=(stop("2026-11-05 10:00"),))
    assert stand(asked, "2026-11-05 10:00") == {"P1": "kept", "P3": "paused", "P4": "paused", "P5": "paused"}
    held = replace(MARKS, held=(stop("2026-11-05 10:00"),))
    assert stand(held, "2026-11-05 10:00") == {"P1": "kept", "P2": "running"} | dict.fromkeys(
        ("P3", "P4", "P5"), "paused"
    )
    for marks in (asked, held):
        assert set(stand(marks, "2027-11-05 10:00").values()) <= {"kept", "paused", "broken"}
        assert stand(marks, "2027-11-05 10:00")["P4"] == "paused"
    assert stand(held, "2027-11-05 10:00")["P2"] == "broken"


@pytest.mark.parametrize(
    ("stops", "last_day"),
    [
        ([], "2026-11-30"),
        ([("2026-11-05 10:00", "2026-11-05 23:59")], "2026-11-30"),  # no midnight passed
        ([("2026-11-05 23:59", "2026-11-06 00:01")], "2026-12-01"),
        ([("2026-11-05 10:00", "2026-11-19 09:00")], "2026-12-14"),
        ([("2026-11-05 10:00", "2026-11-07 09:00"), ("2026-11-06 10:00", "2026-11-09 09:00")], "2026-12-04"),
        ([("2026-11-05 10:00", "2026-11-07 09:00"), ("2026-11-10 10:00", "2026-11-12 09:00")], "2026-12-04"),
        ([("2026-11-30 23:59", "2026-12-03 09:00")], "2026-12-03"),  # on the last day
        ([("2026-12-01 00:00", "2026-12-03 09:00")], "2026-11-30"),  # broken already
        ([("2026-11-29 10:00", "2026-12-01 09:00"), ("2026-12-02 10:00", "2026-12-04 09:00")], "2026-12-04"),
    ],
)
def test_midnights_that_pass_in_a_pause_do_not_count(stops: list[tuple[str, str]], last_day: str) -> None:
    spans = tuple(stop(since, until) for since, until in stops)
    end = date.fromisoformat(last_day) + timedelta(days=1)
    for marks in (
        replace(MARKS, asked=spans),
        replace(MARKS, held=spans),
        replace(MARKS, held=spans[:1], asked=spans[1:]),
    ):
        assert due(marks, "P4", now="2027-01-01 10:00") == f"{end} 00:00"


@pytest.mark.parametrize(
    ("since", "until", "last_day"),
    [
        ("2026-11-02 09:00", "2026-11-10 09:00", "2026-11-13"),  # as if received on the day of the return
        ("2026-11-03 09:00", "2026-11-04 09:00", "2026-11-06"),
        ("2026-11-06 09:00", "2026-11-08 09:00", "2026-11-05"),  # broken before
        ("2026-11-05 09:00", "2026-11-06 09:00", "2026-11-06"),  # on the last day, to a working day
        ("2026-11-05 09:00", "2026-11-07 09:00", "2026-11-09"),  # to a Saturday: the next working day
        ("2026-11-05 09:00", "2026-11-05 17:00", "2026-11-05"),
    ],
)
def test_working_days_and_a_hold(since: str, until: str, last_day: str) -> None:
    end = date.fromisoformat(last_day) + timedelta(days=1)
    assert due(replace(MARKS, held=(stop(since, until),)), "P3", now="2027-01-01 10:00") == f"{end} 00:00"


def test_what_is_paused_is_due_as_if_it_went_on_now() -> None:
    marks = replace(MARKS, asked=(stop("2026-11-05 10:00"),))
    assert due(marks, "P4", now="2026-11-05 23:00") == "2026-12-01 00:00"
    assert due(marks, "P4", now="2026-11-12 23:00") == "2026-12-08 00:00"


def test_a_commitment_is_put_off_by_a_hold_too() -> None:
    marks = replace(MARKS, committed_at=london("2026-11-05 10:00"), due_on=date(2026, 11, 10))
    held = replace(
        marks, held=(stop("2026-11-03 10:00", "2026-11-06 10:00"), stop("2026-11-09 10:00", "2026-11-12 10:00"))
    )
    assert due(held, "P6", now="2027-01-01 10:00") == "2026-11-15 00:00"


def test_a_commitment_at_the_end_of_all_days() -> None:
    marks = replace(MARKS, committed_at=RECEIVED, due_on=date.max, held=(stop("2026-11-03 10:00"),))
    assert due(marks, "P6", now="2027-01-01 10:00") == "9999-12-31 00:00"


# ── the calendar ──


@pytest.mark.parametrize(
    ("promise", "received", "last_day"),
    [
        ("P4", "2026-09-27 12:00", "2026-10-25"),  # the day on which the clocks go back
        ("P4", "2026-09-26 12:00", "2026-10-24"),
        ("P4", "2027-02-28 12:00", "2027-03-28"),  # the day on which they go forward
        ("P4", "2027-02-27 12:00", "2027-03-27"),
        ("P4", "2028-02-01 12:00", "2028-02-29"),
        ("P4", "2026-12-10 12:00", "2027-01-07"),
        ("P5", "2026-12-15 12:00", "2027-01-14"),
        ("P3", "2026-06-01 23:30", "2026-06-04"),  # in London it is still 1 June, in UTC too
        ("P3", "2026-06-02 00:30", "2026-06-05"),  # in London it is 2 June, in UTC 1 June
        ("P3", "2026-04-02 12:00", "2026-04-09"),  # Maundy Thursday: Good Friday, Easter Monday
        ("P3", "2026-12-24 12:00", "2026-12-31"),
        ("P3", "2027-12-24 12:00", "2027-12-31"),  # substitutes on 27 and 28 December
        ("P8", "2026-12-14 12:00", "2027-01-14"),
    ],
)
def test_clocks_that_change_and_years_that_end(promise: str, received: str, last_day: str) -> None:
    marks = replace(Marks(london(received)), appealed_at=london(received))
    end = date.fromisoformat(last_day) + timedelta(days=1)
    assert due(marks, promise, now=received) == f"{end} 00:00"


@pytest.mark.parametrize(
    ("received", "england", "scotland", "northern_ireland"),
    [
        ("2026-12-31 12:00", "2027-01-06", "2027-01-07", "2027-01-06"),  # the substitute for 2 January
        ("2026-03-16 12:00", "2026-03-19", "2026-03-19", "2026-03-20"),  # St Patrick's Day
        ("2027-07-09 12:00", "2027-07-14", "2027-07-14", "2027-07-15"),  # 12 July
        ("2026-07-10 12:00", "2026-07-15", "2026-07-15", "2026-07-16"),  # and its substitute
        ("2026-04-02 12:00", "2026-04-09", "2026-04-08", "2026-04-09"),  # Easter
        ("2026-08-28 12:00", "2026-09-03", "2026-09-02", "2026-09-03"),
        ("2026-11-27 12:00", "2026-12-02", "2026-12-03", "2026-12-02"),  # St Andrew's Day
    ],
)
def test_each_nation_has_its_own_holidays(received: str, england: str, scotland: str, northern_ireland: str) -> None:
    expected = {ENGLAND_WALES: england, SCOTLAND: scotland, NORTHERN_IRELAND: northern_ireland}
    found = {
        nation: local_day(london(due(Marks(london(received)), "P3", Calendar(nation), received)) - timedelta(days=1))
        for nation in expected
    }
    assert {nation: str(day) for nation, day in found.items()} == expected


def test_an_instant_by_the_day_counts_as_that_day() -> None:
    """What an anonymous author set is kept as midnight in UTC, which is one o'clock of the same day in summer."""
    assert due(Marks(datetime(2026, 7, 1, tzinfo=UTC)), "P4") == "2026-07-30 00:00"
    assert due(Marks(datetime(2026, 11, 2, tzinfo=UTC)), "P4") == due(MARKS, "P4")


# ── against a clock that ticks ──

HOURS = st.integers(0, 24 * 60)


@st.composite
def stops_of(draw: st.DrawFn) -> tuple[Span, ...]:
    """Up to three stretches after the start, in their order, without overlaps."""
    edges = sorted(draw(st.lists(HOURS, max_size=6, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(Span(RECEIVED + timedelta(hours=since), RECEIVED + timedelta(hours=until)) for since, until in pairs)


def tick(days: int, stops: Iterable[Span], counts: object) -> date:
    """The last day, found by going through every midnight."""
    day, left = local_day(RECEIVED), days
    while True:
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), LONDON)
        still = any(one.since < midnight and (one.until is None or midnight <= one.until) for one in stops)
        if left == 0 and counts(day) and not still:  # type: ignore[operator]
            return day
        day += timedelta(days=1)
        if not still and counts(day):  # type: ignore[operator]
            left = max(0, left - 1)


@settings(max_examples=200, deadline=None)
@given(stops_of(), st.sampled_from([ENGLAND_WALES, SCOTLAND, NORTHERN_IRELAND]))
def test_a_clock_that_ticks_comes_to_the_same_day(stops: tuple[Span, ...], nation: str) -> None:
    calendar = Calendar(nation)
    marks = replace(MARKS, held=stops, appealed_at=RECEIVED)
    for promise, days, counts in (("P3", 3, calendar.is_working), ("P8", 20, calendar.is_working), ("P4", 28, bool)):
        last = tick(days, stops, counts)
        assert due(marks, promise, calendar, "2028-01-01 00:00") == f"{last + timedelta(days=1)} 00:00"
