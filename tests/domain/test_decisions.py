"""Decision power: whose votes a decision needs, case by case, each with the sentence that a manager reads."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from app.domain.case import Ballot, Case, ConflictOfInterest, PanelMember, RuleFacts
from app.domain.decisions import check, check_revisit
from app.domain.errors import QuorumNotMet
from app.domain.lifecycle import Moment
from app.domain.policy import Policy, Rules
from app.domain.texts import Actor, Steward
from app.domain.vocabulary import Choice, Group, OrganisationKind, Outcome, State
from app.kit.refusals import Fault, Invalid

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CHAIR = "mgr-9"
STEWARD = "mgr-7"
EVERYBODY = [group.value for group in Group]
VOICES = ["lived_experience", "family_or_friend"]
VOICE_WORDS = "This is about what matters most to people: somebody with lived experience, or family, must vote."
REVIEWED = [Outcome.ADAPT, Outcome.DEFER, Outcome.DECLINE, Outcome.ALREADY_IN_PLACE, Outcome.REFER_ON]
QUICK = [Outcome.ADOPT, Outcome.TRIAL]

# Who votes in these examples, by the first letters of their references.
GROUPS = {
    "cw": Group.CARE_WORKER,
    "mgr": Group.MANAGER,
    "lead": Group.SYSTEM_LEADER,
    "fam": Group.FAMILY_OR_FRIEND,
    "client": Group.LIVED_EXPERIENCE,
    "carer": Group.UNPAID_CARER,
}
VOTES = {"+": Choice.YES, "-": Choice.NO, "0": Choice.ABSTAIN}


@dataclass(frozen=True)
class Proposed:
    outcome: Outcome
    override_reason: str | None = None


def reviewed(votes: str, *, interested: str = "", matters_most: bool = False, deferrals: int = 0) -> Case:
    """A case under review with votes such as `+cw-1 -mgr-2 0fam-3`."""
    ballots = tuple(
        Ballot(vote[1:], GROUPS[vote[1:].partition("-")[0]], VOTES[vote[0]]) for vote in votes.split() if votes
    )
    return Case(
        id=UUID(int=1),
        state=State.UNDER_REVIEW,
        chair=CHAIR,
        steward=Steward(ref=STEWARD, name="Sam Hollis"),
        panel=tuple(PanelMember(ballot.ref, ballot.group) for ballot in ballots),
        conflicts_of_interest=tuple(ConflictOfInterest(ref, "Owns the supplier.") for ref in interested.split()),
        votes=ballots,
        what_matters_most=matters_most,
        deferrals=deferrals,
    )


def unreviewed() -> Case:
    return Case(id=UUID(int=1), state=State.ACKNOWLEDGED, steward=Steward(ref=STEWARD, name="Sam Hollis"))


def moment(
    decider: str | None = CHAIR, *, kind: OrganisationKind = OrganisationKind.PROVIDER, **policy: object
) -> Moment:
    actor = Actor(ref=decider, group=Group.MANAGER) if decider else None
    rules = Rules(policy=Policy.model_validate(policy), kind=kind)
    return Moment(now=NOW, event_id=UUID(int=2), rules=rules, actor=actor)


def missing(case: Case, outcome: Outcome, at: Moment) -> list[object]:
    """The seats without which the outcome cannot be decided."""
    with pytest.raises(QuorumNotMet) as caught:
        check(case, Proposed(outcome), at)
    seats: list[object] = caught.value.members["missing_seats"]  # type: ignore[assignment]  # a list, as the class says
    return seats


def fault(case: Case, proposed: Proposed, at: Moment) -> Fault:
    with pytest.raises(Invalid) as caught:
        check(case, proposed, at)
    [found] = caught.value.faults
    return found


# ── the panel ──


@pytest.mark.parametrize("outcome", REVIEWED)
def test_every_outcome_but_adopt_and_trial_needs_a_panel(outcome: Outcome) -> None:
    assert missing(unreviewed(), outcome, moment(STEWARD)) == [
        {
            "groups": EVERYBODY,
            "count": 3,
            "detail": "This outcome needs a panel. Start a review and let its members vote before it is decided.",
        }
    ]


@pytest.mark.parametrize("outcome", QUICK)
def test_the_steward_alone_may_give_a_quick_yes(outcome: Outcome) -> None:
    saw = check(unreviewed(), Proposed(outcome), moment(STEWARD))
    assert saw == RuleFacts(3, 0.5, 0, 0, 0, 0, overridden=False, quick=True)


@pytest.mark.parametrize("decider", [CHAIR, "mgr-1", None])
def test_nobody_else_may_give_a_quick_yes(decider: str | None) -> None:
    assert fault(unreviewed(), Proposed(Outcome.ADOPT), moment(decider)) == Fault(
        "/actor/ref", "not_allowed", "Without a review only the steward may give a quick yes."
    )


@pytest.mark.parametrize("outcome", [*QUICK, *REVIEWED])
def test_after_a_review_its_chair_decides(outcome: Outcome) -> None:
    case = reviewed("+cw-1 -cw-2 0fam-3")
    assert check(case, Proposed(outcome), moment()) == RuleFacts(3, 0.5, 3, 2, 1, 1)
    for decider in (STEWARD, "cw-1", None):
        assert fault(case, Proposed(outcome), moment(decider)) == Fault(
            "/actor/ref", "not_allowed", "After a review its chair decides."
        )


# ── quorum and share ──


@pytest.mark.parametrize("outcome", [*QUICK, *REVIEWED])
def test_a_review_needs_its_quorum_whatever_the_outcome(outcome: Outcome) -> None:
    words = "At least 3 votes are needed and 2 count so far."
    assert missing(reviewed("+cw-1 +cw-2"), outcome, moment()) == [{"groups": EVERYBODY, "count": 1, "detail": words}]


def test_an_abstention_counts_as_a_vote_cast() -> None:
    assert check(reviewed("0cw-1 0cw-2 0fam-3"), Proposed(Outcome.DECLINE), moment()) == RuleFacts(3, 0.5, 3, 2, 0, 0)


def test_a_panel_of_staff_alone_is_told_how_many_care_workers_it_lacks() -> None:
    assert missing(reviewed("+mgr-1 +mgr-2 +lead-3"), Outcome.ADOPT, moment()) == [
        {
            "groups": ["care_worker"],
            "count": 3,
            "detail": "Care workers must hold at least 50% of the votes and hold 0 of 3.",
        }
    ]


@pytest.mark.parametrize(
    ("votes", "share", "lacking"),
    [
        ("+cw-1 +cw-2 +mgr-3", 0.5, 0),
        ("+cw-1 +cw-2 +mgr-3 +mgr-4", 0.5, 0),  # exactly half is enough
        ("+cw-1 +cw-2 +mgr-3 +mgr-4 +mgr-5", 0.5, 1),
        ("+cw-1 +mgr-2 +mgr-3", 0.5, 1),
        ("+cw-1 +mgr-2 +mgr-3", 1 / 3, 0),  # exactly a third, in floating point, too
        ("+cw-1 +mgr-2 +mgr-3 +mgr-4", 1 / 3, 1),
        ("+cw-1 +cw-2 +mgr-3 +mgr-4 +mgr-5 +mgr-6", 1 / 3, 0),
        ("+cw-1 +cw-2 +mgr-3", 0.75, 1),
        ("+cw-1 +mgr-2 +mgr-3", 0.75, 5),
        ("+cw-1 +cw-2 +mgr-3", 1, 1),  # no number of care workers makes the manager's vote go away
        ("+cw-1 +cw-2 +cw-3", 1, 0),
    ],
)
def test_care_workers_hold_their_share_of_the_votes(votes: str, share: float, lacking: int) -> None:
    case, at = reviewed(votes), moment(care_worker_share=share)
    if not lacking:
        check(case, Proposed(Outcome.ADOPT), at)
        return
    held = votes.count("cw-")
    words = f"Care workers must hold at least {share:.0%} of the votes and hold {held} of {len(votes.split())}."
    assert missing(case, Outcome.ADOPT, at) == [{"groups": ["care_worker"], "count": lacking, "detail": words}]


@pytest.mark.parametrize(("others", "share"), [(1, 0.5), (3, 0.5), (2, 1 / 3), (5, 1 / 3), (3, 0.75), (7, 0.9)])
def test_so_many_care_workers_as_are_said_to_be_missing_are_enough(others: int, share: float) -> None:
    """And one less is not."""
    staff = " ".join(f"+mgr-{index}" for index in range(others))
    at = moment(care_worker_share=share, quorum=1)
    [seat] = missing(reviewed(staff), Outcome.ADOPT, at)
    assert isinstance(seat, dict)
    more = [f"+cw-{index}" for index in range(seat["count"])]
    check(reviewed(" ".join([staff, *more])), Proposed(Outcome.ADOPT), at)
    assert missing(reviewed(" ".join([staff, *more[1:]])), Outcome.ADOPT, at)


def test_without_any_vote_only_the_quorum_is_missing() -> None:
    assert missing(reviewed(""), Outcome.DECLINE, moment(quorum=5)) == [
        {"groups": EVERYBODY, "count": 5, "detail": "At least 5 votes are needed and 0 count so far."}
    ]


def test_everything_that_is_missing_is_said_at_once() -> None:
    assert missing(reviewed("+mgr-1", matters_most=True), Outcome.DECLINE, moment()) == [
        {"groups": EVERYBODY, "count": 2, "detail": "At least 3 votes are needed and 1 count so far."},
        {
            "groups": ["care_worker"],
            "count": 1,
            "detail": "Care workers must hold at least 50% of the votes and hold 0 of 1.",
        },
        {
            "groups": VOICES,
            "count": 1,
            "detail": VOICE_WORDS,
        },
    ]


# ── voices, interests, the only voter ──


@pytest.mark.parametrize("voice", ["client-4", "fam-4"])
def test_what_matters_most_calls_for_lived_experience_or_family(voice: str) -> None:
    case = reviewed("+cw-1 +cw-2 +carer-3", matters_most=True)
    assert missing(case, Outcome.ADOPT, moment()) == [{"groups": VOICES, "count": 1, "detail": VOICE_WORDS}]
    check(reviewed(f"+cw-1 +cw-2 +carer-3 0{voice}", matters_most=True), Proposed(Outcome.ADOPT), moment())


def test_the_vote_of_somebody_with_an_interest_does_not_count() -> None:
    assert missing(reviewed("+cw-1 +cw-2 +fam-3", interested="cw-2"), Outcome.ADOPT, moment()) == [
        {"groups": EVERYBODY, "count": 1, "detail": "At least 3 votes are needed and 2 count so far."}
    ]
    voice = reviewed("+cw-1 +cw-2 +mgr-3 +fam-4", interested="fam-4", matters_most=True)
    assert [seat["groups"] for seat in missing(voice, Outcome.ADOPT, moment()) if isinstance(seat, dict)] == [VOICES]
    # The majority of the care workers is counted without them, too.
    saw = check(reviewed("+cw-1 -cw-2 -cw-3 +fam-4", interested="cw-3"), Proposed(Outcome.ADOPT), moment())
    assert saw == RuleFacts(3, 0.5, 3, 2, 1, 1)


def test_the_one_who_decides_may_not_be_the_only_voter() -> None:
    words = "The person who decides may not be the only one who votes. At least one other member must vote."
    case = Case(
        id=UUID(int=1), state=State.UNDER_REVIEW, chair="cw-1", votes=(Ballot("cw-1", Group.CARE_WORKER, Choice.YES),)
    )
    assert missing(case, Outcome.ADOPT, moment("cw-1", quorum=1)) == [
        {"groups": EVERYBODY, "count": 1, "detail": words}
    ]
    check(reviewed("+cw-1"), Proposed(Outcome.ADOPT), moment(quorum=1))


# ── against the majority of the care workers ──


@pytest.mark.parametrize(
    ("outcome", "votes", "against"),
    [
        (Outcome.ADOPT, "-cw-1 -cw-2 +fam-3", True),
        (Outcome.ADAPT, "-cw-1 +cw-2 -cw-3", True),
        (Outcome.TRIAL, "-cw-1 0cw-2 +fam-3", True),
        (Outcome.ADOPT, "-cw-1 +cw-2 -fam-3", False),  # a tie is no majority, and family's vote is not theirs
        (Outcome.ADOPT, "0cw-1 0cw-2 -fam-3", False),
        (Outcome.ADOPT, "+cw-1 +cw-2 -fam-3", False),
        (Outcome.DECLINE, "+cw-1 +cw-2 -fam-3", True),
        (Outcome.DEFER, "+cw-1 0cw-2 -fam-3", True),
        (Outcome.REFER_ON, "+cw-1 +cw-2 -fam-3", True),
        (Outcome.ALREADY_IN_PLACE, "+cw-1 -cw-2 +cw-3", True),
        (Outcome.DECLINE, "-cw-1 -cw-2 +fam-3", False),
        (Outcome.DECLINE, "+cw-1 -cw-2 +fam-3", False),
    ],
)
def test_a_decision_against_the_care_workers_needs_a_reason(outcome: Outcome, votes: str, *, against: bool) -> None:
    case = reviewed(votes)
    saw = check(case, Proposed(outcome, "The regulator forbids it."), moment())
    assert saw.overridden is against
    if against:
        assert fault(case, Proposed(outcome), moment()) == Fault(
            "/override_reason",
            "missing",
            "This goes against what most of the voting care workers said. Say why it is decided otherwise.",
        )
    else:
        assert check(case, Proposed(outcome), moment()) == saw


# ── individual employers ──


def individual(decider: str | None = CHAIR) -> Moment:
    return moment(decider, kind=OrganisationKind.INDIVIDUAL_EMPLOYER_SUPPORT)


@pytest.mark.parametrize("outcome", [*QUICK, *REVIEWED])
def test_individual_employers_have_no_quick_yes(outcome: Outcome) -> None:
    words = "This needs a review in which the care worker who is concerned votes."
    assert missing(unreviewed(), outcome, individual(STEWARD)) == [
        {"groups": ["care_worker"], "count": 1, "detail": words}
    ]


def test_individual_employers_need_the_care_worker_who_is_concerned() -> None:
    words = "The care worker who is concerned must have voted."
    for outcome in Outcome:
        assert missing(reviewed("+client-1 +fam-2"), outcome, individual()) == [
            {"groups": ["care_worker"], "count": 1, "detail": words}
        ]


@pytest.mark.parametrize("vote", ["-cw-1", "0cw-1"])
def test_a_yes_of_an_individual_employer_needs_consent(vote: str) -> None:
    words = "A yes needs the consent of the care worker who is concerned: a vote of yes."
    for outcome in (Outcome.ADOPT, Outcome.ADAPT, Outcome.TRIAL):
        assert missing(reviewed(vote), outcome, individual()) == [
            {"groups": ["care_worker"], "count": 1, "detail": words}
        ]
    assert check(reviewed(vote), Proposed(Outcome.DECLINE), individual()).counted_votes == 1


def test_one_vote_is_enough_for_an_individual_employer() -> None:
    assert check(reviewed("+cw-1"), Proposed(Outcome.ADAPT), individual()) == RuleFacts(3, 0.5, 1, 1, 1, 0)


# ── deferrals ──


@pytest.mark.parametrize(("deferrals", "allowed"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_third_deferral_is_refused(deferrals: int, *, allowed: bool) -> None:
    case = reviewed("-cw-1 -cw-2 +fam-3", deferrals=deferrals)
    if allowed:
        check(case, Proposed(Outcome.DEFER), moment())
    else:
        assert fault(case, Proposed(Outcome.DEFER), moment()) == Fault(
            "/outcome", "not_allowed", "It was deferred twice already. Give it an answer now."
        )
    check(case, Proposed(Outcome.DECLINE), moment())


@pytest.mark.parametrize(
    ("now", "revisit_on", "allowed"),
    [
        ("2026-11-23T09:00:00+00:00", date(2026, 11, 23), False),
        ("2026-11-23T09:00:00+00:00", date(2026, 11, 24), True),
        ("2026-11-23T09:00:00+00:00", date(2027, 11, 23), True),
        ("2026-11-23T09:00:00+00:00", date(2027, 11, 24), False),
        ("2026-11-23T09:00:00+00:00", date(2025, 11, 24), False),
        # In summer London's day begins an hour before that of UTC.
        ("2026-06-30T23:30:00+00:00", date(2026, 7, 1), False),
        ("2026-06-30T22:30:00+00:00", date(2026, 7, 1), True),
        ("2026-06-30T23:30:00+00:00", date(2027, 7, 1), True),
        # 28 February stands for 29 February.
        ("2028-02-29T12:00:00+00:00", date(2029, 2, 28), True),
        ("2028-02-29T12:00:00+00:00", date(2029, 3, 1), False),
    ],
)
def test_a_deferral_comes_back_after_today_and_within_a_year(now: str, revisit_on: date, *, allowed: bool) -> None:
    at = Moment(now=datetime.fromisoformat(now), event_id=UUID(int=2), rules=Rules())
    if allowed:
        check_revisit(revisit_on, at)
        return
    with pytest.raises(Invalid) as caught:
        check_revisit(revisit_on, at)
    words = "The date must be after today and at most the same date next year."
    assert caught.value.faults == (Fault("/revisit_on", "out_of_range", words),)
