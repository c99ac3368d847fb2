"""Look-ups of names: shared, bounded, kept for a moment, and never waited for too long."""

import asyncio
import socket
import threading
import time
from ipaddress import ip_address

import pytest

from app.kit.addresses import Address
from app.kit.lookups import Lookups, resolve

pytestmark = pytest.mark.anyio

ADDRESS = ip_address("192.0.2.1")


class NameServer:
    """Answers each name with one address, once it is told to."""

    def __init__(self, *, answers: bool = True) -> None:
        self.asked: list[str] = []
        self.open = threading.Event()
        if answers:
            self.open.set()

    def resolve(self, host: str) -> tuple[Address, ...]:
        self.asked.append(host)
        self.open.wait(60)
        if host == "empty.example":
            return ()
        if host == "gone.example":
            raise OSError("no such name")
        if host == "bad..example":
            raise UnicodeError("label empty or too long")
        return (ADDRESS,)


def test_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: None, *, type: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:  # noqa: A002
        assert (host, port, type) == ("a.example", None, socket.SOCK_STREAM)
        return [(2, 1, 6, "", (text, 0)) for text in ("::1", "127.0.0.1", "::1", "fe80::1%lo")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert resolve("a.example") == (ip_address("::1"), ip_address("127.0.0.1"), ip_address("fe80::1%lo"))


async def test_an_answer_is_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    server = NameServer()
    lookups = Lookups(resolve=server.resolve, fresh_seconds=5)
    assert await lookups.find("a.example") == (ADDRESS,)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 4.5)
    await lookups.find("a.example")
    assert server.asked == ["a.example"]
    monkeypatch.setattr(time, "monotonic", lambda: now + 5.5)
    await lookups.find("b.example")
    assert list(lookups._found) == ["b.example"]
    await lookups.find("a.example")
    assert server.asked == ["a.example", "b.example", "a.example"]


async def test_all_who_want_a_name_share_one_look_up() -> None:
    server = NameServer(answers=False)
    lookups = Lookups(resolve=server.resolve)
    waiting = [asyncio.create_task(lookups.find("a.example")) for _ in range(20)]
    await asyncio.sleep(0.05)
    server.open.set()
    assert await asyncio.gather(*waiting) == [(ADDRESS,)] * 20
    assert server.asked == ["a.example"]


@pytest.mark.parametrize("host", ["gone.example", "empty.example", "bad..example"])
async def test_failures_are_told_and_not_kept(host: str) -> None:
    server = NameServer()
    lookups = Lookups(resolve=server.resolve)
    for _ in range(2):
        with pytest.raises(OSError, match=r"no such name|no address|label empty"):
            await lookups.find(host)
    assert server.asked == [host, host]


async def test_a_late_answer_serves_the_next_call() -> None:
    server = NameServer(answers=False)
    lookups = Lookups(resolve=server.resolve, wait_seconds=0.05)
    with pytest.raises(TimeoutError):
        await lookups.find("a.example")
    server.open.set()
    async with asyncio.timeout(20):
        while not lookups._found:  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(0.01)
    assert await lookups.find("a.example") == (ADDRESS,)
    assert server.asked == ["a.example"]


async def test_silent_name_servers_hold_up_no_other_name() -> None:
    server, silent = NameServer(), NameServer(answers=False)

    def resolve_some(host: str) -> tuple[Address, ...]:
        return (silent if host.startswith("silent") else server).resolve(host)

    lookups = Lookups(resolve=resolve_some, max_threads=4, wait_seconds=0.5)
    waiting = [asyncio.create_task(lookups.find(f"silent{number % 3}.example")) for number in range(60)]
    await asyncio.sleep(0.02)
    assert await lookups.find("a.example") == (ADDRESS,)
    assert not any(task.done() for task in waiting)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert sorted(silent.asked) == ["silent0.example", "silent1.example", "silent2.example"]
    silent.open.set()


async def test_the_number_of_threads_is_bounded() -> None:
    silent = NameServer(answers=False)
    lookups = Lookups(resolve=silent.resolve, max_threads=4, wait_seconds=0.1)
    waiting = [lookups.find(f"silent{number}.example") for number in range(10)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert len(silent.asked) == 4
    silent.open.set()


async def test_threads_are_daemons() -> None:
    kinds: list[bool] = []

    def resolve_here(_: str) -> tuple[Address, ...]:
        kinds.append(threading.current_thread().daemon)
        return (ADDRESS,)

    await Lookups(resolve=resolve_here).find("a.example")
    assert kinds == [True]


async def test_an_answer_to_a_look_up_that_was_cancelled_is_dropped() -> None:
    server = NameServer(answers=False)
    lookups = Lookups(resolve=server.resolve)
    waiting = asyncio.create_task(lookups.find("a.example"))
    while not server.asked:  # noqa: ASYNC110 -- nothing tells of it
        await asyncio.sleep(0.001)
    lookups._tasks["a.example"].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.open.set()
    assert await lookups.find("a.example") == (ADDRESS,)
    assert server.asked == ["a.example", "a.example"]


def test_an_answer_that_comes_after_the_loop_has_ended_is_dropped() -> None:
    server = NameServer(answers=False)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await Lookups(resolve=server.resolve, wait_seconds=0.01).find("a.example")

    asyncio.run(give_up())
    server.open.set()
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(20)
    assert server.asked == ["a.example"]
