"""The state diagram shows no arrow that no suggestion can go, and leaves none out."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from app.domain.acts.author import GiveVerdict, Withdraw
from app.domain.acts.review import Commitment, Decide, Referral
from app.domain.case import Ballot, Case, Decision, Delivery, PanelMember
from app.domain.errors import QuorumNotMet
from app.domain.lifecycle import ACTS, Act, Moment
from app.domain.policy import Rules
from app.domain.texts import Actor, MessageToAuthor, Steward
from app.domain.vocabulary import (
    Choice,
    FeedbackMode,
    Group,
    Happened,
    Outcome,
    ParticipationLevel,
    Progress,
    Reason,
    State,
)
from docs.generate import NARROWER, Edge, edges, state_diagram

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
ID = UUID("0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05")
REFS = ("cw-1", "cw-2", "mgr-3")
GROUPS = (Group.CARE_WORKER, Group.CARE_WORKER, Group.MANAGER)
YES = Decision(Outcome.TRIAL, (), "-", ParticipationLevel.CO_DESIGN, NOW)
MOMENT = Moment(now=NOW, event_id=ID, rules=Rules(), actor=Actor(ref="mgr-9", group=Group.MANAGER))


def case_in(state: State) -> Case:
    """A suggestion in this state, in which everything is there that the acts here ask for."""
    case = Case(
        ID,
        state=state,
        steward=Steward(ref="mgr-9", name="Sam Hollis"),
        panel=tuple(PanelMember(ref, group) for ref, group in zip(REFS, GROUPS, strict=True)),
        chair="mgr-9",
        votes=tuple(Ballot(ref, group, Choice.ABSTAIN) for ref, group in zip(REFS, GROUPS, strict=True)),
    )
    if state in (State.DELIVERING, State.CLOSED):
        case = replace(case, decision=YES, delivery=Delivery(Progress.TRIAL_DONE, trial_has_result=True))
    return case


def decisions() -> Iterator[Decide]:
    """A complete decision of each outcome."""
    for outcome in Outcome:
        yield Decide(
            outcome=outcome,
            reasons=(Reason.TIMING,),
            rationale="x" * 80,
            message=MessageToAuthor(text="-", summary="-", feedback_mode=FeedbackMode("D")),
            participation_level=ParticipationLevel.CO_DESIGN,
            commitment=Commitment(owner="coord-2", due_on=date(2027, 1, 1)),
            revisit_on=date(2027, 1, 1),
            refer_to=Referral(body="The council", contact="01768 000000"),
        )


def scores(did_it_happen: Happened) -> GiveVerdict:
    return GiveVerdict(heard=5, respected=5, same_rules=5, clear_reason=5, made_better=5, did_it_happen=did_it_happen)


ALL_WAYS: dict[str, tuple[Act, ...]] = {
    "decide": tuple(decisions()),
    "give_verdict": tuple(scores(happened) for happened in Happened),
    "withdraw": (Withdraw(),),
}


@pytest.mark.parametrize("name", sorted(NARROWER))
def test_the_narrower_acts_lead_exactly_where_the_diagram_says(name: str) -> None:
    gone: set[Edge] = set()
    for state in ACTS[name].transition.leaves:
        for act in ALL_WAYS[name]:
            with suppress(QuorumNotMet):  # Without a review, every outcome but a quick yes needs votes.
                before = case_in(state)
                if act.fits(before, NOW):
                    gone.add((state, act.performed_on(before, MOMENT).state))
    assert {edge for edge in gone if edge[0] is not edge[1]} == NARROWER[name]


def test_every_act_that_moves_is_drawn() -> None:
    drawn = state_diagram()
    moving = {name for names in edges().values() for name in names}
    assert {name for name in moving if name not in drawn} == set()


def test_every_state_is_drawn() -> None:
    drawn = state_diagram()
    assert {state for state in State if f" {state}" not in drawn} == set()
