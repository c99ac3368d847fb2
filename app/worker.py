"""Background work: what was recorded is fanned out, what is due is sent, the rules do what time asks for, and what is
too old is deleted.

Each loop asks services for its work and does nothing itself but wait. A store that fails is waited for; nothing that a
receiver or a defect does ends a loop.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from app.kit.answers import Answer
from app.kit.outcalls import Caller
from app.kit.sealing import Secret
from app.kit.sender import Sender
from app.kit.signing import sign
from app.services.claims import Outgoing, claim
from app.services.fanout import FIRST, fan_out
from app.services.requeue import retry_due
from app.services.results import Attempted, Result, give_back, record
from app.services.retention import Place, Retention, purge
from app.services.retries import Schedule
from app.services.rules import do_due
from app.services.tallies import Tallies

T = TypeVar("T")
Session = Any
"""One transaction. Its type belongs to the persistence layer, which this layer does not know."""

RULES_BATCH = 50
RULES_REST_SECONDS = 0.1
"""Between two looks at what the rules have to do: commits come faster than rules."""
MAX_PAUSE_SECONDS = 5.0
PURGE_EVERY_SECONDS = 3600.0
KEPT = Retention()
GRACE_SECONDS, LAST_SECONDS = 2.5, 0.75
"""For attempts that are under way when the worker stops, and for what is written last."""

_log = logging.getLogger(__name__)


class Database(Protocol):
    """One transaction per call, in a thread; a call returns after its COMMIT."""

    async def write(self, scope: None, work: Callable[[Session], T]) -> T:
        """Give the result of `work` once it is stored; what `work` raises undoes all of it."""
        ...


class Worker:
    """Runs from `run` until `stop`, in one event loop. `clock` gives the present instant in UTC.

    `caller` belongs to whoever makes it. `retry_seconds` are the waits before each try of a delivery. `write` takes one
    line of JSON per attempt, without a line feed, and must not wait for anything. `tallies` count what is done.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        secret: Secret,
        caller: Caller,
        retry_seconds: Sequence[float],
        *,
        write: Callable[[str], object] | None = None,
        tallies: Tallies | None = None,
        retention: Retention = KEPT,
        places: int = 500,
        poll_seconds: float = 0.5,
    ) -> None:
        self._database, self._clock, self._secret, self._caller = database, clock, secret, caller
        self._schedule = Schedule(tuple(retry_seconds))
        self._write = write
        self._tallies = tallies or Tallies()
        self._retention = retention
        self._purging: Place | None = None
        self._poll_seconds = poll_seconds
        self._queue = _Queue(database, clock, secret, self._schedule, self._tallies)
        self._sender: Sender[Outgoing, Attempted] = Sender(
            self._queue,
            self._attempt,
            places=places,
            poll_seconds=poll_seconds,
            grace_seconds=GRACE_SECONDS,
            last_seconds=LAST_SECONDS,
        )
        self._recorded, self._may_be_due, self._ending = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._stopping = False
        self._last: UUID = FIRST
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Say that something was committed. From any thread, also when the worker does not run."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake_here)

    def stop(self) -> None:
        """End `run` within four seconds, with nothing half done. From the worker's own event loop."""
        self._stopping = True
        self._ending.set()
        self._sender.stop()
        self._wake_here()

    async def run(self) -> None:
        """Work until `stop` is called."""
        self._loop = asyncio.get_running_loop()
        loops = [
            asyncio.create_task(self._repeat("fan-out", self._fan_out, self._recorded)),
            asyncio.create_task(self._repeat("rules", self._do_rules, self._may_be_due)),
            asyncio.create_task(self._repeat("purge", self._purge, self._ending, PURGE_EVERY_SECONDS)),
        ]
        try:
            await self._sender.run()
            await asyncio.wait(loops, timeout=LAST_SECONDS)
        finally:
            for task in loops:
                task.cancel()
            await asyncio.wait(loops)
            self._loop = None

    def _wake_here(self) -> None:
        self._recorded.set()
        self._may_be_due.set()

    async def _repeat(
        self, name: str, step: Callable[[], Awaitable[bool]], woken: asyncio.Event, pause_seconds: float | None = None
    ) -> None:
        """Do the step again and again: at once while it says that there is more, else when woken or after a while."""
        usual = pause = self._poll_seconds if pause_seconds is None else pause_seconds
        while not self._stopping:
            woken.clear()  # Before the step: what is committed during it must not go unnoticed.
            try:
                more, pause = await step(), usual
            except Exception:  # noqa: BLE001 -- it is logged; whatever it is, the loop goes on
                _log.exception("%s failed and is tried again", name)
                more, pause = False, min(pause * 2, MAX_PAUSE_SECONDS)
                woken.clear()  # A store that fails is not asked at the pace of those who still write to it.
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await woken.wait()

    async def _fan_out(self) -> bool:
        now, after = self._clock(), self._last
        done = await self._database.write(None, lambda session: fan_out(session, now, self._schedule, after))
        if done is None:
            return False
        self._last = done.organisation_id
        self._tallies.count_events(done.events)
        if done.deliveries:
            self._sender.wake()
        return True

    async def _do_rules(self) -> bool:
        now = self._clock()
        done = await self._database.write(None, lambda session: do_due(session, now, RULES_BATCH))
        retried = await self._database.write(None, lambda session: retry_due(session, self._secret, now, RULES_BATCH))
        if max(done, retried) < RULES_BATCH:
            await asyncio.sleep(RULES_REST_SECONDS)
        return max(done, retried) >= RULES_BATCH

    async def _purge(self) -> bool:
        now, place = self._clock(), self._purging
        done = await self._database.write(None, lambda session: purge(session, now, self._retention, place))
        self._purging = done.next
        self._tallies.purged.add_all(done.counts)
        return done.next is not None

    async def _attempt(self, outgoing: Outgoing) -> Attempted:
        """Sign and send; the timestamp is that of this attempt."""
        now, message_id = self._clock(), str(outgoing.message_id)
        signed = sign(outgoing.secrets, message_id, int(now.timestamp()), outgoing.body)
        headers = {**outgoing.headers, "Content-Type": "application/json", **signed}
        answer = await self._caller.post(outgoing.url, outgoing.body, headers)
        self._tallies.count_attempt(answer.failure, answer.milliseconds)
        if self._write is not None:
            self._write(_line(outgoing, answer))
        return Attempted(now, answer)


class _Queue:
    """The sender's queue in the database."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        secret: Secret,
        schedule: Schedule,
        tallies: Tallies,
    ) -> None:
        self._database, self._clock, self._secret, self._schedule = database, clock, secret, schedule
        self._tallies = tallies

    async def claim(self, limit: int) -> Sequence[Outgoing]:
        """Lease what is due."""
        now = self._clock()
        return await self._database.write(None, lambda session: claim(session, now, limit, self._secret))

    async def record(self, results: Sequence[Result]) -> None:
        """Write what came of attempts."""
        now = self._clock()
        done = await self._database.write(None, lambda session: record(session, now, results, self._schedule))
        self._tallies.deliveries.add_all(done)

    async def give_back(self, items: Sequence[Outgoing]) -> None:
        """End leases without an attempt."""
        now = self._clock()
        await self._database.write(None, lambda session: give_back(session, now, items))


def _line(outgoing: Outgoing, answer: Answer) -> str:
    """Return the line of an attempt as JSON, put together by hand: every part is ours."""
    failure = f'"{answer.failure}"' if answer.failure else "null"
    status = "null" if answer.status is None else answer.status
    return (
        f'{{"at":{time.time():.3f},"organisation":"{outgoing.organisation_id}",'
        f'"subscription":"{outgoing.subscription_id}","delivery":"{outgoing.delivery_id}",'
        f'"event":"{outgoing.message_id}","type":"{outgoing.event_type}","try":{outgoing.tries + 1},'
        f'"status":{status},"error":{failure},"milliseconds":{answer.milliseconds}}}'
    )
