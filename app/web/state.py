"""What the application holds for its requests: the database, the clock, the callers it knows, and its limits.

`create_app` puts one `Services` into `app.state.services`; `Call` takes from it what a request needs. An application
that has more to offer its endpoints makes a subclass.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from app.kit.addresses import Network
from app.kit.outcalls import Caller as OutgoingCaller
from app.kit.sealing import Secret
from app.services.access import Caller, Token, look_up
from app.services.idempotency import Effect, once
from app.services.retries import Schedule
from app.services.tallies import Tallies
from app.web.exposition import Exposition
from app.web.streams import Streams

Result = TypeVar("Result")

Session = Any
"""One transaction. Its type belongs to the persistence layer, which this layer does not know."""
Clock = Callable[[], datetime]
"""Gives the present instant, in UTC."""


class Database(Protocol):
    """One transaction per call, in a thread; a call returns after its COMMIT."""

    async def read(self, scope: Any, work: Callable[[Session], Result]) -> Result:  # noqa: ANN401 -- as Session
        """Give the result of `work` in a transaction that only reads what `scope` may see."""
        ...

    async def write(self, scope: Any, work: Callable[[Session], Result]) -> Result:  # noqa: ANN401 -- as Session
        """Give the result of `work` once it is stored; what `work` raises undoes all of it."""
        ...


class Once(Protocol):
    """Carries a request out, or finds what the first one of its Idempotency-Key has left."""

    def __call__(
        self,
        session: Session,
        system: str,
        key: str,
        fingerprint: bytes,
        now: datetime,
        perform: Callable[[Session], Effect],
    ) -> tuple[Effect, bool]:
        """Give the effect, and whether it is the recorded one of an earlier request."""
        ...


class LookUp(Protocol):
    """Finds the bearer of a key or a receipt by its hash."""

    def __call__(self, session: Session, kind: Token, hashed: bytes, now: datetime) -> Caller | None:
        """Give the caller, or None for an unknown, revoked or expired credential."""
        ...


class _Known(NamedTuple):
    caller: Caller
    read_at: float
    """Seconds of the monotonic clock, so that a clock which is set back keeps nobody in."""
    now: datetime


class Callers:
    """Who calls, remembered for at most `seconds`, so that most requests need no look-up.

    A revoked key is refused after `seconds` at the latest, an expired one at once. Only those who were found are
    remembered, and at most `max_entries` of them: guessing keys fills nothing.
    """

    def __init__(
        self, database: Database, *, find: LookUp = look_up, seconds: float = 5, max_entries: int = 10_000
    ) -> None:
        self._database = database
        self._find = find
        self._seconds = seconds
        self._max_entries = max_entries
        self._known: dict[bytes, _Known] = {}

    async def get(self, kind: Token, hashed: bytes, now: datetime) -> Caller | None:
        """Return the bearer of a credential, or None for an unknown, revoked or expired one."""
        known = self._known.get(hashed)
        if known is not None and self._is_fresh(known, now):
            return known.caller
        self._known.pop(hashed, None)
        caller = await self._database.read(None, lambda session: self._find(session, kind, hashed, now))
        if caller is not None:
            self._remember(hashed, _Known(caller, time.monotonic(), now))
        return caller

    def forget(self, organisation_id: UUID | None = None) -> None:
        """Forget the callers of an organisation, or all: for who revokes a key in this process."""
        self._known = {
            hashed: known
            for hashed, known in self._known.items()
            if organisation_id is not None and known.caller.organisation_id != organisation_id
        }

    def __len__(self) -> int:
        return len(self._known)

    def _is_fresh(self, known: _Known, now: datetime) -> bool:
        if time.monotonic() - known.read_at >= self._seconds:
            return False
        if abs(now - known.now) >= timedelta(seconds=self._seconds):  # The application's clock was moved.
            return False
        return known.caller.expires_at is None or now < known.caller.expires_at

    def _remember(self, hashed: bytes, known: _Known) -> None:
        while len(self._known) >= self._max_entries:
            del self._known[next(iter(self._known))]  # The one that was read first.
        self._known[hashed] = known


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a request may hold, and for how long it may take to arrive."""

    body_seconds: float = 15
    body_bytes: int = 256 * 1024
    batch_bytes: int = 8 * 1024 * 1024
    ready_seconds: float = 2
    """How long `/readyz` waits for the database."""


@dataclass(kw_only=True)
class Services:
    """What `Call` needs of the application."""

    database: Database
    clock: Clock
    callers: Callers
    secret: Secret
    once: Once = once
    limits: Limits = field(default_factory=Limits)
    public_url: str = ""
    """Where people and systems reach this server, without a slash at its end."""
    exempt: tuple[Network, ...] = ()
    """Private networks that deliveries may go to all the same."""
    schedule: Schedule = field(default_factory=lambda: Schedule((0.0,)))
    """When a new delivery is due."""
    outgoing: OutgoingCaller | None = None
    """Makes the calls that an answer has to wait for. It is made and closed with the event loop of the application."""
    streams: Streams = field(default_factory=Streams)
    """Those who listen to the feed just now."""
    tallies: Tallies = field(default_factory=Tallies)
    """What this process counts of its own work."""
    exposition: Exposition = field(init=False)
    """Shows the tallies."""

    def __post_init__(self) -> None:
        """Let the tallies be shown."""
        self.exposition = Exposition(self.database, self.clock, self.tallies)
