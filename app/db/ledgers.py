"""Tables that measures read: one narrow row of milestones per suggestion, and the ledgers of what people gave and said.

They hold groups, days and numbers and no words, so that no measure ever scans the events. Rows of the ledgers are
written with the act that they record, under the id of its event.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db.tables import REF, WORD, Base, OfOrganisation, OfSuggestion

_ITS_SUGGESTION = (["organisation_id", "suggestion_id"], ["suggestions.organisation_id", "suggestions.id"])


class Milestones(OfSuggestion, Base):
    """The steps of one suggestion by their days in London, rewritten with every change. `votes`: those that count."""

    __tablename__ = "milestones"
    suggestion_id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(WORD)
    site_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(WORD)
    outcome: Mapped[str | None] = mapped_column(WORD)
    progress: Mapped[str | None] = mapped_column(WORD)
    lead_group: Mapped[str | None] = mapped_column(WORD)
    received_on: Mapped[date]
    acknowledged_on: Mapped[date | None]
    decided_on: Mapped[date | None]
    implemented_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    handed_over_on: Mapped[date | None]
    votes: Mapped[dict[str, Any]]
    overridden: Mapped[bool]
    confirmed: Mapped[int]
    not_seen: Mapped[int]
    appealed: Mapped[bool]
    __table_args__ = (
        ForeignKeyConstraint(*_ITS_SUGGESTION),
        Index("ix_milestones_received", "organisation_id", "received_on"),
    )


class TimeEntry(OfSuggestion, Base):
    """Protected time: minutes that were offered, put on the rota or used, and whether they were paid."""

    __tablename__ = "time_entries"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str | None] = mapped_column(WORD)
    minutes: Mapped[int]
    kind: Mapped[str] = mapped_column(WORD)
    paid: Mapped[bool]
    logged_on: Mapped[date]
    __table_args__ = (
        ForeignKeyConstraint(*_ITS_SUGGESTION),
        Index("ix_time_entries_logged", "organisation_id", "logged_on"),
        Index("ix_time_entries_suggestion", "organisation_id", "suggestion_id"),
    )


class SupportRequest(OfSuggestion, Base):
    """Practical support that an author asked for, and what became of it."""

    __tablename__ = "support_requests"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(WORD)
    result: Mapped[str | None] = mapped_column(WORD)
    asked_on: Mapped[date]
    settled_on: Mapped[date | None]
    __table_args__ = (
        ForeignKeyConstraint(*_ITS_SUGGESTION),
        Index("ix_support_requests_asked", "organisation_id", "asked_on"),
    )


class VerdictEntry(OfSuggestion, Base):
    """An author's judgement of the answer: of each suggestion the last one."""

    __tablename__ = "verdicts"
    suggestion_id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(WORD)
    outcome: Mapped[str] = mapped_column(WORD)
    heard: Mapped[int]
    respected: Mapped[int]
    same_rules: Mapped[int]
    clear_reason: Mapped[int]
    made_better: Mapped[int]
    did_it_happen: Mapped[str | None] = mapped_column(WORD)
    given_on: Mapped[date]
    __table_args__ = (
        ForeignKeyConstraint(*_ITS_SUGGESTION),
        Index("ix_verdicts_given", "organisation_id", "given_on"),
    )


class Benefit(OfSuggestion, Base):
    """A measured benefit that stands: value less baseline, claimed or verified. Benefits are never added up."""

    __tablename__ = "benefits"
    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    benefit_type: Mapped[str] = mapped_column(WORD)
    unit: Mapped[str] = mapped_column(REF)
    period: Mapped[str] = mapped_column(WORD)
    amount: Mapped[float]
    verified: Mapped[bool]
    measured_on: Mapped[date]
    __table_args__ = (
        ForeignKeyConstraint(*_ITS_SUGGESTION),
        Index("ix_benefits_measured", "organisation_id", "measured_on"),
        Index("ix_benefits_suggestion", "organisation_id", "suggestion_id"),
    )


class Perception(OfOrganisation, Base):
    """An answer to the questions about working together; by receipt at most one of each suggestion, the last one."""

    __tablename__ = "perceptions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(WORD)
    site_id: Mapped[UUID | None]
    better_outcomes: Mapped[int]
    made_better: Mapped[int | None]
    felt_fair: Mapped[int | None]
    given_on: Mapped[date]
    __table_args__ = (
        ForeignKeyConstraint(["organisation_id", "site_id"], ["sites.organisation_id", "sites.id"]),
        Index("ix_perceptions_given", "organisation_id", "given_on"),
    )


class Headcount(OfOrganisation, Base):
    """How many people of a group a site had on a day."""

    __tablename__ = "headcounts"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(WORD, primary_key=True)
    counted_on: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
    __table_args__ = (ForeignKeyConstraint(["organisation_id", "site_id"], ["sites.organisation_id", "sites.id"]),)
