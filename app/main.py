"""The application put together: routes, services, background work. The only place that knows every interface."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

import app as package
from app.db.migrate import bring_up_to_date
from app.db.session import Database, OutcomeUnknown, StoreUnavailable, open_database
from app.kit.logs import LineBuffer
from app.kit.sealing import Secret
from app.services.installation import open_secret
from app.services.rules import do_due
from app.settings import Settings
from app.web import acts, administration, health, pages, receipt, suggestions
from app.web.document import Description
from app.web.edge import Edge
from app.web.problems import handlers
from app.web.state import Callers, Services
from app.web.table import Table

ABOUT = """Heardback records what frontline care staff suggest, tracks each suggestion through review and decision, and
takes signed reports from care systems about what happened to it, until its author has been told and has judged the
answer."""

TAGS = (
    ("suggestions", "What care workers and others propose: submit, list, read, reword."),
    ("acts", "What is done to a suggestion. Each act fits certain states; `allowed_acts` lists those that fit now."),
    ("receipt", "The author's own view, opened by the receipt's code without an account."),
    ("administration", "The organisation with its policy, its sites, and its API keys."),
)


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def api_routes() -> list[APIRoute]:
    """Every route of the application. No router is included in another one: each request is matched once."""
    routers = (suggestions.router, receipt.router, administration.router, health.router, pages.router)
    plain = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [*plain, *acts.routes()]


def describe(routes: Sequence[APIRoute]) -> Description:
    """What the OpenAPI document is made from."""
    return Description(title="Heardback", version=package.__version__, text=ABOUT, tags=TAGS, routes=routes)


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

    Opens the database unless one is given, and closes what it has opened when the application ends.
    """
    if database is None or secret is None:
        database, secret = prepare(settings)
    lines = LineBuffer(sys.stderr)
    services = Services(database=database, clock=clock, callers=Callers(database), secret=secret)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        flushing = asyncio.create_task(lines.run())
        looking = asyncio.create_task(_look_after_rules(database, clock))
        yield
        looking.cancel()
        flushing.cancel()
        with suppress(asyncio.CancelledError):
            await flushing

    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
        middleware=[Middleware(Edge, write=lines.write)],
        exception_handlers=handlers(unavailable=(StoreUnavailable,), outcome_unknown=(OutcomeUnknown,)),
    )
    routes = api_routes()
    app.router.routes.append(Table(routes))
    app.state.services = services
    app.state.description = describe(routes)
    return app


def run_worker(settings: Settings, database: Database, secret: Secret) -> None:
    """Does background work until it is told to stop."""
    del settings, secret
    asyncio.run(_look_after_rules(database, utc_now))


async def _look_after_rules(database: Database, clock: Callable[[], datetime]) -> None:
    while True:
        await asyncio.sleep(0.3)
        await database.write(None, lambda session: do_due(session, clock()))
