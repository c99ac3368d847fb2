"""The application put together: routes, services, background work. The only place that knows every interface."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

import app as package
from app.db.migrate import bring_up_to_date
from app.db.session import Database, OutcomeUnknown, StoreUnavailable, open_database
from app.kit.logs import LineBuffer
from app.kit.outcalls import Caller as OutgoingCaller
from app.kit.sealing import Secret
from app.services.installation import open_secret
from app.services.retention import Retention
from app.services.retries import Schedule
from app.services.tallies import Tallies
from app.settings import Settings
from app.web import (
    acts,
    administration,
    deliveries,
    events,
    health,
    inbound,
    metrics,
    pages,
    receipt,
    reports,
    sources,
    subscriptions,
    suggestions,
)
from app.web.document import Description
from app.web.edge import Edge
from app.web.exposition import Exposition
from app.web.problems import handlers
from app.web.sent_events import event_types
from app.web.state import Callers, Services
from app.web.table import Table
from app.worker import Worker

ABOUT = """Heardback records what frontline care staff suggest, tracks each suggestion through review and decision, and
takes signed reports from care systems about what happened to it, until its author has been told and has judged the
answer."""

USER_AGENT = f"Heardback/{package.__version__}"

TAGS = (
    ("suggestions", "What care workers and others propose: submit, list, read, reword."),
    ("acts", "What is done to a suggestion. Each act fits certain states; `allowed_acts` lists those that fit now."),
    ("receipt", "The author's own view, opened by the receipt's code without an account."),
    ("reports", "What providers' systems say has happened: their sources, and what came in from them."),
    ("subscriptions", "Addresses that want to be told of events, and how each delivery went."),
    ("events", "The feed: everything that happened, in one order, to catch up or to listen."),
    ("administration", "The organisation with its policy, its sites, and its API keys."),
)


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def api_routes() -> list[APIRoute]:
    """Every route of the application. No router is included in another one: each request is matched once."""
    routers = (
        suggestions.router,
        receipt.router,
        sources.router,
        inbound.router,
        reports.router,
        subscriptions.router,
        deliveries.router,
        events.router,
        administration.router,
        health.router,
        metrics.router,
        pages.router,
    )
    plain = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [*plain, *acts.routes()]


def describe(routes: Sequence[APIRoute]) -> Description:
    """What the OpenAPI document is made from."""
    return Description(
        title="Heardback", version=package.__version__, text=ABOUT, tags=TAGS, routes=routes, event_types=event_types()
    )


def prepare(settings: Settings) -> tuple[Database, Secret]:
    """The database with its schema up to date, and the secret that belongs to it. Raises StartRefused."""
    bring_up_to_date(settings.database_url, allowed=settings.migrate == "auto")
    database = open_database(settings.database_url, pool_size=settings.database_pool_size)
    return database, open_secret(database, settings.secret_key_file)


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    *,
    database: Database | None = None,
    secret: Secret | None = None,
) -> FastAPI:
    """The whole application. `clock` gives the present instant in UTC; tests move it.

    Opens the database unless one is given, and closes what it has opened when the application ends. With the role
    `all`, background work runs beside the requests.
    """
    opened = None
    if database is None or secret is None:
        database, secret = prepare(settings)
        opened = database
    lines = LineBuffer(sys.stderr)
    services = Services(
        database=database,
        clock=clock,
        callers=Callers(database),
        secret=secret,
        public_url=settings.base_url,
        exempt=settings.delivery_allowed_networks,
        schedule=Schedule(settings.delivery_retry_seconds),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services.outgoing = stack_caller(stack, settings)
            await stack.enter_async_context(showing_metrics(settings, services.exposition))
            stack.push_async_callback(end_task, asyncio.create_task(lines.run()))
            listeners = [services.streams.wake]
            if settings.role == "all":
                worker = make_worker(settings, database, clock, secret, services.outgoing, lines, services.tallies)
                stack.push_async_callback(stop_worker, worker, asyncio.create_task(worker.run()))
                listeners.append(worker.wake)
            loop = asyncio.get_running_loop()
            database.committed = lambda: call_all(loop, listeners)
            yield
            database.committed = None
        if opened is not None:
            await asyncio.to_thread(opened.close)

    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
        middleware=[Middleware(Edge, write=lines.write, count=services.tallies.count_request)],
        exception_handlers=handlers(unavailable=(StoreUnavailable,), outcome_unknown=(OutcomeUnknown,)),
    )
    routes = api_routes()
    app.router.routes.append(Table(routes))
    app.state.services = services
    app.state.description = describe(routes)
    return app


def make_worker(
    settings: Settings,
    database: Database,
    clock: Callable[[], datetime],
    secret: Secret,
    caller: OutgoingCaller,
    lines: LineBuffer,
    tallies: Tallies,
) -> Worker:
    """Background work as the settings want it."""
    return Worker(
        database,
        clock,
        secret,
        caller,
        settings.delivery_retry_seconds,
        write=lines.write,
        tallies=tallies,
        retention=retention_of(settings),
    )


def showing_metrics(settings: Settings, exposition: Exposition) -> AbstractAsyncContextManager[None]:
    """Meanwhile the metrics are served, where the settings name a port for them."""
    if settings.metrics_port is None:
        return nullcontext()
    return metrics.serving_metrics(exposition, settings.metrics_host, settings.metrics_port)


def retention_of(settings: Settings) -> Retention:
    """For how long what is kept."""
    return Retention(
        raw_report_days=settings.retention_raw_report_days,
        idempotency_days=settings.retention_idempotency_days,
        attempt_days=settings.retention_attempt_days,
        delivered_days=settings.retention_delivered_days,
    )


def stack_caller(stack: AsyncExitStack, settings: Settings) -> OutgoingCaller:
    """Makes guarded calls for as long as the stack lasts."""
    caller = OutgoingCaller(user_agent=USER_AGENT, exempt=settings.delivery_allowed_networks)
    stack.push_async_callback(caller.close)
    return caller


def call_all(loop: asyncio.AbstractEventLoop, listeners: Sequence[Callable[[], object]]) -> None:
    """Tells those who wait for a commit, from whatever thread it was made on."""
    with suppress(RuntimeError):  # The loop has ended: nobody waits any more.
        for listener in listeners:
            loop.call_soon_threadsafe(listener)


async def end_task(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def stop_worker(worker: Worker, running: asyncio.Task[None]) -> None:
    """Lets background work end what it has begun."""
    worker.stop()
    await running


def run_worker(settings: Settings, database: Database, secret: Secret) -> None:
    """Does background work alone until it is told to stop by SIGTERM or SIGINT."""
    asyncio.run(_work(settings, database, secret))


async def _work(settings: Settings, database: Database, secret: Secret) -> None:
    lines = LineBuffer(sys.stderr)
    async with AsyncExitStack() as stack:
        caller = stack_caller(stack, settings)
        stack.push_async_callback(end_task, asyncio.create_task(lines.run()))
        tallies = Tallies()
        await stack.enter_async_context(showing_metrics(settings, Exposition(database, utc_now, tallies)))
        worker = make_worker(settings, database, utc_now, secret, caller, lines, tallies)
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, worker.stop)
        database.committed = worker.wake
        await worker.run()
