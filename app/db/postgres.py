"""PostgreSQL: a pool of connections, and as many threads as it has connections."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.db.failures import CommitFailed, OutcomeUnknown, sqlstate, translated
from app.db.row_security import OPENING, OPENING_TO_READ, check_start
from app.db.tenancy import OPEN_TABLES, TENANT_TABLES, ScopedSession, TenantScope
from app.db.tenancy_guard import put_guard
from app.db.threads import BoundedThreads

T = TypeVar("T")
Work = Callable[[ScopedSession], T]

WAITING_CALLS = 256
POOL_SECONDS = 5.0
_READ_ONLY = "25006"
# The server shuts down, has crashed, starts up, or has become a standby: the connection is of no use any more. The pool
# would not notice a demoted primary by itself, because that answers SELECT 1.
_GONE = {_READ_ONLY, "57P01", "57P02", "57P03"}
_ASKING_SECONDS = (0.05, 0.2, 1.0, 2.0)
_XID = "select pg_current_xact_id_if_assigned()::text"
# The first eight digits of the log's file name are the timeline, which a promoted standby begins anew.
_TIMELINE = "select case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_lsn()), 8) end"

_log = logging.getLogger(__name__)


class Postgres:
    """A `session.Database` on a PostgreSQL server."""

    def __init__(self, url: URL, *, pool_size: int = 8) -> None:
        """Connect, and refuse a database on which row-level security does not hold (`StartRefused`)."""
        self.committed: Callable[[], None] | None = None
        self._engine = _pool(url, pool_size)
        self._direct = create_engine(url, poolclass=NullPool, hide_parameters=True)
        self._threads = BoundedThreads("database", pool_size, WAITING_CALLS)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    async def read(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work in a transaction that cannot write."""
        return await asyncio.wrap_future(self._threads.submit(self._read, scope, work))

    async def write(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work and return after COMMIT. Cancelling this cancels work that waits, and not what runs."""
        return await asyncio.wrap_future(self._threads.submit(self._write, scope, work))

    def read_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Block until it is done."""
        return self._threads.submit(self._read, scope, work).result()

    def write_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Block until it is committed."""
        return self._threads.submit(self._write, scope, work).result()

    def close(self, seconds: float = 10) -> None:  # noqa: ARG002 -- every statement has its own limit on the server
        """Finish what waits, and refuse what comes."""
        self._threads.close()
        self._engine.dispose()

    def _check(self) -> None:
        with translated(reads=True), self._direct.connect() as connection:
            connection.execute(OPENING_TO_READ, {"organisation": ""})
            check_start(connection, TENANT_TABLES, OPEN_TABLES)

    def _read(self, scope: TenantScope | None, work: Work[T]) -> T:
        with (
            translated(reads=True),
            self._opened(scope, reads=True) as connection,
            ScopedSession(connection, scope, "rollback_only") as session,
        ):
            return work(session)

    def _write(self, scope: TenantScope | None, work: Work[T]) -> T:
        with translated(reads=False), self._opened(scope, reads=False) as connection:
            with ScopedSession(connection, scope, "rollback_only") as session:
                result = work(session)
                session.flush()
            xid: str | None = connection.exec_driver_sql(_XID).scalar_one()
            timeline: str | None = connection.info["timeline"]
            try:
                connection.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise CommitFailed("the transaction could not be committed") from error
                self._ask(xid, timeline, error)
        if xid is not None:
            self._tell()
        return result

    @contextmanager
    def _opened(self, scope: TenantScope | None, *, reads: bool) -> Iterator[Connection]:
        """A connection whose transaction has begun.

        The opening statement is the pool's ping, too: where it meets a dead connection nothing has been done yet, and
        it is said again on a new one.
        """
        opening = OPENING_TO_READ if reads else OPENING
        values = {"organisation": str(scope.organisation_id) if scope else ""}
        connection = self._engine.connect()
        try:
            connection.info["reads"] = reads
            try:
                connection.execute(opening, values)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                connection.close()
                connection = self._engine.connect()
                connection.info["reads"] = reads
                connection.execute(opening, values)
            yield connection
        finally:
            connection.close()

    def _ask(self, xid: str | None, timeline: str | None, error: DBAPIError) -> None:
        """The answer to COMMIT was lost. The server still knows what came of it, unless another one took its place."""
        if xid is None:
            return  # nothing was written
        said = None
        try:
            for pause in _ASKING_SECONDS:  # "in progress": the server has not yet noticed that we are gone
                with self._direct.connect() as connection:
                    same = connection.exec_driver_sql(_TIMELINE).scalar_one() == timeline
                    query = text("select pg_xact_status(cast(:xid as xid8))")
                    said = connection.execute(query, {"xid": xid}).scalar_one() if same else None
                if said != "in progress":
                    break
                time.sleep(pause)
        except SQLAlchemyError:
            said = None
        if said == "aborted":
            raise CommitFailed("the connection was lost before the transaction was committed") from error
        if said != "committed":
            raise OutcomeUnknown("the answer to COMMIT was lost, and nobody can say what came of it") from error

    def _tell(self) -> None:
        try:
            if self.committed:
                self.committed()
        except Exception:  # noqa: BLE001 -- the work is committed, whatever its listener does
            _log.exception("after a commit")


def _pool(url: URL, size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_use_lifo=True,
        hide_parameters=True,  # What people wrote must not stand in the message of an error.
    )
    put_guard(engine)

    @event.listens_for(engine, "connect")
    def note_timeline(driver: psycopg.Connection[tuple[str | None]], record: object) -> None:
        driver.autocommit = True
        row = driver.execute(_TIMELINE).fetchone()
        driver.autocommit = False
        record.info["timeline"] = row and row[0]  # type: ignore[attr-defined]

    @event.listens_for(engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        state = sqlstate(context.original_exception)
        reads = context.connection is not None and context.connection.info.get("reads")
        if state in _GONE and not (state == _READ_ONLY and reads):  # a read that wanted to write is our own mistake
            context.is_disconnect = True

    return engine
