"""PostgreSQL under faults: lost connections, lost answers, locks, a server that is gone or has become a standby."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Literal
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import URL, make_url, select, text
from sqlalchemy.exc import DBAPIError

from app.db import postgres
from app.db.database_url import read_url
from app.db.failures import Busy, CommitFailed, OutcomeUnknown, StoreUnavailable, is_lock_timeout
from app.db.postgres import Postgres
from app.db.session import ScopedSession, TenantScope, open_database
from app.db.tables import Site
from tests.conftest import make_organisation
from tests.databases import Databases
from tests.db.cutting_proxy import CuttingProxy
from tests.db.rows import put


@pytest.fixture(params=["postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def url(databases: Databases, database_kind: str) -> URL:
    return read_url(databases.url(database_kind))


@pytest.fixture
def database(url: URL) -> Iterator[Postgres]:
    """A pool of one connection, so that the next call meets the one that the last call left."""
    made = Postgres(url, pool_size=1)
    yield made
    made.close()


@pytest.fixture
def scope(database: Postgres) -> TenantScope:
    return TenantScope(make_organisation(database))


def process_id(session: ScopedSession) -> int:
    process: int = session.execute(text("select pg_backend_pid()")).scalar_one()
    return process


def end_process(url: URL, process: int) -> None:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(%s, 5000)", [process])


def codes(session: ScopedSession) -> set[str]:
    return set(session.scalars(select(Site.code)))


def store(session: ScopedSession) -> str:
    put(session, Site, code="stored")
    return "stored"


# ── connections that are gone ──


def test_a_connection_that_died_meanwhile_costs_nobody_anything(
    database: Postgres, url: URL, scope: TenantScope
) -> None:
    for work in (store, codes):
        end_process(url, database.read_now(None, process_id))
        assert database.write_now(scope, work) in ("stored", {"stored"})
        end_process(url, database.read_now(None, process_id))
        assert database.read_now(scope, codes) == {"stored"}


def test_a_connection_that_dies_within_the_work_undoes_it(database: Postgres, url: URL, scope: TenantScope) -> None:
    def work(session: ScopedSession) -> None:
        store(session)
        end_process(url, process_id(session))
        session.scalars(select(Site)).all()

    with pytest.raises(CommitFailed):
        database.write_now(scope, work)
    with pytest.raises(StoreUnavailable):
        database.read_now(scope, work_of_a_reader(url))
    assert database.read_now(scope, codes) == set()


def work_of_a_reader(url: URL) -> "postgres.Work[None]":
    def work(session: ScopedSession) -> None:
        end_process(url, process_id(session))
        session.scalars(select(Site)).all()

    return work


def test_a_server_that_has_become_a_standby_is_left(database: Postgres, scope: TenantScope) -> None:
    """It answers SELECT 1, so that only the refused write tells; with several hosts the next one is the new primary."""

    def refused(session: ScopedSession) -> None:
        session.execute(text("set local transaction_read_only = on"))
        store(session)

    before = database.read_now(scope, process_id)
    with pytest.raises(CommitFailed):
        database.write_now(scope, refused)
    assert database.write_now(scope, process_id) != before


def test_a_read_that_wants_to_write_is_our_mistake_and_costs_no_connection(
    database: Postgres, scope: TenantScope
) -> None:
    before = database.read_now(scope, process_id)
    with pytest.raises(DBAPIError, match="read-only transaction"):
        database.read_now(scope, store)
    assert database.read_now(scope, process_id) == before


def test_nobody_answers(database: Postgres, url: URL) -> None:
    with pytest.raises(StoreUnavailable):
        open_database("postgresql://heardback@127.0.0.1:1/heardback")
    address = url.set(drivername="postgresql", database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(StoreUnavailable):
        open_database(address)
    assert database.read_now(None, process_id)


# ── a lost answer to COMMIT ──


@pytest.fixture
def proxy(url: URL) -> Iterator[CuttingProxy]:
    made = CuttingProxy(f"{url.query['host']}/.s.PGSQL.5432")
    yield made
    made.close()


@pytest.fixture
def wired(url: URL, proxy: CuttingProxy) -> Iterator[Postgres]:
    address = URL.create(
        "postgresql+psycopg",
        url.username,
        host="127.0.0.1",
        port=proxy.port,
        database=url.database,
        query={"sslmode": "disable", "gssencmode": "disable"},
    )
    made = Postgres(address, pool_size=2)
    yield made
    made.close()


def test_what_was_committed_is_answered_although_the_answer_was_lost(
    wired: Postgres, proxy: CuttingProxy, scope: TenantScope, database: Postgres
) -> None:
    proxy.cut = "after"
    assert wired.write_now(scope, store) == "stored"
    assert database.read_now(scope, codes) == {"stored"}


def test_what_never_reached_the_server_has_failed(
    wired: Postgres, proxy: CuttingProxy, scope: TenantScope, database: Postgres
) -> None:
    proxy.cut = "before"
    with pytest.raises(CommitFailed):
        wired.write_now(scope, store)
    assert database.read_now(scope, codes) == set()
    proxy.cut = None
    assert wired.write_now(scope, store) == "stored"


@pytest.mark.parametrize(("cut", "stored"), [("after", {"stored"}), ("before", set[str]())])
def test_where_nobody_can_be_asked_the_outcome_is_unknown(
    wired: Postgres,
    proxy: CuttingProxy,
    scope: TenantScope,
    database: Postgres,
    cut: Literal["before", "after"],
    stored: set[str],
) -> None:
    proxy.cut = cut
    proxy.for_good = True
    with pytest.raises(OutcomeUnknown):
        wired.write_now(scope, store)
    assert database.read_now(scope, codes) == stored


def test_where_another_server_took_the_place_the_outcome_is_unknown(
    wired: Postgres, proxy: CuttingProxy, scope: TenantScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promoted standby begins a new timeline; what it says about our transaction is worth nothing."""
    wired.write_now(scope, codes)
    monkeypatch.setattr(postgres, "_TIMELINE", "select 'another'")
    proxy.cut = "after"
    with pytest.raises(OutcomeUnknown):
        wired.write_now(scope, store)


def test_a_lost_answer_without_a_change_is_no_loss(wired: Postgres, proxy: CuttingProxy, scope: TenantScope) -> None:
    proxy.cut = "after"
    assert wired.write_now(scope, codes) == set()


def test_a_refused_commit_has_failed(database: Postgres, scope: TenantScope) -> None:
    def work(session: ScopedSession) -> None:
        session.execute(text("create temp table once (id int unique deferrable initially deferred) on commit drop"))
        session.execute(text("insert into once values (1), (1)"))

    with pytest.raises(CommitFailed):
        database.write_now(scope, work)
    assert database.write_now(scope, store) == "stored"


# ── locks, and more work than there are threads ──


def test_a_lock_that_is_not_given_in_time_is_busy(url: URL, scope: TenantScope) -> None:
    database = Postgres(url, pool_size=2)
    site_id: UUID = database.write_now(scope, lambda session: put(session, Site)["id"])
    held, go_on = threading.Event(), threading.Event()
    found: list[bool] = []

    def hold(session: ScopedSession) -> None:
        session.get(Site, site_id, with_for_update=True)
        held.set()
        assert go_on.wait(10)

    def want(session: ScopedSession) -> None:
        session.execute(text("set local lock_timeout = '50ms'"))
        try:
            session.get(Site, site_id, with_for_update=True)
        except DBAPIError as error:
            found.append(is_lock_timeout(error))
            raise

    holder = threading.Thread(target=database.write_now, args=(scope, hold))
    holder.start()
    assert held.wait(5)
    with pytest.raises(Busy):
        database.write_now(scope, want)
    go_on.set()
    holder.join()
    database.close()
    assert found == [True]


def test_a_statement_that_takes_too_long_is_busy(database: Postgres) -> None:
    def work(session: ScopedSession) -> None:
        session.execute(text("set local statement_timeout = '50ms'"))
        session.execute(text("select pg_sleep(10)"))

    with pytest.raises(Busy):
        database.read_now(None, work)


def test_more_work_than_may_wait_is_refused_at_once(
    url: URL, scope: TenantScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "WAITING_CALLS", 2)
    database = Postgres(url, pool_size=1)
    begun, go_on = threading.Event(), threading.Event()

    def hold(_session: ScopedSession) -> None:
        begun.set()
        assert go_on.wait(10)

    async def run() -> list[object]:
        first = asyncio.ensure_future(database.write(scope, hold))
        assert await asyncio.to_thread(begun.wait, 5)
        waiting = [asyncio.ensure_future(database.write(scope, store)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await database.read(scope, codes)
        waiting[0].cancel()  # gives its place back, and is not stored
        await asyncio.sleep(0)
        third = asyncio.ensure_future(database.read(scope, codes))
        go_on.set()
        return list(await asyncio.gather(first, *waiting, third, return_exceptions=True))

    answers = asyncio.run(run())
    database.close()
    assert [type(answers[1]), answers[0], answers[2], answers[3]] == [
        asyncio.CancelledError,
        None,
        "stored",
        {"stored"},
    ]


def test_work_that_is_cancelled_while_it_runs_is_stored(database: Postgres, scope: TenantScope) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(session: ScopedSession) -> None:
        begun.set()
        assert go_on.wait(5)
        store(session)

    async def run() -> None:
        task = asyncio.ensure_future(database.write(scope, work))
        assert await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(run())
    assert database.read_now(scope, codes) == {"stored"}


def test_addresses_come_in_several_forms() -> None:
    forms = [
        "postgres://heardback@db/heardback",
        "postgresql://heardback@db/heardback",
        "postgresql+psycopg://heardback@db/heardback",
        "postgresql://postgres:@/heardback?host=/tmp/socket",
        "postgresql://db/heardback?host=a:5432&host=b:5432&target_session_attrs=read-write&connect_timeout=2",
    ]
    assert {read_url(form).drivername for form in forms} == {"postgresql+psycopg"}
    assert [read_url(form).query["connect_timeout"] for form in forms] == ["5", "5", "5", "5", "2"]
    assert read_url(forms[-1]).query["host"] == ("a:5432", "b:5432")
    assert make_url(forms[3]).query == {"host": "/tmp/socket"}  # noqa: S108 -- nothing is there
