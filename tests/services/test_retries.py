"""The schedule of tries, and Retry-After in every form that is read or is not."""

from datetime import UTC, datetime

import pytest

from app.services.retries import Schedule, read_retry_after

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_the_first_try_is_due_at_once_and_the_last_has_no_successor() -> None:
    schedule = Schedule((0, 5, 300))
    assert schedule.first(1000.0) == 1000.0
    assert 1004.0 <= (schedule.after(1, 1000.0) or 0) <= 1006.0
    assert 1240.0 <= (schedule.after(2, 1000.0) or 0) <= 1360.0
    assert schedule.after(3, 1000.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9999999999", 86_400),
        ("Mon, 23 Nov 2026 10:00:00 GMT", 3600),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
        ("Monday, 23-Nov-26 10:00:00 GMT", 3600),
        ("Wed, 23 Nov 2050 10:00:00 GMT", 86_400),
    ],
)
def test_seconds_and_dates_are_obeyed_for_a_day_at_most(header: str, seconds: float) -> None:
    assert read_retry_after(429, header, NOW) == NOW.timestamp() + seconds
    assert read_retry_after(503, header, NOW) == NOW.timestamp() + seconds


@pytest.mark.parametrize(
    "header", ["", "soon", "-5", "1.5", "1e3", "٣", "12345678901", "Mon, 99 Nov 2026 10:00:00 GMT"]
)
def test_what_cannot_be_read_asks_for_nothing(header: str) -> None:
    assert read_retry_after(503, header, NOW) is None


@pytest.mark.parametrize("status", [None, 200, 301, 500, 502])
def test_other_answers_ask_for_nothing(status: int | None) -> None:
    assert read_retry_after(status, "60", NOW) is None


def test_without_the_header_nothing_is_asked_for() -> None:
    assert read_retry_after(429, None, NOW) is None
