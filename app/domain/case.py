"""The case of a suggestion as the rules see it: what it keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID

from pydantic import JsonValue

from app.domain.texts import Steward
from app.domain.vocabulary import (
    Anonymity,
    Choice,
    Group,
    Happened,
    Hidden,
    Outcome,
    ParticipationLevel,
    Progress,
    Reason,
    Seen,
    State,
    SupportKind,
    SupportResult,
)


@dataclass(frozen=True)
class Question:
    """An open question to the author."""

    text: str
    asked_at: datetime
    event_id: UUID


@dataclass(frozen=True)
class Span:
    """A time in which a clock stood still; `until` is None while it lasts."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class PanelMember:
    """A member of the panel."""

    ref: str
    group: Group


@dataclass(frozen=True)
class ConflictOfInterest:
    """A declared interest: the person's vote is shown and does not count."""

    ref: str
    what: str


@dataclass(frozen=True)
class Ballot:
    """The last vote of one member of the panel."""

    ref: str
    group: Group
    choice: Choice


@dataclass(frozen=True)
class ReferTo:
    """Who can decide what we cannot."""

    body: str
    contact: str


@dataclass(frozen=True)
class Lead:
    """Who leads the delivery of a yes."""

    ref: str
    group: Group


@dataclass(frozen=True)
class CommitmentMade:
    """What was promised with a yes: an owner and a date, for these sites."""

    owner: str
    due_on: date
    sites: tuple[UUID, ...] = ()
    lead: Lead | None = None


@dataclass(frozen=True)
class RuleFacts:
    """What the rule of decision power saw when a decision was taken."""

    quorum: int
    care_worker_share: float
    counted_votes: int
    care_worker_votes: int
    care_workers_yes: int
    care_workers_no: int
    overridden: bool = False
    quick: bool = False


@dataclass(frozen=True)
class Decision:
    """An outcome with its reasons, as it was told."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rationale: str
    participation_level: ParticipationLevel
    decided_at: datetime
    votes: tuple[Ballot, ...] = ()
    override_reason: str | None = None
    revisit_on: date | None = None
    refer_to: ReferTo | None = None
    saw: RuleFacts | None = None
    message_id: UUID | None = None


@dataclass(frozen=True)
class Confirmation:
    """What one person of the front line sees of a claim; the last one of each person counts."""

    ref: str
    seen: Seen
    at: datetime
    site: UUID | None = None


@dataclass(frozen=True)
class Supporter:
    """One supporter: a hash of the reference, and the event that recorded it."""

    who: str
    event_id: UUID


@dataclass(frozen=True)
class Told:
    """What an author is known to have been told of the decision that stands and of the final report."""

    of_decision: bool = False
    of_final: bool = False


@dataclass(frozen=True)
class MergedOne:
    """A suggestion that lives on in this one: its supporters, and what its author was told."""

    id: UUID
    supporters: tuple[str, ...] = ()
    told: Told = Told()


@dataclass(frozen=True)
class Support:
    """A request for practical support."""

    id: UUID
    kind: SupportKind
    result: SupportResult | None = None


@dataclass(frozen=True)
class Verdict:
    """The author's last judgement of the answer."""

    did_it_happen: Happened | None
    given_at: datetime


@dataclass(frozen=True)
class Delivery:
    """What the outcome reports come to: the part of their fold that acts and rules ask for."""

    progress: Progress | None = None
    would_be: Progress | None = None
    claims_done: bool = False
    trial_has_result: bool = False
    final_report: UUID | None = None
    final_received_at: datetime | None = None
    final_after_messages: int = 0
    final_measured: bool = False
    stopped_at: datetime | None = None
    conflict_since: datetime | None = None
    benefits: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Case:
    """One suggestion as the rules see it: stored whole.

    Every field but the first has a default, so that old rows stay readable.
    """

    id: UUID
    state: State = State.SUBMITTED
    group: Group = Group.CARE_WORKER
    anonymity: Anonymity = Anonymity.NAMED
    received_at: datetime | None = None
    promised_days: Mapping[str, int] = field(default_factory=dict)  # where the policy of that day was tighter
    site: UUID | None = None
    what_matters_most: bool = False
    held_from: State | None = None
    asked_from: State | None = None
    merged_from: State | None = None
    held: tuple[Span, ...] = ()
    asked: tuple[Span, ...] = ()
    acknowledged_at: datetime | None = None
    decision_expected_on: date | None = None
    steward: Steward | None = None
    question: Question | None = None
    panel: tuple[PanelMember, ...] = ()
    chair: str | None = None
    conflicts_of_interest: tuple[ConflictOfInterest, ...] = ()
    votes: tuple[Ballot, ...] = ()
    earlier_chair: str | None = None
    earlier_panel: tuple[str, ...] = ()
    appealed_at: datetime | None = None
    decision: Decision | None = None
    commitment: CommitmentMade | None = None
    committed_at: datetime | None = None
    counted_votes: tuple[Ballot, ...] = ()  # those that counted when a panel last decided
    decisions: tuple[datetime, ...] = ()
    deferrals: int = 0
    deferred_at: datetime | None = None
    revisit_on: date | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None  # when it was closed last, also once it is open again
    merged_into: UUID | None = None
    merged_at: datetime | None = None
    merged_path: tuple[UUID, ...] = ()  # through which other merged ones it lives on there, the nearest first
    merged: tuple[MergedOne, ...] = ()
    messages: tuple[UUID, ...] = ()
    told: Told = Told()
    told_final_at: datetime | None = None
    read_mark: str = ""  # stands for everything that the author has read in the receipt view
    read_reports: tuple[UUID, ...] = ()  # the reports among it
    news_at: datetime | None = None
    supporters: tuple[Supporter, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    supports: tuple[Support, ...] = ()
    verdict: Verdict | None = None
    recommits: tuple[datetime, ...] = ()
    fold_since: datetime | None = None
    final_needed_after: datetime | None = None
    delivery: Delivery = Delivery()
    credit_withdrawn: bool = False
    said: tuple[str, ...] = ()
    rest: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def hidden(self) -> Hidden | None:
        """Why only the scope `safeguard` sees it."""
        if self.state in (State.HELD, State.REDIRECTED):
            return Hidden(self.state.value)
        return None

    @property
    def decided_yes(self) -> bool:
        """Whether the decision that stands is a yes."""
        return self.decision is not None and self.decision.outcome.is_yes

    @property
    def appeal_is_open(self) -> bool:
        """Whether an appeal waits for its decision."""
        return self.appealed_at is not None and not any(at > self.appealed_at for at in self.decisions)

    @property
    def flags(self) -> tuple[str, ...]:
        """`ahead_of_decision`: the reports already say yes, and no decision stands."""
        ahead = self.decision is None and self.delivery.would_be not in (None, Progress.STOPPED)
        return ("ahead_of_decision",) if ahead else ()

    def last_by_others(self) -> datetime:
        """The latest instant that is kept of what others than the author did."""
        instants = (
            self.received_at,
            self.acknowledged_at,
            self.merged_at,
            self.committed_at,
            self.delivery.final_received_at,
            self.delivery.stopped_at,
            *self.decisions[-1:],
            *(span.since for span in (*self.asked[-1:], *self.held[-1:])),
        )
        return max((instant for instant in instants if instant is not None), default=datetime.min.replace(tzinfo=UTC))

    def committed_sites(self) -> tuple[UUID, ...]:
        """The sites for which a yes was promised; without any, the whole organisation counts as one place."""
        return self.commitment.sites if self.commitment else ()

    def all_supporters(self) -> frozenset[str]:
        """Everybody who supports this or what was merged into it, each counted once."""
        return frozenset(one.who for one in self.supporters).union(*(one.supporters for one in self.merged))

    def returned(self, now: datetime) -> Self:
        """The case without its decision, back among the acknowledged ones: after an appeal, a reopening, a revisit."""
        return replace(
            self,
            state=State.ACKNOWLEDGED,
            earlier_chair=self.chair,
            earlier_panel=tuple(member.ref for member in self.panel),
            panel=(),
            chair=None,
            conflicts_of_interest=(),
            votes=(),
            decision=None,
            commitment=None,
            told=Told(),
            merged=tuple(replace(one, told=Told()) for one in self.merged),
            committed_at=None,
            returned_at=now if self.state is State.DEFERRED else self.returned_at,
            news_at=now,
            fold_since=now,
            final_needed_after=None,
        )
