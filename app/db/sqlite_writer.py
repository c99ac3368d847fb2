"""The one thread that writes an SQLite database."""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection

from app.db.failures import Busy, CommitFailed, StoreUnavailable, as_unavailable
from app.db.process_lock import ProcessLock
from app.db.sqlite_file import close_cursors, sqlite_engine
from app.db.tenancy import ScopedSession, TenantScope
from app.db.tenancy_guard import put_guard

T = TypeVar("T")

BATCH_PIECES = 64
BATCH_SECONDS = 0.02
WAITING_PIECES = 512
WAL_BYTES = 16 * 1024 * 1024
"""Above this the write-ahead log is copied into the database and cut; by itself it grows while readers overlap."""
_WAL_WAIT_MILLISECONDS = 200
_WAL_PAUSE_SECONDS = 1.0
_WAL_LOOK_SECONDS = 0.1
"""How often the size of the log is asked for; after each batch it would be a twentieth of a small batch's cost."""

_log = logging.getLogger(__name__)


class Piece(Generic[T]):
    """One piece of work on its way through the writer."""

    def __init__(self, scope: TenantScope | None, work: Callable[[ScopedSession], T]) -> None:
        self.scope, self.work = scope, work
        self.future: Future[T] = Future()
        self.result: T | None = None
        self.error: BaseException | None = None
        self.changed = False

    def starts(self) -> bool:
        """Decide the race against a cancellation: what has started cannot be cancelled any more."""
        return self.future.set_running_or_notify_cancel()

    def undo(self, reason: StoreUnavailable, cause: BaseException) -> None:
        """Nothing of the batch is stored. A piece that had failed by itself keeps its own error."""
        if self.error is None:
            self.error = type(reason)(*reason.args)
            self.error.__cause__ = cause

    def answer(self) -> None:
        """Tell the caller how it went."""
        if self.error is None:
            self.future.set_result(cast("T", self.result))
        else:
            self.future.set_exception(self.error)


class SqliteWriter:
    """A queue and the thread that serves it, which lives on whatever happens to the work.

    What waits together is one transaction, each piece under its savepoint, at most `BATCH_PIECES` or `BATCH_SECONDS`.
    A piece that raises loses only itself; a COMMIT that fails loses the whole batch, and nothing else.
    """

    def __init__(self, file: Path, *, lock_seconds: float, committed: Callable[[], None]) -> None:
        """`committed` is called on this thread after each COMMIT that changed something."""
        self._engine = sqlite_engine(file, "BEGIN IMMEDIATE", size=1, lock_seconds=lock_seconds)
        put_guard(self._engine)
        self._process_lock = ProcessLock(file)
        self._lock_seconds = lock_seconds
        self._committed = committed
        self._wal = file.with_name(file.name + "-wal")
        self._wal_not_before = 0.0
        self._queue: queue.SimpleQueue[Piece[Any] | None] = queue.SimpleQueue()
        self._entrance = threading.Lock()
        self._closing = self._ended = False
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def submit(self, scope: TenantScope | None, work: Callable[[ScopedSession], T]) -> Future[T]:
        """Put the work into the queue; `Busy` where that is full or closed."""
        piece = Piece(scope, work)
        with self._entrance:
            if self._closing:
                raise Busy("the service is closing")
            if self._queue.qsize() >= WAITING_PIECES:
                raise Busy("too much work waits to be written")
            self._queue.put(piece)
        return piece.future

    def close(self, seconds: float) -> None:
        """Finish what waits and refuse what comes. What is not done after `seconds` is answered with `Busy`."""
        with self._entrance:
            if self._closing:
                return
            self._closing = True
            self._queue.put(None)  # nothing comes behind it
        self._thread.join(seconds)
        if self._thread.is_alive():  # it waits for somebody else's lock
            left = list(self._waiting())
            self._undo(left, Busy("the service is closing"))
            _answer(left)
            return
        self._engine.dispose()
        self._process_lock.close()

    def _serve(self) -> None:
        while not self._ended and (piece := self._queue.get()) is not None:
            if not piece.starts():
                continue
            batch = [piece]
            try:
                with self._process_lock.taken(self._lock_seconds), self._engine.connect() as connection:
                    self._commit_together(connection, batch)
            except BaseException as error:  # noqa: BLE001 -- a lock, begin, commit, an automatic rollback: the thread lives on
                self._undo(batch, error)
            self._tell(batch)
            _answer(batch)
            self._truncate_wal()

    def _commit_together(self, connection: Connection, batch: list[Piece[Any]]) -> None:
        """Run the first piece and what waits behind it in one transaction; raises where nothing of that is stored."""
        until = time.monotonic() + BATCH_SECONDS
        try:
            transaction = connection.begin()
            _run(connection, batch[0])
            while len(batch) < BATCH_PIECES and time.monotonic() < until and (piece := self._next()):
                batch.append(piece)
                _run(connection, piece)
            transaction.commit()
        except BaseException:
            connection.invalidate()  # the state of this connection is not worth asking for; its closing rolls back
            raise

    def _next(self) -> Piece[Any] | None:
        """Return a piece that waits and has now started, or None."""
        while True:
            try:
                piece = self._queue.get_nowait()
            except queue.Empty:
                return None
            if piece is None:
                self._ended = True
                return None
            if piece.starts():
                return piece

    def _waiting(self) -> list[Piece[Any]]:
        return list(iter(self._next, None))

    def _undo(self, batch: list[Piece[Any]], error: BaseException) -> None:
        reason = error if isinstance(error, StoreUnavailable) else as_unavailable(error)
        if isinstance(reason, Busy):
            batch += self._waiting()  # each of them would wait as long again for the same lock
        for piece in batch:
            piece.undo(reason or CommitFailed("the transaction could not be committed"), error)

    def _tell(self, batch: list[Piece[Any]]) -> None:
        try:
            if any(piece.changed for piece in batch if piece.error is None):
                self._committed()
        except Exception:  # noqa: BLE001 -- the work is committed, whatever its listener does
            _log.exception("after a commit")

    def _truncate_wal(self) -> None:
        """Cut the write-ahead log where it is long; where readers are in the way, try again a little later."""
        now = time.monotonic()
        try:
            if now < self._wal_not_before:
                return
            self._wal_not_before = now + _WAL_LOOK_SECONDS
            if self._wal.stat().st_size <= WAL_BYTES:
                return
            self._wal_not_before = now + _WAL_PAUSE_SECONDS
            with closing(self._engine.raw_connection()) as pooled:
                cursor = pooled.cursor()
                cursor.execute(f"PRAGMA busy_timeout={_WAL_WAIT_MILLISECONDS}")
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                cursor.execute(f"PRAGMA busy_timeout={int(self._lock_seconds * 1000)}")
                if not busy:
                    self._wal_not_before = now
        except FileNotFoundError:
            return
        except Exception:  # noqa: BLE001 -- the next batch tries again, and tells its callers what is wrong
            _log.exception("the write-ahead log could not be cut")


def _run(connection: Connection, piece: Piece[Any]) -> None:
    """Run one piece under its savepoint; raises `CommitFailed` where that has undone the whole transaction."""
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    changes = driver.total_changes
    try:
        with ScopedSession(connection, piece.scope) as session:
            try:
                piece.result = piece.work(session)
            finally:
                close_cursors(connection)
            session.commit()  # releases the savepoint
        piece.changed = driver.total_changes != changes
    except BaseException as error:  # noqa: BLE001 -- handed to whoever waits for the piece
        piece.error = as_unavailable(error) or error
        if piece.error is not error:
            piece.error.__cause__ = error
    if not driver.in_transaction:  # FULL, IOERR, NOMEM and ROLLBACK undo everything, savepoints included
        cause = piece.error
        piece.error = None
        raise CommitFailed("the store failed within the transaction and undid all of it") from cause


def _answer(batch: list[Piece[Any]]) -> None:
    for piece in batch:
        piece.answer()
