"""Long random lives of ideas: after every step the service and a small account in memory say the same.

Hypothesis gives each life a seed, and by the weights below it is drawn what is done next: mostly what fits and leads
on, now and then anything at all. A life that fails is told step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from app.db.session import Database
from tests.acts.living import REPORTS, Lives
from tests.acts.model import ENDED, HIDDEN, NOT_TO_BE_MERGED_INTO, PANELS, Asked, Idea, Model

LIVES = 200
TRIED = 245
"""Hypothesis ends some lives early and lives a few twice."""
STEPS = 50
IDEAS = 3
WEIGHTS: dict[str, float] = {
    "acknowledge": 60,
    "answer": 15,
    "appeal": 10,
    "ask": 3,
    "assign": 1,
    "clear": 25,
    "confirm": 2,
    "decide": 12,
    "endorse": 1,
    "give_verdict": 5,
    "hold": 1,
    "log_time": 1,
    "merge": 4,
    "message": 1,
    "note": 1,
    "recommit": 5,
    "redirect": 1,
    "reopen": 8,
    "request_support": 0.7,
    "settle_support": 0.7,
    "start_review": 30,
    "tell": 4,
    "unmerge": 4,
    "vote": 80,
    "withdraw": 1,
}
"""How often an act is done where it fits. What ends a life, or changes nothing, is rare."""
KINDS: dict[str, float] = {"what fits": 64, "anything": 8, "report": 11, "reading": 8, "time": 9}
DAYS = [0, 0, 0, 1, 1, 3, 9, 13.5, 15, 27.5, 31, 120]
BY_RECEIPT = {"answer", "withdraw", "appeal", "unmerge", "give_verdict"}
QUICK = ["adopt", "trial"]
OUTCOMES = ["adopt", "adopt", "adapt", "trial", "trial", "defer", "defer", "decline", "already_in_place"]


@dataclass(frozen=True)
class Theme:
    """What a life is mostly about: other weights of acts and kinds of steps, the outcomes of its panels, the days that
    pass, and whether it is the life of one idea with two others beside it.
    """

    acts: Mapping[str, float] = field(default_factory=dict)
    kinds: Mapping[str, float] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=lambda: OUTCOMES)
    days: list[float] = field(default_factory=lambda: DAYS)
    is_about_one: bool = False


THEMES = (
    Theme(),
    Theme(
        {"merge": 60, "unmerge": 6, "withdraw": 5, "redirect": 4, "hold": 3, "tell": 15},
        outcomes=["decline", "decline", "already_in_place", "adopt", "defer"],
    ),
    Theme(
        {"appeal": 2, "hold": 0.2}, {"time": 20}, ["defer", "defer", "defer", "decline"], [1, 31, 31], is_about_one=True
    ),
    Theme(
        {"recommit": 12, "give_verdict": 20, "reopen": 2, "hold": 0.2},
        {"report": 30, "reading": 25, "time": 20},
        ["adopt", "adapt", "trial"],
        [0, 1],
        is_about_one=True,
    ),
)
VOTERS = ["cw-1", "cw-2", "fam-3", "cw-4"]
"""People who vote; `cw-4` is on the second panel only."""


class Life(RuleBasedStateMachine):
    """One organisation with three ideas."""

    database: Database
    whole_lives: ClassVar[set[int]]

    def __init__(self) -> None:
        super().__init__()
        self.lives = Lives(self.database, IDEAS)
        self.model = Model(IDEAS)
        self.seed, self.steps = 0, 0
        self.theme = THEMES[0]
        self.chance = Random(0)  # noqa: S311 -- nothing is secret here

    @initialize(seed=st.integers(0, 2**64 - 1))
    def begin(self, seed: int) -> None:
        """Begin another life than any before."""
        self.seed, self.steps = seed, 0
        self.chance.seed(seed)
        self.theme = self.chance.choice(THEMES)

    @rule()
    def live_on(self) -> None:
        """Do one thing, and compare."""
        chance = self.chance
        index = chance.choice(self._living())
        kind = _drawn(chance, {**KINDS, **self.theme.kinds})
        self.lives.pass_time(chance.choice(self.theme.days) if kind == "time" else 0)
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
        self.steps += 1

    def _living(self) -> list[int]:
        """The ideas, those that have not ended several times over, and the one that this life is about."""
        alive = [index for index, idea in enumerate(self.model.ideas) if idea.state not in ENDED]
        return [0, 1, 2] + alive * 5 + alive[:1] * (30 if self.theme.is_about_one else 0)

    def teardown(self) -> None:
        if self.steps >= STEPS - 1:  # The beginning counts as one.
            self.whole_lives.add(self.seed)
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
        act = chance.choice(sorted(WEIGHTS)) if anything else _drawn(chance, self._weighed(idea, fitting))
        asked = self._asked(idea, act, chance)
        by_receipt = act in BY_RECEIPT and chance.random() < 0.5
        note(f"  {asked}{' by receipt' if by_receipt else ''}")
        answer = self.lives.act(index, asked, by_receipt=by_receipt)
        assert answer == self.model.act(idea, asked, self.lives.now)

    def _weighed(self, idea: Idea, fitting: list[str]) -> dict[str, float]:
        """How often each act is done. A panel mostly votes before its chair decides, and decides once it has."""
        weights = {act: {**WEIGHTS, **self.theme.acts}[act] for act in fitting}
        if idea.state == "under_review":
            all_voted = len(idea.votes) == len(idea.panel)
            weights |= {"decide": 90, "vote": 3, "start_review": 1} if all_voted else {"decide": 1, "start_review": 1}
        return weights

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
                outcomes = [*self.theme.outcomes * 8, *OUTCOMES] if in_review else [*QUICK * 4, *OUTCOMES]
                return Asked(act, by=by, outcome=chance.choice(outcomes))
            case "merge":
                fit = [one for one in self.model.ideas if one is not idea and one.state not in NOT_TO_BE_MERGED_INTO]
                chosen = chance.choice(fit * 5 + self.model.ideas)
                return Asked(act, other=self.model.ideas.index(chosen))
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


def _drawn(chance: Random, weights: Mapping[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


@pytest.fixture
def life(database: Database) -> type[Life]:
    """The machine on one database."""
    return type("LifeHere", (Life,), {"database": database, "whole_lives": set()})


@pytest.mark.timeout(300)
def test_random_lives_go_as_the_product_says(life: type[Life]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=TRIED,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert len(life.whole_lives) >= LIVES
