"""The server as `bin/serve` starts it, on a fresh SQLite database, and programs that run beside it."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SECONDS = 60
"""How long anything here may take at most. Nothing is slow, but a machine may be busy."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """An answer: its status and its body, read as JSON."""

    status: int
    json: Any


@dataclass(frozen=True)
class Server:
    """A running server with its demonstration key, which has every scope."""

    port: int
    key: str

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send a request with the key."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(dict(body)), headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return Answer(answer.status, json.loads(raw) if raw else None)

    def make(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON value
        """Send a POST that must succeed, and return what it answers."""
        answer = self.send("POST", path, body)
        assert answer.status in {200, 201}, answer
        return answer.json


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Start the server, wait until it is ready, and end it."""
    port = free_port()
    settings = {
        "HEARDBACK_PORT": str(port),
        "HEARDBACK_DATABASE_URL": f"sqlite:///{folder / 'heardback.db'}",
        "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
        "HEARDBACK_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "HEARDBACK_DELIVERY_RETRY_SECONDS": "0,1,1,1",
    }
    output, errors = folder / "output.txt", folder / "errors.txt"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "serve"],
            env={**_environment(), **settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            cwd=folder,
            stdout=out,
            stderr=err,
        )
    try:
        eventually(lambda: _is_ready(port, process), errors.read_text)
        (key,) = re.findall(r"(?m)^key=(\S+)$", output.read_text(encoding="utf-8"))
        yield Server(port, key)
    finally:
        process.terminate()
        process.wait(SECONDS)


@contextmanager
def running(name: str, output: Path, **variables: str) -> Iterator[None]:
    """Let an example run meanwhile; what it prints goes to the file `output`."""
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command_of(name)], env={**_environment(), **variables}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def run(name: str, *arguments: str, **variables: str) -> str:
    """Run an example to its good end and return what it has printed."""
    ended = subprocess.run(
        [*command_of(name), *arguments],
        env={**_environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def command_of(name: str) -> list[str]:
    """Return how an example is started. Where its language is not installed, the test is skipped, and fails in CI."""
    path = EXAMPLES / name
    if path.suffix == ".py":
        return [sys.executable, str(path)]
    program, needed = {".sh": ("sh", "curl"), ".mjs": ("node", "node"), ".java": ("java", "javac")}[path.suffix]
    if shutil.which(needed) is None:
        reason = f"{needed} is not installed, and {name} needs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return [program, str(path)]


def eventually(look: Callable[[], Found | None], told: Callable[[], str] = str) -> Found:
    """Return the first true value of a look that may take a while to become true."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
    return found


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"the server has ended with {process.returncode}"
    return listens(port) and Server(port, "").send("GET", "/readyz").status == 200


def _environment() -> dict[str, str]:
    """Return the environment without settings of this machine, which would reach into the test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEARDBACK_")}
