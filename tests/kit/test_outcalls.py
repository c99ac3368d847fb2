"""What a guarded call sends, to whom it does, and to whom it does not."""

import asyncio
import gc
import socket
import ssl
from pathlib import Path

import pytest

from app.kit import outcalls
from app.kit.answers import Answer, Failure
from app.kit.connector import BlockedAddressError
from app.kit.outcalls import is_header
from tests.kit.receiving import (
    KEPT_OPEN,
    NO_CONTENT,
    ask,
    authority,
    calling,
    hangs,
    receiving,
    says,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def misleading_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.usefixtures("misleading_environment")
async def test_the_request_is_sent_octet_for_octet_on_a_connection_that_is_kept() -> None:
    names_asked_for: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("hook.example").configure_cert(tls)
    tls.sni_callback = lambda _, name, __: names_asked_for.append(name)
    script = says(KEPT_OPEN.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\nRetry-After: 7\r\n\r\n"))
    async with receiving(script, tls=tls) as (receiver, port):
        caller = calling()
        url = f"https://hook.example:{port}/a/../b%2f?c=%20d"
        answers = [await caller.post(url, b"{}", {"Content-Type": "application/json", "X-Mine": "1"}) for _ in range(2)]
        await caller.close()
    for answer in answers:
        assert (answer.status, answer.failure, answer.address) == (200, None, "127.0.0.1")
        assert (answer.body, answer.retry_after, answer.detail) == (b"fine", "7", "")
    assert names_asked_for == ["hook.example"]
    assert receiver.connections == 1
    head = (
        f"POST /a/../b%2f?c=%20d HTTP/1.1\r\nHost: hook.example:{port}\r\n"
        "User-Agent: test/1\r\nAccept-Encoding: identity\r\n"
        "Content-Type: application/json\r\nX-Mine: 1\r\nAccept: */*\r\nContent-Length: 2\r\n\r\n"
    )
    assert receiver.heads == [head, head]


REFUSED_HEADERS = [
    ("a\r\nb", "c"),
    ("a", "b\r\nc: d"),
    ("a", "b\nc"),
    ("a", "\x00"),
    ("a", "é"),
    ("a", "x" * 4097),
    ("", "a"),
    ("a b", "c"),
    ("a:", "c"),
    ("ä", "c"),
    ("a" * 129, "c"),
    ("Host", "x"),
    ("content-length", "1"),
    ("Transfer-Encoding", "chunked"),
    ("Cookie", "a=b"),
    ("Expect", "100-continue"),
    ("CONNECTION", "close"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED_HEADERS)
async def test_no_header_is_smuggled_in(name: str, value: str) -> None:
    assert not is_header(name, value)
    caller = calling()
    with pytest.raises(ValueError, match="may not be sent"):
        await caller.post("https://hook.example/", b"{}", {name: value})
    await caller.close()


@pytest.mark.parametrize(("name", "value"), [("X-Trace", ""), ("Authorization", "Bearer a b"), ("!#$%&'*+.^_`|~", "~")])
def test_any_other_header_may_be_sent(name: str, value: str) -> None:
    assert is_header(name, value)


# --- TLS
@pytest.mark.parametrize(
    ("tls", "failure"),
    [
        pytest.param(serving("hook.example"), None, id="right"),
        pytest.param(serving("other.example"), Failure.TLS, id="another name"),
        pytest.param(serving("127.0.0.1"), Failure.TLS, id="the address alone"),
        pytest.param(serving("hook.example", expired=True), Failure.TLS, id="expired"),
        pytest.param(serving("hook.example", trusted=False), Failure.TLS, id="of an unknown authority"),
    ],
)
async def test_the_certificate_is_that_of_the_name(tls: ssl.SSLContext, failure: Failure | None) -> None:
    async with receiving(says(NO_CONTENT), tls=tls) as (receiver, port):
        answer = await ask(calling(), f"https://hook.example:{port}/")
    assert answer.failure == failure
    assert len(receiver.heads) == (failure is None)


@pytest.mark.parametrize(("host", "written"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_the_certificate_is_that_of_the_address_where_the_url_has_one(host: str, written: str) -> None:
    async with receiving(says(NO_CONTENT), host=host, tls=serving(host)) as (receiver, port):
        answer = await ask(calling(), f"https://{written}:{port}/")
    assert (answer.failure, answer.address) == (None, host)
    assert f"Host: {written}:{port}\r\n" in receiver.heads[0]


async def test_a_receiver_that_wants_a_certificate_of_ours_gets_no_request() -> None:
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("hook.example").configure_cert(demanding)
    demanding.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(demanding)
    async with receiving(says(NO_CONTENT), tls=demanding) as (receiver, port):
        answer = await ask(calling(), f"https://hook.example:{port}/")
    # In TLS 1.3 our side has finished when the refusal comes, and a reset may arrive before the alert is read.
    assert answer.failure in {Failure.TLS, Failure.TRUNCATED}
    assert receiver.heads == []


async def test_a_handshake_that_is_cut_off_is_a_failure_of_tls() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    answer = await ask(calling(), f"https://hook.example:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert answer.failure == Failure.TLS


async def test_a_handshake_that_never_ends_is_over_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = await ask(calling(attempt_seconds=0.3), f"https://hook.example:{silent.getsockname()[1]}/")
    assert answer.failure == Failure.TIMEOUT


# --- addresses
@pytest.mark.parametrize("addresses", [["127.0.0.1", "10.0.0.1"], ["169.254.169.254", "127.0.0.1"], ["8.8.8.8"]])
async def test_one_address_that_is_not_permitted_refuses_the_name(addresses: list[str]) -> None:
    async with receiving(says(NO_CONTENT)) as (receiver, port):
        answer = await ask(calling({"hook.example": addresses}), f"http://hook.example:{port}/")
    assert (answer.failure, answer.address) == (Failure.BLOCKED_ADDRESS, None)
    assert receiver.connections == 0


@pytest.mark.parametrize("url", ["https://hook.example:{}/", "http://127.0.0.1:{}/", "https://[::ffff:127.0.0.1]:{}/"])
async def test_without_an_exemption_the_loopback_is_blocked(url: str) -> None:
    async with receiving(says(NO_CONTENT)) as (receiver, port):
        answer = await ask(calling(exempt=[]), url.format(port))
    assert answer.failure == Failure.BLOCKED_ADDRESS
    assert receiver.connections == 0


async def test_a_name_that_leads_elsewhere_by_now_reaches_neither_that_nor_the_idle_connection() -> None:
    names = {"hook.example": ["127.0.0.1"]}
    async with receiving(says(KEPT_OPEN)) as (receiver, port):
        caller = calling(names)
        failures = []
        for address in ("127.0.0.1", "10.0.0.1", "127.0.0.2", "127.0.0.1"):
            names["hook.example"] = [address]
            failures.append((await caller.post(f"http://hook.example:{port}/", b"{}", {})).failure)
        await caller.close()
    assert failures == [None, Failure.BLOCKED_ADDRESS, Failure.REFUSED, None]
    assert (len(receiver.heads), receiver.connections) == (2, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_socket_is_opened_to_what_is_not_permitted_even_if_all_before_it_failed(host: str) -> None:
    async with receiving(says(NO_CONTENT)) as (receiver, port):
        caller = calling(exempt=[])
        with pytest.raises(BlockedAddressError, match=host):
            await caller._session.post(f"http://{host}:{port}/", data=b"")
        await caller.close()
    assert receiver.connections == 0


async def test_the_next_address_is_tried_where_nobody_listens_or_shakes_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcalls, "MIN_CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.3", 0)) as silent:
        port = silent.getsockname()[1]
        async with receiving(says(NO_CONTENT), port=port, tls=serving("hook.example")):
            names = {"hook.example": ["127.0.0.2", "127.0.0.3", "127.0.0.1"]}
            answer = await ask(calling(names, attempt_seconds=2), f"https://hook.example:{port}/")
    assert (answer.failure, answer.address) == (None, "127.0.0.1")


async def test_a_certificate_that_does_not_hold_is_not_tried_elsewhere() -> None:
    async with receiving(says(NO_CONTENT), tls=serving("other.example")) as (receiver, port):
        names = {"hook.example": ["127.0.0.1", "127.0.0.2"]}
        answer = await ask(calling(names), f"https://hook.example:{port}/")
    assert (answer.failure, answer.address) == (Failure.TLS, "127.0.0.1")
    assert receiver.heads == []


async def test_a_name_without_an_address() -> None:
    answer = await ask(calling(), "https://unknown.example/")
    assert (answer.failure, answer.address, answer.status) == (Failure.DNS, None, None)
    assert answer.detail == "LookUpError: unknown.example: no such name"


def count_sockets() -> int:
    return sum(entry.is_socket() for entry in Path("/proc/self/fd").iterdir())


async def test_attempts_that_are_cancelled_or_time_out_leave_no_socket_behind() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        caller = calling(attempt_seconds=0.3)
        before = count_sockets()
        async with receiving(hangs) as (_, port):
            urls = [f"http://hook.example:{port}/", f"https://hook.example:{silent.getsockname()[1]}/"]
            tasks = [asyncio.create_task(caller.post(url, b"{}", {})) for url in urls * 20]
            await asyncio.sleep(0.1)
            for task in tasks[::3]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # Both loops close what was aborted in their next turns.
        gc.collect()
        assert count_sockets() == before
        await caller.close()
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == len(tasks[::3])
    assert {answer.failure for answer in answers if isinstance(answer, Answer)} == {Failure.TIMEOUT}
