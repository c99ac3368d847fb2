"""The operators' command line: thin, and beside a running server, too. Every command takes `--json`."""

import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvicorn

from app.db.session import Database, ScopedSession, StartRefused, StoreUnavailable
from app.domain.days import local_day
from app.domain.vocabulary import Nation, OrganisationKind, Scope
from app.kit import logs
from app.kit.refusals import Invalid, Refusal
from app.kit.sealing import Secret, SecretFileError
from app.main import api_routes, create_app, describe, prepare, run_worker, utc_now
from app.services import organisations
from app.services.installation import Demo, make_demo
from app.settings import PROJECT_ROOT, Settings, read_settings_or_exit
from app.story import curl_story
from app.web.protocol import SERVER_OPTIONS
from app.web.server import Server

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Runs and looks after Heardback.")
organisations_app = typer.Typer(no_args_is_help=True, help="Organisations: the tenants of this server.")
sites_app = typer.Typer(no_args_is_help=True, help="Sites: places and teams of an organisation.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of an organisation.")
app.add_typer(organisations_app, name="organisations")
app.add_typer(sites_app, name="sites")
app.add_typer(keys_app, name="keys")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
OfOrganisation = Annotated[str, typer.Option("--organisation", help="The organisation's code.")]


@app.command()
def serve() -> None:
    """Serve the API, the pages and the background work. Settings are environment variables HEARDBACK_*."""
    settings = _settings()
    _set_up_logs(settings)
    with _stopping():
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
    settings = _settings()
    _set_up_logs(settings)
    with _stopping():
        database, secret = prepare(settings)
    raise typer.Exit(_work(settings, database, secret))


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database's schema up to date."""
    from app.db.migrate import HEAD, bring_up_to_date  # noqa: PLC0415 -- only where it is wanted

    with _stopping():
        done = bring_up_to_date(_settings().database_url)
    _print({"schema": HEAD, "changed": done}, f"The schema is {HEAD}.", as_json=as_json)


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
    _print({"files": sorted(documents)}, f"Wrote {', '.join(sorted(documents))} to {folder}.", as_json=as_json)


@organisations_app.command("create")
def create_organisation(
    name: Annotated[str, typer.Option(help="The organisation's name.")],
    kind: Annotated[OrganisationKind, typer.Option(help="What it is.")] = OrganisationKind.PROVIDER,
    nation: Annotated[Nation, typer.Option(help="Whose bank holidays count.")] = Nation.ENGLAND_WALES,
    code: Annotated[str | None, typer.Option(help="A short code; made from the name unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation."""

    def make(session: ScopedSession) -> dict[str, Any]:
        row = organisations.make_organisation(session, utc_now(), name=name, kind=kind, nation=nation, code=code)
        return {"id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind, "nation": row.nation}

    made = _write(make)
    _print(made, f"Made the organisation {made['code']}.", as_json=as_json)


@sites_app.command("create")
def create_site(
    organisation: OfOrganisation,
    code: Annotated[str, typer.Option(help="The site's code.")],
    name: Annotated[str, typer.Option(help="The site's name.")],
    service_type: Annotated[str | None, typer.Option(help="Skills for Care main-service code.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a site."""

    def make(session: ScopedSession) -> dict[str, Any]:
        row = organisations.make_site(session, utc_now(), code=code, name=name, service_type=service_type)
        return {"id": str(row.id), "code": row.code, "name": row.name, "service_type": row.service_type}

    made = _write(_within(organisation, make))
    _print(made, f"Made the site {made['code']}.", as_json=as_json)


@keys_app.command("create")
def create_key(
    organisation: OfOrganisation,
    scopes: Annotated[str, typer.Option(help="Scopes, separated by commas.")],
    system: Annotated[str, typer.Option(help="The name of the system that will use the key.")],
    sites: Annotated[
        str | None, typer.Option(help="Limit the key to these sites, by code, separated by commas.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is printed once."""
    wanted = _scopes(scopes)

    def make(session: ScopedSession) -> dict[str, Any]:
        names = None if sites is None else [name.strip() for name in sites.split(",")]
        made = organisations.make_key(session, utc_now(), scopes=wanted, system=system, sites=names)
        return {"id": str(made.id), "key": made.key, "system": system, "scopes": [scope.value for scope in wanted]}

    made = _write(_within(organisation, make))
    _print(made, f"The key, shown once: {made['key']}", as_json=as_json)


def _scopes(text: str) -> tuple[Scope, ...]:
    named = [name.strip() for name in text.split(",")]
    if unknown := sorted(set(named) - set(Scope)):
        _stop(f"There is no scope {', '.join(unknown)}. Scopes are {', '.join(Scope)}.")
    return tuple(Scope(name) for name in dict.fromkeys(named))


def _within(code: str, work_in: Callable[[ScopedSession], T]) -> Callable[[ScopedSession], T]:
    """The work inside the organisation with this code."""

    def work_there(session: ScopedSession) -> T:
        session.enter(organisations.scope_of(organisations.find_organisation(session, code)))
        return work_in(session)

    return work_there


def _write(work_to_do: Callable[[ScopedSession], T]) -> T:
    """Carries the work out on the database that the settings name."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with _stopping():
        database, _ = prepare(_settings())
        try:
            return database.write_now(None, work_to_do)
        finally:
            database.close()


def _set_up_logs(settings: Settings) -> None:
    """Lines of JSON on the standard error stream; of migrations only what goes wrong."""
    logs.set_up(settings.log_level.upper(), telling=(OSError, StartRefused, StoreUnavailable))
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _work(settings: Settings, database: Database, secret: Secret) -> int:
    """Does background work until it is told to stop."""
    _spare_collector()
    run_worker(settings, database, secret)
    return 0


def _spare_collector() -> None:
    """Take what was made at the start out of the garbage collector's sight.

    Classes, routes and models live as long as the process; looking through all of them took 130 ms every thousand
    requests, during which everybody waited.
    """
    gc.collect()
    gc.freeze()


def _settings() -> Settings:
    return read_settings_or_exit(os.environ)


@contextmanager
def _stopping() -> Iterator[None]:
    """What cannot go on ends with one sentence and not with a traceback."""
    try:
        yield
    except (StartRefused, SecretFileError, StoreUnavailable) as error:
        _stop(str(error) or type(error).__name__)
    except Invalid as refusal:
        _stop("; ".join(fault.detail for fault in refusal.faults))
    except Refusal as refusal:
        _stop(refusal.text)


def _stop(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(2)


def _print(made: dict[str, Any], words: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(made, ensure_ascii=False) if as_json else words)


def _greet(settings: Settings, demo: Demo | None) -> None:
    typer.echo(f"Heardback serves {settings.base_url}; its API reference is {settings.base_url}/docs")
    if demo is not None:
        today = local_day(utc_now())
        dates = {"expected_on": str(today + timedelta(days=20)), "due_on": str(today + timedelta(days=60))}
        typer.echo(curl_story(settings.base_url, demo.key, demo.site, **dates))


if __name__ == "__main__":
    app()
