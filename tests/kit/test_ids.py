"""Identifiers of both kinds, and the day that stands for an instant."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

import pytest

from app.kit.ids import day_of, new_id, new_random_id, uuid7

NOW = datetime(2026, 11, 22, 21, 14, 5, 678900, tzinfo=UTC)


def test_the_example_of_the_standard() -> None:
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)  # RFC 9562 appendix A.6
    assert uuid7(at, 0xCC3 << 62 | 0x18C4DC0C0C07398F) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@pytest.mark.parametrize("bits", [0, (1 << 74) - 1])
def test_version_and_variant_are_kept_whatever_the_bits(bits: int) -> None:
    made = uuid7(NOW, bits)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == 1795382045678


def test_ids_are_fresh_and_follow_the_clock() -> None:
    made = [new_id(NOW + timedelta(milliseconds=number)) for number in range(3)]
    assert made == sorted(made)
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("bits", [-1, 1 << 74])
def test_bits_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match="74 random bits"):
        uuid7(NOW, bits)


def test_an_instant_before_1970_and_one_without_an_offset() -> None:
    with pytest.raises(ValueError, match="from 1970 on"):
        new_id(datetime(1969, 12, 31, tzinfo=UTC))
    with pytest.raises(TypeError):
        new_id(NOW.replace(tzinfo=None))


def test_a_random_id_says_nothing() -> None:
    assert {new_random_id().version for _ in range(10)} == {4}


def test_a_day_begins_at_midnight_in_utc() -> None:
    assert day_of(NOW) == datetime(2026, 11, 22, tzinfo=UTC)
    assert day_of(datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == datetime(2026, 6, 30, tzinfo=UTC)
    assert day_of(datetime(2026, 11, 22, tzinfo=UTC)) == datetime(2026, 11, 22, tzinfo=UTC)
