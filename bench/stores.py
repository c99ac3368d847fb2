"""Creates on both databases against the bare driver, and how evenly they are served."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from bench.client import Client, client_of
from bench.load import Answers, Lane
from bench.replay import BarePostgres, BareSqlite
from bench.servers import cpu_seconds, postgres, serving
from bench.studies import Bench, Round, Row, study

CONNECTIONS = 32
BARE_CLIENTS = 8
CREATED = 201

CREATE_SQLITE = Row(
    "create-sqlite", "create, SQLite, 32 connections", "the same statements by the bare driver, one thread", 0.5
)
WRITE_TAIL = Row("write-tail", "write p99 ÷ p50, SQLite, 32 connections", "itself", 2.5, at_least=False)
CREATE_POSTGRES = Row(
    "create-postgres",
    "create, PostgreSQL, 2 processes, 32 connections",
    "the same statements by bare psycopg, 8 clients",
    0.45,
)
TWO_PROCESSES = Row("two-processes", "2 API processes on PostgreSQL, 32 connections", "1 process", 1.45)


@study(CREATE_SQLITE, WRITE_TAIL)
def sqlite_creates(bench: Bench) -> Iterator[Round]:
    """Bare driver and server take turns, each on a file of its own on the same disk."""
    bare = BareSqlite(bench.folder / "bare.db", bench.folder / "bare.key")
    with serving(bench.folder, f"sqlite:///{bench.folder / 'server.db'}") as server:
        creating = [client_of(server).creating()] * bench.options.sized(1200)
        warm_up = Lane(server.port, CONNECTIONS, creating[:200])
        bench.load.one(warm_up).check(CREATED)
        bare.rate(200)
        for _ in range(bench.options.rounds):
            bare_rate = bare.rate(bench.options.sized(2000))
            cpu = cpu_seconds(server.pid)
            ours = bench.load.one(Lane(server.port, CONNECTIONS, creating)).check(CREATED)
            cpu = cpu_seconds(server.pid) - cpu
            p50, p99 = ours.quantile(0.5), ours.quantile(0.99)
            yield Round(
                {CREATE_SQLITE.name: ours.rate / bare_rate, WRITE_TAIL.name: p99 / p50},
                {
                    "creates a second": ours.rate,
                    "by the bare driver": bare_rate,
                    "ms of the server's processor a create": cpu / len(creating) * 1000,
                    "p50 in ms": p50 * 1000,
                    "p99 in ms": p99 * 1000,
                },
            )
    bare.close()


@study(CREATE_POSTGRES, TWO_PROCESSES)
def postgres_creates(bench: Bench) -> Iterator[Round]:
    """Bare psycopg, one server and two servers take turns on one PostgreSQL server."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(bench.folder))
        bare = BarePostgres(database.new_database(), bench.folder / "bare.key", BARE_CLIENTS)
        url = database.new_database()
        first = stack.enter_context(serving(bench.folder, url, role="api"))
        second = stack.enter_context(serving(bench.folder, url, role="api"))
        clients = [client_of(first)]
        clients.append(Client(second.port, clients[0].key))
        count = bench.options.sized(1000)
        _create(bench, clients, 400)
        bare.rate(200)
        for _ in range(bench.options.rounds):
            bare_rate = bare.rate(bench.options.sized(2000))
            one = _create(bench, clients[:1], count)
            cpu, store = cpu_seconds(first.pid) + cpu_seconds(second.pid), database.cpu_seconds()
            two = _create(bench, clients, count)
            cpu, store = cpu_seconds(first.pid) + cpu_seconds(second.pid) - cpu, database.cpu_seconds() - store
            yield Round(
                {CREATE_POSTGRES.name: two / bare_rate, TWO_PROCESSES.name: two / one},
                {
                    "creates a second, 2 processes": two,
                    "1 process": one,
                    "by bare psycopg": bare_rate,
                    "ms of the servers' processors a create": cpu / count * 1000,
                    "of PostgreSQL's": store / count * 1000,
                },
            )


def _create(bench: Bench, clients: list[Client], count: int) -> float:
    """Creates per second, shared evenly by the servers, over 32 connections in all."""
    share = len(clients)
    lanes = [Lane(one.port, CONNECTIONS // share, [one.creating()] * (count // share)) for one in clients]
    found: list[Answers] = [answers.check(CREATED) for answers in bench.load.run(*lanes)]
    return sum(len(answers.latencies) for answers in found) / statistics.fmean(answers.seconds for answers in found)
