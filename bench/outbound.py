"""What the studies of deliveries share: a database in this process with an organisation, subscriptions, a worker."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import cast
from uuid import UUID

from app.db.migrate import bring_up_to_date
from app.db.session import Database, ScopedSession, open_database
from app.db.tables import Delivery, Subscription, Suggestion
from app.kit.outcalls import Caller
from app.kit.sealing import Secret
from app.services import outbox, submission, subscriptions
from app.services.access import Caller as ApiCaller
from app.services.access import credential_of, look_up
from app.services.context import Context
from app.services.fanout import FIRST, fan_out
from app.services.installation import make_demo, open_secret
from app.services.retries import Schedule
from app.services.subscription_shapes import SubscriptionRequest
from app.services.tallies import Tallies
from app.worker import Worker
from bench.client import filled_submission

LOOPBACK = ip_network("127.0.0.0/8")
WAITS = (0.0, 5.0, 300.0)
_EVENT = outbox.Announcement("suggestion.noted", facts={"message_id": None})


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def outgoing_caller() -> Caller:
    """Guarded calls that may go to this machine. To be made within the event loop."""
    return Caller(user_agent="bench", exempt=[LOOPBACK])


@dataclass
class Office:
    """An organisation with one suggestion, in a database that nobody else has open."""

    database: Database
    secret: Secret
    caller: ApiCaller
    suggestion_id: UUID
    committed_at: dict[str, float] = field(default_factory=dict)
    """When each published event was committed, by its id, in seconds of the machine's monotonic clock."""

    @classmethod
    def open(cls, file: Path) -> "Office":
        """Make the file."""
        url = f"sqlite:///{file}"
        bring_up_to_date(url)
        database = open_database(url, pool_size=2)
        secret, now = open_secret(database, file.with_suffix(".key")), utc_now()
        demo = database.write_now(None, lambda session: make_demo(session, now))
        hashed = (credential_of("key", demo.key) if demo else None) or b""
        caller = database.read_now(None, lambda session: look_up(session, "key", hashed, now))
        if caller is None:
            raise RuntimeError(f"{file} is not empty")
        context = Context(caller, now, secret)
        made = database.write_now(
            caller.scope, lambda session: submission.submit(session, context, filled_submission()).ids[0]
        )
        return cls(database, secret, caller, made)

    def subscribe(self, urls: Sequence[str], *, max_in_flight: int) -> list[UUID]:
        """Subscriptions to everything, as if each had already answered well where it is not `/hang`."""

        def make(session: ScopedSession) -> list[UUID]:
            made = []
            for url in urls:
                wanted = SubscriptionRequest(url=url, event_types=("*",), max_in_flight=max_in_flight)
                context = Context(self.caller, utc_now(), self.secret)
                made.append(subscriptions.subscribe(session, context, wanted).id)
                row = session.get(Subscription, made[-1])
                if row is not None:
                    row.answered_well = not url.endswith("/hang")
                session.flush()
            return made

        return self.database.write_now(self.caller.scope, make)

    def publish_now(self, session: ScopedSession) -> UUID:
        """One event on the suggestion."""
        row = session.get(Suggestion, self.suggestion_id)
        return outbox.publish(session, row, _EVENT, now=utc_now())

    def fan_out(self) -> None:
        """Turn what was published into deliveries."""
        self.database.write_now(None, lambda session: fan_out(session, utc_now(), Schedule(WAITS), FIRST))

    def pile_up(self, subscription_id: UUID, count: int) -> None:
        """Make copies of the subscription's one delivery until so many wait."""
        names = [column.name for column in Delivery.__table__.columns]
        copied = {name: f'"{name}"' for name in names} | {"sequence": "n + 1", "id": "lower(hex(randomblob(16)))"}
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(copied[name] for name in names)
        statement = (
            f"insert into deliveries ({columns}) select {values} from deliveries, "  # noqa: S608 -- our own names
            "(with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :count - 1) "
            "select n from numbers) where organisation_id = :organisation and subscription_id = :subscription "
            "and sequence = 1"
        )
        values_of = {
            "count": count,
            "organisation": self.caller.organisation_id.hex,
            "subscription": subscription_id.hex,
        }
        engine = self.database._writer._engine  # type: ignore[attr-defined] # noqa: SLF001 -- SQLite's, past its guard
        with engine.connect() as connection:
            connection.info["scope"] = self.caller.scope
            cast("sqlite3.Connection", connection.connection.dbapi_connection).execute(statement, values_of)

    @asynccontextmanager
    async def working(self, tallies: Tallies | None = None) -> AsyncIterator[Worker]:
        """The worker, for as long as the `async with` lasts."""
        caller = outgoing_caller()
        worker = Worker(self.database, utc_now, self.secret, caller, WAITS, tallies=tallies)
        self.database.committed = worker.wake
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await running
            self.database.committed = None
            await caller.close()

    async def publish_steadily(self, worker: Worker, per_second: float, seconds: float) -> None:
        """Publish at a steady pace, and note when each event was committed."""
        began, latest = time.monotonic(), list[str]()

        def committed() -> None:
            now = time.monotonic()
            while latest:
                self.committed_at[latest.pop()] = now
            worker.wake()

        def publish(session: ScopedSession) -> None:
            latest.append(str(self.publish_now(session)))

        self.database.committed = committed
        for number in itertools.count():
            due = began + number / per_second
            if due >= began + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.database.write(self.caller.scope, publish)
        self.database.committed = worker.wake
