"""What migrations do to a PostgreSQL that serves at the same time, as the linter squawk sees it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, event

from app.db.database_url import read_url
from app.db.migrate import alembic_config, migrating
from tests.databases import Databases

SQUAWK = Path(sys.executable).with_name("squawk")

# Each rule that is not followed, and why.
EXCLUDED = {
    "prefer-bigint-over-int": "An integer counts small things, as versions and tries; what numbers rows is a bigint.",
    "prefer-text-field": "A column's length is a limit that both databases hold.",
    "require-timeout-settings": "The one who migrates sets lock_timeout for the whole connection (app/db/migrate.py).",
}

CHANGES = ("ALTER", "COMMENT", "CREATE", "DROP", "TRUNCATE")


@pytest.fixture
def empty_postgresql_url(databases: Databases) -> Iterator[str]:
    url = databases.empty("postgresql")
    yield url
    databases.drop(url)


def changes_by_revision(url: str) -> list[str]:
    """Upgrade an empty database and return, for each revision, the statements that changed the schema."""
    scripts: list[list[str]] = [[]]
    with migrating(read_url(url)) as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def record(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
            words = statement.strip()
            if "alembic_version" in words and words.upper().startswith(("INSERT", "UPDATE")):
                scripts.append([])
            elif words.upper().startswith(CHANGES):
                scripts[-1].append(words.rstrip(";") + ";")

        command.upgrade(alembic_config(connection), "head")
    return ["\n".join(script) for script in scripts if script]


def test_no_migration_keeps_a_serving_database_waiting(empty_postgresql_url: str) -> None:
    scripts = changes_by_revision(empty_postgresql_url)
    assert "CREATE TABLE suggestions" in scripts[0]
    for script in scripts:
        ended = subprocess.run(
            [SQUAWK, "--reporter=gcc", "--assume-in-transaction", "--pg-version=15", f"--exclude={','.join(EXCLUDED)}"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
