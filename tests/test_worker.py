"""The worker against real databases and real receivers: what is recorded arrives, and stopping loses nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook

from app.db.session import ScopedSession, open_database
from app.db.tables import Idempotency, Subscription
from app.kit.outcalls import Caller
from app.services.idempotency import Effect, once
from app.services.signing_secrets import live_secrets
from app.worker import Worker
from tests.services.outbound import SECRET, Outbound

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 20.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Receiver:
    """Takes what is sent, and answers each request with the status that its number gives; or hangs."""

    answer: Callable[[int], int] = lambda _: 204
    hangs: bool = False
    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        number = len(self.got)
        if self.hangs:
            await self.over.wait()
        return web.Response(status=self.answer(number))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        receiver.over.set()
        await runner.cleanup()


class Running(Outbound):
    """An organisation whose time goes by."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @now.setter
    def now(self, _: datetime) -> None:
        """Time is not ours to set."""


@pytest.fixture
def outbound(fresh_database_url: str) -> Iterator[Running]:
    database = open_database(fresh_database_url, pool_size=4)
    yield Running(database)
    database.close()


@asynccontextmanager
async def working(
    outbound: Outbound, *, retry_seconds: tuple[float, ...] = (0, 0.05, 0.05)
) -> AsyncIterator[list[str]]:
    """Run a worker meanwhile; gives the lines of its attempts."""
    lines: list[str] = []
    caller = Caller(user_agent="test/1", exempt=[ip_network("127.0.0.0/8")])
    worker = Worker(outbound.database, lambda: datetime.now(UTC), SECRET, caller, retry_seconds, write=lines.append)
    outbound.database.committed = worker.wake
    task = asyncio.create_task(worker.run())
    try:
        yield lines
    finally:
        outbound.database.committed = None
        worker.stop()
        await task
        await caller.close()


async def eventually(look: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < ends, "it did not come about in time"
        await asyncio.sleep(0.01)


async def test_what_is_recorded_arrives_and_verifies(outbound: Running) -> None:
    async with receiving(Receiver()) as receiver, working(outbound) as lines:
        secret = await asyncio.to_thread(_subscribe, outbound, receiver.url)
        suggestion = await asyncio.to_thread(outbound.submit)
        await eventually(lambda: len(receiver.got) == 1)
        ((headers, body),) = receiver.got
        assert Webhook(secret).verify(body, headers) == json.loads(body)
        assert headers["Content-Type"] == "application/json"
        assert headers["User-Agent"] == "test/1"
        assert json.loads(body)["data"]["suggestion_id"] == str(suggestion)
        await eventually(lambda: len(lines) == 1)
        assert json.loads(lines[0])["status"] == 204


async def test_a_receiver_that_is_down_gets_everything_once_it_is_back(outbound: Running) -> None:
    flaky = Receiver(answer=lambda number: 204 if number > 4 else 503)
    async with receiving(flaky) as receiver, working(outbound, retry_seconds=(0, 0.05, 0.05, 0.05, 0.05, 0.05)):
        await asyncio.to_thread(outbound.subscribe, url=receiver.url, max_in_flight=1)
        ids = [str(await asyncio.to_thread(outbound.submit)) for _ in range(3)]
        await eventually(lambda: len({event["id"] for event in receiver.events}) == 3 and len(receiver.got) >= 7)
        assert {event["data"]["suggestion_id"] for event in receiver.events} == set(ids)
        assert len({body for _, body in receiver.got}) == 3


async def test_one_that_hangs_delays_no_other(outbound: Running) -> None:
    async with (
        receiving(Receiver(hangs=True)) as hanging,
        receiving(Receiver()) as prompt,
        working(outbound),
    ):
        await asyncio.to_thread(outbound.subscribe, url=hanging.url, max_in_flight=64)
        await asyncio.to_thread(outbound.subscribe, url=prompt.url)
        for _ in range(20):
            await asyncio.to_thread(outbound.submit)
        await eventually(lambda: len(prompt.got) == 20)
        assert len(hanging.got) == 1


async def test_what_was_under_way_is_given_back_when_the_worker_stops(outbound: Running) -> None:
    async with receiving(Receiver(hangs=True)) as hanging:
        async with working(outbound):
            await asyncio.to_thread(outbound.subscribe, url=hanging.url)
            await asyncio.to_thread(outbound.submit)
            await eventually(lambda: len(hanging.got) == 1)
            began = time.monotonic()
        assert time.monotonic() - began < PATIENCE_SECONDS
    async with receiving(Receiver()) as back:
        await asyncio.to_thread(_move, outbound, back.url)
        async with working(outbound):
            await eventually(lambda: len(back.got) == 1)
    assert back.events == hanging.events


async def test_a_store_that_fails_is_waited_for(outbound: Running) -> None:
    class Failing:
        def __init__(self) -> None:
            self.broken = True

        async def write(self, scope: None, work: Any) -> Any:  # noqa: ANN401 -- whatever the work gives
            if self.broken:
                raise OSError("no database")
            return await outbound.database.write(scope, work)

    store = Failing()
    async with receiving(Receiver()) as receiver:
        await asyncio.to_thread(outbound.subscribe, url=receiver.url)
        await asyncio.to_thread(outbound.submit)
        caller = Caller(user_agent="test/1", exempt=[ip_network("127.0.0.0/8")])
        worker = Worker(store, lambda: datetime.now(UTC), SECRET, caller, (0,), poll_seconds=0.02)
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(0.2)
        assert not task.done()
        store.broken = False
        await eventually(lambda: len(receiver.got) == 1)
        worker.stop()
        await task
        await caller.close()


def _subscribe(outbound: Outbound, url: str) -> str:
    """Make a subscription; returns its secret."""
    subscription = outbound.subscribe(url=url)
    row = outbound.read(lambda session: session.get(Subscription, subscription))
    (secret,) = live_secrets(SECRET, "subscription", row.secrets, outbound.now)
    return secret


def _move(outbound: Outbound, url: str) -> None:
    """Give every subscription another address."""

    def move(session: ScopedSession) -> None:
        session.execute(update(Subscription).values(url=url))

    outbound.write(move)


async def test_what_is_too_old_goes_by_itself(outbound: Running) -> None:
    def remember(session: ScopedSession) -> None:
        for days in (40, 20):
            once(session, "care-app", f"key-{days}", b"", outbound.now - timedelta(days=days), lambda _: Effect(201))

    def left(session: ScopedSession) -> list[str]:
        return list(session.execute(select(Idempotency.key)).scalars())

    await asyncio.to_thread(outbound.write, remember)
    async with working(outbound):
        await eventually(lambda: outbound.read(left) == ["key-20"])
