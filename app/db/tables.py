"""Tables: columns, constraints, indexes. The organisation leads every key; ids are unique per organisation only.

What rules read together with a suggestion (panel, votes, question, decision, marks) is one JSON column, `case`, beside
the columns that lists filter by. What is read alone has rows of its own.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Sequence,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CODE = String(64)
WORD = String(32)
REF = Text()
"""A name, a reference, a code of the caller's: its length is judged without what is invisible at its ends."""


class InstantColumn(TypeDecorator[datetime]):
    """An instant in UTC on both databases; SQLite keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the interface's
        """Refuses an instant without an offset, which would be read differently on each database."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the interface's
        """UTC, whatever the session's time zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def json_column() -> JSON:
    """JSON on SQLite, JSONB on PostgreSQL."""
    return JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """All tables, with named constraints so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 -- declared by the framework as a plain attribute
        datetime: InstantColumn(),
        date: Date(),
        dict[str, Any]: json_column(),
        list[Any]: json_column(),
        bytes: LargeBinary(),
        float: Float(),
        bool: Boolean(),
        UUID: Uuid(),
    }


class OfOrganisation:
    """Rows of one organisation: the tenant scope stands on the first column of every key."""

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True, sort_order=-2)


class OfSuggestion(OfOrganisation):
    """Rows that are seen when their suggestion is seen."""

    suggestion_id: Mapped[UUID | None] = mapped_column(Uuid)


RECORDED = Sequence("recorded_number", metadata=Base.metadata)
"""The order of recording of events and reports on PostgreSQL. SQLite has one writer, who counts on."""


# ── outside the tenancy: no content of an organisation ──


class Installation(Base):
    """One row: which server secret this database belongs to."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret_fingerprint: Mapped[str] = mapped_column(CODE)


class Organisation(Base):
    """A tenant."""

    __tablename__ = "organisations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(CODE, unique=True)
    name: Mapped[str] = mapped_column(REF)
    kind: Mapped[str] = mapped_column(WORD)
    nation: Mapped[str] = mapped_column(WORD)
    policy: Mapped[dict[str, Any]]
    version: Mapped[int]
    feed_position: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class Credential(Base):
    """The hash of a key, a receipt code or a source's id, and whose it is."""

    __tablename__ = "credentials"
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(WORD)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    subject_id: Mapped[UUID]
    expires_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_credentials_subject", "organisation_id", "subject_id"),)


class Agenda(Base):
    """What time must look at: an event to fan out, a subscription with something due, a suggestion that wakes up.

    `due_at` is in seconds since 1970; for an event, its number, as events are fanned out in the order of recording.
    """

    __tablename__ = "agenda"
    kind: Mapped[str] = mapped_column(WORD, primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    subject: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[float]
    last_served: Mapped[float]
    __table_args__ = (
        Index("ix_agenda_due", "kind", "due_at"),
        Index("ix_agenda_served", "kind", "last_served", "due_at"),
    )


# ── organisations, keys, sites ──


class Site(OfOrganisation, Base):
    """A place or team."""

    __tablename__ = "sites"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(REF)
    name: Mapped[str] = mapped_column(REF)
    service_type: Mapped[str | None] = mapped_column(REF)
    identifiers: Mapped[list[Any]]
    successor_of: Mapped[UUID | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("organisation_id", "code"),)


class ApiKey(OfOrganisation, Base):
    """A key's rights. The key itself stands nowhere; its hash is a credential."""

    __tablename__ = "api_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(REF)
    scopes: Mapped[list[Any]]
    sites: Mapped[list[Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]


# ── suggestions ──


class Suggestion(OfOrganisation, Base):
    """One proposed improvement.

    `seq` is its place by the time of receipt: the milliseconds, followed by 20 random bits.
    """

    __tablename__ = "suggestions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(WORD)
    hidden: Mapped[str | None] = mapped_column(WORD)
    generalised: Mapped[bool]
    progress: Mapped[str | None] = mapped_column(WORD)
    outcome: Mapped[str | None] = mapped_column(WORD)
    group: Mapped[str] = mapped_column(WORD)
    anonymity: Mapped[str] = mapped_column(WORD)
    site_id: Mapped[UUID | None]
    steward_ref: Mapped[str | None] = mapped_column(REF)
    merged_into: Mapped[UUID | None]
    title: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(CODE)
    tags: Mapped[list[Any]]
    lenses: Mapped[list[Any]]
    author: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    co_authors: Mapped[list[Any]]
    own_employment: Mapped[bool]
    system: Mapped[str] = mapped_column(REF)
    external_id: Mapped[str | None] = mapped_column(REF)
    external_hash: Mapped[bytes | None]
    content_hash: Mapped[bytes]
    receipt_key: Mapped[str] = mapped_column(CODE)
    contact_details: Mapped[bool]
    supporters: Mapped[int]
    promise_due_at: Mapped[datetime | None]
    promise_broken: Mapped[bool]
    captured_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    case: Mapped[dict[str, Any]]
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "site_id"], ["sites.organisation_id", "sites.id"]),
        UniqueConstraint("organisation_id", "seq"),
        UniqueConstraint("organisation_id", "system", "external_hash"),
        Index("ix_suggestions_state", "organisation_id", "state", "seq"),
        Index("ix_suggestions_site", "organisation_id", "site_id", "seq"),
        Index("ix_suggestions_updated", "organisation_id", "updated_at", "id"),
        Index("ix_suggestions_external", "organisation_id", "external_hash"),
    )


class Label(OfSuggestion, Base):
    """A tag or lens of a suggestion, for the filters of lists."""

    __tablename__ = "labels"
    suggestion_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(WORD, primary_key=True)
    value: Mapped[str] = mapped_column(REF, primary_key=True)
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"]),
        Index("ix_labels_value", "organisation_id", "kind", "value", "suggestion_id"),
    )


class Revision(OfSuggestion, Base):
    """An older wording of a suggestion, kept for audit: what stood there until `version`."""

    __tablename__ = "revisions"
    suggestion_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[Any]]
    lenses: Mapped[list[Any]]
    replaced_at: Mapped[datetime]
    system: Mapped[str] = mapped_column(REF)
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"]),
    )


class Event(OfSuggestion, Base):
    """A fact recorded here: the row from which history, feed, deliveries and metrics are read.

    `number` is the order of recording. `thin` are the bytes of the event as it is told to everybody who may know of it:
    a whole JSON object. `body` is what was said, erasable.
    """

    __tablename__ = "events"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(CODE)
    version: Mapped[int]
    timestamp: Mapped[datetime]
    occurred_at: Mapped[datetime]
    thin: Mapped[bytes]
    body: Mapped[dict[str, Any]]
    actor_ref: Mapped[str | None] = mapped_column(REF)
    by_author: Mapped[bool]
    caused_by_system: Mapped[str | None] = mapped_column(REF)
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"]),
        UniqueConstraint("organisation_id", "number"),
        Index("ix_events_of_suggestion", "organisation_id", "suggestion_id", "number"),
    )


class FeedEntry(OfSuggestion, Base):
    """An event's place in the organisation's feed, given by the fan-out. After `clear` it may stand there again."""

    __tablename__ = "feed"
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(CODE)
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "event_id"], ["events.organisation_id", "events.id"]),
        ForeignKeyConstraint(["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"]),
        Index("ix_feed_event", "organisation_id", "event_id"),
    )


# ── reports in ──


class Source(OfOrganisation, Base):
    """A system that may report by signed webhook. `secrets`: the sealed ones, newest first, with their instants."""

    __tablename__ = "sources"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(REF)
    scheme: Mapped[str] = mapped_column(WORD)
    system: Mapped[str | None] = mapped_column(REF)
    sites: Mapped[list[Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    settings: Mapped[dict[str, Any]]
    secrets: Mapped[list[Any]]
    version: Mapped[int]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class InboundCall(OfOrganisation, Base):
    """What arrived at a source, as bytes: stored before anything in it is believed but its signature."""

    __tablename__ = "inbound_calls"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID]
    webhook_id: Mapped[str] = mapped_column(REF)
    raw_hash: Mapped[bytes]
    raw: Mapped[bytes]
    received_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "source_id"], ["sources.organisation_id", "sources.id"]),
        UniqueConstraint("organisation_id", "source_id", "webhook_id", "raw_hash"),
    )


class WebhookId(OfOrganisation, Base):
    """A webhook id that a source has used up, with the canonical hash of its body and the answer that was given."""

    __tablename__ = "webhook_ids"
    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(REF, primary_key=True)
    body_hash: Mapped[bytes]
    answer_status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "source_id"], ["sources.organisation_id", "sources.id"]),
    )


class Report(OfSuggestion, Base):
    """An outcome report. `suggestion_id` is the one that it named, also when that is merged; None while unknown.

    `origin` says who it comes from ("source:<id>" or "system:<name>"); `claimed_key` is the sender's report id for the
    first complete report under it, None for what came under a used one or cannot be read. `waits_for` is the id, or the
    hash of the external id, of a suggestion that is not here yet: the report is tried again when it is.
    """

    __tablename__ = "reports"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(REF)
    source_id: Mapped[UUID | None]
    system: Mapped[str | None] = mapped_column(REF)
    report_key: Mapped[str] = mapped_column(REF)
    claimed_key: Mapped[str | None] = mapped_column(REF)
    type: Mapped[str] = mapped_column(REF)
    status: Mapped[str] = mapped_column(WORD)
    reason: Mapped[str | None] = mapped_column(WORD)
    site_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    digest: Mapped[bytes]
    data: Mapped[dict[str, Any]]
    call_id: Mapped[UUID | None]
    struck_out_by: Mapped[UUID | None]
    waits_for: Mapped[bytes | None]
    version: Mapped[int]
    joined: Mapped[bool]
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"]),
        ForeignKeyConstraint(["organisation_id", "source_id"], ["sources.organisation_id", "sources.id"]),
        ForeignKeyConstraint(["organisation_id", "call_id"], ["inbound_calls.organisation_id", "inbound_calls.id"]),
        UniqueConstraint("organisation_id", "origin", "claimed_key"),
        UniqueConstraint("organisation_id", "number"),
        Index("ix_reports_of_suggestion", "organisation_id", "suggestion_id", "number"),
        Index("ix_reports_of_source", "organisation_id", "source_id", "number"),
        Index("ix_reports_status", "organisation_id", "status", "number"),
        Index(
            "ix_reports_call",
            "organisation_id",
            "call_id",
            postgresql_where=text("call_id is not null"),
            sqlite_where=text("call_id is not null"),
        ),
        Index(
            "ix_reports_waiting",
            "organisation_id",
            "waits_for",
            postgresql_where=text("waits_for is not null"),
            sqlite_where=text("waits_for is not null"),
        ),
    )


# ── events out ──


class Subscription(OfOrganisation, Base):
    """An address that wants events, with what the key that made it may see.

    It hears of events from the number `heard_from` on; `sequence` is the last place that was given to one.
    """

    __tablename__ = "subscriptions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    event_types: Mapped[list[Any]]
    payload: Mapped[str] = mapped_column(WORD)
    ordering: Mapped[str] = mapped_column(WORD)
    max_in_flight: Mapped[int]
    notifies_authors: Mapped[bool]
    skip_own: Mapped[bool]
    headers: Mapped[dict[str, Any]]
    description: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(WORD)
    paused_because: Mapped[str | None] = mapped_column(WORD)
    secrets: Mapped[list[Any]]
    key_id: Mapped[UUID]
    system: Mapped[str] = mapped_column(REF)
    scopes: Mapped[list[Any]]
    sites: Mapped[list[Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    sequence: Mapped[int] = mapped_column(BigInteger)
    heard_from: Mapped[int] = mapped_column(BigInteger)
    answered_well: Mapped[bool]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int]
    not_before: Mapped[float]
    version: Mapped[int]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_subscriptions_key", "organisation_id", "key_id"),)


class Delivery(OfOrganisation, Base):
    """One event to one subscription, under its `sequence`.

    `tries` counts from the last time that it was to be sent from the beginning, `earlier_tries` what was before that.
    `withheld_id` is the id of what took the event's place for good, because it was hidden.
    """

    __tablename__ = "deliveries"
    subscription_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID]
    event_id: Mapped[UUID]
    suggestion_id: Mapped[UUID | None]
    event_type: Mapped[str] = mapped_column(CODE)
    state: Mapped[str] = mapped_column(WORD)
    due_at: Mapped[float]
    tries: Mapped[int]
    earlier_tries: Mapped[int]
    lease: Mapped[UUID | None]
    lease_until: Mapped[float | None]
    withheld_id: Mapped[UUID | None]
    withheld_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "subscription_id"], ["subscriptions.organisation_id", "subscriptions.id"]
        ),
        ForeignKeyConstraint(["organisation_id", "event_id"], ["events.organisation_id", "events.id"]),
        UniqueConstraint("organisation_id", "id"),
        Index(
            "ix_deliveries_due",
            "organisation_id",
            "subscription_id",
            "due_at",
            "sequence",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index(
            "ix_deliveries_sending",
            "organisation_id",
            "subscription_id",
            "lease_until",
            postgresql_where=text("state = 'sending'"),
            sqlite_where=text("state = 'sending'"),
        ),
        Index(
            "ix_deliveries_open",
            "organisation_id",
            "subscription_id",
            "suggestion_id",
            "sequence",
            postgresql_where=text("state in ('pending', 'sending')"),
            sqlite_where=text("state in ('pending', 'sending')"),
        ),
        Index("ix_deliveries_event", "organisation_id", "event_id"),
        Index("ix_deliveries_state", "organisation_id", "subscription_id", "state", "sequence"),
    )


class Attempt(OfOrganisation, Base):
    """One try of a delivery, and what came of it."""

    __tablename__ = "attempts"
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    status: Mapped[int | None]
    milliseconds: Mapped[int]
    address: Mapped[str | None] = mapped_column(CODE)
    error: Mapped[str | None] = mapped_column(WORD)
    answer: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "delivery_id"], ["deliveries.organisation_id", "deliveries.id"]),
    )


# ── requests ──


class Idempotency(OfOrganisation, Base):
    """A request that had its effect: what makes it the same, and the ids from which its answer is made again."""

    __tablename__ = "idempotency"
    system: Mapped[str] = mapped_column(REF, primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes]
    answer_status: Mapped[int]
    ids: Mapped[list[Any]]
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_idempotency_created", "organisation_id", "created_at"),)
