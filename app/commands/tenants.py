"""Commands for what belongs to an organisation: itself, its sites, its API keys, its sources."""

from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import JsonValue

from app.commands.running import AsJson, OfOrganisation, read_settings, show, stop, write, write_within
from app.db.session import ScopedSession
from app.domain.vocabulary import Nation, OrganisationKind, Scope
from app.kit.sealing import Secret
from app.kit.shapes import fill
from app.kit.strict_json import canonical
from app.main import utc_now
from app.services import keys, organisations, sources
from app.services.context import Context
from app.services.listing import Page

organisations_app = typer.Typer(no_args_is_help=True, help="Organisations: the tenants of this server.")
sites_app = typer.Typer(no_args_is_help=True, help="Sites: places and teams of an organisation.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of an organisation.")
sources_app = typer.Typer(no_args_is_help=True, help="Sources: systems that report by signed webhook.")

_OnlySites = Annotated[str | None, typer.Option(help="Limit it to these sites, by code or id, separated by commas.")]
_ALL = 10_000


@organisations_app.command("create")
def create_organisation(
    name: Annotated[str, typer.Option(help="The organisation's name.")],
    kind: Annotated[OrganisationKind, typer.Option(help="What it is.")] = OrganisationKind.PROVIDER,
    nation: Annotated[Nation, typer.Option(help="Whose bank holidays count.")] = Nation.ENGLAND_WALES,
    code: Annotated[str | None, typer.Option(help="A short code; made from the name unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation."""

    def make(session: ScopedSession, _: Secret) -> dict[str, Any]:
        row = organisations.make_organisation(session, utc_now(), name=name, kind=kind, nation=nation, code=code)
        return {"id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind, "nation": row.nation}

    made = write(make)
    show(made, f"Made the organisation {made['code']}.", as_json=as_json)


@sites_app.command("create")
def create_site(
    organisation: OfOrganisation,
    code: Annotated[str, typer.Option(help="The site's code.")],
    name: Annotated[str, typer.Option(help="The site's name.")],
    service_type: Annotated[str | None, typer.Option(help="Skills for Care main-service code.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a site."""

    def make(session: ScopedSession, context: Context) -> dict[str, Any]:
        row = organisations.make_site(session, context.now, code=code, name=name, service_type=service_type)
        return {"id": str(row.id), "code": row.code, "name": row.name, "service_type": row.service_type}

    made = write_within(organisation, make)
    show(made, f"Made the site {made['code']}.", as_json=as_json)


@keys_app.command("create")
def create_key(
    organisation: OfOrganisation,
    scopes: Annotated[str, typer.Option(help="Scopes, separated by commas.")],
    system: Annotated[str, typer.Option(help="The name of the system that will use the key.")],
    sites: _OnlySites = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is printed once."""
    wanted = _scopes(scopes)

    def make(session: ScopedSession, context: Context) -> dict[str, Any]:
        named = None if sites is None else _names(sites)
        made = organisations.make_key(session, context.now, scopes=wanted, system=system, sites=named)
        return {"id": str(made.id), "key": made.key, "system": system, "scopes": [scope.value for scope in wanted]}

    made = write_within(organisation, make)
    show(made, f"The key, shown once: {made['key']}", as_json=as_json)


@keys_app.command("list")
def list_keys(organisation: OfOrganisation, as_json: AsJson = False) -> None:
    """List the API keys that were not revoked, the oldest first. The keys themselves stand nowhere."""

    def look(session: ScopedSession, context: Context) -> list[dict[str, Any]]:
        rows, _ = keys.list_keys(session, context, Page(_ALL, None, {}))
        return [keys.show_key(row).model_dump(mode="json") for row in rows]

    items = write_within(organisation, look)
    lines = [f"{item['id']}  {item['created_at']}  {item['system']}: {', '.join(item['scopes'])}" for item in items]
    show({"items": items}, "\n".join(lines) or "There are no keys.", as_json=as_json)


@keys_app.command("revoke")
def revoke_key(
    id: Annotated[UUID, typer.Argument(help="The key's id, as `keys list` shows it.")],
    organisation: OfOrganisation,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key. Running servers refuse it within five seconds."""
    write_within(organisation, lambda session, context: keys.revoke_key(session, context, id))
    show({"id": str(id), "revoked": True}, f"Revoked the key {id}.", as_json=as_json)


@sources_app.command("create")
def create_source(
    organisation: OfOrganisation,
    name: Annotated[str, typer.Option(help="What the source is called.")],
    system: Annotated[str | None, typer.Option(help="The system whose external ids it uses.")] = None,
    sites: _OnlySites = None,
    as_json: AsJson = False,
) -> None:
    """Let a system report by signed webhook. Its secret is printed once."""
    public_url = read_settings().base_url

    def make(session: ScopedSession, context: Context) -> dict[str, Any]:
        named: list[JsonValue] | None = None if sites is None else [*_names(sites)]
        given: dict[str, JsonValue] = {
            "name": name,
            "scheme": sources.STANDARD_WEBHOOKS,
            "system": system,
            "sites": named,
        }
        wanted = fill(sources.SourceRequest, canonical(given), given, null_is_absent=True)
        made = sources.request_source(session, context, wanted)
        shown = sources.show_source(sources.find_source(session, context.caller, made.id), public_url)
        return sources.NewSourceView(**vars(shown), secret=made.secret).model_dump(mode="json")

    made = write_within(organisation, make)
    words = f"It sends to {made['inbound_url']} and signs with the secret, shown once: {made['secret']}"
    show(made, words, as_json=as_json)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _scopes(text: str) -> tuple[Scope, ...]:
    named = _names(text)
    if unknown := sorted(set(named) - set(Scope)):
        stop(f"There is no scope {', '.join(unknown)}. Scopes are {', '.join(Scope)}.")
    return tuple(Scope(name) for name in dict.fromkeys(named))
