"""A real server for tests, and a client that sends exactly the bytes it is told to."""

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.web.protocol import SERVER_OPTIONS


@contextmanager
def serving(app: ASGIApp, **options: object) -> Iterator[int]:
    """Serve the application as production does, in a thread; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, **(SERVER_OPTIONS | {"lifespan": "off"} | options)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's one value; None if it is absent."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, (name, found)
        return found[0] if found else None

    @property
    def json(self) -> Any:  # noqa: ANN401 -- any JSON value
        return json.loads(self.body)

    @property
    def outcome(self) -> tuple[int, str | None]:
        """Status and code of a problem, or the status and None."""
        is_problem = self.header("content-type") == "application/problem+json"
        return self.status, self.json["code"] if is_problem else None


def exchange(port: int, *parts: bytes, method: str = "GET", pause_seconds: float = 0) -> Answer:
    """Send the parts over one connection, and read one answer. `method` says whether a body will follow its head."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_seconds)
        return read_answer(connection, method)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read the next answer of a connection."""
    with closing(HTTPResponse(connection, method=method)) as response:
        response.begin()
        return Answer(response.status, tuple(response.getheaders()), response.read())


def request(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", *, sized: bool | None = None
) -> bytes:
    """The bytes of a request. It has a Content-Length where it has a body, unless told otherwise by `sized`."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers)]
    if sized or (body and sized is None):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
