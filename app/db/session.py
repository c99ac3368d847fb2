"""The database as the layers above see it: `read(scope, work)` and `write(scope, work)`, the same on both databases.

`work(session)` is plain synchronous SQLAlchemy. It runs on a thread, in one transaction that nobody but this package
begins, commits or rolls back; services flush and never commit. The call returns after COMMIT, so that what was answered
is stored.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from app.db.database_url import read_url, sqlite_file
from app.db.failures import Busy, CommitFailed, OutcomeUnknown, StartRefused, StoreUnavailable, is_lock_timeout
from app.db.sqlite import Sqlite
from app.db.tenancy import ScopedSession, TenantScope

T = TypeVar("T")
Work = Callable[[ScopedSession], T]


class Database(Protocol):
    """Where everything is stored. Safe to use from any thread and any event loop.

    All four ways raise `Busy` where the work was not taken up, `CommitFailed` where it was undone (both are
    `StoreUnavailable`: nothing is stored, try again), and `OutcomeUnknown` where the answer to COMMIT was lost. What
    the work itself raises comes through as it is, and nothing of the work is stored.

    `scope` None: the session sees the tables outside the tenancy only, until it enters an organisation.
    """

    committed: Callable[[], None] | None
    """Called after each COMMIT that changed something and before its callers are answered, on a thread of the database.

    Must return at once; `loop.call_soon_threadsafe` does.
    """

    async def read(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work on one snapshot (SQLite) or statement by statement (PostgreSQL). It cannot write."""
        ...

    async def write(self, scope: TenantScope | None, work: Work[T]) -> T:
        """Run the work in a transaction of its own and return what it returned, after COMMIT.

        A call that is cancelled is not stored if it still waits, and is if it already runs.
        """
        ...

    def read_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """`read`, blocking: for the command line and for tests, never on an event loop."""
        ...

    def write_now(self, scope: TenantScope | None, work: Work[T]) -> T:
        """`write`, blocking: for the command line and for tests, never on an event loop."""
        ...

    def close(self, seconds: float = 10) -> None:
        """Finish what waits, within `seconds`; what comes later is refused with `Busy`."""
        ...


def open_database(url: str, *, pool_size: int = 8) -> Database:
    """Open the database at `url`, whose schema must be there (`migrate.bring_up_to_date`).

    `sqlite:///path` makes the file where it is missing; `postgresql://…` must answer. `pool_size`: how many connections
    read (SQLite), or read and write (PostgreSQL), at the same time. Raises `StartRefused` with a sentence for the
    operator, or `StoreUnavailable`.
    """
    address = read_url(url)
    file = sqlite_file(address)
    if file is not None:
        return Sqlite(file, readers=pool_size)
    from app.db.postgres import Postgres  # noqa: PLC0415 -- its driver takes 9 MiB, which SQLite has no use for

    return Postgres(address, pool_size=pool_size)


__all__ = [
    "Busy",
    "CommitFailed",
    "Database",
    "OutcomeUnknown",
    "ScopedSession",
    "StartRefused",
    "StoreUnavailable",
    "TenantScope",
    "Work",
    "is_lock_timeout",
    "open_database",
]
