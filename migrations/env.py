"""Alembic's environment: the migrations run on both databases.

The service hands its own connection over (`app/db/migrate.py`). On the command line the address comes from the
environment or from `-x url=…`: `alembic -x url=sqlite:///var/heardback.db check`.
"""

import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import JSON, Connection

from app.db import ledgers as _ledgers  # noqa: F401 -- their tables belong to the schema
from app.db.database_url import read_url
from app.db.migrate import migrating
from app.db.tables import Base, InstantColumn


def run(connection: Connection) -> None:
    """Run what alembic's command wants on the connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        transaction_per_migration=True,
        render_as_batch=True,
        render_item=render_item,
        process_revision_directives=name_by_time,
        on_version_apply=check_foreign_keys,
    )
    with context.begin_transaction():
        context.run_migrations()


def render_item(kind: str, item: object, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write our own types plainly: a migration must run when the class is gone."""
    if kind == "type" and isinstance(item, InstantColumn):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogenerate.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def name_by_time(_context: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Give revisions ids that sort by their age."""
    for script in directives:
        script.rev_id = datetime.now(UTC).strftime("%Y%m%d_%H%M")


def check_foreign_keys(
    ctx: MigrationContext,
    step: MigrationInfo,
    heads: Collection[object],  # noqa: ARG001 -- alembic's interface
    run_args: Mapping[str, object],  # noqa: ARG001 -- the same
) -> None:
    """Foreign keys are off while SQLite's tables are made anew; refuse to commit a row that refers to nothing."""
    if ctx.connection is None or ctx.dialect.name != "sqlite":
        return
    if lost := ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        raise RuntimeError(f"the migration {step.up_revision_id} left rows that refer to nothing: {lost[:10]}")


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    address = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("HEARDBACK_DATABASE_URL")
    if not address:
        raise SystemExit("Say which database is meant: set HEARDBACK_DATABASE_URL, or call alembic with -x url=…")
    with migrating(read_url(address)) as made:
        run(made)
