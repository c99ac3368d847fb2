"""Secrets of webhooks: sealed, replaced with an overlap, and never more than a receiver looks at."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.kit.sealing import Secret, UnsealError
from app.services.signing_secrets import MAX_SECRETS, first_secret, live_secrets, next_secret

SERVER = Secret(bytes(32))
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_is_stored_is_sealed() -> None:
    made, stored = first_secret(SERVER, "subscription", NOW)
    assert made.startswith("whsec_")
    assert made.removeprefix("whsec_") not in json.dumps(stored)
    assert live_secrets(SERVER, "subscription", stored, NOW) == (made,)
    with pytest.raises(UnsealError):
        live_secrets(SERVER, "source", stored, NOW)


def test_the_old_one_holds_for_the_overlap() -> None:
    old, stored = first_secret(SERVER, "source", NOW)
    new, stored = next_secret(SERVER, "source", stored, NOW, 24)
    assert live_secrets(SERVER, "source", stored, NOW + 23 * HOUR) == (new, old)
    assert live_secrets(SERVER, "source", stored, NOW + 24 * HOUR) == (new,)


def test_without_an_overlap_it_ends_at_once() -> None:
    _, stored = first_secret(SERVER, "source", NOW)
    new, stored = next_secret(SERVER, "source", stored, NOW, 0)
    assert live_secrets(SERVER, "source", stored, NOW) == (new,)
    assert len(stored) == 1


def test_a_later_rotation_makes_no_secret_live_longer() -> None:
    first, stored = first_secret(SERVER, "source", NOW)
    second, stored = next_secret(SERVER, "source", stored, NOW, 1)
    third, stored = next_secret(SERVER, "source", stored, NOW, 100)
    assert live_secrets(SERVER, "source", stored, NOW) == (third, second, first)
    assert live_secrets(SERVER, "source", stored, NOW + 2 * HOUR) == (third, second)


def test_only_so_many_are_kept() -> None:
    _, stored = first_secret(SERVER, "source", NOW)
    for _ in range(MAX_SECRETS + 3):
        _, stored = next_secret(SERVER, "source", stored, NOW, 168)
    assert len(stored) == MAX_SECRETS
