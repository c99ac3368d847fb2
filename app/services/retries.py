"""When a delivery is tried again: the schedule, its spread, and what a receiver asks for by Retry-After."""

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SPREAD = 0.2
"""Waits are made longer or shorter by up to a fifth, so that what failed together does not come back together."""
MAX_RETRY_AFTER_SECONDS = 24 * 60 * 60.0
SUSPENDED_AFTER_SECONDS = 5 * 24 * 60 * 60.0
SUSPENDED_AFTER_ATTEMPTS = 10
TOO_MANY, NOT_NOW, GONE = 429, 503, 410

_SECONDS = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True)
class Schedule:
    """How long to wait before each try, in seconds; so many tries a delivery has."""

    waits: tuple[float, ...]

    def first(self, now: float) -> float:
        """When a new delivery is due."""
        return now + _spread(self.waits[0])

    def after(self, tries: int, now: float) -> float | None:
        """When a delivery is due that has been tried so often in vain; None: never again."""
        return now + _spread(self.waits[tries]) if tries < len(self.waits) else None


def read_retry_after(status: int | None, header: str | None, now: datetime) -> float | None:
    """Until when a whole subscription waits, in seconds since 1970, after this status and header Retry-After.

    Seconds and dates (RFC 9110 section 10.2.3), at most 24 hours ahead; None where it asks for nothing readable, and
    for every other status than 429 and 503.
    """
    if status not in (TOO_MANY, NOT_NOW) or header is None:
        return None
    text = header.strip(" \t")
    seconds = float(text) if _SECONDS.fullmatch(text) else _seconds_until(text, now)
    if seconds is None:
        return None
    return now.timestamp() + min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        instant = parsedate_to_datetime(text)
        aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _spread(seconds: float) -> float:
    return seconds * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 -- nothing is secret about it
