"""SQLite: one writer thread that commits together what waits together, and readers beside it.

SQLite has one writer. Here it is ours: work waits in a queue and not for a lock, so that every piece has its turn, and
one flush to the disk serves many of them. Several processes on one file take turns by `ProcessLock`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.db.failures import translated
from app.db.sqlite_file import LOCK_SECONDS, close_cursors, prepare_file, sqlite_engine
from app.db.sqlite_writer import SqliteWriter
from app.db.tenancy import ScopedSession, TenantScope
from app.db.tenancy_guard import put_guard
from app.db.threads import BoundedThreads

T = TypeVar("T")
Work = Callable[[ScopedSession], T]

WAITING_READS = 256


class Sqlite:
    """A `session.Database` in one file."""

    def __init__(self, file: Path, *, readers: int = 4, lock_seconds: float = LOCK_SECONDS) -> None:
        """Open the file, which is made with its folders where it is missing; `migrate` sees to the tables in it."""
        prepare_file(file)
        self.file = file
        self.committed: Callable[[], None] | None = None
        self._reading = sqlite_engine(file, "BEGIN", size=readers, query_only=True, lock_seconds=lock_seconds)
        put_guard(self._reading)
        self._readers = BoundedThreads("reader", readers, WAITING_READS)
        self._writer = SqliteWriter(file, lock_seconds=lock_seconds, committed=self._tell)

    async def read(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work on a snapshot; it cannot write."""
        return await asyncio.wrap_future(self._readers.submit(self._read, scope, work))

    async def write(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work and return after COMMIT. Cancelling this cancels work that waits, and not what runs."""
        return await asyncio.wrap_future(self._writer.submit(scope, work))

    def read_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Block until it is done."""
        return self._readers.submit(self._read, scope, work).result()

    def write_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Block until it is committed."""
        return self._writer.submit(scope, work).result()

    def close(self, seconds: float = 10) -> None:
        """Finish what waits, within `seconds`, and refuse what comes."""
        self._writer.close(seconds)
        self._readers.close()
        self._reading.dispose()

    def _read(self, scope: TenantScope | None, work: Work[T]) -> T:
        with (
            translated(reads=True),
            self._reading.connect() as connection,
            ScopedSession(connection, scope) as session,
        ):
            try:
                return work(session)
            finally:
                close_cursors(connection)

    def _tell(self) -> None:
        if self.committed:
            self.committed()
