"""What is promised to every author: each row of the table, pauses, the days of the calendar, and what is said once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.days import LONDON, local_day
from app.domain.promises import (
    LOOSEST_DAYS,
    PROMISES,
    Announcement,
    Marks,
    PromiseState,
    announcements,
    next_wake,
    promises_of,
)
from app.kit.calendars import ENGLAND_WALES, NORTHERN_IRELAND, SCOTLAND, Calendar

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


# ── the table ──


def test_what_is_owed_from_the_first_minute() -> None:
    def state(promise: str, kind: str, due_at: str) -> PromiseState:
        last = london(due_at) - timedelta(days=1)
        return PromiseState(promise, kind, london(due_at), last + timedelta(hours=6))  # type: ignore[arg-type]

    assert promises_of(MARKS, {}, ENGLAND, RECEIVED) == (
        state("P1", "kept", "2026-11-03 00:00"),
        state("P3", "running", "2026-11-06 00:00"),
        state("P4", "running", "2026-12-01 00:00"),
        state("P5", "running", "2026-12-03 00:00"),
    )


def test_the_end_of_the_last_day_is_an_instant() -> None:
    received = datetime(2026, 11, 1, 14, 0, tzinfo=UTC)
    [p4] = [one for one in promises_of(Marks(received), {}, ENGLAND, received) if one.promise == "P4"]
    assert p4.due_at == datetime(2026, 11, 30, tzinfo=UTC)
    assert p4.due_soon_at == datetime(2026, 11, 29, 6, tzinfo=UTC)


def test_every_promise_of_a_long_life() -> None:
    marks = Marks(
        RECEIVED,
        acknowledged_at=london("2026-11-03 10:00"),
        decided=(london("2026-11-20 10:00"),),
        held=(stop("2026-11-04 10:00", "2026-11-05 09:00"),),
        news_at=london("2026-12-01 10:00"),
        committed_at=london("2026-11-20 10:00"),
        due_on=date(2026, 12, 18),
        final_at=london("2026-12-10 10:00"),
        told_at=london("2026-12-14 10:00"),
        appealed_at=london("2026-12-15 10:00"),
        deferred_at=london("2026-11-06 10:00"),
        revisit_on=date(2026, 11, 16),
        returned_at=london("2026-11-16 00:00"),
    )
    kept = dict.fromkeys(["P1", "P2", "P3", "P4", "P6", "P7", "P9"], "kept")
    assert stand(marks, "2026-12-16 10:00") == kept | {"P5": "running", "P8": "running"}


@pytest.mark.parametrize(
    ("promise", "marks", "last_day"),
    [
        ("P2", replace(MARKS, held=(stop("2026-11-06 16:00"),)), "2026-11-09"),  # Friday to Monday
        (
            "P2",
            replace(MARKS, held=(stop("2026-11-03 16:00", "2026-11-03 17:00"), stop("2026-11-05 16:00"))),
            "2026-11-06",
        ),
        ("P3", MARKS, "2026-11-05"),
        ("P3", Marks(london("2026-11-07 23:59")), "2026-11-11"),  # Saturday: Monday, Tuesday, Wednesday
        ("P4", MARKS, "2026-11-30"),
        ("P5", MARKS, "2026-12-02"),
        ("P5", replace(MARKS, news_at=london("2026-11-20 10:00")), "2026-12-20"),
        ("P6", replace(MARKS, committed_at=RECEIVED, due_on=date(2026, 11, 21)), "2026-11-21"),
        ("P7", replace(MARKS, final_at=RECEIVED), "2026-11-09"),
        ("P8", replace(MARKS, appealed_at=RECEIVED), "2026-11-30"),
        ("P9", replace(MARKS, deferred_at=RECEIVED, revisit_on=date(2027, 2, 1)), "2027-02-01"),
    ],
)
def test_the_last_day_of_each_promise(promise: str, marks: Marks, last_day: str) -> None:
    end = date.fromisoformat(last_day) + timedelta(days=1)
    assert due(marks, promise) == f"{end} 00:00"


LAST_MOMENT, TOO_LATE = timedelta(microseconds=-1), timedelta(0)


@pytest.mark.parametrize(
    ("promise", "marks", "settle"),
    [
        ("P2", replace(MARKS, held=(Span(RECEIVED),)), lambda at: {"held": (Span(RECEIVED, at),)}),
        ("P3", MARKS, lambda at: {"acknowledged_at": at}),
        ("P4", MARKS, lambda at: {"decided": (at, at + timedelta(days=99))}),
        ("P6", replace(MARKS, committed_at=RECEIVED, due_on=date(2026, 11, 21)), lambda at: {"final_at": at}),
        ("P7", replace(MARKS, final_at=RECEIVED), lambda at: {"told_at": at}),
        ("P8", replace(MARKS, decided=(RECEIVED,), appealed_at=RECEIVED), lambda at: {"decided": (RECEIVED, at)}),
        ("P9", replace(MARKS, deferred_at=RECEIVED, revisit_on=date(2026, 11, 9)), lambda at: {"returned_at": at}),
    ],
)
def test_what_keeps_each_promise_and_what_comes_too_late(promise: str, marks: Marks, settle: object) -> None:
    due_at = london(due(marks, promise))
    for moved, state in ((LAST_MOMENT, "kept"), (TOO_LATE, "broken")):
        settled = replace(marks, **settle(due_at + moved))  # type: ignore[operator]
        assert stand(settled, "2027-06-01 10:00")[promise] == state
        assert stand(marks, due_at + moved)[promise] == ("broken" if state == "broken" else "running")


def test_a_receipt_is_given_in_the_same_response() -> None:
    assert stand(MARKS, "2027-11-02 09:00")["P1"] == "kept"


def test_news_start_the_clock_anew() -> None:
    late = london("2026-12-10 10:00")
    assert stand(MARKS, late)["P5"] == "broken"
    assert stand(replace(MARKS, news_at=late), late)["P5"] == "running"
    assert stand(replace(MARKS, is_open=False), late)["P5"] == "kept"


def test_a_commitment_made_anew_has_its_own_date() -> None:
    marks = replace(MARKS, committed_at=RECEIVED, due_on=date(2026, 11, 10))
    assert stand(marks, "2026-11-11 00:00")["P6"] == "broken"
    anew = replace(marks, committed_at=london("2026-11-12 10:00"), due_on=date(2026, 11, 30))
    assert stand(anew, "2026-11-12 11:00")["P6"] == "running"


def test_telling_before_the_final_report_tells_nothing_of_it() -> None:
    marks = replace(MARKS, final_at=london("2026-11-10 10:00"), told_at=london("2026-11-09 10:00"))
    assert stand(marks, "2026-11-10 11:00")["P7"] == "running"


def test_an_end_makes_void_what_was_still_owed() -> None:
    ended = replace(
        MARKS,
        acknowledged_at=london("2026-11-10 10:00"),
        held=(stop("2026-11-11 10:00", "2026-11-12 10:00"),),
        committed_at=RECEIVED,
        due_on=date(2026, 12, 24),
        ended_at=london("2026-11-12 10:00"),
    )
    expected = {"P1": "kept", "P2": "kept", "P3": "broken", "P4": "void", "P5": "void", "P6": "void"}
    assert stand(ended, "2027-06-01 10:00") == expected
    assert (
        announcements(replace(ended, said=keys(ended, "2027-06-01 10:00")), {}, ENGLAND, london("2028-01-01 10:00"))
        == ()
    )


def keys(marks: Marks, now: str) -> tuple[str, ...]:
    return tuple(one.key for one in announcements(marks, {}, ENGLAND, london(now)))


def test_a_policy_may_tighten_and_never_loosen() -> None:
    assert LOOSEST_DAYS == {"P2": 1, "P3": 3, "P4": 28, "P5": 30, "P7": 5, "P8": 20}
    assert due(MARKS, "P3", P3=1) == "2026-11-04 00:00"
    assert due(MARKS, "P3", P3=0) == "2026-11-03 00:00"
    assert due(MARKS, "P3", P3=9) == due(MARKS, "P3")
    assert due(MARKS, "P4", P4=14) == "2026-11-17 00:00"
    assert due(MARKS, "P4", P4=-3) == "2026-11-03 00:00"
    assert [promise.name for promise in PROMISES] == [f"P{number}" for number in range(1, 10)]


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


# ── what is said, once ──


def test_due_soon_is_said_in_the_morning_of_the_last_day_and_broken_at_its_end() -> None:
    assert said(MARKS, "2026-11-05 05:59") == []
    assert said(MARKS, "2026-11-05 06:00") == ["P3 due_soon"]
    assert announcements(MARKS, {}, ENGLAND, london("2026-11-05 06:00")) == (
        Announcement("P3", "due_soon", london("2026-11-06 00:00"), "P3 due_soon 2026-11-02T09:00:00Z"),
    )
    heard = replace(MARKS, said=("P3 due_soon 2026-11-02T09:00:00Z",))
    assert said(heard, "2026-11-05 23:59") == []
    assert said(heard, "2026-11-06 00:00") == ["P3 broken"]
    assert said(replace(heard, said=keys(MARKS, "2026-11-06 00:00")), "2026-11-20 00:00") == []


def test_who_wakes_late_says_everything_once_and_in_order() -> None:
    assert said(MARKS, "2027-06-01 00:00") == [
        f"{one} {what}" for one in ("P3", "P4", "P5") for what in ("due_soon", "broken")
    ]
    assert said(replace(MARKS, said=keys(MARKS, "2027-06-01 00:00")), "2027-06-01 00:00") == []


def test_what_was_kept_in_time_is_not_said_and_what_was_late_is_only_broken() -> None:
    kept = replace(MARKS, acknowledged_at=london("2026-11-05 12:00"))
    late = replace(MARKS, acknowledged_at=london("2026-11-06 12:00"))
    assert (said(kept, "2026-11-07 00:00"), said(late, "2026-11-07 00:00")) == ([], ["P3 broken"])


def test_each_run_says_it_again() -> None:
    marks = replace(MARKS, acknowledged_at=RECEIVED, decided=(RECEIVED,), said=keys(MARKS, "2027-01-01 00:00"))
    assert said(replace(marks, news_at=london("2027-01-01 10:00")), "2027-02-01 00:00") == ["P5 due_soon", "P5 broken"]
    assert said(replace(marks, appealed_at=london("2027-01-01 10:00")), "2027-02-01 00:00") == [
        "P8 due_soon",
        "P8 broken",
    ]


def test_a_pause_does_not_say_it_again() -> None:
    marks = replace(MARKS, acknowledged_at=RECEIVED, news_at=london("2026-11-20 10:00"))
    heard = replace(marks, said=keys(marks, "2026-11-30 07:00"))
    assert heard.said == ("P4 due_soon 2026-11-02T09:00:00Z",)
    paused = replace(heard, asked=(stop("2026-11-30 08:00", "2026-12-04 08:00"),))
    assert said(paused, "2026-12-04 23:59") == []
    assert said(paused, "2026-12-05 00:00") == ["P4 broken"]


def test_nothing_is_said_in_a_pause() -> None:
    assert said(replace(MARKS, held=(stop("2026-11-03 10:00"),)), "2027-06-01 00:00") == ["P2 due_soon", "P2 broken"]


def test_the_next_wake_is_the_next_thing_to_say() -> None:
    now, marks = RECEIVED, MARKS
    told = []
    while (wake := next_wake(marks, {}, ENGLAND, now)) is not None:
        now = max(now, wake)
        say = announcements(marks, {}, ENGLAND, now)
        assert say
        told += [f"{now.astimezone(LONDON):%d %b %H:%M} {one.promise} {one.saying}" for one in say]
        marks = replace(marks, said=(*marks.said, *(one.key for one in say)))
    assert told == [
        "05 Nov 06:00 P3 due_soon",
        "06 Nov 00:00 P3 broken",
        "30 Nov 06:00 P4 due_soon",
        "01 Dec 00:00 P4 broken",
        "02 Dec 06:00 P5 due_soon",
        "03 Dec 00:00 P5 broken",
    ]


def test_a_paused_suggestion_wakes_by_itself_for_its_screening_only() -> None:
    held = replace(MARKS, held=(stop("2026-11-03 10:00"),))
    assert next_wake(held, {}, ENGLAND, london("2026-11-03 11:00")) == london("2026-11-04 06:00")
    asked = replace(MARKS, asked=(stop("2026-11-03 10:00"),))
    assert next_wake(asked, {}, ENGLAND, london("2026-11-03 11:00")) is None


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
