"""The file of an SQLite database, and engines on it."""

import os
import sqlite3
import weakref
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from app.db.failures import StartRefused

LOCK_SECONDS = 5.0
"""How long anybody waits for a lock that another program holds."""
_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON")


def prepare_file(file: Path) -> None:
    """Make the database file where it is missing, for its owner's eyes alone, and switch it to write-ahead logging.

    Raises `StartRefused` where that cannot be done.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # an existing one is not opened: closing it would drop this process's locks
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StartRefused(f"The database file {file} cannot be opened or made: {error.strerror}.") from error
    try:
        with closing(sqlite3.connect(file, timeout=LOCK_SECONDS)) as connection:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.Error as error:
        raise StartRefused(f"The database file {file} cannot be used: {error}.") from error
    if mode != "wal":
        raise StartRefused(f"Write-ahead logging does not work on the file system of {file}. Choose a local disk.")


class TrackingConnection(sqlite3.Connection):
    """Knows its cursors, so that those that were left open can be closed."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 -- handed on as they are
        super().__init__(*args, **options)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    @override
    def cursor(self, factory: None = None) -> sqlite3.Cursor:  # type: ignore[override]
        """Make a cursor of the usual kind, as SQLAlchemy asks for."""
        made = super().cursor()
        self._cursors.add(made)
        return made

    def close_cursors(self) -> None:
        """End every statement that has not been read to its end.

        Such a statement would keep its snapshot or, after INSERT … RETURNING, even the write lock for as long as
        anybody holds its result: no savepoint can be released meanwhile, and closing the connection does not help.
        """
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()


def close_cursors(connection: Connection) -> None:
    """The same for SQLAlchemy's connection. To be called when a piece of work is done with it."""
    _driver(connection).close_cursors()


class DirectSavepoints(SQLiteDialect_pysqlite):
    """SQLite as SQLAlchemy knows it, with savepoints that go straight to the driver.

    Compiled as statements, two of them cost more than a small piece of work between them (80 of 210 microseconds).
    """

    supports_statement_cache = True

    @override
    def do_savepoint(self, connection: Connection, name: str) -> None:
        """Begin a savepoint."""
        _driver(connection).execute(f"SAVEPOINT {name}")

    @override
    def do_rollback_to_savepoint(self, connection: Connection, name: str) -> None:
        """Undo what was done since it began."""
        _driver(connection).execute(f"ROLLBACK TO SAVEPOINT {name}")

    @override
    def do_release_savepoint(self, connection: Connection, name: str) -> None:
        """End it, and keep what was done."""
        _driver(connection).execute(f"RELEASE SAVEPOINT {name}")


registry.register("sqlite.heardback", __name__, DirectSavepoints.__name__)


def _driver(connection: Connection) -> TrackingConnection:
    return cast("TrackingConnection", connection.connection.dbapi_connection)


def sqlite_engine(
    file: Path, begin: str, *, size: int, query_only: bool = False, lock_seconds: float = LOCK_SECONDS
) -> Engine:
    """Return an engine whose transactions begin as `begin` says: `BEGIN` to read, `BEGIN IMMEDIATE` to write."""
    engine = create_engine(
        URL.create("sqlite+heardback", database=str(file)),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=lock_seconds,
        hide_parameters=True,  # What people wrote must not stand in the message of an error.
        connect_args={
            "check_same_thread": False,
            "timeout": lock_seconds,
            "cached_statements": 512,
            "factory": TrackingConnection,
        },
    )

    @event.listens_for(engine, "connect")
    def set_up(driver: sqlite3.Connection, _record: object) -> None:
        driver.isolation_level = None  # the driver must not begin by itself
        for pragma in (*_PRAGMAS, f"query_only={int(query_only)}"):
            driver.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
