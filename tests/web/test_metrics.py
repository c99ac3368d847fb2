"""What operators see of a process: on a port of its own, and with a key."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.db.session import StoreUnavailable
from app.kit.shapes import show_instant
from app.services.tallies import Tallies
from app.web.exposition import Exposition
from app.web.metrics import MetricsUnavailableError, serving_metrics
from tests.databases import Databases
from tests.service import Clock, Service, eventually, running
from tests.web.serving import exchange, request

Samples = dict[str, float]

AGES = {
    "heardback_fan_out_waiting_events",
    "heardback_fan_out_lag_seconds",
    "heardback_delivery_queue_age_seconds",
    "heardback_oldest_undelivered_seconds",
    "heardback_rules_lag_seconds",
}
HEALTH = {"heardback_build_info", "heardback_database_up"} | AGES
COUNTS = {
    "heardback_requests",
    "heardback_request_seconds",
    "heardback_events",
    "heardback_reports",
    "heardback_deliveries",
    "heardback_delivery_attempts",
    "heardback_delivery_attempt_seconds",
    "heardback_purged_rows",
}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{32}")


def families(text: str) -> set[str]:
    return {family.name for family in text_string_to_metric_families(text) if not family.name.startswith("process_")}


def samples(text: str) -> Samples:
    """Every value, under its name with its labels in braces, in the order of their names."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Observed:
    """A service, and the port that its operator reads."""

    service: Service
    port: int

    def text(self) -> str:
        answer = httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        return answer.text

    def samples(self) -> Samples:
        return samples(self.text())


@pytest.fixture
def observed(databases: Databases, database_kind: str, tmp_path: Path) -> Iterator[Observed]:
    url, port = databases.clone(database_kind), free_port()
    with running(url, tmp_path, Clock(), metrics_port=port) as service:
        yield Observed(service, port)
    databases.drop(url)


def once_counted(observed: Observed, name: str) -> Samples:
    """All values, as soon as this one is not 0. Time passes meanwhile."""

    def look() -> float:
        observed.service.clock.pass_time(seconds=10)
        return observed.samples()[name]

    eventually(look)
    return observed.samples()


def test_the_operator_sees_requests_events_and_deliveries(observed: Observed) -> None:
    tenant = observed.service.tenant()
    nowhere = f"http://127.0.0.1:{free_port()}/hook"
    tenant.all.post("/v1/subscriptions", {"url": nowhere, "event_types": ["*"]})
    made = tenant.all.submit(title="Pair the calls")
    tenant.all.suggestion(made["id"])
    tenant.all.send("GET", f"/v1/suggestions/{made['id']}/nothing")
    assert tenant.all.send("GET", "/v1/suggestions/not-an-id").status_code == 404

    found = once_counted(observed, "heardback_deliveries_total{result=dead}")
    expected = {
        "heardback_requests_total{method=POST,route=/v1/suggestions,status=201}": 1,
        "heardback_requests_total{method=GET,route=/v1/suggestions/{id},status=200}": 1,
        "heardback_requests_total{method=GET,route=other,status=404}": 2,
        "heardback_request_seconds_count{method=POST,route=/v1/suggestions}": 1,
        "heardback_request_seconds_bucket{le=+Inf,method=POST,route=/v1/suggestions}": 1,
        "heardback_events_total{type=suggestion.submitted}": 1,
        "heardback_events_total{type=suggestion.decided}": 0,
        "heardback_deliveries_total{result=delivered}": 0,
        "heardback_deliveries_total{result=retried}": 6,
        "heardback_deliveries_total{result=dead}": 1,
        "heardback_delivery_attempts_total{error=refused}": 7,
        "heardback_delivery_attempts_total{error=none}": 0,
        "heardback_delivery_attempt_seconds_count": 7,
        "heardback_reports_total{status=quarantined}": 0,
        "heardback_database_up": 1,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_reports_are_counted_by_what_was_told_of_them(observed: Observed) -> None:
    tenant = observed.service.tenant()
    made = tenant.all.submit()
    at = show_instant(observed.service.clock())
    tenant.all.report(made["id"], "planned", occurred_at=at, due_on="2027-01-31", owner_role="rota coordinator")
    tenant.all.report("0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05", "resumed", occurred_at=at)
    found = once_counted(observed, "heardback_reports_total{status=quarantined}")
    assert found["heardback_reports_total{status=applied}"] == 1


def test_nothing_that_is_shown_says_who_or_what(observed: Observed) -> None:
    tenant = observed.service.tenant()
    made = tenant.all.submit(title="Pair the calls", external_id="app-4711", tags=["rota"])
    tenant.all.suggestion(made["id"])
    for path in ("/staff-118", f"/v1/{tenant.id}", "/v1/authors/staff-118/export", f"/v1/inbound/{made['id']}"):
        tenant.all.send("GET", path)
    exchange(int(observed.service.url.rsplit(":", 1)[1]), request("STAFF-118", "/v1/suggestions"))
    text = observed.text()
    told = (tenant.id, tenant.code, made["id"], "staff-118", "STAFF-118", "app-4711", "rota", "Pair", "brough")
    assert [word for word in told if word in text] == []
    assert ID.findall(text) == []
    assert families(text) == HEALTH | COUNTS


def test_the_port_has_nothing_else(observed: Observed) -> None:
    for path in ("/", "/livez", "/v1/suggestions", "/metrics/"):
        assert httpx.get(f"http://127.0.0.1:{observed.port}{path}", trust_env=False).status_code == 404


@pytest.mark.parametrize(
    ("scopes", "sites", "status", "shown"),
    [
        (("read", "safeguard"), None, 403, set()),
        (("admin",), None, 200, HEALTH),
        (("admin", "safeguard"), ("brough",), 200, HEALTH),
        (("admin", "safeguard"), None, 200, HEALTH | COUNTS),
    ],
)
def test_a_key_is_shown_no_more_than_it_may_know(
    observed: Observed, scopes: tuple[str, ...], sites: tuple[str, ...] | None, status: int, shown: set[str]
) -> None:
    """Counts also count what is hidden, so that an admin without `safeguard` could find out that something is."""
    key = observed.service.tenant().key(*scopes, sites=sites)
    answer = key.send("GET", "/metrics")
    assert answer.status_code == status
    if status == 200:
        assert (families(answer.text), answer.headers["Cache-Control"]) == (shown, "no-store")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_without_a_key_there_is_nothing_to_see(observed: Observed) -> None:
    assert observed.service.client(None).send("GET", "/metrics").status_code == 401


# ── apart from a server ──


class StoreThatIsDown:
    """A database that fails, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def read(self, scope: None, work: Callable[[Any], Any]) -> Any:  # noqa: ANN401 -- as the protocol
        self.asked += 1
        raise StoreUnavailable


def test_a_database_that_is_down_takes_no_other_figure_away() -> None:
    store, tallies = StoreThatIsDown(), Tallies()
    tallies.count_request("GET", "/v1/suggestions", 503, 0.1)
    exposition = Exposition(store, lambda: datetime.now(UTC), tallies)

    async def ask() -> str:
        return (await asyncio.gather(*(exposition.show() for _ in range(5))))[0].decode()

    text = asyncio.run(ask())
    assert families(text) == {"heardback_build_info", "heardback_database_up"} | COUNTS
    found = samples(text)
    assert found["heardback_database_up"] == 0
    assert found["heardback_requests_total{method=GET,route=/v1/suggestions,status=503}"] == 1
    assert store.asked == 1  # However many ask at once.


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    exposition = Exposition(StoreThatIsDown(), lambda: datetime.now(UTC), Tallies())

    async def serve(port: int) -> None:
        async with serving_metrics(exposition, "127.0.0.1", port):
            pytest.fail("two cannot listen there")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(MetricsUnavailableError) as caught:
            asyncio.run(serve(port))
    assert str(caught.value).startswith(f"The metrics cannot be served on port {port} of 127.0.0.1: ")
