"""A client that offers another protocol is answered in this one, as if it had not asked. Java's client always does."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from app.web.protocol import Protocol
from tests.web.example import SUBMISSION, Example
from tests.web.serving import read_answer, serving

H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    "Upgrade: h2c",
)
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AA==")
BODY = json.dumps({name: value for name, value in SUBMISSION.items() if name != "id"}).encode()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, str]]:
    example = Example()
    with serving(example.app, http=Protocol) as port:
        yield port, example.make_key("raise", "read")


def head(key: str, method: str, *lines: str) -> bytes:
    first = [f"{method} /v1/suggestions HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", *lines]
    return "\r\n".join([*first, "", ""]).encode()


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("in_parts", [False, True], ids=["in one part", "in parts"])
def test_the_body_is_read_and_the_connection_goes_on(
    served: tuple[int, str], offer: tuple[str, ...], *, in_parts: bool
) -> None:
    port, key = served
    sent = head(key, "POST", "Content-Type: application/json", f"Content-Length: {len(BODY)}", *offer)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(2):
            parts = [sent[:40], sent[40:], BODY[:5], BODY[5:]] if in_parts else [sent + BODY]
            for part in parts:
                connection.sendall(part)
            assert read_answer(connection, "POST").status == 201


def test_what_follows_the_body_is_the_next_request(served: tuple[int, str]) -> None:
    port, key = served
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    first = head(key, "POST", "Content-Type: application/json", "Transfer-Encoding: chunked", *H2C) + chunked
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(first + head(key, "GET", *H2C) + head(key, "GET", "Connection: close"))
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3})", answers) == [b"201", b"200", b"200"]
