"""What is due for one suggestion never waits for another one, and nothing that is due gets lost."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from app.db.session import Database, ScopedSession, open_database
from app.db.tables import Agenda, Event, Suggestion
from app.services import rules
from app.services.cases import lock
from tests.acts.living import Lives
from tests.acts.model import Asked
from tests.service import MONDAY

SECONDS = 20


@pytest.fixture
def lives(fresh_database_url: str) -> Iterator[Lives]:
    """Two ideas on a database of their own."""
    database = open_database(fresh_database_url, pool_size=4)
    yield Lives(database, 2)
    database.close()


def look(lives: Lives) -> int:
    return lives.database.write_now(None, lambda session: rules.do_due(session, lives.now))


def promises(lives: Lives, index: int) -> list[str]:
    def read(session: ScopedSession) -> list[str]:
        of_it = select(Event.type).where(Event.suggestion_id == lives.ids[index], Event.type.startswith("promise."))
        return list(session.execute(of_it.order_by(Event.number)).scalars())

    return lives.database.read_now(lives.scope, read)


def due_at(lives: Lives, index: int) -> float | None:
    def read(session: ScopedSession) -> float | None:
        return session.execute(select(Agenda.due_at).where(Agenda.subject == lives.ids[index])).scalar_one_or_none()

    return lives.database.read_now(None, read)


def test_a_promise_that_falls_due_as_a_question_times_out_is_said_and_kept_in_mind(lives: Lives) -> None:
    """The question stops the clock in the early morning of the last day, before it is said that this is the last."""
    lives.act(0, Asked("acknowledge"))
    lives.now = MONDAY.replace(day=30, hour=5)
    lives.act(0, Asked("ask"))
    lives.now = MONDAY.replace(month=12, day=14, hour=7)
    look(lives)
    assert promises(lives, 0)[-1] == "promise.due_soon"
    assert lives.look()[0].state == "acknowledged"
    lives.now = MONDAY.replace(month=12, day=15, hour=7)
    look(lives)
    assert promises(lives, 0)[-1] == "promise.broken"


def test_a_suggestion_that_cannot_be_looked_after_keeps_none_waiting(lives: Lives) -> None:
    def break_it(session: ScopedSession) -> None:
        session.execute(update(Suggestion).where(Suggestion.id == lives.ids[0]).values(case={"state": "of tomorrow"}))

    lives.database.write_now(lives.scope, break_it)
    lives.pass_time(4)
    assert (look(lives), look(lives)) == (2, 0)
    assert promises(lives, 1) == ["promise.due_soon", "promise.broken"]
    assert due_at(lives, 0) == (lives.now + rules.TRIED_AGAIN_AFTER).timestamp()


def test_a_suggestion_that_somebody_is_at_is_left_to_them(lives: Lives, database_kind: str) -> None:
    if database_kind == "sqlite":
        pytest.skip("its one writer works on one piece after the other")
    lives.pass_time(4)
    locked, done = threading.Event(), threading.Event()

    def hold(database: Database) -> None:
        def work(session: ScopedSession) -> None:
            lock(session, [lives.ids[0]])
            locked.set()
            done.wait(SECONDS)

        database.write_now(lives.scope, work)

    holder = threading.Thread(target=hold, args=(lives.database,))
    holder.start()
    assert locked.wait(SECONDS)
    assert (look(lives), promises(lives, 0), len(promises(lives, 1))) == (1, [], 2)
    done.set()
    holder.join()
    assert (look(lives), len(promises(lives, 0))) == (1, 2)
