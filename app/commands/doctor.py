"""The command that says what is wrong."""

import logging
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from app.commands.running import AsJson, read_settings, show
from app.db.session import StartRefused, StoreUnavailable, open_database
from app.kit.sealing import Secret, SecretFileError, load_or_make
from app.main import utc_now
from app.services.diagnosis import Finding, diagnose
from app.settings import Settings

FOUND = 1
"""The exit code of a doctor that has found something."""


def doctor(as_json: AsJson = False) -> None:
    """Say in words what is wrong, and change nothing. Exits with 0 where all is well, 1 with findings, 2 with settings
    that cannot be read.
    """
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    settings = read_settings()
    findings = _examine(settings)
    shown = {"ok": not findings, "findings": [asdict(finding) for finding in findings]}
    words = "\n".join(_line(finding) for finding in findings) or "Nothing is wrong."
    show(shown, words, as_json=as_json)
    if findings:
        raise typer.Exit(FOUND)


def _line(finding: Finding) -> str:
    return finding.words if finding.organisation is None else f"Organisation {finding.organisation}: {finding.words}"


def _examine(settings: Settings) -> list[Finding]:
    secret, findings = _read_secret(settings.secret_key_file)
    return [*findings, *_of_database(settings, secret)]


def _read_secret(path: Path) -> tuple[Secret | None, list[Finding]]:
    """The secret, unless there is none, and what is wrong with its file."""
    try:
        mode = path.stat().st_mode
        secret = load_or_make(path)
    except FileNotFoundError:
        words = (
            f"There is no secret in {path}. The first start makes it; for a database in use, restore it from a backup."
        )
        return None, [Finding("no_secret", words)]
    except (OSError, SecretFileError) as error:
        words = error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
        return None, [Finding("unusable_secret", f"The secret in {path} cannot be read: {words}")]
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return secret, []
    words = f"Every user of this machine may read or write the secret in {path}: chmod 600 would mend it."
    return secret, [Finding("secret_readable", words)]


def _of_database(settings: Settings, secret: Secret | None) -> Iterator[Finding]:
    from app.db.migrate import fault_of_schema  # noqa: PLC0415 -- only where it is wanted

    try:
        if (fault := fault_of_schema(settings.database_url)) is not None:
            yield Finding("schema", fault)
            return
        database = open_database(settings.database_url, pool_size=1)
    except StoreUnavailable as error:
        yield Finding("database_unreachable", f"The database does not answer: {error}.")
        return
    except StartRefused as error:
        yield Finding("database_refused", str(error))
        return
    fingerprint = None if secret is None else secret.fingerprint()
    try:
        yield from database.read_now(None, lambda session: diagnose(session, utc_now(), fingerprint))
    except StoreUnavailable as error:
        yield Finding("database_unreachable", f"The database stopped answering: {error}.")
    finally:
        database.close()
