"""Decision power: whose votes a decision needs, who may take it, and when it needs a reason to be overridden.

Every outcome but `adopt` and `trial` needs a panel. Of the votes that count (those of members without a declared
conflict of interest; an abstention counts as a vote cast) there must be as many as the quorum says, and care workers
must hold their share of them. A suggestion about what matters most to people needs the vote of somebody with lived
experience or of family. The one who decides may not be the only voter. Organisations that support individual employers
need instead the vote of one care worker (the personal assistant), and for a yes a `yes`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.domain.case import Ballot, Case, RuleFacts
from app.domain.days import local_day, same_date_next_year
from app.domain.errors import QuorumNotMet
from app.domain.lifecycle import Moment
from app.domain.vocabulary import Choice, Group, OrganisationKind, Outcome, State
from app.kit.refusals import Fault, Invalid

MAX_DEFERRALS = 2
VOICES = (Group.LIVED_EXPERIENCE, Group.FAMILY_OR_FRIEND)


class Proposal(Protocol):
    """What the rule needs to know of a decision that is to be taken."""

    @property
    def outcome(self) -> Outcome: ...  # noqa: D102 -- named by itself
    @property
    def override_reason(self) -> str | None: ...  # noqa: D102 -- named by itself


@dataclass(frozen=True)
class Seat:
    """Votes that are missing, of any of these groups."""

    groups: tuple[Group, ...]
    count: int
    detail: str

    def shown(self) -> dict[str, object]:
        """As it stands in the answer."""
        return {"groups": [group.value for group in self.groups], "count": self.count, "detail": self.detail}


def counted(case: Case) -> tuple[Ballot, ...]:
    """The votes that count: without those of members who declared an interest."""
    interested = {conflict.ref for conflict in case.conflicts_of_interest}
    return tuple(vote for vote in case.votes if vote.ref not in interested)


def check(case: Case, proposal: Proposal, at: Moment) -> RuleFacts:
    """What the rule saw. Raises QuorumNotMet, then Invalid at `/actor/ref`, `/outcome` and `/override_reason`."""
    in_review = case.state is State.UNDER_REVIEW
    votes = counted(case) if in_review else ()
    if missing := missing_seats(case, proposal.outcome, votes, at, in_review=in_review):
        raise QuorumNotMet([seat.shown() for seat in missing])
    _check_decider(case, at, in_review=in_review)
    if proposal.outcome is Outcome.DEFER and case.deferrals >= MAX_DEFERRALS:
        raise Invalid(Fault("/outcome", "not_allowed", "It was deferred twice already. Give it an answer now."))
    care = [vote for vote in votes if vote.group is Group.CARE_WORKER]
    yes, no = (sum(vote.choice is choice for vote in care) for choice in (Choice.YES, Choice.NO))
    overridden = in_review and (no > yes if proposal.outcome.is_yes else yes > no)
    if overridden and proposal.override_reason is None:
        raise Invalid(
            Fault(
                "/override_reason",
                "missing",
                "This goes against what most of the voting care workers said. Say why it is decided otherwise.",
            )
        )
    policy = at.rules.policy
    return RuleFacts(policy.quorum, policy.care_worker_share, len(votes), len(care), yes, no, overridden, not in_review)


def missing_seats(case: Case, outcome: Outcome, votes: Sequence[Ballot], at: Moment, *, in_review: bool) -> list[Seat]:
    """The votes without which this outcome cannot be decided now, each kind with the reason in plain words."""
    individual = at.rules.kind is OrganisationKind.INDIVIDUAL_EMPLOYER_SUPPORT
    if not in_review and outcome.is_quick and not individual:
        return []
    if not in_review:
        return [_panel_seat(at, individual=individual)]
    seats = _consent(outcome, votes) if individual else _quorum_and_share(votes, at)
    if case.what_matters_most and not any(vote.group in VOICES for vote in votes):
        words = "This is about what matters most to people: somebody with lived experience, or family, must vote."
        seats.append(Seat(VOICES, 1, words))
    if not seats and at.actor is not None and {vote.ref for vote in votes} <= {at.actor.ref}:
        words = "The person who decides may not be the only one who votes. At least one other member must vote."
        seats.append(Seat(tuple(Group), 1, words))
    return seats


def _panel_seat(at: Moment, *, individual: bool) -> Seat:
    if individual:
        return Seat((Group.CARE_WORKER,), 1, "This needs a review in which the care worker who is concerned votes.")
    words = "This outcome needs a panel. Start a review and let its members vote before it is decided."
    return Seat(tuple(Group), at.rules.policy.quorum, words)


def _consent(outcome: Outcome, votes: Sequence[Ballot]) -> list[Seat]:
    care = [vote for vote in votes if vote.group is Group.CARE_WORKER]
    if not care:
        return [Seat((Group.CARE_WORKER,), 1, "The care worker who is concerned must have voted.")]
    if outcome.is_yes and all(vote.choice is not Choice.YES for vote in care):
        return [
            Seat((Group.CARE_WORKER,), 1, "A yes needs the consent of the care worker who is concerned: a vote of yes.")
        ]
    return []


def _quorum_and_share(votes: Sequence[Ballot], at: Moment) -> list[Seat]:
    policy, seats = at.rules.policy, list[Seat]()
    if (lacking := policy.quorum - len(votes)) > 0:
        words = f"At least {policy.quorum} votes are needed and {len(votes)} count so far."
        seats.append(Seat(tuple(Group), lacking, words))
    care = sum(vote.group is Group.CARE_WORKER for vote in votes)
    if (lacking := _lacking_care_workers(care, len(votes), policy.care_worker_share)) > 0:
        share = f"{policy.care_worker_share:.0%}"
        words = f"Care workers must hold at least {share} of the votes and hold {care} of {len(votes)}."
        seats.append(Seat((Group.CARE_WORKER,), lacking, words))
    return seats


def _lacking_care_workers(care: int, votes: int, share: float) -> int:
    """How many more care workers must vote until they hold their share.

    With a share of 1 no number of theirs is enough while anybody else votes.
    """
    if care >= share * votes - 1e-9:
        return 0
    if share >= 1:
        return votes - care
    return math.ceil((share * votes - care) / (1 - share) - 1e-9)


def _check_decider(case: Case, at: Moment, *, in_review: bool) -> None:
    decider = case.chair if in_review else (case.steward.ref if case.steward else None)
    if at.actor is None or at.actor.ref != decider:
        words = (
            "After a review its chair decides."
            if in_review
            else "Without a review only the steward may give a quick yes."
        )
        raise Invalid(Fault("/actor/ref", "not_allowed", words))


def check_revisit(revisit_on: date, at: Moment) -> None:
    """A deferral comes back after today and at most a year later. Raises Invalid at `/revisit_on`."""
    today = local_day(at.now)
    if not today < revisit_on <= same_date_next_year(today):
        words = "The date must be after today and at most the same date next year."
        raise Invalid(Fault("/revisit_on", "out_of_range", words))
