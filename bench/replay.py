"""The yardstick of a create: the statements that one create sends, recorded once and then sent by the bare driver.

They are recorded from two creates on a database of their own, so that they are always the statements of today. What
differs between the two (ids, hashes, the place in lists, the number of the event) is made anew for each repetition.
"""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.db.migrate import bring_up_to_date
from app.db.session import Database, ScopedSession, open_database
from app.kit.ids import new_id, new_random_id
from app.services import submission
from app.services.access import credential_of, look_up
from app.services.context import Context
from app.services.installation import make_demo, open_secret
from bench.client import filled_submission

_MAX_FRESH_BYTES = 64
"""Longer binary values are contents, and may repeat."""
_UUID_DIGITS = 32
_FRAME = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass(frozen=True)
class Statement:
    """A statement as the driver is given it. `fresh`: which of its values are made anew, by the place or name."""

    text: str
    values: Any
    fresh: dict[int | str, Any]


def record(url: str, secret_file: Path) -> list[Statement]:
    """The statements of one create on an empty database at `url`, which is made and filled with the demo."""
    bring_up_to_date(url)
    database = open_database(url, pool_size=2)
    try:
        first, second = (_statements_of(create) for create in _creates(database, secret_file))
        return [_compare(one, other) for one, other in zip(first, second, strict=True)]
    finally:
        database.close()


def _creates(database: Database, secret_file: Path) -> list[Callable[[], object]]:
    secret, now = open_secret(database, secret_file), datetime.now(UTC)
    demo = database.write_now(None, lambda session: make_demo(session, now))
    hashed = credential_of("key", demo.key) if demo else None
    caller = database.read_now(None, lambda session: look_up(session, "key", hashed or b"", now))
    if caller is None:
        raise RuntimeError(f"{database} is not empty")
    body = filled_submission()

    def create(session: ScopedSession) -> object:
        context = Context(caller, datetime.now(UTC), secret)
        effect = submission.submit(session, context, body)
        row = submission.submitted(session, context, effect)
        return submission.show_submitted(session, context, row, body, "en")

    def create_one() -> object:
        return database.write_now(caller.scope, create)

    create_one()  # Caches are filled.
    return [create_one, create_one]


def _statements_of(create: Callable[[], object]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, text: str, values: Any, *_: object) -> None:  # noqa: ANN401 -- the driver's
        if not text.startswith(_FRAME):
            found.append((text, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        create()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return found


def _compare(one: tuple[str, Any], other: tuple[str, Any]) -> Statement:
    text, values = one
    if text != other[0]:
        raise RuntimeError("two creates do not send the same statements")
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    fresh = {
        place: plain
        for place, value in pairs
        if (plain := _plain(value)) != _plain(other[1][place]) and _maker_of(plain) is not None
    }
    return Statement(text, values, fresh)


def _plain(value: Any) -> Any:  # noqa: ANN401 -- a driver's value
    """A value without what SQLAlchemy wraps binary ones in for a driver."""
    if isinstance(value, memoryview):
        return bytes(value)
    return value.obj if isinstance(value, psycopg.Binary) else value


def _maker_of(value: Any) -> Callable[[int], Any] | None:  # noqa: ANN401 -- a driver's value
    """What makes another value of the same kind, given how many were made before; None for contents."""
    match value:
        case UUID():
            return lambda _: new_id(datetime.now(UTC))
        case str() if len(value) == _UUID_DIGITS and set(value) <= set("0123456789abcdef"):
            return lambda _: new_id(datetime.now(UTC)).hex
        case bytes() if len(value) <= _MAX_FRESH_BYTES:
            return lambda _: (new_random_id().bytes * 4)[: len(value)]
        case int():
            return lambda count: value + 1 + count
        case _:
            return None


class Fresh:
    """Makes the values of one repetition after the other; what was one value in the recording stays one."""

    def __init__(self, statements: Sequence[Statement], start: int = 0) -> None:
        self._statements = statements
        self._counter = itertools.count(start + 1)
        self._makers = {value: _maker_of(value) for one in statements for value in one.fresh.values()}

    def next(self) -> list[tuple[str, Any]]:
        """The statements of another create."""
        count = next(self._counter)
        made = {value: maker(count) for value, maker in self._makers.items() if maker}
        return [(one.text, self._filled(one, made)) for one in self._statements]

    def _filled(self, one: Statement, made: dict[Any, Any]) -> Any:  # noqa: ANN401 -- the driver's
        if not one.fresh:
            return one.values
        if isinstance(one.values, dict):
            return one.values | {name: made[value] for name, value in one.fresh.items()}
        return tuple(made[one.fresh[place]] if place in one.fresh else old for place, old in enumerate(one.values))


class BareSqlite:
    """One connection, one thread, one transaction a create, as durable as ours."""

    def __init__(self, file: Path, secret_file: Path) -> None:
        self._fresh = Fresh(record(f"sqlite:///{file}", secret_file))
        self._connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def rate(self, count: int) -> float:
        """Creates per second over `count` of them."""
        execute = self._connection.execute
        began = time.perf_counter()
        for _ in range(count):
            execute("BEGIN IMMEDIATE")
            for text, values in self._fresh.next():
                execute(text, values).fetchall()
            execute("COMMIT")
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class BarePostgres:
    """So many connections, each with a thread of its own, one transaction a create."""

    def __init__(self, url: str, secret_file: Path, clients: int) -> None:
        self._url, self._clients = url, clients
        self._statements = record(url, secret_file)
        self._start = 0

    def rate(self, count: int) -> float:
        """Creates per second over `count` of them, all clients together."""
        each = -(-count // self._clients)
        ready = threading.Barrier(self._clients + 1)
        threads = []
        for _ in range(self._clients):
            self._start += 1_000_000
            fresh = Fresh(self._statements, self._start)
            threads.append(threading.Thread(target=self._work, args=(each, fresh, ready)))
            threads[-1].start()
        ready.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return each * self._clients / (time.perf_counter() - began)

    def _work(self, count: int, fresh: Fresh, ready: threading.Barrier) -> None:
        with psycopg.connect(self._url) as connection:
            ready.wait()
            for _ in range(count):
                for text, values in fresh.next():
                    cursor = connection.execute(text, values)
                    if cursor.description:
                        cursor.fetchall()
                connection.commit()
