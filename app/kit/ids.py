"""Identifiers (RFC 9562), and the day that stands for an instant which nobody may know exactly."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

RANDOM_VERSION = 4
"""Of ids that say nothing about when they were made; others are of version 7."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RANDOM_BITS = 74


def new_id(now: datetime) -> UUID:
    """Return a fresh version 7 UUID, which begins with the millisecond of `now` (aware, from 1970 on)."""
    return uuid7(now, secrets.randbits(_RANDOM_BITS))


def new_random_id() -> UUID:
    """Return a fresh version 4 UUID, which says nothing about when it was made."""
    return uuid.uuid4()


def uuid7(now: datetime, random_bits: int) -> UUID:
    """Return the version 7 UUID of an instant and 74 bits (RFC 9562 section 5.7).

    Raises ValueError for an instant before 1970 and for bits out of range, and TypeError for a naive `now`.
    """
    milliseconds = (now - _EPOCH) // _MILLISECOND
    if milliseconds < 0 or random_bits >> _RANDOM_BITS:
        raise ValueError("an instant from 1970 on and 74 random bits are needed")
    upper, lower = random_bits >> 62, random_bits & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | upper << 64 | 0b10 << 62 | lower)


def day_of(instant: datetime) -> datetime:
    """Return the midnight in UTC with which the UTC day of `instant` began."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
