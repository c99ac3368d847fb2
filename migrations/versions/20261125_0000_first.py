"""The first schema: every table, and on PostgreSQL the role of the service and its policies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.row_security import ROLE, drop_privileges, make_role, put_policy

revision = "20261125_0000"
down_revision = None
branch_labels = None
depends_on = None

_OF_ONE_ORGANISATION = (
    "api_keys",
    "idempotency",
    "sites",
    "sources",
    "subscriptions",
    "inbound_calls",
    "suggestions",
    "webhook_ids",
    "events",
    "labels",
    "reports",
    "revisions",
    "deliveries",
    "feed",
    "attempts",
)
"""Tables that the policies stand on."""


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        make_role(connection)  # before the tables, so that its rights on them come by themselves
        op.execute(f"grant select on alembic_version to {ROLE}")
        op.execute(sa.schema.CreateSequence(sa.Sequence("recorded_number")))
    _make_installation()
    _make_organisations()
    _make_agenda()
    _make_api_keys()
    _make_credentials()
    _make_idempotency()
    _make_sites()
    _make_sources()
    _make_subscriptions()
    _make_inbound_calls()
    _make_suggestions()
    _make_webhook_ids()
    _make_events()
    _make_labels()
    _make_reports()
    _make_revisions()
    _make_deliveries()
    _make_feed()
    _make_attempts()
    if connection.dialect.name == "postgresql":
        for table in _OF_ONE_ORGANISATION:
            put_policy(connection, table)


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "attempts",
        "feed",
        "deliveries",
        "revisions",
        "reports",
        "labels",
        "events",
        "webhook_ids",
        "suggestions",
        "inbound_calls",
        "subscriptions",
        "sources",
        "sites",
        "idempotency",
        "credentials",
        "api_keys",
        "agenda",
        "organisations",
        "installation",
    ):
        op.drop_table(table)
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(sa.schema.DropSequence(sa.Sequence("recorded_number")))
        drop_privileges(connection)


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _make_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret_fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )


def _make_organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("nation", sa.String(length=32), nullable=False),
        sa.Column("policy", _json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisations"),
        sa.UniqueConstraint("code", name="uq_organisations_code"),
    )


def _make_agenda() -> None:
    op.create_table(
        "agenda",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("last_served", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_agenda_organisation_id"),
        sa.PrimaryKeyConstraint("kind", "organisation_id", "subject", name="pk_agenda"),
    )
    op.create_index("ix_agenda_due", "agenda", ["kind", "due_at"])
    op.create_index("ix_agenda_served", "agenda", ["kind", "last_served", "due_at"])


def _make_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("scopes", _json(), nullable=False),
        sa.Column("sites", _json(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_api_keys_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_api_keys"),
    )


def _make_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_credentials_organisation_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_credentials"),
    )
    op.create_index("ix_credentials_subject", "credentials", ["organisation_id", "subject_id"])


def _make_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer_status", sa.Integer(), nullable=False),
        sa.Column("ids", _json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_idempotency_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "system", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["organisation_id", "created_at"])


def _make_sites() -> None:
    op.create_table(
        "sites",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("identifiers", _json(), nullable=False),
        sa.Column("successor_of", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_sites_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_sites"),
        sa.UniqueConstraint("organisation_id", "code", name="uq_sites_organisation_id_code"),
    )


def _make_sources() -> None:
    op.create_table(
        "sources",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scheme", sa.String(length=32), nullable=False),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("sites", _json(), nullable=True),
        sa.Column("settings", _json(), nullable=False),
        sa.Column("secrets", _json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_sources_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_sources"),
    )


def _make_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("event_types", _json(), nullable=False),
        sa.Column("payload", sa.String(length=32), nullable=False),
        sa.Column("ordering", sa.String(length=32), nullable=False),
        sa.Column("max_in_flight", sa.Integer(), nullable=False),
        sa.Column("notifies_authors", sa.Boolean(), nullable=False),
        sa.Column("skip_own", sa.Boolean(), nullable=False),
        sa.Column("headers", _json(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("paused_because", sa.String(length=32), nullable=True),
        sa.Column("secrets", _json(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("scopes", _json(), nullable=False),
        sa.Column("sites", _json(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("heard_from", sa.BigInteger(), nullable=False),
        sa.Column("answered_well", sa.Boolean(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_subscriptions_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_subscriptions"),
    )
    op.create_index("ix_subscriptions_key", "subscriptions", ["organisation_id", "key_id"])


def _make_inbound_calls() -> None:
    op.create_table(
        "inbound_calls",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("raw_hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "source_id"],
            ["sources.organisation_id", "sources.id"],
            name="fk_inbound_calls_organisation_id_source_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_inbound_calls_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_inbound_calls"),
        sa.UniqueConstraint(
            "organisation_id",
            "source_id",
            "webhook_id",
            "raw_hash",
            name="uq_inbound_calls_organisation_id_source_id_webhook_id_raw_hash",
        ),
    )


def _make_suggestions() -> None:
    op.create_table(
        "suggestions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("hidden", sa.String(length=32), nullable=True),
        sa.Column("generalised", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.String(length=32), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("group", sa.String(length=32), nullable=False),
        sa.Column("anonymity", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("steward_ref", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=64), nullable=True),
        sa.Column("tags", _json(), nullable=False),
        sa.Column("lenses", _json(), nullable=False),
        sa.Column("author", _json(), nullable=True),
        sa.Column("co_authors", _json(), nullable=False),
        sa.Column("own_employment", sa.Boolean(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("external_hash", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_key", sa.String(length=64), nullable=False),
        sa.Column("contact_details", sa.Boolean(), nullable=False),
        sa.Column("supporters", sa.Integer(), nullable=False),
        sa.Column("promise_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promise_broken", sa.Boolean(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case", _json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "site_id"],
            ["sites.organisation_id", "sites.id"],
            name="fk_suggestions_organisation_id_site_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_suggestions_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_suggestions"),
        sa.UniqueConstraint("organisation_id", "seq", name="uq_suggestions_organisation_id_seq"),
        sa.UniqueConstraint(
            "organisation_id", "system", "external_hash", name="uq_suggestions_organisation_id_system_external_hash"
        ),
    )
    op.create_index("ix_suggestions_external", "suggestions", ["organisation_id", "external_hash"])
    op.create_index("ix_suggestions_site", "suggestions", ["organisation_id", "site_id", "seq"])
    op.create_index("ix_suggestions_state", "suggestions", ["organisation_id", "state", "seq"])
    op.create_index("ix_suggestions_updated", "suggestions", ["organisation_id", "updated_at", "id"])


def _make_webhook_ids() -> None:
    op.create_table(
        "webhook_ids",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer_status", sa.Integer(), nullable=False),
        sa.Column("answer", _json(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "source_id"],
            ["sources.organisation_id", "sources.id"],
            name="fk_webhook_ids_organisation_id_source_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_webhook_ids_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "source_id", "webhook_id", name="pk_webhook_ids"),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("thin", sa.LargeBinary(), nullable=False),
        sa.Column("body", _json(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=True),
        sa.Column("by_author", sa.Boolean(), nullable=False),
        sa.Column("caused_by_system", sa.Text(), nullable=True),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_events_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_events_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_events"),
        sa.UniqueConstraint("organisation_id", "number", name="uq_events_organisation_id_number"),
    )
    op.create_index("ix_events_of_suggestion", "events", ["organisation_id", "suggestion_id", "number"])


def _make_labels() -> None:
    op.create_table(
        "labels",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_labels_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_labels_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "suggestion_id", "kind", "value", name="pk_labels"),
    )
    op.create_index("ix_labels_value", "labels", ["organisation_id", "kind", "value", "suggestion_id"])


def _make_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("report_key", sa.Text(), nullable=False),
        sa.Column("claimed_key", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("data", _json(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("struck_out_by", sa.Uuid(), nullable=True),
        sa.Column("waits_for", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["inbound_calls.organisation_id", "inbound_calls.id"],
            name="fk_reports_organisation_id_call_id",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "source_id"],
            ["sources.organisation_id", "sources.id"],
            name="fk_reports_organisation_id_source_id",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_reports_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_reports_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_reports"),
        sa.UniqueConstraint("organisation_id", "number", name="uq_reports_organisation_id_number"),
        sa.UniqueConstraint(
            "organisation_id", "origin", "claimed_key", name="uq_reports_organisation_id_origin_claimed_key"
        ),
    )
    op.create_index("ix_reports_of_source", "reports", ["organisation_id", "source_id", "number"])
    op.create_index("ix_reports_of_suggestion", "reports", ["organisation_id", "suggestion_id", "number"])
    op.create_index("ix_reports_status", "reports", ["organisation_id", "status", "number"])
    op.create_index(
        "ix_reports_call",
        "reports",
        ["organisation_id", "call_id"],
        postgresql_where=sa.text("call_id is not null"),
        sqlite_where=sa.text("call_id is not null"),
    )
    op.create_index(
        "ix_reports_waiting",
        "reports",
        ["organisation_id", "waits_for"],
        postgresql_where=sa.text("waits_for is not null"),
        sqlite_where=sa.text("waits_for is not null"),
    )


def _make_revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("tags", _json(), nullable=False),
        sa.Column("lenses", _json(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_revisions_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_revisions_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "suggestion_id", "version", name="pk_revisions"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("earlier_tries", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("withheld_id", sa.Uuid(), nullable=True),
        sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "event_id"],
            ["events.organisation_id", "events.id"],
            name="fk_deliveries_organisation_id_event_id",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "subscription_id"],
            ["subscriptions.organisation_id", "subscriptions.id"],
            name="fk_deliveries_organisation_id_subscription_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_deliveries_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "subscription_id", "sequence", name="pk_deliveries"),
        sa.UniqueConstraint("organisation_id", "id", name="uq_deliveries_organisation_id_id"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["organisation_id", "subscription_id", "due_at", "sequence"],
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["organisation_id", "subscription_id", "suggestion_id", "sequence"],
        postgresql_where=sa.text("state in ('pending', 'sending')"),
        sqlite_where=sa.text("state in ('pending', 'sending')"),
    )
    op.create_index("ix_deliveries_event", "deliveries", ["organisation_id", "event_id"])
    op.create_index(
        "ix_deliveries_sending",
        "deliveries",
        ["organisation_id", "subscription_id", "lease_until"],
        postgresql_where=sa.text("state = 'sending'"),
        sqlite_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["organisation_id", "subscription_id", "state", "sequence"])


def _make_feed() -> None:
    op.create_table(
        "feed",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "event_id"],
            ["events.organisation_id", "events.id"],
            name="fk_feed_organisation_id_event_id",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "suggestion_id"],
            ["suggestions.organisation_id", "suggestions.id"],
            name="fk_feed_organisation_id_suggestion_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_feed_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "position", name="pk_feed"),
    )
    op.create_index("ix_feed_event", "feed", ["organisation_id", "event_id"])


def _make_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("error", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "delivery_id"],
            ["deliveries.organisation_id", "deliveries.id"],
            name="fk_attempts_organisation_id_delivery_id",
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_attempts_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", "delivery_id", "number", name="pk_attempts"),
    )
