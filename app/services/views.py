"""The shapes in which suggestions, promises and events are shown: those of the HTTP contract."""

from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from app.domain.texts import Author
from app.domain.vocabulary import (
    Anonymity,
    BenefitType,
    Choice,
    Group,
    Lens,
    Outcome,
    ParticipationLevel,
    Period,
    Progress,
    Reason,
    State,
)
from app.kit.shapes import Day, Instant, Shape


class StewardView(Shape):
    """The named person who owes the author an answer."""

    ref: str
    name: str


class VoteView(Shape):
    """A vote on a decision. `member` is null until the suggestion is closed."""

    group: Group
    choice: Choice
    member: str | None


class ReferralView(Shape):
    """Who can decide what the organisation cannot."""

    body: str
    contact: str


class DecisionView(Shape):
    """The decision that stands."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rationale: str
    participation_level: ParticipationLevel
    votes: tuple[VoteView, ...]
    override_reason: str | None
    revisit_on: Day | None
    refer_to: ReferralView | None
    decided_at: Instant


class LeadView(Shape):
    """Who leads the delivery of a yes."""

    ref: str
    group: Group


class CommitmentView(Shape):
    """What was promised with a yes. `sites` are ids."""

    owner: str
    due_on: Day
    sites: tuple[UUID, ...]
    lead: LeadView | None


class PromiseView(Shape):
    """A promise that is owed to every author, and how it stands. `due_at` is the end of its last day in London."""

    promise: Literal["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"]
    state: Literal["running", "paused", "kept", "broken", "void"]
    due_at: Instant | None


class BenefitView(Shape):
    """A benefit that was measured: claimed, and verified where `verified_by` names somebody."""

    report_id: UUID
    benefit_type: BenefitType
    measure: str
    baseline: float
    value: float
    unit: str
    period: Period
    method: str
    verified_by: str | None


class SuggestionView(Shape):
    """A suggestion. `author` is null unless it may be shown; `allowed_acts` fit now, whatever scopes the key has."""

    id: UUID
    external_id: str | None
    title: str | None
    text: str | None
    site: UUID | None
    group: Group
    anonymity: Anonymity
    author: Author | None
    co_authors: tuple[Author, ...]
    lenses: tuple[Lens, ...]
    tags: tuple[str, ...]
    language: str | None
    state: State
    progress: Progress | None
    outcome: Outcome | None
    steward: StewardView | None
    decision: DecisionView | None
    commitment: CommitmentView | None
    merged_into: UUID | None
    flags: tuple[Literal["ahead_of_decision", "generalised", "contact_details", "erased"], ...]
    promises: tuple[PromiseView, ...]
    benefits: tuple[BenefitView, ...]
    supporters: int
    captured_at: Instant | None
    received_at: Instant
    updated_at: Instant
    version: int
    allowed_acts: tuple[str, ...]


class ReceiptCode(Shape):
    """The code that opens the author's view without an account."""

    code: str


class AdviceView(Shape):
    """How far anonymity can be promised at this site."""

    code: Literal["possible", "generalised", "cannot_be_promised", "unknown"]
    text: str


class SignpostView(Shape):
    """Where else the author can turn to."""

    code: str
    title: str
    text: str
    contact: str


class SimilarView(Shape):
    """A suggestion that may ask for the same."""

    id: UUID
    title: str | None
    state: State
    score: float


class SubmittedView(SuggestionView):
    """A new suggestion with what its author is given. `receipt` is null where it may no longer be answered."""

    receipt: ReceiptCode | None
    anonymity_advice: AdviceView | None
    signposts: tuple[SignpostView, ...]
    similar: tuple[SimilarView, ...]


class EventView(Shape):
    """A fact that was recorded. `data` holds codes, numbers and dates; in a timeline, what was said, too."""

    id: UUID
    type: str
    timestamp: Instant
    data: dict[str, JsonValue]


class ActedView(Shape):
    """The event of an act, and the suggestion after it."""

    event: EventView
    suggestion: SuggestionView
