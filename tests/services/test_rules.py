"""What time brings about: once, however many workers look, and whatever restarts in between."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from app.db.session import Database, ScopedSession, open_database
from app.db.tables import Agenda, Event
from app.services import rules
from tests.acts.living import Lives
from tests.acts.model import Asked
from tests.service import MONDAY

WORKERS = 2
ROUNDS = 8


@pytest.fixture
def workers(fresh_database_url: str) -> Iterator[list[Database]]:
    """Two workers' ways to one database. SQLite has one writer, which belongs to one process: there, the same twice."""
    first = open_database(fresh_database_url, pool_size=4)
    second = first if fresh_database_url.startswith("sqlite") else open_database(fresh_database_url, pool_size=4)
    yield [first, second]
    first.close()
    second.close()


@pytest.fixture
def lives(workers: list[Database]) -> Lives:
    return Lives(workers[0], 3)


@pytest.fixture
def work(workers: list[Database], lives: Lives) -> Callable[[], None]:
    """Let all workers look for what is due, side by side and again and again."""

    def look(database: Database) -> None:
        for _ in range(ROUNDS):
            database.write_now(None, lambda session: rules.do_due(session, lives.now))

    def work_side_by_side() -> None:
        with ThreadPoolExecutor(2 * WORKERS) as threads:
            list(threads.map(look, workers * 2))

    return work_side_by_side


def events(lives: Lives) -> list[str]:
    """The types of all events of the first idea, in the order of recording."""

    def read(session: ScopedSession) -> list[str]:
        statement = select(Event.type).where(Event.suggestion_id == lives.ids[0]).order_by(Event.number)
        return list(session.execute(statement).scalars())

    return lives.database.read_now(lives.scope, read)


def due_at(lives: Lives) -> float | None:
    """When the first idea is looked at next."""

    def read(session: ScopedSession) -> float | None:
        return session.execute(select(Agenda.due_at).where(Agenda.subject == lives.ids[0])).scalar_one_or_none()

    return lives.database.read_now(None, read)


def decide(lives: Lives, outcome: str) -> None:
    for act in ("acknowledge", "start_review"):
        assert lives.act(0, Asked(act)) == "done"
    for voter in ("cw-1", "cw-2", "fam-3"):
        assert lives.act(0, Asked("vote", by=voter, choice="no")) == "done"
    assert lives.act(0, Asked("decide", by="mgr-9", outcome=outcome)) == "done"


def state(lives: Lives) -> str:
    return lives.look()[0].state


# ── deferrals, questions, closing ──


def test_a_deferral_comes_back_by_itself_on_its_day(lives: Lives, work: Callable[[], None]) -> None:
    decide(lives, "defer")
    lives.pass_time(29)
    work()
    assert (state(lives), events(lives).count("suggestion.revisited")) == ("deferred", 0)
    lives.pass_time(1)
    work()
    assert (state(lives), events(lives).count("suggestion.revisited")) == ("acknowledged", 1)
    seen = lives.look()[0]
    assert (seen.outcome, "decide" in seen.allowed) == (None, True)


def test_a_question_times_out_after_fourteen_days(lives: Lives, work: Callable[[], None]) -> None:
    for act in ("acknowledge", "start_review", "ask"):
        lives.act(0, Asked(act))
    lives.pass_time(13.9)
    work()
    assert state(lives) == "needs_information"
    lives.pass_time(0.1)
    work()
    assert (state(lives), events(lives).count("suggestion.resumed")) == ("under_review", 1)
    assert lives.act(0, Asked("ask")) == "act_not_allowed"


def test_fourteen_days_are_all_that_questions_have_together(lives: Lives, work: Callable[[], None]) -> None:
    for act in ("acknowledge", "ask"):
        lives.act(0, Asked(act))
    lives.pass_time(10)
    lives.act(0, Asked("answer"))
    lives.pass_time(5)
    lives.act(0, Asked("ask"))
    lives.pass_time(3.9)
    work()
    assert state(lives) == "needs_information"
    lives.pass_time(0.2)
    work()
    assert (state(lives), events(lives).count("suggestion.resumed")) == ("acknowledged", 1)


def test_what_is_told_is_closed_once(lives: Lives, work: Callable[[], None]) -> None:
    decide(lives, "decline")
    work()
    assert state(lives) == "decided"
    lives.act(0, Asked("tell"))
    work()
    assert (state(lives), events(lives).count("suggestion.closed")) == ("closed", 1)


def test_a_held_deferral_comes_back_once_it_is_cleared(lives: Lives, work: Callable[[], None]) -> None:
    decide(lives, "defer")
    lives.act(0, Asked("hold"))
    lives.pass_time(40)
    work()
    assert state(lives) == "held"
    lives.act(0, Asked("clear"))
    work()
    assert state(lives) == "acknowledged"


# ── promises ──


def test_each_promise_is_said_to_be_due_and_broken_once(lives: Lives, work: Callable[[], None]) -> None:
    """A year passes in steps; nobody does anything. Received on a Monday."""
    said = {}
    for day in (2, 3, 4, 27, 28, 29, 30, 31, 400):
        lives.now = lives.now.replace(hour=8)
        lives.pass_time(day - days_passed(lives))
        work()
        said[day] = promises(lives)
    assert said[2] == Counter()
    assert said[3] == Counter({"promise.due_soon": 1})  # P3: three working days
    assert said[4] == Counter({"promise.due_soon": 1, "promise.broken": 1})
    assert said[28] == Counter({"promise.due_soon": 2, "promise.broken": 1})  # P4: 28 days
    assert said[29] == Counter({"promise.due_soon": 2, "promise.broken": 2})
    assert said[30] == Counter({"promise.due_soon": 3, "promise.broken": 2})  # P5: news every 30 days
    assert said[31] == said[400] == Counter({"promise.due_soon": 3, "promise.broken": 3})
    assert lives.look()[0].version == 1 + 6
    assert due_at(lives) is None


def test_a_worker_that_was_away_says_everything_at_once_and_once(lives: Lives, work: Callable[[], None]) -> None:
    lives.pass_time(400)
    work()
    assert promises(lives) == Counter({"promise.due_soon": 3, "promise.broken": 3})


def test_an_act_says_before_it_what_was_due(lives: Lives, work: Callable[[], None]) -> None:
    """Otherwise the act that keeps a promise too late would hide that it was broken."""
    lives.pass_time(10)
    assert lives.act(0, Asked("acknowledge")) == "done"
    assert events(lives) == [
        "suggestion.submitted",
        "promise.due_soon",
        "promise.broken",
        "suggestion.acknowledged",
    ]
    work()
    assert promises(lives) == Counter({"promise.due_soon": 1, "promise.broken": 1})


def test_a_refused_act_says_nothing(lives: Lives) -> None:
    lives.pass_time(10)
    assert lives.act(0, Asked("decide", by="mgr-7", outcome="adopt")) == "act_not_allowed"
    assert events(lives) == ["suggestion.submitted"]


@pytest.mark.parametrize("end", ["withdraw", "redirect"])
def test_what_has_ended_owes_nothing(lives: Lives, work: Callable[[], None], end: str) -> None:
    lives.act(0, Asked(end))
    lives.pass_time(400)
    work()
    assert (promises(lives), due_at(lives)) == (Counter(), None)


def test_what_has_ended_owes_nothing_but_its_screening_when_it_is_held(lives: Lives, work: Callable[[], None]) -> None:
    """A risk may come to light at any time, and that is no reason to complain of old promises."""
    lives.act(0, Asked("withdraw"))
    lives.pass_time(40)
    lives.act(0, Asked("hold"))
    with passing(lives, work, days=3):
        assert promises(lives) == Counter({"promise.due_soon": 1, "promise.broken": 1})  # P2: one working day
    lives.act(0, Asked("clear"))
    with passing(lives, work, days=400):
        assert promises(lives) == Counter({"promise.due_soon": 1, "promise.broken": 1})


def test_a_merged_idea_owes_nothing_while_it_is_held(lives: Lives, work: Callable[[], None]) -> None:
    for index in (0, 1):
        lives.act(index, Asked("acknowledge"))
    lives.act(0, Asked("merge", other=1))
    lives.pass_time(100)
    lives.act(0, Asked("hold"))
    lives.act(0, Asked("clear"))
    work()
    assert promises(lives) == Counter()


@contextmanager
def passing(lives: Lives, work: Callable[[], None], *, days: int) -> Iterator[None]:
    lives.pass_time(days)
    work()
    yield


def promises(lives: Lives) -> Counter[str]:
    return Counter(one for one in events(lives) if one.startswith("promise."))


def days_passed(lives: Lives) -> int:
    """How many days have passed since the beginning."""
    return (lives.now.date() - MONDAY.date()).days
