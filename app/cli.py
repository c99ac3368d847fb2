"""The operators' command line: thin, and beside a running server, too. Every command that ends takes `--json`.

What runs the service stands here, and every other command in `app/commands`.
"""

import gc
import logging
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from app.commands import backups, tenants, upkeep
from app.commands.doctor import doctor
from app.commands.running import AsJson, read_settings, show, stopping
from app.db.session import Database, StartRefused, StoreUnavailable
from app.domain.days import local_day
from app.kit import logs
from app.kit.sealing import Secret
from app.main import api_routes, create_app, describe, prepare, run_worker, utc_now
from app.services.installation import Demo, make_demo
from app.settings import PROJECT_ROOT, Settings
from app.story import curl_story
from app.web.metrics import MetricsUnavailableError
from app.web.protocol import SERVER_OPTIONS
from app.web.server import Server

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Runs and looks after Heardback.")
app.add_typer(tenants.organisations_app, name="organisations")
app.add_typer(tenants.sites_app, name="sites")
app.add_typer(tenants.keys_app, name="keys")
app.add_typer(tenants.sources_app, name="sources")
app.command("settings")(upkeep.show_settings)
app.command("purge")(upkeep.purge_now)
app.command("doctor")(doctor)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)


@app.command()
def serve() -> None:
    """Serve the API, the pages and the background work. Settings are environment variables HEARDBACK_*."""
    settings = read_settings()
    _set_up_logs(settings)
    with stopping():
        database, secret = prepare(settings)
    if settings.role == "worker":
        raise typer.Exit(_work(settings, database, secret))
    demo = database.write_now(None, lambda session: make_demo(session, utc_now()))
    _greet(settings, demo)
    application = create_app(settings, database=database, secret=secret)
    config = uvicorn.Config(
        application, host=settings.host, port=settings.port, timeout_graceful_shutdown=3, **SERVER_OPTIONS
    )
    _spare_collector()
    Server(config, application.state.services.streams.stop).run()
    database.close(2)


@app.command()
def work() -> None:
    """Do the background work alone, beside servers with the role `api` on PostgreSQL."""
    settings = read_settings()
    _set_up_logs(settings)
    with stopping():
        database, secret = prepare(settings)
    raise typer.Exit(_work(settings, database, secret))


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database's schema up to date."""
    from app.db.migrate import HEAD, bring_up_to_date  # noqa: PLC0415 -- only where it is wanted

    with stopping():
        done = bring_up_to_date(read_settings().database_url)
    show({"schema": HEAD, "changed": done}, f"The schema is {HEAD}.", as_json=as_json)


@app.command()
def openapi(
    folder: Annotated[Path, typer.Option(help="The folder to write the documents to.")] = PROJECT_ROOT / "openapi",
    as_json: AsJson = False,
) -> None:
    """Write the OpenAPI document and its 3.0.3 twin, as the code makes them."""
    from app.web.document import documents_of  # noqa: PLC0415 -- only where it is wanted

    folder.mkdir(parents=True, exist_ok=True)
    documents = documents_of(describe(api_routes()))
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    show({"files": sorted(documents)}, f"Wrote {', '.join(sorted(documents))} to {folder}.", as_json=as_json)


def _set_up_logs(settings: Settings) -> None:
    """Lines of JSON on the standard error stream; of migrations only what goes wrong."""
    logs.set_up(settings.log_level.upper(), telling=(OSError, StartRefused, StoreUnavailable, MetricsUnavailableError))
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _work(settings: Settings, database: Database, secret: Secret) -> int:
    """Does background work until it is told to stop."""
    _spare_collector()
    with stopping():
        run_worker(settings, database, secret)
    return 0


def _spare_collector() -> None:
    """Take what was made at the start out of the garbage collector's sight.

    Classes, routes and models live as long as the process; looking through all of them took 130 ms every thousand
    requests, during which everybody waited.
    """
    gc.collect()
    gc.freeze()


def _greet(settings: Settings, demo: Demo | None) -> None:
    typer.echo(f"Heardback serves {settings.base_url}; its API reference is {settings.base_url}/docs")
    if demo is not None:
        today = local_day(utc_now())
        dates = {"expected_on": str(today + timedelta(days=20)), "due_on": str(today + timedelta(days=60))}
        typer.echo(curl_story(settings.base_url, demo.key, demo.site, **dates))


if __name__ == "__main__":
    app()
