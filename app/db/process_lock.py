"""Turns between processes that write the same SQLite file, by two lock files beside it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db.failures import Busy

_FIRST_STEP_SECONDS = 0.0001
_LONGEST_STEP_SECONDS = 0.002


class ProcessLock:
    """One process at a time, in turn.

    Who waits for the lock holds the queue lock meanwhile, so that nobody takes the lock twice before it: with one lock
    alone, a process that writes without a pause starves the others. The database file itself is never opened for
    locking, because closing it would drop SQLite's own locks (sqlite.org/howtocorrupt.html, section 2.2).
    """

    def __init__(self, database: Path) -> None:
        """Use the files `<database>.lock` and `<database>.queue`, made where they are missing."""
        self._queue = _open(database.with_name(database.name + ".queue"))
        self._lock = _open(database.with_name(database.name + ".lock"))

    @contextmanager
    def taken(self, seconds: float) -> Iterator[None]:
        """Hold the lock inside the `with`; raises `Busy` where it was not to be had within `seconds`."""
        until = time.monotonic() + seconds
        _take(self._queue, until)
        try:
            _take(self._lock, until)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files back. The operating system gives the lock back, too, when the process ends in any way."""
        os.close(self._queue)
        os.close(self._lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take(file: int, until: float) -> None:
    """Ask again and again, because a lock that is waited for in the kernel has no time limit."""
    step = _FIRST_STEP_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Busy("another process has held the database file for too long") from None
            time.sleep(step)
            step = min(step * 1.5, _LONGEST_STEP_SECONDS)
        else:
            return
