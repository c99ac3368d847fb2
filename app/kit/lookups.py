"""Look-ups of names that cannot hold the process up.

`loop.getaddrinfo` runs in the loop's own pool of a few threads. A handful of names whose servers are silent blocks it
for everybody, for as long as resolv.conf allows; no cancellation reaches those threads, and the interpreter waits for
them when it ends. Here, a name has at most one look-up under way, which all who want it share; the number of look-ups
is bounded; and their threads are daemons, for which nobody waits.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from app.kit.addresses import Address

Resolve = Callable[[str], tuple[Address, ...]]


def resolve(host: str) -> tuple[Address, ...]:
    """Ask the system (hosts file, DNS) for all addresses, in its order of preference (RFC 6724). Blocks.

    Raises OSError, and ValueError for what cannot be a name.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class Lookups:
    """Finds the addresses of names, each anew after `fresh_seconds`. Failures are not kept. For one event loop."""

    def __init__(
        self,
        *,
        fresh_seconds: float = 5.0,
        wait_seconds: float = 5.0,
        max_threads: int = 64,
        resolve: Resolve = resolve,
    ) -> None:
        self._fresh_seconds, self._wait_seconds = fresh_seconds, wait_seconds
        self._resolve = resolve
        self._threads = asyncio.Semaphore(max_threads)
        self._tasks: dict[str, asyncio.Task[tuple[Address, ...]]] = {}
        self._found: dict[str, tuple[float, tuple[Address, ...]]] = {}

    async def find(self, host: str) -> tuple[Address, ...]:
        """Return all addresses of the name, one at least.

        Raises OSError, and after `wait_seconds` TimeoutError, which is one. A look-up that nobody waits for any more
        goes on, and its late answer serves the next call.
        """
        fresh_until, found = self._found.get(host, (0.0, ()))
        if time.monotonic() < fresh_until:
            return found
        if (task := self._tasks.get(host)) is None:
            task = self._tasks[host] = asyncio.create_task(self._look_up(host))
            # The exception is asked for here, because there may be nobody else left who does.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        async with asyncio.timeout(self._wait_seconds):
            return await asyncio.shield(task)

    async def _look_up(self, host: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[Address, ...]] = loop.create_future()
        try:
            async with self._threads:
                threading.Thread(target=self._work, args=(host, loop, answer), daemon=True, name="look-up").start()
                found = await answer
        finally:
            del self._tasks[host]
        now = time.monotonic()
        self._found = {name: entry for name, entry in self._found.items() if now < entry[0]}
        self._found[host] = (now + self._fresh_seconds, found)
        return found

    def _work(self, host: str, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[tuple[Address, ...]]) -> None:
        found: tuple[Address, ...] = ()
        error: OSError | None = None
        try:
            found = self._resolve(host)
        except (OSError, ValueError) as caught:  # ValueError: the codec "idna" does not take every label.
            error = OSError(str(caught))
        with suppress(RuntimeError):  # The loop has been closed meanwhile.
            loop.call_soon_threadsafe(_settle, answer, found, error)


def _settle(answer: asyncio.Future[tuple[Address, ...]], found: tuple[Address, ...], error: OSError | None) -> None:
    if answer.done():  # It was cancelled as the loop ended.
        return
    if error or not found:
        answer.set_exception(error or OSError("the name has no address"))
    else:
        answer.set_result(found)
