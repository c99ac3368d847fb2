"""Deliveries: guarded calls, a process that claims and records, fairness, promptness, a claim from a long queue."""

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import uvloop

from app.kit.signing import new_secret, sign
from app.services.claims import claim
from app.services.results import give_back
from app.services.tallies import Tallies
from bench.outbound import Office, outgoing_caller, utc_now
from bench.receiver import Receiver
from bench.studies import Bench, Round, Row, study

GUARDED = Row("guarded-post", "one guarded POST, 32 in flight", "bare aiohttp, signed, to the same receiver", 0.65)
SENT = Row(
    "deliveries", "deliveries per process with claims and records, SQLite", "the guarded POST in a bare loop", 0.8
)
ONE_HANGS = Row("one-hangs", "p95 of 20 subscriptions beside one that hangs", "without it", 1.2, at_least=False)
EIGHT_HANG = Row(
    "eight-hang", "p95 of 20 subscriptions beside 8 that hang with 64 places each", "without them", 1.5, at_least=False
)
ARRIVAL = Row(
    "arrival",
    "commit to arrival, median, 50 events a second, SQLite",
    "one bare POST to the same receiver",
    5,
    at_least=False,
)
CLAIM = Row("claim", "claim of 50 with a long queue waiting, SQLite", "with 1 thousand waiting", 1.25, at_least=False)
IN_FLIGHT = 32
_BODY = b'{"id":"0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05","type":"suggestion.decided","data":{"state":"delivering"}}'

Post = Callable[[str, str], Awaitable[object]]


@study(GUARDED, SENT)
def calls(bench: Bench) -> Iterator[Round]:
    """Bare calls, guarded calls and a whole worker take turns with the same receiver."""
    count = bench.options.sized(3000)
    with Receiver() as receiver:
        for number in range(bench.options.rounds):
            bare, bare_cpu = uvloop.run(_bare(receiver, count))
            guarded, guarded_cpu = uvloop.run(_guarded(receiver, count))
            sent, sent_cpu = uvloop.run(_worked(bench.folder / f"sent-{number}.db", receiver, count))
            receiver.arrivals()
            yield Round(
                {GUARDED.name: guarded / bare, SENT.name: sent / guarded},
                {
                    "bare calls a second": bare,
                    "guarded calls a second": guarded,
                    "deliveries a second": sent,
                    "µs of processor a bare call": bare_cpu * 1e6,
                    "a guarded call": guarded_cpu * 1e6,
                    "a delivery": sent_cpu * 1e6,
                },
            )


@study(ONE_HANGS, EIGHT_HANG)
def fairness(bench: Bench) -> Iterator[Round]:
    """The same 20 subscriptions alone, beside one that hangs, and beside eight, each time in a database of its own."""
    with Receiver() as receiver:
        for number in range(bench.options.rounds):
            found = {
                hanging: uvloop.run(_p95(bench.folder / f"fair-{number}-{hanging}.db", receiver, hanging, bench))
                for hanging in (0, 1, 8)
            }
            yield Round(
                {ONE_HANGS.name: found[1] / found[0], EIGHT_HANG.name: found[8] / found[0]},
                {"p95 in ms alone": found[0] * 1e3, "beside one": found[1] * 1e3, "beside eight": found[8] * 1e3},
            )


@study(ARRIVAL)
def promptness(bench: Bench) -> Iterator[Round]:
    """Events are committed one by one at a steady pace; one subscription hears of them."""
    with Receiver() as receiver:
        for number in range(bench.options.rounds):
            bare = uvloop.run(_one_by_one(receiver, 200))
            arrived = uvloop.run(_arrival(bench.folder / f"prompt-{number}.db", receiver, bench))
            yield Round(
                {ARRIVAL.name: arrived / bare},
                {"ms from commit to arrival": arrived * 1e3, "ms a bare POST": bare * 1e3},
            )


@study(CLAIM)
def claims(bench: Bench) -> Iterator[Round]:
    """Two databases that differ in what waits; a claim is given back before the next one."""
    offices = {count: _piled_up(bench.folder, count) for count in (1000, bench.options.waiting)}
    for _ in range(bench.options.rounds):
        taken = {count: statistics.median(_claims(office, 40)) for count, office in offices.items()}
        few, many = taken.values()
        waiting = bench.options.waiting
        yield Round({CLAIM.name: many / few}, {"ms with 1 thousand": few * 1e3, f"ms with {waiting:,}": many * 1e3})
    for office in offices.values():
        office.database.close()


async def _bare(receiver: Receiver, count: int) -> tuple[float, float]:
    secret = new_secret()
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def post(url: str, message_id: str) -> object:
            headers = {"Content-Type": "application/json", **sign([secret], message_id, int(time.time()), _BODY)}
            async with session.post(url, data=_BODY, headers=headers) as response:
                await response.read()
                return response.status

        return await _drive(post, receiver.url(), count)


async def _guarded(receiver: Receiver, count: int) -> tuple[float, float]:
    secret, caller = new_secret(), outgoing_caller()

    async def post(url: str, message_id: str) -> object:
        headers = {"Content-Type": "application/json", **sign([secret], message_id, int(time.time()), _BODY)}
        answer = await caller.post(url, _BODY, headers)
        if answer.failure is not None:
            raise RuntimeError(answer.detail)
        return answer.status

    try:
        return await _drive(post, receiver.url(), count)
    finally:
        await caller.close()


async def _drive(post: Post, url: str, count: int) -> tuple[float, float]:
    """Calls per second and processor seconds a call, so many in flight."""
    numbers = iter(range(count))

    async def lane() -> None:
        for _ in numbers:
            await post(url, f"msg-{secrets.token_hex(8)}")

    for _ in range(IN_FLIGHT):
        await post(url, "warm-up")
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
    return count / (time.perf_counter() - began), (time.process_time() - cpu) / count


async def _worked(file: Path, receiver: Receiver, count: int) -> tuple[float, float]:
    """Deliveries per second, and processor seconds each, of a worker that finds so many due."""
    office = Office.open(file)
    subscriptions = office.subscribe([receiver.url()] * 20, max_in_flight=IN_FLIGHT)
    office.database.write_now(office.caller.scope, office.publish_now)
    office.fan_out()
    for one in subscriptions:
        office.pile_up(one, count // len(subscriptions))
    expected = count // len(subscriptions) * len(subscriptions)
    tallies = Tallies()
    began, cpu = time.perf_counter(), time.process_time()
    async with office.working(tallies):
        while sum(count for _, count in tallies.deliveries) < expected:  # noqa: ASYNC110 -- they tell nobody
            await asyncio.sleep(0.005)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
    office.database.close()
    return expected / seconds, used / expected


async def _p95(file: Path, receiver: Receiver, hanging: int, bench: Bench) -> float:
    """The p95 of seconds from commit to arrival at those that do not hang."""
    office = Office.open(file)
    office.subscribe([receiver.url(f"/good/{number}") for number in range(20)], max_in_flight=8)
    office.subscribe([receiver.url("/hang")] * hanging, max_in_flight=64)
    delays = await _delays(office, receiver, 10, 4 * bench.options.scale)
    return sorted(delays)[int(len(delays) * 0.95)]


async def _arrival(file: Path, receiver: Receiver, bench: Bench) -> float:
    office = Office.open(file)
    office.subscribe([receiver.url("/good")], max_in_flight=8)
    return statistics.median(await _delays(office, receiver, 50, 4 * bench.options.scale))


async def _delays(office: Office, receiver: Receiver, per_second: float, seconds: float) -> list[float]:
    """Seconds from the commit of each event to each of its arrivals, but for those at `/hang`."""
    receiver.arrivals()
    async with office.working() as worker:
        await office.publish_steadily(worker, per_second, 1)
        await office.publish_steadily(worker, per_second, seconds)
        await asyncio.sleep(0.5)
    await asyncio.to_thread(office.database.close)
    measured = sorted(office.committed_at, key=office.committed_at.__getitem__)[round(per_second) :]
    first = set(measured)
    return [
        at - office.committed_at[message_id]
        for path, message_id, at in receiver.arrivals()
        if message_id in first and not path.startswith("/hang")
    ]


async def _one_by_one(receiver: Receiver, count: int) -> float:
    """The median of seconds that one bare signed POST takes, one after the other."""
    secret, taken = new_secret(), []
    async with aiohttp.ClientSession() as session:
        for number in range(count):
            began = time.perf_counter()
            headers = sign([secret], f"msg-{number}", int(time.time()), _BODY)
            async with session.post(receiver.url(), data=_BODY, headers=headers) as response:
                await response.read()
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _piled_up(folder: Path, count: int) -> Office:
    """A database in which so many deliveries wait, of 20 subscriptions."""
    office = Office.open(folder / f"queue-{count}.db")
    subscriptions = office.subscribe(["http://127.0.0.1:9/"] * 20, max_in_flight=64)
    office.database.write_now(office.caller.scope, office.publish_now)
    office.fan_out()
    for one in subscriptions:
        office.pile_up(one, count // len(subscriptions))
    return office


def _claims(office: Office, count: int) -> list[float]:
    """Seconds of each claim of 50."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        items = office.database.write_now(None, lambda session: claim(session, utc_now(), 50, office.secret))
        taken.append(time.perf_counter() - began)
        if len(items) != 50:  # noqa: PLR2004 -- so many were asked for
            raise RuntimeError(f"{len(items)} deliveries were claimed")
        office.database.write_now(None, lambda session, items=items: give_back(session, utc_now(), items))  # type: ignore[misc] # at once
    return taken
