"""What both databases promise alike."""

import asyncio
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db.failures import Busy
from app.db.session import Database, ScopedSession, StartRefused, TenantScope, open_database
from app.db.tables import Organisation, Site
from tests.conftest import make_organisation
from tests.db.rows import put


@pytest.fixture
def scope(organisation: UUID) -> TenantScope:
    return TenantScope(organisation)


def codes(session: ScopedSession) -> set[str]:
    return set(session.scalars(select(Site.code)))


def test_what_work_returns_is_returned_after_it_is_stored(database: Database, scope: TenantScope) -> None:
    async def run() -> tuple[str, set[str]]:
        written = await database.write(scope, lambda session: put(session, Site, code="brough")["code"])
        return written, await database.read(scope, codes)

    assert asyncio.run(run()) == ("brough", {"brough"})


def test_blocking_calls_do_the_same(database: Database, scope: TenantScope) -> None:
    assert database.write_now(scope, lambda session: put(session, Site, code="brough")["code"]) == "brough"
    assert database.read_now(scope, codes) == {"brough"}


def test_what_is_pending_is_flushed(database: Database, scope: TenantScope) -> None:
    def work(session: ScopedSession) -> None:
        site = session.get(Site, site_id)
        assert site
        site.code = "kirkby"

    site_id = database.write_now(scope, lambda session: put(session, Site, code="brough")["id"])
    database.write_now(scope, work)
    assert database.read_now(scope, codes) == {"kirkby"}


def test_what_work_raises_comes_through_and_nothing_is_stored(database: Database, scope: TenantScope) -> None:
    error = ValueError("refused by a rule")

    def work(session: ScopedSession) -> None:
        put(session, Site, code="brough")
        raise error

    with pytest.raises(ValueError, match="refused by a rule") as raised:
        database.write_now(scope, work)
    assert raised.value is error
    assert database.read_now(scope, codes) == set()


def test_a_savepoint_takes_back_its_own_part(database: Database, scope: TenantScope) -> None:
    def work(session: ScopedSession) -> None:
        put(session, Site, code="kept")
        nested = session.begin_nested()
        put(session, Site, code="taken back")
        nested.rollback()

    database.write_now(scope, work)
    assert database.read_now(scope, codes) == {"kept"}


def test_thirty_two_at_once_are_all_stored(database: Database, scope: TenantScope) -> None:
    names = {f"site {number}" for number in range(32)}

    async def run() -> None:
        works = [lambda session, name=name: put(session, Site, code=name) for name in names]
        await asyncio.gather(*(database.write(scope, work) for work in works))

    asyncio.run(run())
    assert database.read_now(scope, codes) == names


def test_reads_cannot_write(database: Database, scope: TenantScope) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        database.read_now(scope, lambda session: put(session, Site, code="by a reader"))
    assert database.read_now(scope, codes) == set()


def test_committed_is_called_after_a_change_only(fresh_database_url: str) -> None:
    database = open_database(fresh_database_url, pool_size=2)
    scope = TenantScope(make_organisation(database))
    heard = threading.Event()
    found: list[set[str]] = []

    def listen() -> None:
        found.append(database.read_now(scope, codes))
        heard.set()

    database.committed = listen
    database.write_now(scope, codes)
    database.read_now(scope, codes)
    with pytest.raises(ZeroDivisionError):
        database.write_now(scope, lambda session: put(session, Site, code="refused") and 1 / 0)
    assert found == []
    database.write_now(scope, lambda session: put(session, Site, code="changed"))
    assert heard.wait(5)
    database.close()
    assert found == [{"changed"}]


def test_a_closed_database_refuses(fresh_database_url: str) -> None:
    database = open_database(fresh_database_url, pool_size=2)
    database.close()
    database.close()
    with pytest.raises(Busy):
        database.write_now(None, lambda session: session.scalars(select(Organisation)).all())
    with pytest.raises(Busy):
        database.read_now(None, lambda session: session.scalars(select(Organisation)).all())


def test_a_stranger_sees_nothing(database: Database, scope: TenantScope, stranger: UUID) -> None:
    database.write_now(scope, lambda session: put(session, Site, code="brough"))
    assert database.read_now(TenantScope(stranger), codes) == set()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:///x.db?mode=ro", "a path and nothing else"),
        ("sqlite://host/x.db", "a path and nothing else"),
        ("sqlite:////tmp", "is a folder"),
        ("mysql://root:secret@localhost/x", "no support for the database 'mysql'"),
        ("postgresql+asyncpg://localhost/x", "no support for the database 'postgresql[+]asyncpg'"),
        ("heardback.db", "cannot be read"),
        ("", "cannot be read"),
        ("postgresql://user:secret@host:port/x", "cannot be read"),
    ],
)
def test_an_address_that_means_no_database_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(StartRefused, match=sentence) as raised:
        open_database(url)
    assert "secret" not in str(raised.value)


def test_a_relative_path_is_a_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_database(f"sqlite:///var/{uuid4().hex}.db").close()
    assert [path.parent.name for path in tmp_path.glob("*/*.db")] == ["var"]


def test_an_error_does_not_repeat_what_was_written(database: Database, scope: TenantScope) -> None:
    written = "They are 12 minutes apart on paper."

    def work(session: ScopedSession) -> None:
        site = put(session, Site, code="brough")
        put(session, Site, id=site["id"], code="kendal", name=written)

    with pytest.raises(IntegrityError) as caught:
        database.write_now(scope, work)
    assert "INSERT INTO sites" in str(caught.value)
    assert written not in str(caught.value)
