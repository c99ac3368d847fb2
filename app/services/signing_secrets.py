"""The secrets that webhooks are signed with: sealed in the database, shown once, and replaced with an overlap.

They are stored newest first, as `{"sealed", "made_at", "until"}`; `until` is null for the newest.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from app.kit.sealing import Secret
from app.kit.shapes import show_instant
from app.kit.signing import new_secret

Purpose = Literal["subscription", "source"]
MAX_SECRETS = 8
"""How many are kept: a receiver looks at no more than sixteen signatures."""


def first_secret(server: Secret, purpose: Purpose, now: datetime) -> tuple[str, list[dict[str, Any]]]:
    """A new secret, and how it is stored."""
    made = new_secret()
    return made, [_entry(server, purpose, made, now)]


def next_secret(
    server: Secret, purpose: Purpose, stored: Sequence[Mapping[str, Any]], now: datetime, overlap_hours: int
) -> tuple[str, list[dict[str, Any]]]:
    """Another secret in place of the newest, which goes on for the overlap, and how all are stored."""
    made = new_secret()
    ends = now + timedelta(hours=overlap_hours)
    older = [{**one, "until": show_instant(min(ends, _until(one) or ends))} for one in stored]
    kept = [one for one in older if _is_live(one, now)]
    return made, [_entry(server, purpose, made, now), *kept][:MAX_SECRETS]


def live_secrets(
    server: Secret, purpose: Purpose, stored: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[str, ...]:
    """The secrets that hold now, the newest first."""
    return tuple(_unsealed(server, purpose, one["sealed"]) for one in stored if _is_live(one, now))


def _entry(server: Secret, purpose: Purpose, made: str, now: datetime) -> dict[str, Any]:
    sealed = base64.b64encode(server.seal(purpose, made.encode())).decode()
    return {"sealed": sealed, "made_at": show_instant(now), "until": None}


def _until(one: Mapping[str, Any]) -> datetime | None:
    return None if one["until"] is None else datetime.fromisoformat(one["until"])


def _is_live(one: Mapping[str, Any], now: datetime) -> bool:
    until = _until(one)
    return until is None or until > now


@lru_cache(4096)
def _unsealed(server: Secret, purpose: Purpose, sealed: str) -> str:
    return server.unseal(purpose, base64.b64decode(sealed)).decode()
