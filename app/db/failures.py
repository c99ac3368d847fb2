"""What can go wrong with the store itself. None of these says anything about the request that met it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StoreUnavailable(Exception):  # noqa: N818 -- a state of the store, which callers may wait out
    """The store could not do the work now, and nothing of it is stored. The same work may be tried again later."""


class Busy(StoreUnavailable):
    """Nobody took the work up in time: a full queue, a lock that another program holds, no free connection."""


class CommitFailed(StoreUnavailable):
    """The work was begun and was undone: the store failed before or at COMMIT."""


class OutcomeUnknown(Exception):  # noqa: N818 -- the state of one piece of work
    """The answer to COMMIT was lost, and nobody could say afterwards whether the work is stored."""


class StartRefused(Exception):  # noqa: N818 -- an answer to the operator
    """The service must not start on this database. The text tells an operator why and what to do, in plain words."""


# SQLite's primary result codes (sqlite.org/rescode.html) that speak of the file or the machine, not of the statement.
_SQLITE_READONLY = 8
_SQLITE_WAITS = {5, 6}  # BUSY, LOCKED
_SQLITE_BREAKS = {7, 10, 11, 13, 14, 15, 26}  # NOMEM, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
# PostgreSQL's SQLSTATEs (its manual, appendix A) that another try may get past.
# Lock not available, cancelled by a timeout, serialization failure, deadlock:
_POSTGRES_WAITS = {"55P03", "57014", "40001", "40P01"}
# Read only, I/O error, shutting down, crashed, starting up, too long idle within a transaction:
_POSTGRES_BREAKS = {"25006", "58030", "57P01", "57P02", "57P03", "57P05", "25P03"}
_POSTGRES_BREAKS_CLASSES = {"08", "53"}  # connection exceptions, insufficient resources
LOCK_TIMEOUT = "55P03"


def sqlstate(error: BaseException | None) -> str | None:
    """Return the five-character SQLSTATE that PostgreSQL gave, or None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlstate", None)


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a statement gave up waiting for somebody else's lock. Never so on SQLite, whose writer works alone."""
    return sqlstate(error) == LOCK_TIMEOUT


def as_unavailable(error: BaseException, *, reads: bool = False) -> StoreUnavailable | None:
    """Return what the caller is told when the store itself failed, or None for any other error.

    On a connection that reads, a refused write is our own mistake and no failure of the store.
    """
    if isinstance(error, PoolTimeout):
        return Busy("no connection to the database became free in time")
    if not isinstance(error, DBAPIError):
        return None
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return _as_unavailable_sqlite(sqlite_code & 0xFF, reads=reads)
    return _as_unavailable_postgres(error, reads=reads)


@contextmanager
def translated(*, reads: bool = False) -> Iterator[None]:
    """Inside the `with`, what the store itself did wrong is raised in the words of this module; all else as it is."""
    try:
        yield
    except SQLAlchemyError as error:
        if unavailable := as_unavailable(error, reads=reads):
            raise unavailable from error
        raise


def _as_unavailable_sqlite(code: int, *, reads: bool) -> StoreUnavailable | None:
    if code in _SQLITE_WAITS:
        return Busy("another program holds the lock of the database file")
    if code in _SQLITE_BREAKS or (code == _SQLITE_READONLY and not reads):
        return CommitFailed(f"the database file could not be read or written (SQLite's result code {code})")
    return None


def _as_unavailable_postgres(error: DBAPIError, *, reads: bool) -> StoreUnavailable | None:
    state = sqlstate(error)
    if state in _POSTGRES_WAITS:
        return Busy(f"the database gave the statement up (SQLSTATE {state})")
    if state == "25006" and reads:
        return None
    if state is None and isinstance(error, OperationalError):
        return CommitFailed("the connection to the database could not be made, or was lost")
    if error.connection_invalidated or state in _POSTGRES_BREAKS or (state or "")[:2] in _POSTGRES_BREAKS_CLASSES:
        return CommitFailed(f"the database could not go on (SQLSTATE {state})")
    return None
