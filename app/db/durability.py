"""What an operator must know of the database: whether what was committed survives a power cut, and what time it has."""

from datetime import datetime

from sqlalchemy import text

from app.db.tenancy import ScopedSession

_SQLITE_SAFE = {2, 3}  # FULL, EXTRA: https://sqlite.org/pragma.html#pragma_synchronous
_POSTGRES_SETTINGS = text(
    "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')"
)
_POSTGRES_LOSES = {
    "fsync": "after a power cut the whole database may be damaged",
    "full_page_writes": "after a power cut the whole database may be damaged",
    "synchronous_commit": "after a power cut the last requests that were answered may be missing",
}


def unsafe_settings(session: ScopedSession) -> list[str]:
    """A clause for each setting of the database that may lose what was committed, fit to stand after a colon."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        return [] if level in _SQLITE_SAFE else [f"synchronous is {level}, and should be 2 (FULL)"]
    return [
        f"{name} is off, and {_POSTGRES_LOSES[name]}"
        for name, setting in connection.execute(_POSTGRES_SETTINGS)
        if setting == "off"
    ]


def read_clock(session: ScopedSession) -> datetime | None:
    """What time it is on the database's machine; None where that is this one."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return None
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found
