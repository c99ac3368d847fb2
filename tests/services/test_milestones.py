"""Milestones stand on the days on which things happened, whatever is done to the suggestion afterwards."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.db.ledgers import Milestones
from app.db.session import Database, ScopedSession
from app.services import rules
from tests.acts.living import Lives
from tests.acts.model import Asked


@pytest.fixture
def lives(database: Database) -> Iterator[Lives]:
    made = Lives(database, 1)
    yield made
    made.forget()


def milestones(lives: Lives) -> dict[str, Any]:
    names = ("acknowledged_on", "decided_on", "closed_on", "handed_over_on")

    def read(session: ScopedSession) -> dict[str, Any]:
        row = session.execute(select(Milestones).where(Milestones.suggestion_id == lives.ids[0])).scalar_one()
        return {name: getattr(row, name) for name in names if getattr(row, name) is not None}

    return lives.database.read_now(lives.scope, read)


def do(lives: Lives, *acts: str) -> None:
    for act in acts:
        assert lives.act(0, Asked(act)) == "done"


def test_what_is_closed_was_closed_on_that_day(lives: Lives) -> None:
    do(lives, "acknowledge", "start_review")
    for voter in ("cw-1", "cw-2", "fam-3"):
        lives.act(0, Asked("vote", by=voter, choice="no"))
    assert lives.act(0, Asked("decide", by="mgr-9", outcome="decline")) == "done"
    do(lives, "tell")
    lives.database.write_now(lives.scope, lambda session: rules.look_after(session, lives.ids[0], lives.now))
    first, closed = date(2026, 11, 2), {"acknowledged_on": date(2026, 11, 2), "decided_on": date(2026, 11, 2)}
    assert milestones(lives) == {**closed, "closed_on": first}
    lives.pass_time(9)
    do(lives, "note", "hold", "clear")
    assert milestones(lives) == {**closed, "closed_on": first}
    do(lives, "reopen")
    assert milestones(lives) == {"acknowledged_on": first}


@pytest.mark.parametrize("before", [(), ("hold",)])
def test_what_was_handed_over_was_handed_over_on_that_day(lives: Lives, before: tuple[str, ...]) -> None:
    do(lives, *before)
    lives.pass_time(3)
    do(lives, "redirect")
    lives.pass_time(9)
    do(lives, "note")
    assert milestones(lives) == {"handed_over_on": date(2026, 11, 5)}
