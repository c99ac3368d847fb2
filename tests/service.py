"""The whole service for tests: a real server on a database of either kind, a clock that the test moves, its callers.

Everything stays in this process, so that a test can move time by months. A test asks for a `Tenant` of its own, whose
keys are `Client`s with a verb for each thing that an integrator does.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import uvicorn
from sqlalchemy import func, select

from app.db.session import Database, ScopedSession
from app.db.tables import Agenda
from app.domain.days import local_day
from app.domain.vocabulary import Nation, OrganisationKind, Scope
from app.kit.sealing import Secret
from app.kit.shapes import show_instant
from app.main import create_app, prepare
from app.services import organisations, rules
from app.settings import Settings
from app.web.protocol import SERVER_OPTIONS
from app.web.server import Server

T = TypeVar("T")

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""Where a test's clock begins."""
PATIENCE_SECONDS = 20.0

Json = dict[str, Any]


class Clock:
    """The application's clock. It stands still until a test moves it."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def pass_time(self, **parts: float) -> datetime:
        """Let so much time pass, as `timedelta` counts it."""
        self._now += timedelta(**parts)
        return self._now

    def move_to(self, now: datetime) -> None:
        """Set the clock."""
        self._now = now

    @property
    def today(self) -> date:
        """The day in London."""
        return local_day(self._now)

    def in_days(self, days: int) -> str:
        """A date so many days ahead, as the API takes it."""
        return str(self.today + timedelta(days=days))


def eventually(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Look again until there is something to be seen, and return it."""
    ends = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < ends, "it did not come about in time"
        time.sleep(0.01)
    return found


@dataclass(frozen=True)
class Service:
    """A running server."""

    url: str
    clock: Clock
    database: Database
    secret: Secret
    http: httpx.Client

    def tenant(self, **changes: Any) -> "Tenant":  # noqa: ANN401 -- the arguments of `make_tenant`
        """Make an organisation that nobody else knows, with the site `brough` unless told."""
        return make_tenant(self, **changes)

    def client(self, token: str | None) -> "Client":
        """Return a caller with this key or receipt code; None: without."""
        return Client(self, token)

    def settle(self) -> None:
        """Let everything happen that time alone brings about by now, here and in the server's own loop."""

        def due(session: ScopedSession) -> int:
            waiting = select(func.count()).select_from(Agenda)
            count: int = session.execute(
                waiting.where(Agenda.kind == rules.KIND, Agenda.due_at <= self.clock().timestamp())
            ).scalar_one()
            return count

        while self.database.read_now(None, due):
            self.database.write_now(None, lambda session: rules.do_due(session, self.clock()))


@dataclass(frozen=True)
class Tenant:
    """An organisation, the ids of its sites by their codes, and a caller with every scope."""

    service: Service
    id: str
    code: str
    sites: Mapping[str, str]
    all: "Client"

    def key(self, *scopes: str, system: str = "care-app", sites: tuple[str, ...] | None = None) -> "Client":
        """Make a key and return the caller who has it."""

        def make(session: ScopedSession) -> str:
            session.enter(organisations.scope_of(organisations.find_organisation(session, self.code)))
            wanted = [Scope(scope) for scope in scopes]
            now = self.service.clock()
            return organisations.make_key(session, now, scopes=wanted, system=system, sites=sites).key

        return self.service.client(self.service.database.write_now(None, make))


def make_tenant(
    service: Service,
    *,
    sites: tuple[str, ...] = ("brough",),
    kind: str = "provider",
    nation: str = "england_wales",
    policy: Json | None = None,
) -> Tenant:
    """Make an organisation with sites and a key of every scope."""

    def make(session: ScopedSession) -> tuple[str, str, dict[str, str], str]:
        now, code = service.clock(), f"organisation-{uuid4().hex}"
        row = organisations.make_organisation(
            session, now, name="Fellside Homecare", kind=OrganisationKind(kind), nation=Nation(nation), code=code
        )
        row.policy = policy or {}
        session.enter(organisations.scope_of(row))
        made = {
            name: str(organisations.make_site(session, now, code=name, name=name.title(), service_type="8").id)
            for name in sites
        }
        key = organisations.make_key(session, now, scopes=tuple(Scope), system="care-app")
        return str(row.id), code, made, key.key

    id, code, made, key = service.database.write_now(None, make)
    return Tenant(service, id, code, made, service.client(key))


class UnexpectedAnswerError(AssertionError):
    """An answer that a test did not expect."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")


@dataclass(frozen=True)
class Client:
    """Somebody with a key or a receipt. The short verbs return the body and fail on a refusal; `send` returns all."""

    service: Service
    token: str | None
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Make a request. Headers are given by name with underscores: `if_match="…"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent = {**own, **self.headers, **named}
        if body is None:
            return self.service.http.request(method, path, headers=sent)
        return self.service.http.request(method, path, headers=sent, json=body)

    def get(self, path: str, **parameters: str | int) -> Json:
        """Read something that is there."""
        query = str(httpx.QueryParams(parameters)) if parameters else ""
        return _body(self.send("GET", f"{path}?{query}" if query else path))

    def post(self, path: str, body: object = None, **headers: str) -> Json:
        """Do something that is allowed."""
        return _body(self.send("POST", path, body, **headers))

    def patch(self, path: str, body: object, **headers: str) -> Json:
        """Change something that may be changed."""
        return _body(self.send("PATCH", path, body, **headers))

    def items(self, path: str, **parameters: str | int) -> list[Json]:
        """Read a list from its first page to its last."""
        found: list[Json] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = self.get(path, **parameters, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    # ── suggestions ──

    def submit(self, **members: object) -> Json:
        """Submit a suggestion. A member that is `...` is left out."""
        return self.post("/v1/suggestions", submission(**members))

    def suggestion(self, id: str) -> Json:
        """Read a suggestion."""
        return self.get(f"/v1/suggestions/{id}")

    def timeline(self, id: str) -> list[Json]:
        """Read its history."""
        return self.items(f"/v1/suggestions/{id}/timeline")

    def try_act(self, id: str, act: str, **fields: object) -> httpx.Response:
        """Do an act that may be refused. The actor is a manager unless told; None: there is none."""
        actor = fields.pop("actor", MANAGER)
        body = {**({} if actor is None else {"actor": actor}), **fields}
        return self.send("POST", f"/v1/suggestions/{id}/acts/{act}", body)

    def act(self, id: str, act: str, **fields: object) -> Json:
        """Do an act, and return the suggestion after it."""
        shown: Json = self.acted(id, act, **fields)["suggestion"]
        return shown

    def acted(self, id: str, act: str, **fields: object) -> Json:
        """Do an act, and return its event and the suggestion."""
        return _body(self.try_act(id, act, **fields))

    def report(self, id: str, kind: str, **fields: object) -> Json:
        """Report by key what happened. The report's own id is made here, unless it is given."""
        data = {"suggestion_id": id, "summary": "What happened.", **fields}
        sent = {"report_id": data.pop("report_id", uuid4().hex), "type": f"report.{kind}"}
        return self.post("/v1/reports", {**sent, "timestamp": show_instant(self.service.clock()), "data": data})

    # ── the author's view ──

    def receipt(self, **headers: str) -> Json:
        """Read the author's view."""
        return _body(self.send("GET", "/v1/receipt", **headers))

    def act_by_receipt(self, act: str, **fields: object) -> Json:
        """Do an act as the author."""
        return self.post(f"/v1/receipt/acts/{act}", fields)


def _body(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise UnexpectedAnswerError(answer)
    body: Json = answer.json() if answer.status_code != HTTPStatus.NO_CONTENT else {}
    return body


def person(ref: str, group: str, role: str | None = None) -> Json:
    """Somebody on whose behalf an act is done."""
    return {"ref": ref, "group": group, **({"role": role} if role else {})}


MANAGER = person("mgr-7", "manager")


def submission(**members: object) -> Json:
    """The body of a submission: of Adaeze, named, unless told otherwise. A member that is `...` is left out."""
    body: Json = {
        "text": "They are 12 minutes apart on paper and 25 by road.",
        "group": "care_worker",
        "anonymity": "named",
        "author": {"ref": "staff-118"},
        "safety": {"at_risk_now": False, "own_employment": False},
        **members,
    }
    if body["anonymity"] == "anonymous" and "author" not in members:
        del body["author"]
    return {name: value for name, value in body.items() if value is not ...}


def message(text: str = "Thank you for your idea.", *, mode: str = "A", summary: str | None = None) -> Json:
    """A message to an author."""
    return {"text": text, "summary": summary or text[:300], "feedback_mode": mode}


@contextmanager
def running(database_url: str, folder: Path, clock: Clock, **settings: object) -> Iterator[Service]:
    """Run the whole application behind uvicorn, as production does, in a thread.

    Deliveries may go to this machine, and are tried again soon.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    made = Settings.model_validate(
        {
            "database_url": database_url,
            "database_pool_size": 4,
            "port": port,
            "secret_key_file": folder / "secret.key",
            "delivery_allowed_networks": (ip_network("127.0.0.0/8"),),
            "delivery_retry_seconds": (0, 0.1, 0.2, 0.5, 1, 2, 5),
            "rate_limit_per_second": 0,
            "rate_limit_burst": 0,
            "log_level": "error",
            **settings,
        }
    )
    database, secret = prepare(made)
    application = create_app(made, clock, database=database, secret=secret)
    server = Server(
        uvicorn.Config(application, **(SERVER_OPTIONS | {"lifespan": "on"})), application.state.services.streams.stop
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    eventually(lambda: server.started or not thread.is_alive())
    assert server.started
    try:
        with httpx.Client(base_url=made.base_url, timeout=PATIENCE_SECONDS, trust_env=False, verify=False) as http:  # noqa: S501 -- no TLS here
            yield Service(made.base_url, clock, database, secret, http)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        database.close()
