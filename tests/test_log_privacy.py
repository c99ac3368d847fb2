"""What a running server writes on its standard error stream, even at its most talkative: nothing about people.

Everything that somebody sends carries a word that is found nowhere else. None of these words may come up in the log,
whether the request was taken or refused; nor may a key, a receipt's code, a secret, or the id of a suggestion.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from typing_extensions import override

from tests.service import eventually, message, person, submission

ROOT = Path(__file__).resolve().parents[1]
NHS_NUMBER = "943 476 5919"
_ATTEMPT = {"at", "organisation", "subscription", "delivery", "event", "type", "try", "status", "error", "milliseconds"}
_REQUEST = {"at", "request_id", "method", "route", "organisation", "key", "status", "milliseconds"}


@dataclass
class Process:
    """A server in a process of its own, and the words that must stay out of its log."""

    http: httpx.Client
    key: str
    log: Path
    words: list[str] = field(default_factory=list)

    def word(self, stem: str) -> str:
        """A word that nothing else holds. It is looked for later."""
        made = f"zq{stem}{len(self.words)}qz"
        self.words.append(made)
        return made

    def send(self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str) -> Any:  # noqa: ANN401
        """Make a request, whatever is answered."""
        own = {"Authorization": f"Bearer {key or self.key}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            own.setdefault("Content-Type", "application/json")
        answer = self.http.request(method, path, content=content, headers=own)
        return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[Process]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {
        "HEARDBACK_PORT": str(port),
        "HEARDBACK_DATABASE_URL": database_url,
        "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
        "HEARDBACK_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "HEARDBACK_DELIVERY_RETRY_SECONDS": "0,0.1,0.1",
        "HEARDBACK_LOG_LEVEL": "debug",
    }
    output, log = folder / "output.txt", folder / "log.txt"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEARDBACK_")}
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "serve"],
            env={**inherited, **settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            cwd=folder,
            stdout=out,
            stderr=err,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as http:
            eventually(lambda: _is_ready(http))
            (key,) = re.findall(r"(?m)^key=(\S+)$", output.read_text(encoding="utf-8"))
            yield Process(http, key, log, [key])
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


class Receiver(BaseHTTPRequestHandler):
    """Refuses what it is sent, in words that must stay with it."""

    says = ""

    def do_POST(self) -> None:
        body = self.says.encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Said", self.says)
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def process(empty_database_url: str, tmp_path: Path) -> Iterator[Process]:
    with serving(empty_database_url, tmp_path) as made:
        yield made


def subscribe(process: Process) -> HTTPServer:
    """A subscription to a receiver that talks too much, with everything in it that may be secret."""
    receiver = HTTPServer(("127.0.0.1", 0), type("Talking", (Receiver,), {"says": process.word("answer")}))
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    made = process.send(
        "POST",
        "/v1/subscriptions",
        {
            "url": f"http://127.0.0.1:{receiver.server_port}/{process.word('path')}?token={process.word('token')}",
            "event_types": ["*"],
            "payload": "full",
            "headers": {"X-Api-Key": process.word("header")},
            "description": process.word("description"),
        },
    )
    process.words.append(made["secret"])
    return receiver


def tell_the_story(process: Process) -> str:
    """A suggestion with its author, its acts and its reports; returns its id."""
    made = process.send(
        "POST",
        "/v1/suggestions",
        submission(
            title=process.word("title"),
            text=f"{process.word('text')} and so on",
            author={"ref": process.word("author")},
            external_id=process.word("external"),
            tags=[process.word("tag")],
        ),
        Idempotency_Key=process.word("idempotency"),
    )
    id_, code = made["id"], made["receipt"]["code"]
    process.words += [id_, code]
    steward = {"ref": process.word("steward"), "name": process.word("name")}
    process.send(
        "POST",
        f"/v1/suggestions/{id_}/acts/acknowledge",
        {
            "actor": person(process.word("actor"), "manager"),
            "steward": steward,
            "message": message(process.word("message")),
            "decision_expected_on": "2027-12-20",
        },
    )
    process.send("POST", f"/v1/suggestions/{id_}/acts/note", {"text": process.word("note")})
    process.send("GET", "/v1/receipt", key=code)
    process.send("POST", "/v1/receipt/acts/answer", {"text": process.word("reply")}, key=code)
    process.send("GET", f"/v1/suggestions?external_id={process.word('query')}&q={process.word('search')}")
    return str(id_)


def send_nonsense(process: Process, id_: str) -> None:
    """Requests that are refused, each for another reason, with something in it that is nobody's business."""
    text = process.word("refused")
    process.send("POST", "/v1/suggestions", submission(text=f"{text} {NHS_NUMBER}"))
    process.send("POST", "/v1/suggestions", submission(text=f"{text}, call me on 07700 900123 or {text}@example.org"))
    process.send("POST", "/v1/suggestions", {process.word("member"): process.word("value")})
    process.send("POST", "/v1/suggestions", f'{{"text": "{process.word("broken")}'.encode())
    process.send("POST", "/v1/suggestions", process.word("csv").encode(), Content_Type=f"text/{process.word('type')}")
    process.send("GET", f"/v1/suggestions/{process.word('segment')}")
    process.send("GET", f"/{process.word('place')}/%0a{process.word('line')}")
    process.send("GET", "/v1/suggestions?cursor=" + process.word("cursor"))
    process.send("GET", "/v1/suggestions", key=f"hb_{process.word('key')}")
    process.send("GET", "/v1/receipt", key=f"hbr_{process.word('receipt')}")
    process.send("GET", "/v1/suggestions", X_Request_Id=f"<{process.word('requestid')}>")
    process.send("GET", "/v1/suggestions", User_Agent=process.word("agent"), Cookie=f"a={process.word('cookie')}")
    process.send(
        "PATCH", f"/v1/suggestions/{id_}", {"text": process.word("patch")}, If_Match=f'"{process.word("tag")}"'
    )


def report(process: Process, id_: str) -> list[str]:
    """Signed reports, each followed by a forgery: what became of one that fits, one of something unknown, and one with
    a personal number.
    """
    became = []
    made = process.send("POST", "/v1/sources", {"name": process.word("source"), "scheme": "standard_webhooks"})
    process.words.append(made["secret"])
    path = f"/v1/inbound/{made['id']}"
    for number, about in enumerate((id_, "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05", id_)):
        data = {
            "suggestion_id": about,
            "report_id": process.word("report"),
            "occurred_at": datetime.now(UTC).isoformat(),
            "summary": process.word("summary") + (f" {NHS_NUMBER}" if number == 2 else ""),
            "due_on": "2027-01-31",
            "owner_role": process.word("role"),
        }
        raw = json.dumps({"type": "report.planned", "timestamp": data["occurred_at"], "data": data})
        stamp, webhook_id = datetime.now(UTC), process.word("webhook")
        signature = Webhook(made["secret"]).sign(webhook_id, stamp, raw)
        headers = {
            "webhook_id": webhook_id,
            "webhook_timestamp": str(int(stamp.timestamp())),
            "webhook_signature": signature,
        }
        process.words.append(signature)
        became.append(process.send("POST", path, raw.encode(), **headers)["status"])
        assert process.send("POST", path, raw.encode() + b" ", **headers)["code"] == "invalid_signature"
    return became


def test_the_log_knows_nobody(process: Process) -> None:
    receiver = subscribe(process)
    id_ = tell_the_story(process)
    send_nonsense(process, id_)
    assert report(process, id_) == ["recorded", "quarantined", "quarantined"]
    tries = eventually(lambda: [line for line in process.lines() if '"try":3' in line])
    receiver.shutdown()
    receiver.server_close()
    eventually(lambda: any("/v1/inbound/{source_id}" in line for line in process.lines()))
    log = "\n".join(process.lines())
    assert len(process.words) > 50
    assert [word for word in process.words if word in log] == []
    assert [number for number in (NHS_NUMBER, NHS_NUMBER.replace(" ", ""), "07700") if number in log] == []
    assert set(json.loads(tries[0])) == _ATTEMPT
    requests = [line for line in map(json.loads, log.splitlines()) if "route" in line]
    assert max(map(set, requests), key=len) == _REQUEST
    assert {line["route"] for line in requests} >= {"", "/v1/suggestions/{id}", "/v1/receipt", "/v1/suggestions"}
