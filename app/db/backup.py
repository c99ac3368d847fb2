"""Copies of an SQLite database, beside a running server, and back in its place. PostgreSQL has tools of its own."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from app.db.database_url import read_url, sqlite_file
from app.db.failures import StartRefused

_SIDES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Copy:
    """A copy that was looked through. `secret_fingerprint` is that of the secret that belongs to it, if it has one."""

    file: Path
    bytes: int
    schema: str
    secret_fingerprint: str | None


def back_up(url: str, target: Path) -> Copy:
    """Write the database as it is now to a new file that only its owner may read.

    Writers are not kept waiting. Raises `StartRefused` for PostgreSQL (saying which command does it), where there is a
    file already, and where the copy cannot be made or is not sound.
    """
    source = _file_of(url, f"pg_dump --format=custom --file={target}")
    if not source.exists():
        raise StartRefused(f"There is no database in {source}.")
    with _told(target), _draft_of(target) as draft:
        with closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", [str(draft)])
        copy = inspect_copy(draft)
        try:
            os.link(draft, target)  # refuses a name that is taken, whoever took it meanwhile
        except FileExistsError:
            raise StartRefused(f"There is a file {target} already. A backup never replaces one.") from None
        _make_lasting(target)
    return Copy(target, copy.bytes, copy.schema, copy.secret_fingerprint)


def inspect_copy(file: Path) -> Copy:
    """Look a copy through. Raises `StartRefused` where it is damaged or is none of a database of ours."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if sound != "ok":
                raise StartRefused(f"The file {file} is damaged: {sound}.")
            schema = connection.execute("select version_num from alembic_version").fetchone()
            found = connection.execute("select secret_fingerprint from installation").fetchone()
    except sqlite3.Error as error:
        raise StartRefused(f"The file {file} is no backup of a database of Heardback: {error}.") from error
    if schema is None:
        raise StartRefused(f"The file {file} is no backup of a database of Heardback: it has no tables.")
    return Copy(file, file.stat().st_size, schema[0], found and found[0])


def restore(url: str, source: Path, now: datetime, *, replace: bool) -> Path | None:
    """Put a copy that was looked through in the database's place.

    With `replace`, a database that is there is put aside under another name, which is returned. Raises `StartRefused`
    for PostgreSQL, where there is a database and `replace` is false, and where somebody has it open.
    """
    target = _file_of(url, f"pg_restore --clean --if-exists {source}")
    if target.exists() and not replace:
        raise StartRefused(f"There is a database in {target}. With --replace it is put aside under another name.")
    with _told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _told(target), _draft_of(target) as draft:
        shutil.copyfile(source, draft)
        _make_lasting(draft)
        aside = _put_aside(target, now)
        draft.rename(target)
        _make_lasting(target)
    return aside


def _put_aside(target: Path, now: datetime) -> Path | None:
    """Free the database's name. A write-ahead log that is left behind would be read into the copy, and goes, too."""
    aside = None
    if target.exists():
        _refuse_one_in_use(target)
        aside = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%S}")
        target.rename(aside)
    for side in _SIDES:
        with suppress(FileNotFoundError):
            target.with_name(target.name + side).unlink()
    return aside


def _refuse_one_in_use(target: Path) -> None:
    """Only who is alone with the file can leave write-ahead logging; that also brings the log into the file."""
    try:
        with closing(sqlite3.connect(target, timeout=0)) as connection:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:
        return  # it is damaged, which is why somebody restores it
    if mode != "delete":
        raise StartRefused(f"The database {target} is in use. Stop the server first.")


def _file_of(url: str, instead: str) -> Path:
    file = sqlite_file(read_url(url))
    if file is None:
        bare = make_url(url).set(drivername="postgresql")._replace(password=None)  # `set` takes None for "as it is"
        shown = bare.difference_update_query(["password", "sslpassword"]).render_as_string()
        raise StartRefused(f"PostgreSQL has tools of its own for this. Run: {instead} --dbname='{shown}'")
    return file


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """An empty file beside the target, for its owner's eyes alone; what is left of it in the end is removed."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StartRefused(f"{target} cannot be written: {why}.") from error


def _make_lasting(file: Path) -> None:
    """Have the file and its name on the disk before anybody is told that it is there."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
