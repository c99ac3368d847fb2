"""Commands that look after an installation: its settings, and what is too old."""

from collections import Counter
from functools import partial
from typing import Annotated

import typer

from app.commands.running import AsJson, read_settings, show, stopping
from app.db.session import Database
from app.main import prepare, retention_of, utc_now
from app.services.retention import KINDS, Retention, purge
from app.settings import settings_in_force, settings_table


def show_settings(as_json: AsJson = False) -> None:
    """Show every setting: what it is here, what it is unless it is set, and what it means. Passwords are not shown."""
    in_force = settings_in_force(read_settings())
    rows = [
        {
            "name": row.name,
            "value": in_force[row.name],
            "default": row.default,
            "takes": row.takes,
            "unit": row.unit,
            "meaning": row.meaning,
        }
        for row in settings_table()
    ]
    lines = [
        f"{row['name']}={row['value']}\n    {row['meaning']}\n"
        f"    It takes {row['takes']}. Unless it is set: {row['default'] or 'none'}."
        for row in rows
    ]
    show({"settings": rows}, "\n".join(lines), as_json=as_json)


def purge_now(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be deleted, and delete nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is older than the settings HEARDBACK_RETENTION_… say. A worker does the same every hour."""
    settings = read_settings()
    with stopping():
        database, _ = prepare(settings)
        try:
            counts = _purge_all(database, retention_of(settings), dry_run=dry_run)
        finally:
            database.close()
    words = "\n".join(f"{kind}: {count}" for kind, count in counts.items())
    show({"dry_run": dry_run, "rows": counts}, words, as_json=as_json)


def _purge_all(database: Database, retention: Retention, *, dry_run: bool) -> dict[str, int]:
    run = database.read_now if dry_run else database.write_now
    counts = Counter(dict.fromkeys(KINDS, 0))
    work = partial(purge, now=utc_now(), retention=retention, dry_run=dry_run)
    while True:
        done = run(None, work)
        counts.update(done.counts)
        if done.next is None:
            return dict(counts)
        work = partial(work, place=done.next)
