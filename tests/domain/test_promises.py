"""What is promised to every author: each row of the table, what keeps it, and what ends it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.promises import LOOSEST_DAYS, PROMISES, Marks, PromiseState, announcements, promises_of
from tests.domain.promising import ENGLAND, MARKS, RECEIVED, Span, due, keys, london, stand, stop


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


def test_a_policy_may_tighten_and_never_loosen() -> None:
    assert LOOSEST_DAYS == {"P2": 1, "P3": 3, "P4": 28, "P5": 30, "P7": 5, "P8": 20}
    assert due(MARKS, "P3", P3=1) == "2026-11-04 00:00"
    assert due(MARKS, "P3", P3=0) == "2026-11-03 00:00"
    assert due(MARKS, "P3", P3=9) == due(MARKS, "P3")
    assert due(MARKS, "P4", P4=14) == "2026-11-17 00:00"
    assert due(MARKS, "P4", P4=-3) == "2026-11-03 00:00"
    assert [promise.name for promise in PROMISES] == [f"P{number}" for number in range(1, 10)]
