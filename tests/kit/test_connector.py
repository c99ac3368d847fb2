"""Receivers as they are: each ends an attempt in time, in few bytes, and with the right word."""

import asyncio
import asyncio.sslproto
import gzip
import socket
import struct

import pytest

from app.kit import outcalls
from app.kit.answers import Answer, Failure
from app.kit.connector import bound_tls_memory
from tests.kit.receiving import (
    NO_CONTENT,
    PATIENT_SECONDS,
    Script,
    ask,
    calling,
    hangs,
    receiving,
    repeats,
    says,
    serving,
)

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
REDIRECTION = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionError


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def attempt(script: Script, scheme: str, attempt_seconds: float | None = None) -> Answer:
    async with receiving(script, tls=serving("hook.example") if scheme == "https" else None) as (_, port):
        caller = calling() if attempt_seconds is None else calling(attempt_seconds=attempt_seconds)
        return await ask(caller, f"{scheme}://hook.example:{port}/")


@pytest.mark.parametrize(
    ("script", "status", "failure"),
    [
        pytest.param(resets, None, Failure.TRUNCATED, id="resets the connection"),
        pytest.param(says(b""), None, Failure.TRUNCATED, id="closes the connection"),
        pytest.param(says(HEAD + b"X: 1\r\n"), None, Failure.TRUNCATED, id="half a head"),
        pytest.param(says(b"HTTP/1.1 100 Continue\r\n\r\n"), None, Failure.TRUNCATED, id="an interim head alone"),
        pytest.param(repeats(b"", PROCESSING * 9999), None, Failure.PROTOCOL, id="interim heads without end"),
        pytest.param(says(b"SSH-2.0-x\r\n"), None, Failure.PROTOCOL, id="SSH"),
        pytest.param(says(b"hello"), None, Failure.PROTOCOL, id="HTTP/0.9"),
        pytest.param(repeats(HEAD, b"X: y\r\n" * 9999), None, Failure.PROTOCOL, id="header fields without end"),
        pytest.param(repeats(HEAD + b"X: ", b"y" * 65536), None, Failure.PROTOCOL, id="a field without end"),
        pytest.param(says(HEAD + b"nonsense\r\n\r\n"), None, Failure.PROTOCOL, id="a field without a colon"),
        pytest.param(says(HEAD + b"X: a\x00b\r\n\r\n"), None, Failure.PROTOCOL, id="a field with NUL"),
        pytest.param(
            says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), None, Failure.PROTOCOL, id="two lengths"
        ),
        pytest.param(says(b"HTTP/1.1 20 X\r\n\r\n"), None, Failure.PROTOCOL, id="a status of two digits"),
        pytest.param(says(b"HTTP/1.1 999 X\r\n\r\n"), 999, Failure.PROTOCOL, id="999"),
        pytest.param(says(UPGRADE), 101, Failure.PROTOCOL, id="101"),
        pytest.param(says(REDIRECTION), 302, Failure.REDIRECT, id="302"),
        pytest.param(says(b"HTTP/1.1 410 X\r\nContent-Length: 0\r\n\r\n"), 410, Failure.STATUS, id="410"),
        pytest.param(says(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"), 500, Failure.STATUS, id="500"),
        pytest.param(says(b"HTTP/1.0 200 OK\r\n\r\nhello"), 200, None, id="HTTP/1.0"),
        pytest.param(
            says(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n"), 200, None, id="100, then 200"
        ),
        pytest.param(says(CHUNKED + b"zz\r\nabc\r\n"), 200, None, id="a bad chunk with the head"),
        pytest.param(says(HEAD + b"Content-Length: 9\r\n\r\nhalf"), 200, None, id="half a body"),
        pytest.param(
            repeats(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"), 200, None, id="chunks without end"
        ),
        pytest.param(repeats(HEAD + b"\r\n", b"x" * 65536), 200, None, id="a body without end"),
        pytest.param(
            says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(20 << 20))), 200, None, id="a gzip bomb"
        ),
        pytest.param(
            says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno"), 200, None, id="no gzip at all"
        ),
    ],
)  # fmt: skip
async def test_receivers_that_end(
    script: Script, scheme: str, status: int | None, failure: Failure | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcalls, "BODY_SECONDS", 2 * PATIENT_SECONDS)  # None of them is to be waited for.
    answer = await attempt(script, scheme)
    assert (answer.status, answer.failure) == (status, failure), answer
    assert len(answer.body) <= outcalls.MAX_KEPT_BYTES
    assert answer.milliseconds < 1000 * PATIENT_SECONDS


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(hangs, id="says nothing"),
        pytest.param(repeats(HEAD, b"x", 0.02), id="a head in drops"),
        pytest.param(repeats(b"", PROCESSING, 0.05), id="interim heads in drops"),
    ],
)
async def test_receivers_without_a_head_in_time(script: Script, scheme: str) -> None:
    answer = await attempt(script, scheme, attempt_seconds=0.25)
    assert (answer.status, answer.failure) == (None, Failure.TIMEOUT)
    assert answer.milliseconds >= 240


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(repeats(HEAD + b"Content-Length: 9\r\n\r\n", b"", 9), id="no body"),
        pytest.param(repeats(CHUNKED, b"1\r\nx\r\n", 0.02), id="a body in drops"),
    ],
)
async def test_after_the_head_little_time_is_left_for_the_body(
    script: Script, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcalls, "BODY_SECONDS", 0.2)
    answer = await attempt(script, scheme)
    assert (answer.status, answer.failure) == (200, None)
    assert set(answer.body) <= set(b"x")
    assert 200 <= answer.milliseconds < 1000 * PATIENT_SECONDS


@pytest.mark.parametrize(("count", "failure"), [(63, None), (64, Failure.PROTOCOL)])
async def test_interim_heads_are_counted(count: int, failure: Failure | None) -> None:
    answer = await attempt(says(PROCESSING * count + HEAD + b"Content-Length: 0\r\n\r\n"), "http")
    assert answer.failure == failure


async def test_nothing_is_inflated() -> None:
    packed = gzip.compress(b"x" * 1000)
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert (await attempt(says(head + packed), "http")).body == packed


async def test_the_first_four_kibibytes_are_kept() -> None:
    body = bytes(range(256)) * 20
    answer = await attempt(says(HEAD + b"Content-Length: 5120\r\n\r\n" + body), "http")
    assert answer.body == body[:4096]


def test_memory_for_tls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", 256 * 1024)
    bound_tls_memory()
    assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024


async def test_what_was_said_unasked_answers_no_request() -> None:
    numbers: list[int] = []

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(NO_CONTENT if not numbers else b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
        numbers.append(number)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 204 Forged\r\n\r\n")

    statuses = []
    async with receiving(script) as (_, port):
        caller = calling()
        for _ in range(3):
            statuses.append((await caller.post(f"http://hook.example:{port}/", b"{}", {})).status)
            await asyncio.sleep(0.2)
        await caller.close()
    assert (statuses, numbers) == ([204, 500, 500], [1, 1, 1])


async def test_an_idle_connection_that_closes_just_then_costs_no_attempt() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        if number > 1:
            raise ConnectionError
        writer.write(NO_CONTENT)

    async with receiving(script) as (receiver, port):
        caller = calling()
        failures = [(await caller.post(f"http://hook.example:{port}/", b"{}", {})).failure for _ in range(4)]
        await caller.close()
    assert failures == [None] * 4
    assert (len(receiver.heads), receiver.connections) == (7, 4)
