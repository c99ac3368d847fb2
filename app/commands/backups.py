"""Commands that copy the database, and bring a copy back."""

import os
from pathlib import Path
from typing import Annotated

import typer

from app.commands.running import AsJson, read_settings, show, stop, stopping
from app.db.backup import back_up, inspect_copy
from app.db.backup import restore as put_back
from app.kit.sealing import load_or_make
from app.main import utc_now

_Secret = Annotated[
    Path | None,
    typer.Option("--secret", help="A file for the secret, to be kept apart from the database's."),
]


def backup(
    file: Annotated[Path, typer.Argument(help="The new file for the copy of the database.")],
    secret: _Secret = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database to a new file, also beside a running server. The copy is looked through before it is named."""
    settings = read_settings()
    if secret is not None and secret.exists():
        stop(f"There is a file {secret} already. A backup never replaces one.")
    with stopping():
        copy = back_up(settings.database_url, file.absolute())
        if secret is not None:
            _copy_secret(settings.secret_key_file, secret)
    made = {
        "file": str(copy.file),
        "bytes": copy.bytes,
        "schema": copy.schema,
        "secret_fingerprint": copy.secret_fingerprint,
        "secret": None if secret is None else str(secret.absolute()),
    }
    words = f"Wrote {copy.bytes} bytes to {copy.file}"
    words += (
        f". Keep a copy of {settings.secret_key_file}, too, apart from it."
        if secret is None
        else f", and the secret to {secret.absolute()}. Keep them apart."
    )
    show(made, words, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` has written.")],
    secret: _Secret = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the database that is there aside under another name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the database's place. The server must not run meanwhile."""
    settings = read_settings()
    with stopping():
        copy = inspect_copy(file.absolute())
        if secret is not None and not settings.secret_key_file.exists():
            settings.secret_key_file.parent.mkdir(parents=True, exist_ok=True)
            _copy_secret(secret, settings.secret_key_file)
        if not settings.secret_key_file.exists():
            stop(f"Put the secret back first: there is none in {settings.secret_key_file}. --secret FILE does it.")
        if copy.secret_fingerprint not in (None, load_or_make(settings.secret_key_file).fingerprint()):
            stop(f"The secret in {settings.secret_key_file} is not the one that belongs to {copy.file}.")
        aside = put_back(settings.database_url, copy.file, utc_now(), replace=replace)
    words = f"Restored {copy.file}."
    if aside is not None:
        words += f" What was there before is in {aside}."
    show({"file": str(copy.file), "schema": copy.schema, "put_aside": aside and str(aside)}, words, as_json=as_json)


def _copy_secret(source: Path, target: Path) -> None:
    """Write the secret to a new file that only its owner may read; one that is there already is never replaced."""
    secret = load_or_make(source) if source.exists() else stop(f"There is no secret in {source}.")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        stop(f"The secret cannot be written to {target}: {error.strerror}.")
    with os.fdopen(descriptor, "wb") as written:
        written.write(secret.key)
        written.flush()
        os.fsync(written.fileno())
