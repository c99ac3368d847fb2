"""The case of a suggestion as the rules see it, and what an act is. The acts themselves are the state table.

An act is one class: its fields are the request body, its docstring the text of the API, its class arguments the row of
the state table. Route, operation id, `allowed_acts`, refusals, the diagram and the tests' table are derived from it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, Unpack
from uuid import UUID

from pydantic import ConfigDict, JsonValue

from app.domain.errors import ActNotAllowed
from app.domain.policy import Rules
from app.domain.texts import Actor, Steward
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
    Scope,
    Seen,
    State,
    SupportKind,
    SupportResult,
)
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Shape

T = TypeVar("T")
OneOrMore: TypeAlias = T | tuple[T, ...]

ENDS = frozenset({State.REDIRECTED, State.WITHDRAWN})
VISIBLE_ALIVE = frozenset(State) - {State.HELD, State.REDIRECTED, State.WITHDRAWN}


class Bearer(StrEnum):
    """Who may do an act without an API key's scope."""

    RECEIPT = "receipt"  # the bearer of a receipt: the author
    SYSTEM = "system"  # a rule of this service: no route


RECEIPT, SYSTEM = Bearer.RECEIPT, Bearer.SYSTEM
AnyScope = Scope | Bearer


# ── what a case keeps ──


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
    """One suggestion as the rules see it: stored whole. Every field but the first has a default, so old rows stay readable."""

    id: UUID
    state: State = State.SUBMITTED
    group: Group = Group.CARE_WORKER
    anonymity: Anonymity = Anonymity.NAMED
    received_at: datetime | None = None
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
    decisions: tuple[datetime, ...] = ()
    deferrals: int = 0
    deferred_at: datetime | None = None
    revisit_on: date | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None
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


# ── what an act is ──


@dataclass(frozen=True)
class Moment:
    """What surrounds an act: who acts, when, under which rules, the other cases it touches, and the event's id.

    `supporter` is the hash under which an endorsement is counted; `sites` the ids of the sites that the act names.
    """

    now: datetime
    event_id: UUID
    rules: Rules
    actor: Actor | None = None
    by_receipt: bool = False
    others: Mapping[UUID, Case] = field(default_factory=dict)
    sites: Mapping[str, UUID] = field(default_factory=dict)
    supporter: str = ""


@dataclass(frozen=True)
class Transition:
    """One row of the state table.

    `enters` is empty where the state stays; with several, the act's own rule chooses. `events` are the public types
    (with several, the act chooses). `shows` names the fields that a thin delivery may carry. `by_author`: what the
    author does.
    """

    name: str
    scopes: frozenset[AnyScope]
    leaves: frozenset[State]
    enters: frozenset[State]
    events: tuple[str, ...]
    shows: frozenset[str]
    by_author: bool

    @property
    def key_scopes(self) -> frozenset[Scope]:
        """The scopes of API keys, any of which is enough."""
        return frozenset(scope for scope in self.scopes if isinstance(scope, Scope))


class Act(Shape):
    """Something done to a suggestion."""

    transition: ClassVar[Transition]

    def __init_subclass__(
        cls,
        *,
        scope: OneOrMore[AnyScope] = (),
        leaves: OneOrMore[State] | frozenset[State] = (),
        enters: OneOrMore[State] | frozenset[State] = (),
        event: OneOrMore[str] = (),
        shows: OneOrMore[str] = (),
        by_author: bool = False,
        **config: Unpack[ConfigDict],
    ) -> None:
        """Registers the act. A request model that is derived from an act gives no `scope` and is no other act."""
        super().__init_subclass__(**config)
        if scope == ():
            return
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if name in ACTS or not cls.__doc__:
            raise TypeError(f"act {name}: a second one, or without the docstring that is its API text")
        events = _many(event) or (f"suggestion.{name}",)
        cls.transition = Transition(
            name,
            frozenset(_many(scope)),
            frozenset(_many(leaves)),
            frozenset(_many(enters)),
            events,
            frozenset(_many(shows)),
            by_author,
        )
        ACTS[name] = cls

    @classmethod
    def fits(cls, case: Case, now: datetime) -> bool:  # noqa: ARG003 -- acts with days of their own ask for it
        """Whether the act is open now: `allowed_acts` and the refusal ask the same."""
        return case.state in cls.transition.leaves

    def others(self, case: Case) -> tuple[UUID, ...]:  # noqa: ARG002 -- see the acts that touch others
        """Other suggestions that it touches: they are loaded and locked, too."""
        return ()

    def names_suggestions(self) -> tuple[UUID, ...]:
        """Those of `others` that the body names: the caller must be able to see them."""
        return ()

    def names_sites(self) -> tuple[tuple[str, str], ...]:
        """Sites that the body names, each with its JSON pointer; the service looks them up."""
        return ()

    def first_event(self, case: Case, at: Moment) -> UUID | None:  # noqa: ARG002 -- see `Endorse`
        """The event that has already recorded this very act, where a repetition is without effect."""
        return None

    def apply(self, case: Case, at: Moment) -> Case:  # noqa: ARG002 -- an act without a rule changes nothing
        """The case afterwards, or a refusal. Pure."""
        return case

    def ripple(self, other: Case, before: Case, after: Case, at: Moment) -> Case:  # noqa: ARG002
        """What the act does to one of `others`."""
        return other

    def event_type(self) -> str:
        """The public type of the event that it writes."""
        return self.transition.events[0]

    def writes_message(self) -> bool:
        """Whether it writes a message to the author, whose id is then that of the event."""
        return getattr(self, "message", None) is not None

    def facts(self, after: Case, at: Moment) -> dict[str, JsonValue]:  # noqa: ARG002
        """Codes, numbers and dates that a thin event may carry, as `shows` lists them."""
        dumped = self.model_dump(mode="json", include=set(self.transition.shows))
        return {name: value for name, value in dumped.items() if value is not None}

    def performed_on(self, case: Case, at: Moment) -> Case:
        """Whether it fits, then the act's own rule, then the state it enters. Raises ActNotAllowed and what the rule raises."""
        if not self.fits(case, at.now):
            raise ActNotAllowed(state=case.state.value, allowed_acts=allowed_acts(case, at.now))
        after = self.apply(case, at)
        if len(self.transition.enters) == 1:
            after = replace(after, state=min(self.transition.enters))
        if after.state not in (self.transition.enters or {case.state}):
            raise AssertionError(f"{self.transition.name} may not enter {after.state}")
        if after.state is not case.state:
            gone = after.state in ENDS or after.state is State.MERGED
            after = replace(after, ended_at=at.now if gone else None)
        if self.writes_message():
            after = replace(after, messages=(*after.messages, at.event_id), news_at=at.now)
        return after


ACTS: dict[str, type[Act]] = {}


def allowed_acts(case: Case, now: datetime) -> list[str]:
    """The acts that fit the case now, whatever scopes a caller has; the rules' own acts are left out."""
    return sorted(name for name, act in ACTS.items() if act.transition.scopes != {SYSTEM} and act.fits(case, now))


def _many(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- one or several of whatever the class argument takes
    if isinstance(value, tuple | frozenset):
        return tuple(value)
    return (value,)


def named_site(at: Moment, pointer: str, name: str) -> UUID:
    """The id of a site that the act names. Raises Invalid where there is no such site."""
    found = at.sites.get(name)
    if found is None:
        raise Invalid(Fault(pointer, "not_found", "Your organisation has no site with this id or code."))
    return found


def in_days(now: datetime, since: Iterable[datetime | None], days: int) -> bool:
    """Whether the latest of the instants is at most so many days ago."""
    latest = max((instant for instant in since if instant is not None), default=None)
    return latest is not None and (now - latest).total_seconds() <= days * 86_400
