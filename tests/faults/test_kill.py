"""The process dies at any moment: what was acknowledged is there, and what was recorded arrives under one id."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from typing import Self
from uuid import uuid4

import httpx
import pytest

from tests.service import Json

ROOT = Path(__file__).parents[2]
KILLS = 20
WRITERS = 4
ARRIVAL_SECONDS = 60.0
START_SECONDS = 60.0

pytestmark = pytest.mark.timeout(900)


class Mortal:
    """The server as operators start it, in a process of its own that can be killed and started again."""

    def __init__(self, database_url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HEARDBACK_")},
            "PYTHONPATH": str(ROOT),
            "HEARDBACK_DATABASE_URL": database_url,
            "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
            "HEARDBACK_PORT": str(self.port),
            "HEARDBACK_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
            "HEARDBACK_DELIVERY_RETRY_SECONDS": "0,0.2,0.5,1,1,2,2,5,5,10,10,10",
            "HEARDBACK_RATE_LIMIT_PER_SECOND": "0",
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.forking: subprocess.Popen[str] | None = None
        self.pid = 0

    def start(self) -> None:
        """Start it as operators do, and wait until it is ready."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-P", "-m", "app.cli", "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.pid = self.process.pid
        self._wait_until_ready()

    def start_again(self) -> None:
        """Start a copy of a process that has imported everything, and wait until it is ready."""
        if self.forking is None:
            command = [sys.executable, "-P", str(ROOT / "tests" / "faults" / "forking.py")]
            with self.log.open("ab") as log:
                self.forking = subprocess.Popen(
                    command, cwd=ROOT, env=self.environment, stdin=PIPE, stdout=PIPE, stderr=log, text=True
                )
        self.pid = int(self._exchange("start\n"))
        self._wait_until_ready()

    def end(self, how: signal.Signals) -> None:
        """End it in one way or the other, and wait until it has ended."""
        if not self.pid:
            return
        os.kill(self.pid, how)
        if self.process is not None and self.pid == self.process.pid:
            self.process.wait(30)
        else:
            assert self._exchange() == "ended"
        self.pid = 0

    def _exchange(self, line: str = "") -> str:
        """Write to the process that forks, and read one line of what it writes."""
        assert self.forking is not None
        assert self.forking.stdin is not None
        assert self.forking.stdout is not None
        self.forking.stdin.write(line)
        self.forking.stdin.flush()
        return self.forking.stdout.readline().strip()

    def _wait_until_ready(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            os.kill(self.pid, 0)
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"it did not start in time: {self.log.read_text()[-2000:]}")

    @property
    def key(self) -> str:
        """The key that the first start has printed."""
        found = re.search(r"^key=(hb_\w+)$", self.log.read_text(), re.MULTILINE)
        assert found is not None
        return found[1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)
        if self.forking is not None:
            self.forking.communicate()  # Its input ends, and so does it.


class Arrivals:
    """A receiver that keeps how often each event came, and under which sequence."""

    def __init__(self) -> None:
        self.sequences: dict[str, set[int]] = {}
        self.bodies: dict[str, set[bytes]] = {}
        arrivals = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event: Json = json.loads(body)
                arrivals.sequences.setdefault(event["id"], set()).add(event["sequence"])
                arrivals.bodies.setdefault(event["id"], set()).add(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mortal(fresh_database_url: str, tmp_path: Path) -> Iterator[Mortal]:
    """The server on a database of this test alone."""
    with Mortal(fresh_database_url, tmp_path) as running:
        yield running


def test_twenty_kills_lose_nothing_that_was_acknowledged(mortal: Mortal) -> None:
    acknowledged: list[tuple[str, str]] = []
    with Arrivals() as arrivals:
        subscribe(mortal, arrivals.url)
        for _ in range(KILLS):
            acknowledged += write_until_killed(mortal)
            mortal.start_again()
        assert len(acknowledged) > KILLS
        events = check_all_there(mortal, acknowledged)
        await_arrivals(arrivals, events)
        assert all(len(sequences) == 1 for sequences in arrivals.sequences.values())
        assert all(len(bodies) == 1 for bodies in arrivals.bodies.values())
        numbers = sorted(number for sequences in arrivals.sequences.values() for number in sequences)
        assert numbers == list(range(1, len(numbers) + 1))
    began = time.monotonic()
    mortal.end(signal.SIGTERM)
    assert time.monotonic() - began < 5 + 1  # The machine may be busy.


def subscribe(mortal: Mortal, url: str) -> None:
    """Ask to be told of everything."""
    body = {"url": url, "event_types": ["*"]}
    headers = {"Authorization": f"Bearer {mortal.key}"}
    answer = httpx.post(f"{mortal.url}/v1/subscriptions", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text


def write_until_killed(mortal: Mortal) -> list[tuple[str, str]]:
    """Submit and acknowledge from several threads until the process is killed; what was acknowledged, and its state."""
    found: list[tuple[str, str]] = []
    threads = [threading.Thread(target=write, args=(mortal, found)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 -- any moment will do
    mortal.end(signal.SIGKILL)
    for thread in threads:
        thread.join()
    return found


def write(mortal: Mortal, found: list[tuple[str, str]]) -> None:
    """Write until nobody answers."""
    headers = {"Authorization": f"Bearer {mortal.key}"}
    with httpx.Client(base_url=mortal.url, headers=headers, timeout=10, trust_env=False) as client:
        try:
            while True:
                id = str(uuid4())
                if client.post("/v1/suggestions", json=SUBMISSION | {"id": id}).status_code == 201:
                    found.append((id, "submitted"))
                if client.post(f"/v1/suggestions/{id}/acts/acknowledge", json=ACKNOWLEDGEMENT).status_code == 200:
                    found.append((id, "acknowledged"))
        except httpx.TransportError:
            return


def check_all_there(mortal: Mortal, acknowledged: list[tuple[str, str]]) -> set[str]:
    """Every acknowledged write is there; returns the ids of all events that were recorded of them."""
    last = dict(acknowledged)
    events: set[str] = set()
    headers = {"Authorization": f"Bearer {mortal.key}"}
    with httpx.Client(base_url=mortal.url, headers=headers, timeout=10, trust_env=False) as client:
        for id, state in last.items():
            timeline = client.get(f"/v1/suggestions/{id}/timeline").json()["items"]
            kinds = [event["type"] for event in timeline]
            assert kinds[0] == "suggestion.submitted", id
            assert state == "submitted" or kinds == ["suggestion.submitted", "suggestion.acknowledged"], id
            events |= {event["id"] for event in timeline}
    return events


def await_arrivals(arrivals: Arrivals, events: set[str]) -> None:
    """Every event arrives within a minute."""
    ends = time.monotonic() + ARRIVAL_SECONDS
    while events - arrivals.sequences.keys():
        assert time.monotonic() < ends, f"{len(events - arrivals.sequences.keys())} of {len(events)} events are missing"
        time.sleep(0.1)


SUBMISSION: Json = {
    "text": "Pair the double-up calls.",
    "group": "care_worker",
    "anonymity": "named",
    "author": {"ref": "staff-118"},
    "safety": {"at_risk_now": False, "own_employment": False},
}
ACKNOWLEDGEMENT: Json = {
    "actor": {"ref": "mgr-7", "group": "manager"},
    "steward": {"ref": "mgr-7", "name": "Sam Hollis"},
    "message": {"text": "Thank you.", "summary": "Thank you.", "feedback_mode": "A"},
    "decision_expected_on": "2027-01-31",
}
