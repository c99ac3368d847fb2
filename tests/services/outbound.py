"""An organisation whose events go out, driven by hand: every step of the worker is a call, and time stands still."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from app.db.session import Database, ScopedSession, TenantScope, open_database
from app.domain.lifecycle import ACTS, Act
from app.domain.submission import Submission
from app.domain.texts import Actor
from app.domain.vocabulary import Group, OrganisationKind, Scope
from app.kit.answers import Answer, Failure, judge
from app.kit.sealing import Secret
from app.kit.shapes import Shape
from app.services import organisations, subscriptions
from app.services.access import Caller
from app.services.claims import Outgoing, claim
from app.services.context import Context
from app.services.fanout import FIRST, fan_out
from app.services.polling import poll
from app.services.results import Attempted, record
from app.services.retries import Schedule
from app.services.sites import find_sites
from app.services.submission import submit
from app.services.subscription_shapes import SubscriptionRequest
from app.services.suggestions import perform

T = TypeVar("T")

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET = Secret(bytes(range(32)))
EVERYDAY = ("raise", "read", "review", "decide", "report", "webhooks", "admin")
MANAGER = Actor(ref="mgr-7", group=Group.MANAGER)
MESSAGE = {"text": "Thank you.", "summary": "Thank you.", "feedback_mode": "A"}
HOLD = {"route": "safeguarding", "why": "Somebody may be at risk."}


@dataclass
class Outbound:
    """One organisation on a database of its own."""

    database: Database
    schedule: Schedule = field(default_factory=lambda: Schedule((0.0, 10.0, 100.0)))
    now: datetime = MONDAY
    organisation: UUID = field(init=False)
    keys: dict[tuple[str, ...], UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        def make(session: ScopedSession) -> UUID:
            kind = OrganisationKind.PROVIDER
            row = organisations.make_organisation(session, self.now, name="Fellside Homecare", kind=kind)
            session.enter(organisations.scope_of(row))
            for code in ("brough", "kendal"):
                organisations.make_site(session, self.now, code=code, name=code.title())
            return row.id

        self.organisation = self.database.write_now(None, make)

    def pass_time(self, **parts: float) -> None:
        self.now += timedelta(**parts)

    def write(self, work: Any, caller: Caller | None = None) -> Any:  # noqa: ANN401 -- whatever the work gives
        scope = caller.scope if caller else TenantScope(self.organisation, sees_hidden=True)
        return self.database.write_now(scope, work)

    def read(self, work: Any, caller: Caller | None = None) -> Any:  # noqa: ANN401 -- whatever the work gives
        scope = caller.scope if caller else TenantScope(self.organisation, sees_hidden=True)
        return self.database.read_now(scope, work)

    def key(self, *scopes: str, system: str = "care-app", sites: Sequence[str] | None = None) -> Caller:
        """A caller with a key of its own."""

        def make(session: ScopedSession) -> Caller:
            wanted = tuple(Scope(scope) for scope in scopes)
            made = organisations.make_key(session, self.now, scopes=wanted, system=system, sites=sites)
            ids = find_sites(session, sites or ()).values()
            return Caller(
                self.organisation, made.id, system, frozenset(scopes), None if sites is None else frozenset(ids)
            )

        caller: Caller = self.write(make)
        return caller

    @property
    def everyday(self) -> Caller:
        return Caller(self.organisation, UUID(int=1), "care-app", frozenset(Scope))

    def context(self, caller: Caller | None = None) -> Context:
        return Context(caller or self.everyday, self.now, SECRET)

    def submit(self, caller: Caller | None = None, **members: Any) -> UUID:  # noqa: ANN401 -- members of the body
        body = {
            "text": "They are 12 minutes apart on paper and 25 by road.",
            "group": "care_worker",
            "anonymity": "named",
            "author": {"ref": "staff-118"},
            "safety": {"at_risk_now": False, "own_employment": False},
            **members,
        }
        if body["anonymity"] == "anonymous":
            del body["author"]
        wanted = filled(Submission, body)
        effect = self.write(lambda session: submit(session, self.context(caller), wanted))
        made: UUID = effect.ids[0]
        return made

    def act(self, suggestion: UUID, name: str, **fields: Any) -> UUID:  # noqa: ANN401 -- fields of the body
        act: Act = filled(ACTS[name], fields)
        effect = self.write(lambda session: perform(session, self.context(), suggestion, act, actor=MANAGER))
        made: UUID = effect.ids[1]
        return made

    def acknowledge(self, suggestion: UUID) -> UUID:
        steward = {"ref": "mgr-7", "name": "Sam Hollis"}
        return self.act(suggestion, "acknowledge", steward=steward, message=MESSAGE, decision_expected_on="2026-12-20")

    def subscribe(self, *event_types: str, caller: Caller | None = None, **settings: Any) -> UUID:  # noqa: ANN401
        caller = caller or self.key(*EVERYDAY)
        body = {"url": "https://example.org/hook", "event_types": list(event_types or ("*",)), **settings}
        wanted = filled(SubscriptionRequest, body)
        made = self.write(lambda session: subscriptions.subscribe(session, self.context(caller), wanted), caller)
        subscription: UUID = made.id
        return subscription

    def fan_out(self) -> int:
        """All that waits; how many deliveries it came to."""
        after, made = FIRST, 0
        while True:
            work = partial(fan_out, now=self.now, schedule=self.schedule, after=after)
            done = self.database.write_now(None, work)
            if done is None:
                return made
            after, made = done.organisation_id, made + done.deliveries

    def claim(self, limit: int = 50) -> list[Outgoing]:
        return self.database.write_now(None, lambda session: claim(session, self.now, limit, SECRET))

    def record(self, *results: tuple[Outgoing, Answer]) -> None:
        attempts = [(outgoing, Attempted(self.now, answer)) for outgoing, answer in results]
        self.database.write_now(None, lambda session: record(session, self.now, attempts, self.schedule))

    def answer(self, status: int | None, *outgoing: Outgoing, retry_after: str | None = None) -> None:
        """Record the same answer for each."""
        self.record(*((one, answered(status, retry_after)) for one in outgoing))

    def deliver(self, status: int | None = 204) -> list[Outgoing]:
        """Fan out, and answer everything that is due now alike, until nothing is."""
        self.fan_out()
        sent: list[Outgoing] = []
        while claimed := self.claim():
            self.answer(status, *claimed)
            sent += claimed
        return sent

    def polled(self, subscription: UUID, caller: Caller | None = None) -> list[dict[str, Any]]:
        found = self.read(lambda session: poll(session, self.context(caller), subscription, 0, 200), caller)
        return [json.loads(raw) for raw in found.bodies]


def filled(model: type[T], body: dict[str, Any]) -> T:
    assert issubclass(model, Shape)
    made: T = model.model_validate_json(json.dumps(body))
    return made


def answered(status: int | None, retry_after: str | None = None) -> Answer:
    """What came of an attempt: this status, or none at all."""
    failure = Failure.TIMEOUT if status is None else judge(status)
    return Answer(status, 12, "203.0.113.7", failure, "", b"thank you", retry_after)


def event_of(outgoing: Outgoing) -> dict[str, Any]:
    """What is sent."""
    event: dict[str, Any] = json.loads(outgoing.body)
    return event


def told(sent: Sequence[Outgoing]) -> list[tuple[int, str]]:
    """Sequence and type of each."""
    return [(one.sequence, one.event_type) for one in sent]


@contextmanager
def outbound_on(url: str) -> Iterator[Outbound]:
    database = open_database(url, pool_size=3)
    try:
        yield Outbound(database)
    finally:
        database.close()
