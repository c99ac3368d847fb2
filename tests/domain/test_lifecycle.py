"""What every act has in common: whether it fits, the state it enters, the messages it writes, and the way back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.acts.author import Appeal, Unmerge, Withdraw
from app.domain.acts.review import Acknowledge, Merge, Message, Note
from app.domain.acts.safeguarding import Clear, Hold, Redirect
from app.domain.case import (
    Ballot,
    Case,
    CommitmentMade,
    ConflictOfInterest,
    Decision,
    Delivery,
    MergedOne,
    PanelMember,
    Span,
    Supporter,
    Told,
)
from app.domain.errors import ActNotAllowed
from app.domain.lifecycle import ACTS, SYSTEM, Moment, allowed_acts, in_days
from app.domain.policy import Rules
from app.domain.texts import MessageToAuthor, Steward
from app.domain.vocabulary import (
    Choice,
    FeedbackMode,
    Group,
    Hidden,
    Outcome,
    ParticipationLevel,
    Progress,
    Reason,
    Route,
    State,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EVENT = UUID(int=7)
MESSAGE = MessageToAuthor(text="Thank you.", summary="Thank you.", feedback_mode=FeedbackMode.BOUNCE_BACK)
STEWARD = Steward(ref="mgr-7", name="Sam Hollis")
NO = Decision(
    outcome=Outcome.DECLINE,
    reasons=(Reason.NO_FUNDING,),
    rationale="There is no money for it this year.",
    participation_level=ParticipationLevel.CONSULTATION,
    decided_at=NOW,
    votes=(Ballot("cw-1", Group.CARE_WORKER, Choice.NO),),
    message_id=UUID(int=3),
)


def at(days: float = 0, **others: Case) -> Moment:
    cases = {case.id: case for case in others.values()}
    return Moment(now=NOW + timedelta(days=days), event_id=EVENT, rules=Rules(), others=cases)


def case(state: State = State.SUBMITTED, **fields: object) -> Case:
    return replace(Case(id=UUID(int=1), state=state), **fields)  # type: ignore[arg-type]  # any fields of a case


# ── fitting and entering ──


def test_what_does_not_fit_is_refused_with_what_does() -> None:
    with pytest.raises(ActNotAllowed) as caught:
        Acknowledge(steward=STEWARD, message=MESSAGE, decision_expected_on=NOW.date()).performed_on(
            case(State.HELD), at()
        )
    assert caught.value.members == {"state": "held", "allowed_acts": ["clear", "note", "redirect"]}


def test_allowed_acts_are_sorted_and_leave_the_rules_out() -> None:
    deferred = case(State.DEFERRED, decision=replace(NO, outcome=Outcome.DEFER, revisit_on=NOW.date()))
    assert ACTS["revisit"].fits(deferred, NOW)
    assert allowed_acts(deferred, NOW) == [
        "appeal",
        "assign",
        "endorse",
        "give_verdict",
        "hold",
        "log_time",
        "message",
        "note",
        "request_support",
        "settle_support",
        "tell",
        "withdraw",
    ]


def test_no_rule_can_be_called_by_anybody() -> None:
    rules = {name for name, act in ACTS.items() if SYSTEM in act.transition.scopes}
    assert rules == {"close", "notify", "read_receipt", "resume", "revisit", "set_free", "set_free_held"}
    assert all(ACTS[name].transition.key_scopes == frozenset() for name in rules)


def test_every_act_has_its_own_name_and_says_what_it_does() -> None:
    assert {name: act.transition.name for name, act in ACTS.items()} == {name: name for name in ACTS}
    assert [name for name, act in ACTS.items() if not (act.__doc__ or "").strip().endswith(".")] == []


@pytest.mark.parametrize("name", sorted(ACTS))
def test_no_act_leaves_an_end_but_to_be_hidden(name: str) -> None:
    """What is redirected stays so; what was withdrawn can still be held."""
    transition = ACTS[name].transition
    if transition.enters:
        assert State.REDIRECTED not in transition.leaves
        assert State.WITHDRAWN not in transition.leaves or name == "hold"


def test_a_message_is_remembered_and_is_news() -> None:
    sent = Message(text="No change yet.", summary="No change yet.", feedback_mode=FeedbackMode.RAPID_RESPONSE)
    after = sent.performed_on(case(messages=(UUID(int=2),)), at())
    assert after == case(messages=(UUID(int=2), EVENT), news_at=NOW)


def test_a_note_is_no_news() -> None:
    assert Note(text="Spoke with the coordinator.").performed_on(case(), at()) == case()


def test_an_end_keeps_its_date_while_it_is_held_and_loses_it_on_the_way_back() -> None:
    withdrawn = Withdraw().performed_on(case(), at())
    assert withdrawn == case(State.WITHDRAWN, ended_at=NOW)
    held = Hold(route=Route.SAFEGUARDING, why="A risk came to light.").performed_on(withdrawn, at(1))
    since = Span(NOW + timedelta(days=1))
    assert held == case(State.HELD, held_from=State.WITHDRAWN, held=(since,), ended_at=NOW)
    cleared = Clear(why="Nobody is at risk.").performed_on(held, at(2))
    assert (cleared.state, cleared.ended_at) == (State.WITHDRAWN, NOW)
    handed = Redirect(route=Route.HR, handed_to="HR", handed_over_at=NOW, message=MESSAGE).performed_on(held, at(2))
    assert (handed.state, handed.ended_at) == (State.REDIRECTED, NOW)
    merged = case(State.MERGED, merged_from=State.ACKNOWLEDGED, merged_into=UUID(int=2), merged_at=NOW, ended_at=NOW)
    assert Unmerge(why="Mine is about nights.").performed_on(merged, at(1)).ended_at is None
    held = Hold(route=Route.HR, why="A risk came to light.").performed_on(merged, at(1))
    free = ACTS["set_free_held"]().performed_on(held, at(2))
    assert (free.state, free.held_from, free.ended_at) == (State.HELD, State.ACKNOWLEDGED, None)


# ── held ──


def test_a_hold_remembers_where_it_came_from_and_for_how_long() -> None:
    asked = case(State.NEEDS_INFORMATION, asked_from=State.UNDER_REVIEW, asked=(Span(NOW),))
    held = Hold(route=Route.SPEAK_UP, why="A risk came to light.").performed_on(asked, at(1))
    assert (held.state, held.held_from, held.held) == (
        State.HELD,
        State.NEEDS_INFORMATION,
        (Span(NOW + timedelta(days=1)),),
    )
    cleared = Clear(why="Nobody is at risk.").performed_on(held, at(3))
    assert cleared == replace(asked, held=(Span(NOW + timedelta(days=1), NOW + timedelta(days=3)),))
    again = Hold(route=Route.HR, why="Another one.").performed_on(cleared, at(4))
    handed = Redirect(route=Route.HR, handed_to="HR", handed_over_at=NOW, message=MESSAGE).performed_on(again, at(5))
    assert handed.held == (
        Span(NOW + timedelta(days=1), NOW + timedelta(days=3)),
        Span(NOW + timedelta(days=4), NOW + timedelta(days=5)),
    )
    assert (handed.state, handed.held_from, handed.ended_at) == (State.REDIRECTED, None, NOW + timedelta(days=5))


@pytest.mark.parametrize("state", State)
def test_only_held_and_redirected_ones_are_hidden(state: State) -> None:
    expected = {State.HELD: Hidden.HELD, State.REDIRECTED: Hidden.REDIRECTED}
    assert case(state).hidden is expected.get(state)


# ── back to be looked at again ──


def test_what_returns_has_no_decision_and_remembers_who_took_it() -> None:
    decided = case(
        State.DECIDED,
        steward=STEWARD,
        panel=(PanelMember("cw-1", Group.CARE_WORKER),),
        chair="mgr-9",
        conflicts_of_interest=(ConflictOfInterest("cw-1", "Owns the supplier."),),
        votes=NO.votes,
        decision=NO,
        decisions=(NOW,),
        commitment=CommitmentMade("coord-2", NOW.date()),
        committed_at=NOW,
        told=Told(of_decision=True),
        merged=(MergedOne(UUID(int=5), ("x",), Told(of_decision=True, of_final=True)),),
        final_needed_after=NOW,
        messages=(UUID(int=3),),
    )
    then = NOW + timedelta(days=1)
    returned = case(
        State.ACKNOWLEDGED,
        steward=STEWARD,
        earlier_chair="mgr-9",
        earlier_panel=("cw-1",),
        decisions=(NOW,),
        merged=(MergedOne(UUID(int=5), ("x",)),),
        messages=(UUID(int=3),),
        news_at=then,
        fold_since=then,
    )
    assert decided.returned(then) == returned
    appealed = Appeal(grounds="The vote was taken without us.").performed_on(decided, at(1))
    assert appealed == replace(returned, appealed_at=then)
    assert (appealed.appeal_is_open, returned.appeal_is_open) == (True, False)
    assert not replace(appealed, decisions=(NOW, then + timedelta(days=1))).appeal_is_open


def test_a_deferral_that_comes_back_is_dated() -> None:
    deferred = case(State.DEFERRED, decision=NO, deferred_at=NOW, revisit_on=NOW.date(), deferrals=1)
    returned = deferred.returned(NOW)
    assert (returned.returned_at, returned.deferrals, returned.revisit_on) == (NOW, 1, NOW.date())


@pytest.mark.parametrize(
    ("days", "inside"),
    [(0, True), (27.9, True), (28, True), (28.001, False), (400, False)],
)
def test_days_are_counted_from_the_latest_instant(days: float, *, inside: bool) -> None:
    then = NOW + timedelta(days=days)
    assert in_days(then, (NOW - timedelta(days=100), NOW, None), 28) is inside


def test_without_an_instant_no_days_are_open() -> None:
    assert not in_days(NOW, (None,), 28)


@pytest.mark.parametrize(
    ("fields", "open_"),
    [
        ({"state": State.DECIDED, "decision": NO}, True),
        ({"state": State.DECIDED}, False),
        ({"state": State.DELIVERING, "decision": NO}, False),
        ({"state": State.DELIVERING, "decision": NO, "delivery": Delivery(progress=Progress.STOPPED)}, True),
        ({"state": State.ACKNOWLEDGED, "decision": None}, False),
    ],
)
def test_an_appeal_needs_a_decision_and_in_delivery_a_stop(fields: dict[str, object], *, open_: bool) -> None:
    assert Appeal.fits(replace(case(), **fields), NOW) is open_  # type: ignore[arg-type]  # any fields of a case


def test_a_stop_opens_the_days_of_an_appeal_anew() -> None:
    late = NOW + timedelta(days=50)
    stopped = Delivery(progress=Progress.STOPPED, stopped_at=late)
    delivering = case(State.DELIVERING, decision=NO, delivery=stopped)
    assert Appeal.fits(delivering, late + timedelta(days=28))
    assert not Appeal.fits(delivering, late + timedelta(days=28, seconds=1))


# ── merging ──


def test_a_merge_and_its_undoing_touch_the_survivor_alike() -> None:
    mine = case(State.UNDER_REVIEW, supporters=(Supporter("x", UUID(int=8)),))
    survivor = replace(case(State.ACKNOWLEDGED, supporters=(Supporter("y", UUID(int=9)),)), id=UUID(int=2))
    merge = Merge(into=survivor.id, why_the_same="Both ask for the same.", message=MESSAGE)
    after = merge.performed_on(mine, at(survivor=survivor))
    assert after == replace(
        mine,
        state=State.MERGED,
        merged_into=survivor.id,
        merged_from=State.UNDER_REVIEW,
        merged_at=NOW,
        ended_at=NOW,
        messages=(EVENT,),
        news_at=NOW,
    )
    with_mine = merge.ripple(survivor, mine, after, at())
    assert with_mine == replace(survivor, merged=(MergedOne(mine.id, ("x",)),))
    assert with_mine.all_supporters() == {"x", "y"}
    unmerge = Unmerge(why="Mine is about nights.")
    assert unmerge.others(after) == (survivor.id,)
    alone = unmerge.performed_on(after, at(14))
    assert alone == replace(mine, messages=(EVENT,), news_at=NOW + timedelta(days=14))
    assert unmerge.ripple(with_mine, after, alone, at()) == survivor
    assert not Unmerge.fits(after, NOW + timedelta(days=14, seconds=1))


def test_a_supporter_of_both_is_counted_once() -> None:
    survivor = case(
        supporters=(Supporter("x", EVENT),), merged=(MergedOne(UUID(int=2), ("x", "y")), MergedOne(UUID(int=3), ("y",)))
    )
    assert survivor.all_supporters() == {"x", "y"}


# ── ahead of the decision ──


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, ()),
        ({"delivery": Delivery(would_be=Progress.IMPLEMENTED)}, ("ahead_of_decision",)),
        ({"delivery": Delivery(would_be=Progress.STOPPED)}, ()),
        ({"delivery": Delivery(would_be=Progress.IMPLEMENTED), "decision": NO}, ()),
    ],
)
def test_a_yes_by_report_before_any_decision_is_flagged(fields: dict[str, object], flags: tuple[str, ...]) -> None:
    assert replace(case(), **fields).flags == flags  # type: ignore[arg-type]  # any fields of a case
