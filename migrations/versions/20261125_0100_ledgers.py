"""Ledgers and milestones: what measures read, so that no measure scans the events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.row_security import put_policy

revision = "20261125_0100"
down_revision = "20261125_0000"
branch_labels = None
depends_on = None


_TABLES = ("headcounts", "benefits", "perceptions", "milestones", "support_requests", "time_entries", "verdicts")


def upgrade() -> None:
    """Make the tables, and on PostgreSQL their policies."""
    op.create_table(
        "headcounts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "site_id"],
            ["sites.organisation_id", "sites.id"],
            name="fk_headcounts_organisation_id_site_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_headcounts_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "site_id", "group", "counted_on", name="pk_headcounts"),
    )
    op.create_table(
        "benefits",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.Column("benefit_type", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_benefits_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_benefits_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "report_id", name="pk_benefits"),
    )
    op.create_index("ix_benefits_measured", "benefits", ["organisation_id", "measured_on"])
    op.create_index("ix_benefits_suggestion", "benefits", ["organisation_id", "suggestion_id"])
    op.create_table(
        "perceptions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("better_outcomes", sa.Integer(), nullable=False),
        sa.Column("made_better", sa.Integer(), nullable=True),
        sa.Column("felt_fair", sa.Integer(), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "site_id"],
            ["sites.organisation_id", "sites.id"],
            name="fk_perceptions_organisation_id_site_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_perceptions_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_perceptions"),
    )
    op.create_index("ix_perceptions_given", "perceptions", ["organisation_id", "given_on"])

    op.create_table(
        "milestones",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("progress", sa.String(length=32), nullable=True),
        sa.Column("lead_group", sa.String(length=32), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("acknowledged_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("implemented_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("votes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("not_seen", sa.Integer(), nullable=False),
        sa.Column("appealed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_milestones_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_milestones_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "suggestion_id", name="pk_milestones"),
    )
    op.create_index("ix_milestones_received", "milestones", ["organisation_id", "received_on"])

    op.create_table(
        "support_requests",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_support_requests_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_support_requests_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_support_requests"),
    )
    op.create_index("ix_support_requests_asked", "support_requests", ["organisation_id", "asked_on"])

    op.create_table(
        "time_entries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.String(length=32), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("logged_on", sa.Date(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_time_entries_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_time_entries_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_time_entries"),
    )
    op.create_index("ix_time_entries_logged", "time_entries", ["organisation_id", "logged_on"])
    op.create_index("ix_time_entries_suggestion", "time_entries", ["organisation_id", "suggestion_id"])

    op.create_table(
        "verdicts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("respected", sa.Integer(), nullable=False),
        sa.Column("same_rules", sa.Integer(), nullable=False),
        sa.Column("clear_reason", sa.Integer(), nullable=False),
        sa.Column("made_better", sa.Integer(), nullable=False),
        sa.Column("did_it_happen", sa.String(length=32), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_verdicts_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_verdicts_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "suggestion_id", name="pk_verdicts"),
    )
    op.create_index("ix_verdicts_given", "verdicts", ["organisation_id", "given_on"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for table in _TABLES:
            put_policy(connection, table)


def downgrade() -> None:
    """Drop them again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
