"""Reading a database's address: which of the two databases it is, and where."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.db.failures import StartRefused

_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}
# What libpq is told unless the address says otherwise: to give up on a server that does not answer.
_PATIENCE = {
    "application_name": "heardback",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def read_url(text: str) -> URL:
    """Return the address in the one form that the rest of this package takes.

    `sqlite:///relative/path`, `sqlite:////absolute/path`, or `postgresql://…` in any form that libpq knows, also with
    several hosts or a socket's folder as `?host=`. Anything else raises `StartRefused`; its text holds no password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StartRefused("The database's address cannot be read. " + _FORMS) from None
    if url.drivername == "sqlite":
        _check_file(url)
        return url
    if url.drivername in _POSTGRESQL:
        patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
        return url.set(drivername="postgresql+psycopg").update_query_dict(patience)
    raise StartRefused(f"There is no support for the database {url.drivername!r}. " + _FORMS)


def sqlite_file(url: URL) -> Path | None:
    """Return the path of the database file, absolute, or None for PostgreSQL."""
    return Path(url.database or "").absolute() if url.drivername == "sqlite" else None


_FORMS = "Write sqlite:///path/to/heardback.db or postgresql://user:password@host/database."


def _check_file(url: URL) -> None:
    if url.query or url.host or url.username:
        raise StartRefused("The address of an SQLite database is a path and nothing else. " + _FORMS)
    if url.database in (None, "", ":memory:"):
        raise StartRefused(
            "An SQLite database must be a file here, because readers and the writer open it separately; a database in "
            "memory would be empty for each of them. " + _FORMS
        )
    if url.database and Path(url.database).is_dir():
        raise StartRefused(f"The SQLite database {url.database} is a folder. Name a file in it.")
