"""The loop of a sender: claims what is due in batches, attempts it side by side, and records in batches.

One number bounds it, `places`. A place is taken by the claim and given back once the result is *recorded*, so that slow
receivers and a slow database end alike: nothing more is claimed. How much of one receiver's may be under way is the
queue's business.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Result_contra = TypeVar("Result_contra", contravariant=True)


class Queue(Protocol[Item, Result_contra]):
    """What the loop asks of the store. Each call is one transaction, and what it leases ends by itself."""

    async def claim(self, limit: int) -> Sequence[Item]:
        """Lease what is due, `limit` items at most."""

    async def record(self, results: Sequence[tuple[Item, Result_contra]]) -> None:
        """Write the results of those whose lease still holds."""

    async def give_back(self, items: Sequence[Item]) -> None:
        """End leases without a result: these items are due again."""


class Sender(Generic[Item, Result]):
    """Runs from `run` until `stop`, in one event loop.

    `attempt` must end by itself in bounded time. What it raises is a defect: it is logged, and the lease is left to
    end, because an item that is given back would come again at once, and for ever.
    """

    def __init__(
        self,
        queue: Queue[Item, Result],
        attempt: Callable[[Item], Awaitable[Result]],
        *,
        places: int = 500,
        batch: int = 50,
        poll_seconds: float = 1.0,
        grace_seconds: float = 3.0,
        last_seconds: float = 1.0,
    ) -> None:
        """Take the bounds.

        `places` items are under way at most, and `batch` in one claim or record. The queue is asked every
        `poll_seconds`, if nothing wakes the loop before. When it stops, attempts under way have `grace_seconds` to
        end, and after that the last records `last_seconds`.
        """
        self._queue, self._attempt, self._batch = queue, attempt, batch
        self._poll_seconds, self._grace_seconds, self._last_seconds = poll_seconds, grace_seconds, last_seconds
        self._free = places
        self._under_way: dict[asyncio.Task[None], Item] = {}
        self._results: list[tuple[Item, Result]] = []
        self._woken, self._attempted, self._stopping = asyncio.Event(), asyncio.Event(), False

    def wake(self) -> None:
        """Say that something may be due. From another thread: `loop.call_soon_threadsafe(sender.wake)`."""
        self._woken.set()

    def stop(self) -> None:
        """End `run` within the grace and the last seconds."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Claim and attempt. While the store fails, results are kept and nothing more is claimed than has a place."""
        recorder = asyncio.create_task(self._record_for_ever())
        try:
            while not self._stopping:
                await self._claim_and_wait()
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=self._grace_seconds)
            with suppress(TimeoutError):  # What cannot be written by then is tried again when its lease has ended.
                async with asyncio.timeout(self._last_seconds):
                    await self._finish()
        finally:
            tasks = [recorder, *self._under_way]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _claim_and_wait(self) -> None:
        self._woken.clear()  # Before the claim: what is committed during it must not go unnoticed.
        wanted = min(self._free, self._batch)
        claimed = await self._claim(wanted) if wanted else ()
        for item in claimed:
            self._under_way[asyncio.create_task(self._send(item))] = item
        self._free -= len(claimed)
        if not wanted or len(claimed) < wanted:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._woken.wait()

    async def _claim(self, limit: int) -> Sequence[Item]:
        try:
            return await self._queue.claim(limit)
        except Exception:
            log.exception("What is due could not be claimed.")
            return ()  # The wait for the next poll is the pause.

    async def _send(self, item: Item) -> None:
        try:
            self._results.append((item, await self._attempt(item)))
            self._attempted.set()
        except Exception:
            log.exception("An attempt failed by a defect of this program.")
            self._free += 1
            self._woken.set()
        # One that was cancelled does not come to this line: its item is given back.
        del self._under_way[asyncio.current_task()]  # type: ignore[arg-type] # There is one: this runs in it.

    async def _record_for_ever(self) -> None:
        """Write results; whatever comes while one batch is written is the next batch."""
        while True:
            await self._attempted.wait()
            self._attempted.clear()
            while self._results:
                batch = self._results[: self._batch]
                try:
                    await self._queue.record(batch)
                except Exception:
                    log.exception("Results could not be recorded; they are kept.")
                    await asyncio.sleep(self._poll_seconds)
                    continue
                del self._results[: len(batch)]
                self._free += len(batch)
                self._woken.set()  # There is room again, here and with those receivers.

    async def _finish(self) -> None:
        """Give back what is still under way, and wait until all results are written."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)
            try:
                await self._queue.give_back(list(self._under_way.values()))
            except Exception:
                log.exception("What was under way could not be given back; its leases will end.")
        while self._results:
            self._woken.clear()
            await self._woken.wait()  # The recorder sets it behind each batch.
