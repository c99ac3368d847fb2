"""What surrounds an endpoint, in processor time: key, JSON, ids, headers, log line; and the finding of routes."""

import re
from collections.abc import Iterator
from uuid import UUID

from bench import apps
from bench.client import SUBMISSION, Client
from bench.load import Lane
from bench.servers import Process, applying, cpu_seconds
from bench.studies import Bench, Round, Row, study

SURROUNDINGS = Row(
    "surroundings",
    "all that surrounds an endpoint (key, strict JSON, ids, headers, log line), processor time",
    "a bare FastAPI endpoint, same model, bytes out",
    1.4,
    at_least=False,
)
ROUTES = Row("routes", "the last of 150 routes more, processor time", "the first of them", 1.05, at_least=False)
_ID = UUID(int=7)


@study(SURROUNDINGS, ROUTES)
def surroundings(bench: Bench) -> Iterator[Round]:
    """The same requests to both applications in turns, then to the first and to the last route of ours."""
    with applying(bench.folder, "ours") as (ours, port), applying(bench.folder, "bare") as (bare, bare_port):
        found = re.search(r"^key=(\S+)$", ours.log.read_text(), re.MULTILINE)
        client = Client(port, found[1] if found else "")
        whole = [client.posting(apps.PATH, SUBMISSION)] * bench.options.sized(4000)
        first, last = ([client.posting(f"{apps.PATH}/{place:03}/{_ID}/parts", {})] for place in (0, apps.MANY - 1))
        count = bench.options.sized(4000)
        for _ in range(bench.options.rounds):
            our_cost = _cost(bench, ours, port, whole)
            bare_cost = _cost(bench, bare, bare_port, whole)
            first_cost = _cost(bench, ours, port, first * count)
            last_cost = _cost(bench, ours, port, last * count)
            yield Round(
                {SURROUNDINGS.name: our_cost / bare_cost, ROUTES.name: last_cost / first_cost},
                {
                    "µs of processor a request": our_cost * 1e6,
                    "bare": bare_cost * 1e6,
                    "first route": first_cost * 1e6,
                    "last route": last_cost * 1e6,
                },
            )


def _cost(bench: Bench, process: Process, port: int, requests: list[bytes]) -> float:
    """Processor seconds of a request."""
    cpu = cpu_seconds(process.pid)
    bench.load.one(Lane(port, 8, requests)).check(200, 201)
    return (cpu_seconds(process.pid) - cpu) / len(requests)
