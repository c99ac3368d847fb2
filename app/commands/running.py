"""What every command shares: the settings, the database, one sentence where it cannot go on, and what is printed."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID

import typer

from app.db.session import ScopedSession, StartRefused, StoreUnavailable
from app.domain.vocabulary import Scope
from app.kit.refusals import Invalid, Refusal
from app.kit.sealing import Secret, SecretFileError
from app.main import prepare, utc_now
from app.services import organisations
from app.services.access import Caller
from app.services.context import Context
from app.settings import Settings, read_settings_or_exit
from app.web.metrics import MetricsUnavailableError

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
OfOrganisation = Annotated[str, typer.Option("--organisation", help="The organisation's code.")]
CANNOT_RUN = 2
"""The exit code of a command that could not do what it was asked for."""


def read_settings() -> Settings:
    """What the environment says, or the end of the program with one sentence."""
    return read_settings_or_exit(os.environ)


@contextmanager
def stopping() -> Iterator[None]:
    """What cannot go on ends with one sentence and not with a traceback."""
    try:
        yield
    except (StartRefused, SecretFileError, StoreUnavailable, MetricsUnavailableError) as error:
        stop(str(error) or type(error).__name__)
    except Invalid as refusal:
        stop("; ".join(f"{fault.pointer.lstrip('/')}: {fault.detail}".removeprefix(": ") for fault in refusal.faults))
    except Refusal as refusal:
        stop(refusal.text)


def stop(sentence: str) -> NoReturn:
    """End the program with a sentence for the operator."""
    typer.echo(sentence, err=True)
    raise typer.Exit(CANNOT_RUN)


def show(made: Mapping[str, Any], words: str, *, as_json: bool) -> None:
    """Print what a command has to say: one JSON object, or words for people."""
    typer.echo(json.dumps(made, ensure_ascii=False) if as_json else words)


def write(work: Callable[[ScopedSession, Secret], T]) -> T:
    """Carry the work out on the database that the settings name, in one transaction without a scope."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with stopping():
        database, secret = prepare(read_settings())
        try:
            return database.write_now(None, lambda session: work(session, secret))
        finally:
            database.close()


def write_within(code: str, work: Callable[[ScopedSession, Context], T]) -> T:
    """Carry the work out inside the organisation with this code, as its operator, who may do everything there."""

    def work_there(session: ScopedSession, secret: Secret) -> T:
        scope = organisations.scope_of(organisations.find_organisation(session, code))
        session.enter(scope)
        operator = Caller(scope.organisation_id, UUID(int=0), "operator", frozenset(Scope))
        return work(session, Context(operator, utc_now(), secret))

    return write(work_there)
