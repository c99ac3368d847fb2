"""Long random lives of ideas: after every step the service and a small account in memory say the same.

Hypothesis gives each life a seed, and by the weights below it is drawn what is done next: mostly what fits and leads
on, now and then anything at all. A life that fails is told step by step.
"""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app.db.session import Database
from tests.acts.living import REPORTS, Lives
from tests.acts.model import ENDED, HIDDEN, PANELS, Asked, Idea, Model

LIVES = 200
STEPS = 50
IDEAS = 3
WEIGHTS = {
    "acknowledge": 60,
    "answer": 15,
    "appeal": 10,
    "ask": 3,
    "assign": 1,
    "clear": 25,
    "confirm": 2,
    "decide": 12,
    "endorse": 2,
    "give_verdict": 5,
    "hold": 1,
    "log_time": 1,
    "merge": 4,
    "message": 1,
    "note": 1,
    "recommit": 5,
    "redirect": 1,
    "reopen": 8,
    "request_support": 2,
    "settle_support": 2,
    "start_review": 30,
    "tell": 6,
    "unmerge": 4,
    "vote": 40,
    "withdraw": 1,
}
"""How often an act is done where it fits. What ends a life, or changes nothing, is rare."""
KINDS = {"what fits": 64, "anything": 8, "report": 11, "reading": 8, "time": 9}
DAYS = [0, 0, 0, 1, 1, 3, 9, 14, 15, 29, 31, 120]
BY_RECEIPT = {"answer", "withdraw", "appeal", "unmerge", "give_verdict"}
QUICK = ["adopt", "trial"]
OUTCOMES = ["adopt", "adopt", "adapt", "trial", "trial", "defer", "defer", "decline", "already_in_place"]
VOTERS = ["cw-1", "cw-2", "fam-3", "cw-4"]
"""People who vote; `cw-4` is on the second panel only."""


class Life(RuleBasedStateMachine):
    """One organisation with three ideas."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.lives = Lives(self.database, IDEAS)
        self.model = Model(IDEAS)
        self.chance = Random(0)  # noqa: S311 -- nothing is secret here

    @initialize(seed=st.integers(0, 2**64 - 1))
    def begin(self, seed: int) -> None:
        """Begin another life than any before."""
        self.chance.seed(seed)

    @rule()
    def live_on(self) -> None:
        """Do one thing, and compare."""
        chance = self.chance
        index = chance.choice(self._living())
        kind = _drawn(chance, KINDS)
        self.lives.pass_time(chance.choice(DAYS) if kind == "time" else 0)
        note(f"idea {index}, {self.lives.now:%Y-%m-%d %H:%M:%S}: {kind}")
        match kind:
            case "time":
                self.lives.let_time_work()
                self.model.let_time_work(self.lives.now)
            case "reading":
                self.lives.read(index)
                self.model.read(self.model.ideas[index])
            case "report":
                self._report(index, chance)
            case _:
                self._do(index, chance, anything=kind == "anything")
        self._compare()

    def _living(self) -> list[int]:
        """The ideas, those that have not ended several times over."""
        alive = [index for index, idea in enumerate(self.model.ideas) if idea.state not in ENDED]
        return [0, 1, 2] + alive * 5

    def teardown(self) -> None:
        self.lives.forget()

    def _report(self, index: int, chance: Random) -> None:
        """A provider's system says what happened. What is merged and hidden is left out: that waits in two places."""
        idea = self.model.ideas[index]
        if idea.parent is not None and idea.state in HIDDEN:
            return
        if idea.state != "delivering" and chance.random() < 0.5:
            return
        kind, says_why = chance.choice(sorted(REPORTS)), chance.random() < 0.7
        note(f"  report {kind}")
        self.lives.report(index, kind, says_why=says_why)
        self.model.report(idea, kind, self.lives.now, says_why=says_why)

    def _do(self, index: int, chance: Random, *, anything: bool) -> None:
        idea = self.model.ideas[index]
        fitting = self.model.allowed(idea, self.lives.now)
        act = chance.choice(sorted(WEIGHTS)) if anything else _drawn(chance, _weighed(idea, fitting))
        asked = self._asked(idea, act, chance)
        by_receipt = act in BY_RECEIPT and chance.random() < 0.5
        note(f"  {asked}{' by receipt' if by_receipt else ''}")
        answer = self.lives.act(index, asked, by_receipt=by_receipt)
        assert answer == self.model.act(idea, asked, self.lives.now)

    def _asked(self, idea: Idea, act: str, chance: Random) -> Asked:
        """The act with what matters of its body, which mostly fits."""
        match act:
            case "start_review":
                return Asked(act, panel=chance.choice(sorted(PANELS)))
            case "vote":
                waiting = [one for one in VOTERS if one in idea.panel and one not in idea.votes]
                voter = chance.choice(waiting or VOTERS)
                return Asked(act, by=voter, choice=chance.choice(["yes", "no", "abstain"]))
            case "decide":
                in_review = idea.state == "under_review"
                by = chance.choice([idea.chair if in_review else "mgr-7"] * 9 + ["mgr-9", "mgr-8"])
                return Asked(act, by=by, outcome=chance.choice(OUTCOMES if in_review else [*QUICK * 4, *OUTCOMES]))
            case "merge":
                return Asked(act, other=chance.randrange(IDEAS))
            case "settle_support":
                return Asked(act, other=chance.randrange(len(idea.supports) + 1))
            case "endorse" | "confirm":
                return Asked(act, by=chance.choice(["cw-1", "cw-2"]))
            case "give_verdict":
                return Asked(act, happened=chance.choice([None, "yes", "no"]))
            case _:
                return Asked(act)

    def _compare(self) -> None:
        """State, version, progress, outcome, survivor and allowed acts of all ideas are the same here and there."""
        for index, seen in enumerate(self.lives.after_step()):
            idea = self.model.ideas[index]
            survivor = self.lives.ids[self.model.ideas.index(idea.survivor)] if idea.parent else None
            assert (
                index,
                seen.state,
                seen.version - seen.said,
                seen.progress,
                seen.outcome,
                seen.merged_into,
                list(seen.allowed),
            ) == (
                index,
                idea.state,
                idea.version,
                idea.progress,
                idea.outcome,
                survivor,
                self.model.allowed(idea, self.lives.now),
            )


def _weighed(idea: Idea, fitting: list[str]) -> dict[str, float]:
    """How often each of the acts is done. A panel mostly votes before its chair decides, and decides once it has."""
    weights: dict[str, float] = {one: WEIGHTS[one] for one in fitting}
    if idea.state == "under_review":
        all_voted = len(idea.votes) == len(idea.panel)
        weights |= {"decide": 90, "vote": 3, "start_review": 2} if all_voted else {"decide": 1, "start_review": 1}
    return weights


def _drawn(chance: Random, weights: Mapping[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


@pytest.fixture
def life(database: Database) -> type[Life]:
    """The machine on one database."""
    return type("LifeHere", (Life,), {"database": database})


@pytest.mark.timeout(300)
def test_random_lives_go_as_the_product_says(life: type[Life]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
