"""Threads that carry out database work, with a bound on what waits for them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.db.failures import Busy

P = ParamSpec("P")
T = TypeVar("T")


class BoundedThreads:
    """`size` threads, at most `waiting` calls that wait for one. More are refused at once with `Busy`."""

    def __init__(self, name: str, size: int, waiting: int) -> None:
        self._places = threading.BoundedSemaphore(size + waiting)
        self._threads = ThreadPoolExecutor(size, name)

    def submit(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it called on one of the threads. Cancelling the future counts while it still waits."""
        if not self._places.acquire(blocking=False):
            raise Busy("too much work waits for the database")
        try:
            future = self._threads.submit(call, *args, **kwargs)
        except RuntimeError:  # the executor's word for "shut down"
            self._places.release()
            raise Busy("the service is closing") from None
        # When the thread is done, not when the caller is gone.
        future.add_done_callback(lambda _: self._places.release())
        return future

    def close(self) -> None:
        """Finish what was taken up or waits, refuse what comes."""
        self._threads.shutdown()
