"""The promises of the sender's loop, with a queue in memory that leases as a database does."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence

import pytest

from app.kit.sender import Sender

pytestmark = pytest.mark.anyio

Item = tuple[str, int]
ITEMS_A_RECEIVER = 8
PATIENT_SECONDS = 20.0


class Queue:
    """Gives the receiver that was served least recently first, and at most ITEMS_A_RECEIVER of each at a time."""

    def __init__(self, most_of_each: int = ITEMS_A_RECEIVER) -> None:
        self.most_of_each = most_of_each
        self.broken = False
        self.due: dict[str, deque[Item]] = defaultdict(deque)
        self.leased: Counter[str] = Counter()
        self.records: list[list[tuple[Item, str]]] = []
        self.given_back: list[Item] = []
        self.claims = 0

    def add(self, receiver: str, count: int) -> None:
        self.due[receiver].extend((receiver, number) for number in range(count))

    async def claim(self, limit: int) -> Sequence[Item]:
        self.claims += 1
        await asyncio.sleep(0.001)
        if self.broken:
            raise OSError("no database")
        taken: list[Item] = []
        for receiver in list(self.due):
            waiting = self.due[receiver]
            room = min(self.most_of_each - self.leased[receiver], limit - len(taken), len(waiting))
            if room > 0:
                taken += [waiting.popleft() for _ in range(room)]
                self.leased[receiver] += room
                self.due[receiver] = self.due.pop(receiver)  # It was served: to the end.
        return taken

    async def record(self, results: Sequence[tuple[Item, str]]) -> None:
        await asyncio.sleep(0.002)
        if self.broken:
            raise OSError("no database")
        self.records.append(list(results))
        self.leased.subtract(item[0] for item, _ in results)

    async def give_back(self, items: Sequence[Item]) -> None:
        if self.broken:
            raise OSError("no database")
        self.given_back += items

    @property
    def done(self) -> list[Item]:
        return [item for batch in self.records for item, _ in batch]


class Receivers:
    """`hangs` answers when `released`, `defect` makes the attempt itself fail, all others answer at once."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.released = asyncio.Event()

    async def attempt(self, item: Item) -> str:
        receiver, _ = item
        self.open[receiver] += 1
        self.most[receiver] = max(self.most[receiver], self.open[receiver])
        try:
            if receiver == "defect":
                raise RuntimeError(receiver)
            if receiver == "hangs":
                await self.released.wait()
            await asyncio.sleep(0.002)
            return "sent"
        finally:
            self.open[receiver] -= 1


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_SECONDS):
        while not is_true():  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(0.002)


async def run_beside(sender: Sender[Item, str], work: Callable[[], Awaitable[None]]) -> None:
    """Run the sender while `work` does, then stop it."""
    running = asyncio.create_task(sender.run())
    await work()
    sender.stop()
    async with asyncio.timeout(PATIENT_SECONDS):
        await running


async def test_everything_is_sent_once_in_batches_and_never_too_many_at_a_time() -> None:
    queue, receivers = Queue(), Receivers()
    for number in range(20):
        queue.add(f"r{number}", 50)
    sender = Sender(queue, receivers.attempt)
    await run_beside(sender, lambda: until(lambda: len(queue.done) == 1000))
    assert len(set(queue.done)) == 1000
    assert max(receivers.most.values()) <= ITEMS_A_RECEIVER
    assert len(queue.records) < 500
    assert max(map(len, queue.records)) <= 50
    assert queue.given_back == []


async def test_places_bound_what_is_under_way() -> None:
    queue, receivers = Queue(most_of_each=1000), Receivers()
    queue.add("r", 200)
    sender = Sender(queue, receivers.attempt, places=7)
    await run_beside(sender, lambda: until(lambda: len(queue.done) == 200))
    assert receivers.most["r"] <= 7


async def test_one_receiver_that_hangs_holds_up_no_other_and_what_it_holds_is_given_back_at_the_end() -> None:
    queue, receivers = Queue(), Receivers()
    queue.add("hangs", 100)
    for number in range(5):
        queue.add(f"r{number}", 50)
    sender = Sender(queue, receivers.attempt, grace_seconds=0.05)
    await run_beside(sender, lambda: until(lambda: len(queue.done) == 250))
    assert sorted(queue.given_back) == [("hangs", number) for number in range(ITEMS_A_RECEIVER)]
    assert receivers.open.total() == 0


async def test_attempts_under_way_have_time_to_end() -> None:
    async def work() -> None:
        await until(lambda: receivers.open["hangs"] == 3)
        asyncio.get_running_loop().call_later(0.05, receivers.released.set)

    queue, receivers = Queue(), Receivers()
    queue.add("hangs", 3)
    await run_beside(Sender(queue, receivers.attempt, grace_seconds=PATIENT_SECONDS), work)
    assert sorted(queue.done) == [("hangs", 0), ("hangs", 1), ("hangs", 2)]
    assert queue.given_back == []


async def test_a_commit_wakes_it() -> None:
    async def work() -> None:
        await until(lambda: queue.claims == 1)
        await asyncio.sleep(0.05)
        queue.add("r", 1)
        sender.wake()
        await until(lambda: len(queue.done) == 1)

    queue, receivers = Queue(), Receivers()
    sender = Sender(queue, receivers.attempt, poll_seconds=10 * PATIENT_SECONDS)
    await run_beside(sender, work)
    assert queue.done == [("r", 0)]


async def test_a_commit_during_a_claim_is_not_missed() -> None:
    class CommitsDuringClaims(Queue):
        async def claim(self, limit: int) -> Sequence[Item]:
            taken = await super().claim(limit)
            if self.claims == 1:
                self.add("r", 1)
                sender.wake()
            return taken

    queue, receivers = CommitsDuringClaims(), Receivers()
    sender = Sender(queue, receivers.attempt, poll_seconds=10 * PATIENT_SECONDS)
    await run_beside(sender, lambda: until(lambda: len(queue.done) == 1))
    assert queue.done == [("r", 0)]


async def test_without_a_commit_that_wakes_it_polls() -> None:
    async def work() -> None:
        await until(lambda: queue.claims == 1)
        queue.add("r", 1)
        await until(lambda: len(queue.done) == 1)

    queue, receivers = Queue(), Receivers()
    await run_beside(Sender(queue, receivers.attempt, poll_seconds=0.02), work)
    assert queue.done == [("r", 0)]


async def test_while_nothing_can_be_recorded_nothing_more_is_claimed_and_nothing_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class CannotRecord(Queue):
        full = True

        async def record(self, results: Sequence[tuple[Item, str]]) -> None:
            if self.full:
                raise OSError("the disk is full")
            await super().record(results)

    async def work() -> None:
        await until(lambda: queue.leased.total() == 40 and receivers.open.total() == 0)
        await asyncio.sleep(0.05)
        assert queue.leased.total() == 40
        queue.full = False
        await until(lambda: len(queue.done) == 300)

    queue, receivers = CannotRecord(most_of_each=64), Receivers()
    queue.add("r", 300)
    await run_beside(Sender(queue, receivers.attempt, places=40, poll_seconds=0.02), work)
    assert len(set(queue.done)) == 300
    assert "Results could not be recorded; they are kept." in caplog.text


async def test_a_defect_in_an_attempt_stops_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    queue, receivers = Queue(), Receivers()
    queue.add("defect", 3)
    queue.add("r", 30)
    await run_beside(Sender(queue, receivers.attempt, places=2), lambda: until(lambda: len(queue.done) == 30))
    assert queue.given_back == []
    assert [record.getMessage() for record in caplog.records] == ["An attempt failed by a defect of this program."] * 3


async def test_without_a_database_it_stops_in_time_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        await until(lambda: receivers.open["hangs"] == 2)
        queue.broken = True
        claims = queue.claims
        await until(lambda: queue.claims > claims)

    queue, receivers = Queue(), Receivers()
    queue.add("hangs", 2)
    options = {"poll_seconds": 0.02, "grace_seconds": 0.02, "last_seconds": 0.1}
    await run_beside(Sender(queue, receivers.attempt, **options), work)  # type: ignore[arg-type] # All are seconds.
    assert queue.done == queue.given_back == []
    assert "What is due could not be claimed." in caplog.text
    assert "What was under way could not be given back; its leases will end." in caplog.text


async def test_results_that_cannot_be_written_at_the_end_are_left_to_their_leases() -> None:
    class NeverRecords(Queue):
        async def record(self, results: Sequence[tuple[Item, str]]) -> None:
            raise OSError(len(results))

    queue, receivers = NeverRecords(), Receivers()
    queue.add("r", 2)
    sender = Sender(queue, receivers.attempt, poll_seconds=0.02, last_seconds=0.05)
    await run_beside(sender, lambda: until(lambda: receivers.most["r"] == 2 and receivers.open.total() == 0))
    assert queue.done == queue.given_back == []


async def test_when_it_is_cancelled_no_task_is_left_behind() -> None:
    queue, receivers = Queue(), Receivers()
    queue.add("hangs", 3)
    before = asyncio.all_tasks()
    running = asyncio.create_task(Sender(queue, receivers.attempt).run())
    await until(lambda: receivers.open["hangs"] == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert asyncio.all_tasks() == before
    assert receivers.open.total() == 0
