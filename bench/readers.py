"""A reader alone, and beside 32 connections that write."""

from collections.abc import Iterator

from bench.client import SUBMISSION, client_of
from bench.load import Lane
from bench.servers import serving
from bench.stores import CONNECTIONS, CREATED
from bench.studies import Bench, Round, Row, study

READER = Row(
    "reader", "a reader's p50 beside 32 connections that create, SQLite", "the reader alone", 3, at_least=False
)
OK = 200


@study(READER)
def reading(bench: Bench) -> Iterator[Round]:
    """One connection reads one suggestion again and again."""
    with serving(bench.folder, f"sqlite:///{bench.folder / 'read.db'}") as server:
        client = client_of(server)
        # Its author is named: reading a confidential one is recorded, which would be another write.
        path = "/v1/suggestions/" + client.post("/v1/suggestions", SUBMISSION | {"anonymity": "named"})["id"]
        reads = [client.getting(path)] * bench.options.sized(200)
        reader, creating = Lane(server.port, 1, reads), [client.creating()]
        bench.load.run(Lane(server.port, 1, reads[:32]), Lane(server.port, CONNECTIONS, creating * 64, repeats=True))
        for _ in range(bench.options.rounds):
            alone = bench.load.one(reader).check(OK)
            beside, created = bench.load.run(reader, Lane(server.port, CONNECTIONS, creating * 64, repeats=True))
            beside.check(OK)
            created.check(CREATED)
            yield Round(
                {READER.name: beside.quantile(0.5) / alone.quantile(0.5)},
                {
                    "p50 in ms alone": alone.quantile(0.5) * 1e3,
                    "beside writers": beside.quantile(0.5) * 1e3,
                    "p99 beside writers": beside.quantile(0.99) * 1e3,
                    "creates a second meanwhile": created.rate,
                },
            )
