"""The examples of docs/examples do what their pages say, against a server that runs as `bin/serve` starts it."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from docs.generate import EXAMPLES, LANGUAGES
from tests.docs.running import Server, eventually, free_port, listens, run, running, serving

MANAGER = {"ref": "mgr-7", "group": "manager"}
MESSAGE = {"text": "Two fixed pairs start next month.", "summary": "We will do it.", "feedback_mode": "D"}
SUGGESTION = {
    "text": "The double-up calls are 12 minutes apart on paper and 25 by road.",
    "site": "brough",
    "group": "care_worker",
    "anonymity": "confidential",
    "author": {"ref": "staff-118"},
    "safety": {"at_risk_now": False, "own_employment": False},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started


def examples(stem: str) -> list[str]:
    """The files of an example, one for each language: report_sender.py, ReportSender.java and so on."""
    return sorted(path.name for path in EXAMPLES.iterdir() if path.stem.replace("_", "").lower() == stem)


def make_adopted(server: Server) -> str:
    """A suggestion with a quick yes; returns its id."""
    suggestion_id: str = server.make("/v1/suggestions", SUGGESTION)["id"]
    acts = f"/v1/suggestions/{suggestion_id}/acts"
    steward = {"ref": "mgr-7", "name": "Sam Hollis"}
    server.make(
        f"{acts}/acknowledge",
        {"actor": MANAGER, "steward": steward, "message": MESSAGE, "decision_expected_on": "2099-01-01"},
    )
    server.make(
        f"{acts}/decide",
        {
            "actor": MANAGER,
            "outcome": "adopt",
            "rationale": "Two fixed pairs halve the travel time between the calls, and nobody loses paid hours by it.",
            "message": MESSAGE,
            "participation_level": "consultation",
            "commitment": {"owner": "coord-2", "due_on": "2099-02-01"},
        },
    )
    return suggestion_id


def signed(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """The three headers, as the specification of Standard Webhooks makes them."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    timestamp = str(int(time.time()))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    token = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": token}


def post(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_there_is_an_example_in_every_language() -> None:
    suffixes = sorted({*LANGUAGES} - {".sh"})
    assert sorted(Path(name).suffix for name in examples("reportsender")) == suffixes
    assert sorted(Path(name).suffix for name in examples("eventreceiver")) == suffixes


def test_the_story_goes_to_its_end(server: Server) -> None:
    printed = run("story.sh", KEY=server.key, BASE=f"http://127.0.0.1:{server.port}")
    assert "/problems/" not in printed
    assert printed.splitlines()[-1] == '"state":"closed"'


@pytest.mark.parametrize("name", examples("reportsender"))
def test_a_sender_reports_that_a_change_is_in_place(server: Server, name: str) -> None:
    suggestion_id = make_adopted(server)
    source = server.make("/v1/sources", {"name": name, "scheme": "standard_webhooks"})
    printed = run(name, suggestion_id, INBOUND_URL=source["inbound_url"], SOURCE_SECRET=source["secret"])
    status, _, answer = printed.partition(" ")
    assert status == "200"
    told = json.loads(answer)
    assert {**told, "report_id": ""} == {"report_id": "", "status": "applied", "suggestion_id": suggestion_id}
    assert server.send("GET", f"/v1/suggestions/{suggestion_id}").json["progress"] == "implemented"


@pytest.mark.parametrize("name", examples("eventreceiver"))
def test_a_receiver_takes_every_event_once(server: Server, name: str, tmp_path: Path) -> None:
    port, printed = free_port(), tmp_path / "printed.txt"
    wanted = {"url": f"http://127.0.0.1:{port}/", "event_types": ["suggestion.submitted"]}
    subscription = server.make("/v1/subscriptions", wanted)
    with running(name, printed, SUBSCRIPTION_SECRET=subscription["secret"], PORT=str(port)):
        eventually(lambda: listens(port), printed.read_text)
        tested = server.make(f"/v1/subscriptions/{subscription['id']}/test", {})
        assert (tested["ok"], tested["status"]) == (True, 204)
        suggestion_id = server.make("/v1/suggestions", SUGGESTION)["id"]
        eventually(lambda: suggestion_id in printed.read_text(encoding="utf-8"), printed.read_text)
        eventually(lambda: delivered(server, subscription))

        body = json.dumps({"id": str(uuid4()), "type": "suggestion.submitted", "data": {"mark": "twice"}}).encode()
        headers = signed(subscription["secret"], json.loads(body)["id"], body)
        assert [post(port, body, headers), post(port, body, headers)] == [204, 204]
        assert post(port, body, signed(f"whsec_{base64.b64encode(bytes(32)).decode()}", "another", body)) == 400
        eventually(lambda: "twice" in printed.read_text(encoding="utf-8"), printed.read_text)
    lines = printed.read_text(encoding="utf-8").splitlines()
    assert [sum(mark in line for line in lines) for mark in (suggestion_id, "twice")] == [1, 1]


def delivered(server: Server, subscription: dict[str, Any]) -> bool:
    """Whether the server counts the one event as delivered."""
    page = server.send("GET", f"/v1/subscriptions/{subscription['id']}/deliveries").json
    return [one["state"] for one in page["items"]] == ["delivered"]
