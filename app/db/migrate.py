"""Bring the schema up to date: in this process, under a lock, and without importing alembic where nothing is to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, text

from app.db.database_url import read_url, sqlite_file
from app.db.failures import StartRefused, translated
from app.db.process_lock import ProcessLock
from app.db.sqlite_file import prepare_file

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "20261125_0100"
"""The revision that this code needs. Ids sort, so that code meets a newer schema (after a rolling deploy) as such."""
MIGRATIONS = Path(__file__).parents[2] / "migrations"
_ADVISORY_LOCK = 7_231_990_021
_WAIT_SECONDS = 600.0


def bring_up_to_date(url: str, *, allowed: bool = True) -> bool:
    """Upgrade the schema at `url` to `HEAD` where it is older or missing; returns whether anything was done.

    Several processes may start at once: one migrates, the others wait for it. A newer schema is accepted, because every
    migration keeps the code before it running. With `allowed` false an older schema raises `StartRefused`.
    """
    address = read_url(url)
    if file := sqlite_file(address):
        prepare_file(file)
    with translated(), migrating(address) as connection:
        before = version(connection)
        if _suffices(before):
            return False
        if not allowed:
            raise StartRefused(_words_on(before))
        connection.rollback()
        with _locked(connection, file):
            if _suffices(version(connection)):
                return False
            connection.rollback()
            _upgrade(connection)
    return True


def fault_of_schema(url: str) -> str | None:
    """A sentence for the operator where the schema at `url` is missing or older than `HEAD`; None where it is right.

    Changes nothing, and makes no file. Raises `StoreUnavailable` where the database does not answer.
    """
    address = read_url(url)
    file = sqlite_file(address)
    if file is not None and not file.exists():
        return f"There is no database in {file} yet. The first start makes it."
    with translated(reads=True), migrating(address) as connection:
        before = version(connection)
    return None if _suffices(before) else _words_on(before)


def _words_on(before: str | None) -> str:
    return (
        f"The database has {f'the schema {before}' if before else 'no tables yet'}, and this program needs the "
        f"schema {HEAD}. Run bin/heardback migrate once, or set HEARDBACK_MIGRATE=auto."
    )


def version(connection: Connection) -> str | None:
    """Return the revision of the schema, or None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


@contextmanager
def migrating(url: URL) -> Iterator[Connection]:
    """A connection of the tables' owner, on which nothing but the database's own rules looks at the statements."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if url.drivername == "sqlite":
        _prepare_sqlite(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def alembic_config(connection: Connection) -> "Config":
    """Return what alembic's commands take, bound to the connection."""
    from alembic.config import Config  # noqa: PLC0415 -- costs as much as the rest of the start, and is seldom needed

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _suffices(found: str | None) -> bool:
    return found is not None and found >= HEAD


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 -- as above

    command.upgrade(alembic_config(connection), "head")
    connection.commit()


@contextmanager
def _locked(connection: Connection, file: Path | None) -> Iterator[None]:
    if file:
        lock = ProcessLock(file)
        try:
            with lock.taken(_WAIT_SECONDS):
                yield
        finally:
            lock.close()
        return
    # The session's lock and not the transaction's, because migrations commit in between. It ends with the connection.
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    connection.execute(text("set lock_timeout = '3s'"))  # who waits for a table's lock makes everybody wait behind it
    connection.commit()
    yield


def _prepare_sqlite(engine: Engine) -> None:
    """Transactions around changes of the schema, too; and no foreign keys meanwhile.

    SQLite changes a table by making it anew, and dropping the old one would delete the rows that refer to it. What
    refers to nothing in the end is found before COMMIT (`migrations/env.py`).
    """

    @event.listens_for(engine, "connect")
    def set_up(driver: SqliteConnection, _record: object) -> None:
        driver.isolation_level = None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
