"""What is said of a promise: due soon in the morning of its last day, broken at its end, each once."""

from dataclasses import replace

from app.domain.days import LONDON
from app.domain.promises import Announcement, announcements, next_wake
from tests.domain.promising import ENGLAND, MARKS, RECEIVED, keys, london, said, stop


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
