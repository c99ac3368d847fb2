"""The single writer under faults: what was answered is stored, what was refused is not, and the writer lives on."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text

from app.db import sqlite_writer
from app.db.failures import Busy, CommitFailed, StartRefused
from app.db.session import ScopedSession, TenantScope
from app.db.sqlite import Sqlite
from app.db.sqlite_writer import WAITING_PIECES
from app.db.tables import ApiKey, Organisation, Site
from tests.conftest import make_organisation
from tests.databases import Databases
from tests.db.rows import put, row, table_of


@pytest.fixture
def file(databases: Databases) -> Iterator[Path]:
    url = databases.clone("sqlite")
    yield Path(url.removeprefix("sqlite:///"))
    databases.drop(url)


@pytest.fixture
def database(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sqlite]:
    monkeypatch.setattr(sqlite_writer, "BATCH_SECONDS", 5.0)  # what waits together is one batch on a slow machine, too
    made = Sqlite(file, lock_seconds=0.5)
    yield made
    made.close()


@pytest.fixture
def scope(database: Sqlite) -> TenantScope:
    return TenantScope(make_organisation(database))


def store(code: str) -> Callable[[ScopedSession], str]:
    """A piece of work that stores a site."""

    def work(session: ScopedSession) -> str:
        put(session, Site, code=code)
        return code

    return work


def stored(database: Sqlite, scope: TenantScope) -> set[str]:
    return database.read_now(scope, lambda session: set(session.scalars(select(Site.code))))


class Held:
    """The writer, held inside a piece of work until it is let go, so that what comes waits behind it."""

    def __init__(self, database: Sqlite) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        self.future = database._writer.submit(None, self._wait)
        assert self._begun.wait(5)

    def let_go(self) -> None:
        self._go_on.set()

    def _wait(self, _session: ScopedSession) -> None:
        self._begun.set()
        assert self._go_on.wait(5)


def break_commit(session: ScopedSession) -> str:
    """A foreign key that is looked at only at COMMIT, and refers to nothing."""
    session.execute(text("PRAGMA defer_foreign_keys=ON"))
    session.execute(text("INSERT INTO agenda VALUES ('x', :missing, :missing, 0, 0)"), {"missing": uuid4().hex})
    return "never answered"


def fill_the_disk(session: ScopedSession) -> None:
    """SQLITE_FULL, as on a full disk: the file may not grow."""
    pages = session.scalar(text("PRAGMA page_count"))
    session.execute(text(f"PRAGMA max_page_count={pages}"))
    for _ in range(200):
        put(session, Site, code=uuid4().hex, name="x" * 200)


def roll_back_inside(session: ScopedSession) -> None:
    """What some errors of SQLite do by themselves: the whole transaction is gone, savepoints included."""
    put(session, Site, code="rolled back")
    session.execute(text("ROLLBACK"))


async def together(database: Sqlite, scope: TenantScope, *works: Callable[[ScopedSession], Any]) -> list[Any]:
    """Hand all in while the writer is held, so that they are one batch."""
    held = Held(database)
    tasks = [asyncio.ensure_future(database.write(scope, work)) for work in works]
    await asyncio.sleep(0)
    assert database._writer._queue.qsize() == len(works)
    held.let_go()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_what_waits_together_is_one_transaction(database: Sqlite, scope: TenantScope) -> None:
    commits: list[None] = []
    database.committed = lambda: commits.append(None)
    codes = [f"site {number}" for number in range(20)]
    assert asyncio.run(together(database, scope, *map(store, codes))) == codes
    assert stored(database, scope) == set(codes)
    database.close()
    assert len(commits) == 1


def test_a_piece_that_raises_loses_only_itself(database: Sqlite, scope: TenantScope) -> None:
    error = ValueError("no such panel")

    def fail(session: ScopedSession) -> None:
        put(session, Site, code="refused")
        raise error

    assert asyncio.run(together(database, scope, store("before"), fail, store("after"))) == ["before", error, "after"]
    assert stored(database, scope) == {"before", "after"}


def test_a_failing_commit_fails_its_batch_and_nothing_else(database: Sqlite, scope: TenantScope) -> None:
    database.write_now(scope, store("earlier"))
    own = ValueError("of the piece itself")

    def fail(_session: ScopedSession) -> None:
        raise own

    answers = asyncio.run(together(database, scope, store("one"), break_commit, fail, store("two")))
    assert [type(answer) for answer in answers] == [CommitFailed, CommitFailed, ValueError, CommitFailed]
    assert len({id(answer) for answer in answers}) == 4
    assert database.write_now(scope, store("later")) == "later"
    assert stored(database, scope) == {"earlier", "later"}


@pytest.mark.parametrize("fault", [fill_the_disk, roll_back_inside])
def test_what_undoes_the_transaction_inside_a_piece_fails_the_batch(
    database: Sqlite, scope: TenantScope, fault: Callable[[ScopedSession], None]
) -> None:
    answers = asyncio.run(together(database, scope, store("before"), fault, store("after")))
    assert [type(answer) for answer in answers[:2]] == [CommitFailed, CommitFailed]
    assert answers[2] == "after"  # it came into the next batch
    assert database.write_now(scope, store("later")) == "later"
    assert stored(database, scope) == {"after", "later"}


def test_a_piece_that_is_cancelled_while_it_waits_is_not_stored(database: Sqlite, scope: TenantScope) -> None:
    async def run() -> None:
        held = Held(database)
        task = asyncio.ensure_future(database.write(scope, store("cancelled")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.let_go()
        await database.write(scope, store("next"))

    asyncio.run(run())
    assert stored(database, scope) == {"next"}


def test_a_piece_that_is_cancelled_while_it_runs_is_stored(database: Sqlite, scope: TenantScope) -> None:
    async def run() -> None:
        begun, go_on = threading.Event(), threading.Event()

        def work(session: ScopedSession) -> None:
            begun.set()
            assert go_on.wait(5)
            put(session, Site, code="ran")

        task = asyncio.ensure_future(database.write(scope, work))
        assert await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await database.write(scope, store("next"))

    asyncio.run(run())
    assert stored(database, scope) == {"ran", "next"}


def test_a_full_queue_refuses_at_once(database: Sqlite, scope: TenantScope) -> None:
    held = Held(database)
    futures = [database._writer.submit(scope, store(f"site {number}")) for number in range(WAITING_PIECES)]
    with pytest.raises(Busy):
        database.write_now(scope, store("one too many"))
    held.let_go()
    for future in futures:
        future.result(10)
    assert len(stored(database, scope)) == WAITING_PIECES


def test_closing_finishes_what_waits_and_refuses_what_comes(file: Path) -> None:
    database = Sqlite(file)
    scope = TenantScope(make_organisation(database))
    held = Held(database)
    futures = [database._writer.submit(scope, store(f"site {number}")) for number in range(100)]
    closing = threading.Thread(target=database.close)
    closing.start()
    while not database._writer._closing:
        time.sleep(0.001)
    with pytest.raises(Busy):
        database.write_now(scope, store("too late"))
    held.let_go()
    closing.join(10)
    assert [future.result(0) for future in futures] == [f"site {number}" for number in range(100)]
    with pytest.raises(Busy):
        database.read_now(scope, lambda session: None)
    again = Sqlite(file)
    assert len(stored(again, scope)) == 100
    again.close()


def test_closing_in_vain_answers_what_waits(file: Path) -> None:
    database = Sqlite(file, lock_seconds=0.5)
    scope = TenantScope(make_organisation(database))
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        futures = [database._writer.submit(scope, store(f"site {number}")) for number in range(3)]
        database.close(seconds=0.1)
        for future in futures:
            with pytest.raises(Busy):
                future.result(5)
    database._writer._thread.join(5)
    assert not database._writer._thread.is_alive()


def test_a_lock_of_another_program_refuses_all_that_waits_and_nothing_later(
    database: Sqlite, scope: TenantScope
) -> None:
    database.write_now(scope, store("earlier"))
    with contextlib.closing(sqlite3.connect(database.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        futures = [database._writer.submit(scope, store(f"site {number}")) for number in range(10)]
        for future in futures:
            with pytest.raises(Busy):
                future.result(5)
        assert time.monotonic() - begun < 3 * 0.5  # not one after the other
        assert stored(database, scope) == {"earlier"}  # readers go on
    assert database.write_now(scope, store("later")) == "later"
    assert stored(database, scope) == {"earlier", "later"}


def test_a_reader_cannot_write(database: Sqlite, scope: TenantScope) -> None:
    with pytest.raises(Exception, match="readonly"):
        database.read_now(scope, store("by a reader"))
    assert stored(database, scope) == set()


def test_a_reader_sees_one_snapshot(database: Sqlite, scope: TenantScope) -> None:
    def work(session: ScopedSession) -> list[int]:
        before = len(session.scalars(select(Site)).all())
        database.write_now(scope, store("meanwhile"))
        return [before, len(session.scalars(select(Site)).all())]

    assert database.read_now(scope, work) == [0, 0]
    assert stored(database, scope) == {"meanwhile"}


def test_a_result_that_is_left_unread_holds_nothing_up(database: Sqlite, scope: TenantScope) -> None:
    def leave(session: ScopedSession) -> object:
        assert session.scope
        values = row(ApiKey, organisation_id=session.scope.organisation_id)
        return session.execute(insert(table_of(ApiKey)).returning(table_of(ApiKey).c.id), values)

    left = database.write_now(scope, leave)
    read = database.read_now(scope, lambda session: session.execute(select(Site)))
    assert database.write_now(scope, store("next")) == "next"
    assert [left is None, read is None] == [False, False]


def test_the_log_is_cut_when_it_is_long(database: Sqlite, scope: TenantScope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "WAL_BYTES", 1_000_000)
    monkeypatch.setattr(sqlite_writer, "_WAL_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_writer, "_WAL_LOOK_SECONDS", 0.0)
    database._writer._wal_not_before = 0.0  # what the fixtures have written had it looked at just now
    monkeypatch.setattr(sqlite_writer, "_WAL_WAIT_MILLISECONDS", 1)

    def size_after(work: Callable[[ScopedSession], object]) -> int:
        database.write_now(scope, work)
        database.write_now(None, lambda session: None)  # the log was looked at before this one was taken up
        return database._writer._wal.stat().st_size

    def store_much(session: ScopedSession) -> None:
        for _ in range(20):
            put(session, ApiKey, scopes=["x" * 100_000])

    def read_meanwhile(session: ScopedSession) -> list[bool]:
        session.scalars(select(Site)).all()  # from now on its snapshot is in the log
        return [size_after(store_much) > 1_000_000, size_after(store_much) > 4_000_000]

    assert size_after(store("first")) < 1_000_000
    assert database.read_now(scope, read_meanwhile) == [True, True]
    assert size_after(store("last")) < 100_000  # the file itself shrank, which starting the log anew does not do


def test_committed_is_called_after_a_change_only(database: Sqlite, scope: TenantScope) -> None:
    seen: list[set[str]] = []
    database.committed = lambda: seen.append(stored(database, scope))

    def refuse(session: ScopedSession) -> None:
        put(session, Site, code="refused")
        raise ValueError("no such panel")

    database.write_now(scope, lambda session: session.scalars(select(Site)).all())
    with pytest.raises(ValueError, match="no such panel"):
        database.write_now(scope, refuse)
    database.write_now(scope, store("changed"))
    database.close()
    assert seen == [{"changed"}]


def test_a_listener_that_raises_does_not_end_the_writer(
    database: Sqlite, scope: TenantScope, caplog: pytest.LogCaptureFixture
) -> None:
    def listen() -> None:
        raise RuntimeError("no loop any more")

    database.committed = listen
    assert [database.write_now(scope, store(code)) for code in ("one", "two")] == ["one", "two"]
    database.close()
    assert [record.message for record in caplog.records] == ["after a commit"] * 2


# ── several processes on one file ──

_WRITE = """
import sys
from pathlib import Path
from uuid import UUID
from app.db.session import TenantScope
from app.db.sqlite import Sqlite
from app.db.tables import Site
from tests.db.rows import put
database, scope = Sqlite(Path(sys.argv[1])), TenantScope(UUID(sys.argv[2]))
number = 0
while number < int(sys.argv[4]):
    number += 1
    code = f"{sys.argv[3]} {number}"
    database.write_now(scope, lambda session: put(session, Site, code=code))
    print(code, flush=True)
database.close()
"""


def writing(file: Path, organisation_id: UUID, name: str, times: int) -> subprocess.Popen[str]:
    """Another process that writes one site after the other, and says each once it is committed."""
    arguments = [sys.executable, "-c", _WRITE, str(file), str(organisation_id), name, str(times)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_two_processes_take_turns(database: Sqlite, scope: TenantScope) -> None:
    others = [writing(database.file, scope.organisation_id, name, 100) for name in ("one", "two")]
    own = 0
    while any(other.poll() is None for other in others):
        database.write_now(scope, store(f"own {own}"))
        own += 1
    assert [other.communicate()[0].count("\n") for other in others] == [100, 100]
    assert [other.returncode for other in others] == [0, 0]
    assert len(stored(database, scope)) == 200 + own


def test_what_was_answered_survives_a_kill(file: Path, database: Sqlite, scope: TenantScope) -> None:
    answered: set[str] = set()
    for round_ in range(5):
        process = writing(file, scope.organisation_id, f"round {round_}", 1_000_000)
        assert process.stdout
        for _ in range(20):
            answered.add(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        answered |= {line.strip() for line in process.stdout if line.endswith("\n")}
        process.stdout.close()
        process.wait(5)
        assert database.write_now(scope, store(f"own {round_}"))  # no lock was left
    assert answered <= stored(database, scope)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# ── the file ──


def test_the_file_and_its_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "some" / "folder" / "heardback.db"
    Sqlite(file).close()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be looked at" * 100)
    with pytest.raises(StartRefused, match="cannot be used: file is not a database"):
        Sqlite(file)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match="cannot be opened or made"):
        Sqlite(tmp_path / "file" / "heardback.db")


def test_opening_again_leaves_the_locks_of_this_process_alone(database: Sqlite, scope: TenantScope) -> None:
    """Closing any descriptor of the file would drop them (sqlite.org/howtocorrupt.html, section 2.2)."""
    held = Held(database)
    again = Sqlite(database.file)
    with (
        contextlib.closing(sqlite3.connect(database.file, timeout=0, isolation_level=None)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    again.close()
    held.let_go()
    held.future.result(5)
    assert database.read_now(None, lambda session: session.get(Organisation, scope.organisation_id)) is not None
