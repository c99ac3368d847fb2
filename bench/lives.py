"""What follows a create: votes, decisions and signed reports, against the create in the same run."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.kit.signing import sign
from bench.client import PANEL, Client, client_of
from bench.load import Answers, Lane, request
from bench.servers import Server, cpu_seconds, serving
from bench.stores import CONNECTIONS, CREATED
from bench.studies import Bench, Round, Row, study

VOTE = Row("vote", "a vote, SQLite, 32 connections", "a create", 0.9)
DECISION = Row("decision", "a decision, SQLite, 32 connections", "a create", 0.9)
REPORT = Row("signed-report", "a signed report, SQLite, 32 connections", "a create", 0.9)
OK = 200
_CHAIR = "mgr-9"


@dataclass(frozen=True)
class _Source:
    path: str
    secret: str


@study(VOTE, DECISION, REPORT)
def lives(bench: Bench) -> Iterator[Round]:
    """Some hundred suggestions at once are created, acknowledged, reviewed, voted on, decided and reported on."""
    with serving(bench.folder, f"sqlite:///{bench.folder / 'lives.db'}") as server:
        client = client_of(server)
        made = client.post("/v1/sources", {"name": "Rota system", "scheme": "standard_webhooks"})
        source = _Source(f"/v1/inbound/{made['id']}", made["secret"])
        _live(bench, server, client, source, 64)
        for _ in range(bench.options.rounds):
            rates, costs = _live(bench, server, client, source, bench.options.sized(400))
            yield Round(
                {row.name: rates[row.name] / rates["create"] for row in (VOTE, DECISION, REPORT)},
                {f"{name}s a second": rate for name, rate in rates.items()}
                | {f"ms of processor a {name}": cost for name, cost in costs.items()},
            )


def _live(
    bench: Bench, server: Server, client: Client, source: _Source, count: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Rates per second and processor milliseconds of each step."""
    rates: dict[str, float] = {}
    costs: dict[str, float] = {}

    def drive(name: str, requests: list[bytes], *allowed: int, keeps_bodies: bool = False) -> Answers:
        cpu = cpu_seconds(server.pid)
        lane = Lane(server.port, CONNECTIONS, requests, keeps_bodies=keeps_bodies)
        found = bench.load.one(lane).check(*allowed)
        rates[name], costs[name] = found.rate, (cpu_seconds(server.pid) - cpu) / len(requests) * 1000
        return found

    created = drive("create", [client.creating()] * count, CREATED, keeps_bodies=True)
    ids = [str(json.loads(body)["id"]) for body in created.bodies]

    def act(name: str, body: dict[str, Any]) -> list[bytes]:
        return [client.posting(f"/v1/suggestions/{one}/acts/{name}", body) for one in ids]

    drive("acknowledgement", act("acknowledge", _acknowledging()), OK)
    drive("review", act("start_review", _reviewing()), OK)
    drive("vote", [one for ref, group in PANEL for one in act("vote", _voting(ref, group))], OK)
    drive(DECISION.name, act("decide", _deciding()), OK)
    drive(REPORT.name, [_reporting(source, one) for one in ids], OK)
    return rates, costs


def _in_days(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


def _message(text: str, mode: str) -> dict[str, str]:
    return {"text": text, "summary": "We have read your idea.", "feedback_mode": mode}


def _acknowledging() -> dict[str, Any]:
    return {
        "actor": {"ref": "mgr-7", "group": "manager"},
        "steward": {"ref": "mgr-7", "name": "Sam Hollis"},
        "message": _message("Thank you. A panel will look at it next week.", "A"),
        "decision_expected_on": _in_days(20),
    }


def _reviewing() -> dict[str, Any]:
    panel = [{"ref": ref, "group": group} for ref, group in PANEL]
    return {"actor": {"ref": "mgr-7", "group": "manager"}, "panel": panel, "chair": _CHAIR}


def _voting(ref: str, group: str) -> dict[str, Any]:
    return {"actor": {"ref": ref, "group": group}, "member": ref, "choice": "yes"}


def _deciding() -> dict[str, Any]:
    return {
        "actor": {"ref": _CHAIR, "group": "manager"},
        "outcome": "adopt",
        "rationale": "Two fixed pairs halve the travel time between the calls, and nobody loses paid hours by it.",
        "message": _message("Yes. Two fixed pairs start next month.", "D"),
        "participation_level": "co_design",
        "commitment": {"owner": "coord-2", "due_on": _in_days(60)},
    }


def _reporting(source: _Source, suggestion_id: str) -> bytes:
    """A report that a rota system signs: work is planned."""
    now = time.time()
    data = {
        "suggestion_id": suggestion_id,
        "report_id": f"rota-{suggestion_id}",
        "occurred_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "summary": "Fixed pairs are planned for the next rota",
        "due_on": _in_days(30),
        "owner_role": "rota coordinator",
    }
    body = json.dumps({"type": "report.planned", "data": data}).encode()
    signed = sign([source.secret], f"msg-{suggestion_id}", int(now), body)
    return request("POST", source.path, [f"{name}: {value}" for name, value in signed.items()], body)
