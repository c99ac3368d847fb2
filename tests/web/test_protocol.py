"""uvicorn's edge: bounds of heads and bodies, and one shape for what is no HTTP. Over real sockets."""

import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from app.web.protocol import Protocol
from app.web.state import Limits
from tests.web.example import EXISTING, Example
from tests.web.serving import Answer, exchange, read_answer, request, serving

HOST = b"Host: localhost\r\n"
CLOSED = b""


class Impatient(Protocol):
    head_seconds = 0.3
    linger_seconds = 0.3
    max_linger_bytes = 100_000


@pytest.fixture(scope="module")
def example_served() -> Iterator[tuple[Example, int]]:
    example = Example(Limits(body_seconds=0.3, body_bytes=1000, batch_bytes=200_000))
    with serving(example.app, http=Impatient, timeout_keep_alive=1) as port:
        yield example, port


@pytest.fixture(scope="module")
def port(example_served: tuple[Example, int]) -> int:
    return example_served[1]


@pytest.fixture
def post(example_served: tuple[Example, int]) -> Callable[..., bytes]:
    """The head of a POST that is right in everything, with further header lines."""
    key = example_served[0].make_key("raise", "read")

    def head(*lines: str) -> bytes:
        given = ["POST /v1/suggestions HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        return "\r\n".join([*given, "Content-Type: application/json", *lines, "", ""]).encode()

    return head


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def is_cut(connection: socket.socket, part: bytes, *, times: int, pause_seconds: float = 0) -> bool:
    """Whether the server ends the connection while the part is sent again and again."""
    try:
        for _ in range(times):
            connection.sendall(part)
            time.sleep(pause_seconds)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def is_refused(answer: Answer) -> bool:
    """Whether it is the answer to what is no HTTP, with the headers of every answer; raises where it is not."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Connection": "close",
        "Server": None,
        "X-Request-Id": answer.json["request_id"],
        "Content-Length": str(len(answer.body)),
    }
    assert {name: answer.header(name) for name in wanted} == wanted
    assert answer.header("Date")
    return answer.outcome == (400, "bad_request")


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 20,
        b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
        b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /caf\xe9 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Bad Name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n folded\r\n\r\n",
        b"POST /v1/suggestions HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\n",
        b"POST /v1/suggestions HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/suggestions HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
        b"POST /v1/suggestions HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /v1/suggestions HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    ],
    ids=[
        "words", "TLS", "a version of the future", "an unknown method", "CONNECT", "a path beyond ASCII",
        "a space in a name", "NUL in a header", "a folded header", "a length with a sign", "two lengths",
        "a length beyond all", "length and chunks", "an unknown coding", "no host", "two hosts",
    ],
)  # fmt: skip
def test_what_is_no_http_is_a_problem(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        assert is_refused(read_answer(connection))
        assert connection.recv(1) == CLOSED


def test_http_1_0_needs_no_host(port: int) -> None:
    assert exchange(port, b"GET /livez HTTP/1.0\r\n\r\n").outcome == (200, None)


@pytest.mark.parametrize(
    "line",
    [b"Cookie: " + b"x" * 70_000, b"\r\n".join(b"X-%d: %s" % (number, b"x" * 900) for number in range(80))],
    ids=["one header", "many headers"],
)
def test_a_head_of_more_than_64_kib_is_refused(port: int, line: bytes) -> None:
    """However it arrives: at once, or in parts."""
    head = b"GET /livez HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n"
    parts = [head[start : start + 10_000] for start in range(0, len(head), 10_000)]
    for sent in ([head], parts):
        assert is_refused(exchange(port, *sent, pause_seconds=0.01))


def test_a_head_that_never_ends_is_refused_on_its_way(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + b"Cookie: ")
        time.sleep(0.05)  # So that the server has read this alone: what comes with it does not count.
        for _ in range(17):  # The last one makes it too large.
            connection.sendall(b"x" * 4096)
            time.sleep(0.002)
        assert is_refused(read_answer(connection))


def test_the_request_line_counts(port: int) -> None:
    assert is_refused(exchange(port, b"GET /livez?" + b"x" * 66_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"))


def test_a_head_of_60_kib_is_taken(port: int) -> None:
    head = b"GET /livez HTTP/1.1\r\n" + HOST + b"Cookie: " + b"x" * 60_000 + b"\r\n\r\n"
    assert exchange(port, head).outcome == (200, None)


@pytest.mark.parametrize(
    "sent", [b"", b"GET /li", b"GET /livez HTTP/1.1\r\nX: "], ids=["nothing", "a line", "a header"]
)
def test_a_slow_head_ends_the_connection(port: int, sent: bytes) -> None:
    started = time.monotonic()
    with connect(port) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == CLOSED
    assert time.monotonic() - started > Impatient.head_seconds * 0.9


def test_line_feeds_before_a_request_do_not_keep_a_connection(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("GET", "/livez"))
        assert read_answer(connection).status == 200
        assert is_cut(connection, b"\r\n", times=40, pause_seconds=0.05)


def test_a_connection_serves_one_request_after_another(port: int) -> None:
    with connect(port) as connection:
        for _ in range(3):
            connection.sendall(request("GET", "/livez"))
            assert read_answer(connection).outcome == (200, None)


def test_requests_in_one_piece_are_answered_in_order(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("GET", "/livez") + request("GET", "/readyz") + request("GET", "/nothing"))
        statuses = [read_one(connection) for _ in range(3)]
    assert statuses == [b'{"state":"alive"}', b'{"state":"ready"}', b"not_found"]


def read_one(connection: socket.socket) -> bytes:
    """The body of one answer of several in one piece; the code of a problem."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = next(int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    body = connection.recv(length, socket.MSG_WAITALL)
    return body if b"problem+json" not in head else str(json.loads(body)["code"]).encode()


def test_rubbish_behind_a_request_takes_nothing_from_its_answer(port: int) -> None:
    """The answer to the second request would be taken for that of the first, which still runs."""
    with connect(port) as connection:
        connection.sendall(request("GET", "/livez") + b"rubbish\r\n\r\n")
        assert connection.recv(4096) == CLOSED


# ── bodies ──


def test_a_declared_body_that_is_too_large_is_refused_unread(port: int, post: Callable[..., bytes]) -> None:
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 1001"))
        assert read_answer(connection).outcome == (413, "body_too_large")
        connection.sendall(b"x" * 1001)  # It is thrown away, and the connection lives on.
        connection.sendall(request("GET", "/livez"))
        assert read_answer(connection).outcome == (200, None)


def test_a_body_in_chunks_is_refused_where_it_becomes_too_large(port: int, post: Callable[..., bytes]) -> None:
    chunk = b"1f4\r\n" + b" " * 500 + b"\r\n"
    with connect(port) as connection:
        connection.sendall(post("Transfer-Encoding: chunked") + chunk * 3)
        assert read_answer(connection).outcome == (413, "body_too_large")
        connection.sendall(chunk + b"0\r\n\r\n" + request("GET", "/livez"))
        assert read_answer(connection).outcome == (200, None)


def test_a_body_of_exactly_the_limit_is_taken(port: int, post: Callable[..., bytes]) -> None:
    body = b'{"x": 1}'.ljust(1000)
    assert exchange(port, post("Content-Length: 1000"), body).outcome == (422, "invalid")
    parts = b"3e8\r\n" + body + b"\r\n0\r\n\r\n"
    assert exchange(port, post("Transfer-Encoding: chunked"), parts).outcome == (422, "invalid")


def test_the_rest_of_an_answered_body_is_taken_for_a_while_only(port: int, post: Callable[..., bytes]) -> None:
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 5000"))
        assert read_answer(connection).outcome == (413, "body_too_large")
        assert is_cut(connection, b"x", times=100, pause_seconds=0.02)


def test_the_rest_of_an_answered_body_is_taken_up_to_a_size_only(port: int, post: Callable[..., bytes]) -> None:
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 90000000"))
        assert read_answer(connection).outcome == (413, "body_too_large")
        assert is_cut(connection, b"x" * 4096, times=1000)


@pytest.mark.parametrize("line", ["Content-Length: 50", "Transfer-Encoding: chunked"])
def test_a_slow_body_is_a_problem_and_ends_the_connection(port: int, post: Callable[..., bytes], line: str) -> None:
    with connect(port) as connection:
        connection.sendall(post(line))
        answer = read_answer(connection)
        assert answer.outcome == (408, "request_timeout")
        assert answer.header("Connection") == "close"
        assert connection.recv(1) == CLOSED


def test_a_body_that_trickles_is_slow_all_the_same(port: int, post: Callable[..., bytes]) -> None:
    """The time is that of the whole body, not of each part."""
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 900"))
        for _ in range(5):
            connection.sendall(b" ")
            time.sleep(0.05)
        assert read_answer(connection).outcome == (408, "request_timeout")


def test_chunks_that_are_none_are_refused(port: int, post: Callable[..., bytes]) -> None:
    assert is_refused(exchange(port, post("Transfer-Encoding: chunked"), b"xyz\r\n"))


def test_trailers_are_no_headers(port: int, post: Callable[..., bytes]) -> None:
    body = b"2\r\n{}\r\n0\r\nContent-Type: text/plain\r\nIdempotency-Key: \r\n\r\n"
    assert exchange(port, post("Transfer-Encoding: chunked"), body).outcome == (422, "invalid")


def test_trailers_have_a_bound(port: int, post: Callable[..., bytes]) -> None:
    with connect(port) as connection:
        connection.sendall(post("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\nX: ")
        time.sleep(0.05)
        for _ in range(17):
            connection.sendall(b"x" * 4096)
            time.sleep(0.002)
        assert is_refused(read_answer(connection))


def test_a_body_is_not_asked_for_where_it_is_not_wanted(port: int, post: Callable[..., bytes]) -> None:
    """Expect: 100-continue is answered with the refusal alone (RFC 9110 section 10.1.1)."""
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 5000", "Expect: 100-continue"))
        assert read_answer(connection).status == 413
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 2", "Expect: 100-continue"))
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert read_answer(connection).outcome == (422, "invalid")


def test_who_goes_away_is_in_the_log_alone(example_served: tuple[Example, int], post: Callable[..., bytes]) -> None:
    example, port = example_served
    with connect(port) as connection:
        connection.sendall(post("Content-Length: 50", "X-Request-Id: gone-1"))
    deadline = time.monotonic() + 5
    while not (found := [line for line in example.lines if '"gone-1"' in line]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [json.loads(line)["status"] for line in found] == [499]


# ── answers ──


@pytest.mark.parametrize("target", ["/livez", "/", "/docs", "/openapi.json", "/static/docs.js", "/nothing", "/v1/boom"])
def test_head_is_get_without_a_body(port: int, target: str) -> None:
    got = exchange(port, request("GET", target))
    head = exchange(port, request("HEAD", target), method="HEAD")
    assert (head.status, head.body) == (got.status, b"")
    different = {"date", "x-request-id"}
    assert {pair for pair in head.headers if pair[0].lower() not in different} == {
        pair for pair in got.headers if pair[0].lower() not in different
    }


def test_a_stream_that_breaks_is_seen_to_be_broken(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request("GET", "/v1/stream"))
        received = b""
        while part := connection.recv(4096):
            received += part
    assert received.endswith(b"4\r\none\n\r\n")  # No last chunk: nobody takes it for the whole.


def test_an_upgrade_is_not_understood_and_ignored(port: int) -> None:
    headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "x"),
        ("Sec-WebSocket-Version", "13"),
    ]
    assert exchange(port, request("GET", "/livez", headers)).outcome == (200, None)
    path = f"/v1/suggestions/{EXISTING}"
    assert exchange(port, request("GET", path, headers)).outcome == (401, "unauthenticated")
