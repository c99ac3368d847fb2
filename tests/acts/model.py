"""A second account of what happens to ideas: small, in memory, and written from the product's words alone.

It shares no code with the application. It knows an idea's state and version, which acts fit, and what they lead to, for
a provider with the default policy, one source of reports, and nothing but whole-organisation commitments.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
QUESTION_TIME = timedelta(days=14)
UNMERGE_TIME = timedelta(days=14)
APPEAL_TIME = timedelta(days=28)
DEFERRAL = timedelta(days=30)

YES = {"adopt", "adapt", "trial"}
QUICK = {"adopt", "trial"}
HIDDEN = {"held", "redirected"}
ENDED = {"redirected", "withdrawn"}
NOT_TO_BE_MERGED_INTO = {"merged", "decided", "closed", "withdrawn", "redirected", "held"}

PANELS = {
    "first": ("mgr-9", ("cw-1", "cw-2", "fam-3")),
    "second": ("mgr-10", ("cw-2", "cw-4", "fam-3")),
    "old chair": ("mgr-9", ("cw-2", "cw-4", "fam-3")),
}
"""Each panel with its chair. All three of its members must vote, two of whom are care workers."""

BESIDE = {"message", "tell", "log_time", "request_support", "settle_support"}
TABLE: dict[str, set[str]] = {
    "submitted": BESIDE | {"endorse", "acknowledge", "redirect", "withdraw", "hold"},
    "held": {"clear", "redirect"},
    "redirected": set(),
    "acknowledged": BESIDE
    | {"endorse", "assign", "ask", "start_review", "decide", "merge", "redirect", "withdraw", "hold"},
    "needs_information": BESIDE | {"endorse", "assign", "answer", "withdraw", "hold"},
    "under_review": BESIDE
    | {"endorse", "assign", "vote", "decide", "ask", "start_review", "merge", "withdraw", "hold"},
    "delivering": BESIDE | {"endorse", "assign", "recommit", "withdraw", "hold"},
    "deferred": BESIDE | {"endorse", "assign", "withdraw", "hold"},
    "decided": BESIDE | {"assign", "reopen", "hold"},
    "merged": BESIDE | {"unmerge", "hold"},
    "withdrawn": {"hold"},
    "closed": BESIDE | {"reopen", "hold"},
}


@dataclass
class Asked:
    """An act with what matters of its body."""

    act: str
    by: str = ""
    choice: str = ""
    outcome: str = ""
    panel: str = "first"
    other: int = 0
    happened: str | None = None


@dataclass
class Reported:
    """A report of the one source, in the order of its instants."""

    at: datetime
    kind: str
    says_why_not_measured: bool


@dataclass
class Told:
    """What an author was told of."""

    decision: bool = False
    final: bool = False


@dataclass(eq=False)
class Idea:
    """One idea as far as this account goes."""

    state: str = "submitted"
    version: int = 1
    held_from: str = ""
    asked_from: str = ""
    merged_from: str = ""
    asked_at: datetime | None = None
    questions: timedelta = timedelta()
    panel: tuple[str, ...] = ()
    chair: str = ""
    votes: set[str] = field(default_factory=set)
    earlier_panel: tuple[str, ...] = ()
    earlier_chair: str = ""
    is_appealed: bool = False
    name_is_gone: bool = False
    outcome: str | None = None
    decided_at: datetime | None = None
    revisit_on: date | None = None
    deferrals: int = 0
    parent: "Idea | None" = None
    merged_at: datetime | None = None
    told: Told = field(default_factory=Told)
    told_there: dict["Idea", Told] = field(default_factory=dict)
    supporters: set[str] = field(default_factory=set)
    supports: list[bool] = field(default_factory=list)
    # What the reports come to.
    reports: list[Reported] = field(default_factory=list)
    counts_after: datetime | None = None
    recommits: list[datetime] = field(default_factory=list)
    progress: str | None = None
    claims: bool = False
    trial_has_result: bool = False
    stopped_at: datetime | None = None
    final: Reported | None = None
    final_at: datetime | None = None
    measured: bool = False
    needs_final_after: datetime | None = None

    @property
    def survivor(self) -> "Idea":
        """Where it lives on: itself, unless it was merged."""
        return self.parent.survivor if self.parent else self

    def standing(self) -> Told:
        """What there is to be told of."""
        return Told(self.outcome is not None, self.final is not None)


class Model:
    """All ideas of one organisation. Each method answers with the code that the service answers with."""

    def __init__(self, ideas: int) -> None:
        self.ideas = [Idea() for _ in range(ideas)]

    def along_with(self, idea: Idea) -> list[Idea]:
        """Everything that was merged into an idea, near and far."""
        return [one for one in self.ideas if one is not idea and idea in self._ancestors(one)]

    def allowed(self, idea: Idea, now: datetime) -> list[str]:
        """The acts that fit now."""
        fitting = {"note"} | TABLE[idea.state]
        if idea.questions >= QUESTION_TIME:
            fitting -= {"ask"}
        if idea.outcome is not None and idea.state not in HIDDEN | {"withdrawn", "merged"}:
            fitting |= {"give_verdict"}
        if idea.state == "delivering" and idea.trial_has_result:
            fitting |= {"decide", "start_review"}
        if idea.claims and idea.state not in HIDDEN | {"withdrawn", "merged"}:
            fitting |= {"confirm"}
        if idea.state == "delivering" and idea.name_is_gone:
            fitting -= {"withdraw"}
        if idea.merged_at is not None and now - idea.merged_at > UNMERGE_TIME:
            fitting -= {"unmerge"}
        if self._may_appeal(idea, now):
            fitting |= {"appeal"}
        return sorted(fitting)

    def act(self, idea: Idea, asked: Asked, now: datetime) -> str:
        """Do an act."""
        if asked.act not in self.allowed(idea, now):
            return "act_not_allowed"
        if asked.act == "endorse" and asked.by in idea.supporters:
            return "done"
        refused: str | None = getattr(self, f"_{asked.act}", self._nothing)(idea, asked, now)
        if refused is not None:
            return refused
        idea.version += 1
        if asked.act in ("redirect", "withdraw") and idea.state in ENDED:
            self._set_free(idea)
        self._refold(now)
        return "done"

    def read(self, idea: Idea) -> None:
        """The author opens the receipt. Reading of the decision or the final report for the first time is an event."""
        at = idea if idea.survivor.state in HIDDEN else idea.survivor
        known = idea.told if at is idea else idea.told_there[at]
        news = at.standing()
        if (news.decision and not known.decision) or (news.final and not known.final):
            idea.version += 1
            self._tell_all(idea)

    def report(self, idea: Idea, kind: str, now: datetime, *, says_why: bool) -> None:
        """A report arrives. On a hidden idea it waits; a step that is not legal changes nothing."""
        idea.reports.append(Reported(now, kind, says_why))
        heard = idea.survivor
        if heard.state in HIDDEN or idea.state in HIDDEN:
            return
        before = heard.version
        legal = idea.reports[-1] in self._walk(heard)[1]
        self._refold(now)
        heard.version = before + legal

    def let_time_work(self, now: datetime) -> None:
        """Do what time alone brings about."""
        for idea in self.ideas:
            if idea.state == "needs_information" and now >= self._question_ends(idea):
                self._answer(idea, Asked("answer"), now)
                idea.version += 1
            if idea.state == "deferred" and idea.revisit_on is not None and london(now) >= idea.revisit_on:
                self._return(idea, now)
                idea.version += 1
                self._refold(now)
            if self._may_close(idea):
                idea.state = "closed"
                idea.version += 1

    # ── acts, by name; each returns the code of a refusal ──

    def _nothing(self, idea: Idea, asked: Asked, now: datetime) -> None:
        """It is recorded, and nothing else follows."""

    def _acknowledge(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.state = "acknowledged"

    def _ask(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.asked_from, idea.asked_at, idea.state = idea.state, now, "needs_information"

    def _answer(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.questions += now - (idea.asked_at or now)
        idea.state = idea.asked_from

    def _start_review(self, idea: Idea, asked: Asked, now: datetime) -> str | None:
        chair, panel = PANELS[asked.panel]
        if idea.is_appealed and (chair == idea.earlier_chair or set(panel) <= set(idea.earlier_panel)):
            return "invalid"
        idea.votes = idea.votes & set(panel) if idea.state == "under_review" else set()
        idea.chair, idea.panel, idea.state = chair, panel, "under_review"
        return None

    def _vote(self, idea: Idea, asked: Asked, now: datetime) -> str | None:
        if asked.by not in idea.panel:
            return "invalid"
        idea.votes.add(asked.by)
        return None

    def _decide(self, idea: Idea, asked: Asked, now: datetime) -> str | None:
        in_review = idea.state == "under_review"
        if (in_review and len(idea.votes) < 3) or (not in_review and asked.outcome not in QUICK):
            return "quorum_not_met"
        if asked.by != (idea.chair if in_review else "mgr-7"):
            return "invalid"
        if asked.outcome == "defer":
            if idea.deferrals == 2:
                return "invalid"
            idea.deferrals += 1
            idea.revisit_on = london(now + DEFERRAL)
        idea.outcome, idea.decided_at, idea.is_appealed = asked.outcome, now, False
        idea.state = "delivering" if asked.outcome in YES else "deferred" if asked.outcome == "defer" else "decided"
        idea.needs_final_after = None
        self._forget_telling(idea)
        return None

    def _recommit(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.recommits.append(now)

    def _reopen(self, idea: Idea, asked: Asked, now: datetime) -> None:
        self._return(idea, now)

    def _appeal(self, idea: Idea, asked: Asked, now: datetime) -> None:
        self._return(idea, now)
        idea.is_appealed = True

    def _merge(self, idea: Idea, asked: Asked, now: datetime) -> str | None:
        into = self.ideas[asked.other]
        if into is idea or into.state in NOT_TO_BE_MERGED_INTO:
            return "invalid"
        idea.merged_from, idea.merged_at, idea.state, idea.parent = idea.state, now, "merged", into
        for one in (idea, *self.along_with(idea)):
            one.told_there[into] = Told()
            one.version += one is not idea
        into.version += 1
        return None

    def _unmerge(self, idea: Idea, asked: Asked, now: datetime) -> None:
        self._part(idea)
        idea.state = idea.merged_from

    def _withdraw(self, idea: Idea, asked: Asked, now: datetime) -> None:
        if idea.state == "needs_information":
            idea.questions += now - (idea.asked_at or now)
        if idea.state == "delivering":
            idea.name_is_gone = True
        else:
            idea.state = "withdrawn"

    def _hold(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.held_from, idea.state = idea.state, "held"

    def _clear(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.state = idea.held_from

    def _redirect(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.state = "redirected"

    def _tell(self, idea: Idea, asked: Asked, now: datetime) -> None:
        self._tell_all(idea)

    def _endorse(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.supporters.add(asked.by)

    def _request_support(self, idea: Idea, asked: Asked, now: datetime) -> None:
        idea.supports.append(False)

    def _settle_support(self, idea: Idea, asked: Asked, now: datetime) -> str | None:
        if asked.other >= len(idea.supports) or idea.supports[asked.other]:
            return "invalid"
        idea.supports[asked.other] = True
        return None

    def _give_verdict(self, idea: Idea, asked: Asked, now: datetime) -> None:
        if idea.state == "closed" and idea.outcome in YES and asked.happened == "no":
            idea.state, idea.needs_final_after = "delivering", now

    # ── what follows ──

    def _ancestors(self, idea: Idea) -> Iterator[Idea]:
        while idea.parent is not None:
            idea = idea.parent
            yield idea

    def _part(self, idea: Idea) -> None:
        """It no longer lives on elsewhere; what came along with it stays with it."""
        mine = self.along_with(idea)
        for ancestor in self._ancestors(idea):
            ancestor.version += 1
            for one in (idea, *mine):
                del one.told_there[ancestor]
        for one in mine:
            one.version += 1
        idea.parent, idea.merged_at = None, None

    def _set_free(self, idea: Idea) -> None:
        """What was merged into an idea that ends is on its own again, also while it is held."""
        for one in self.ideas:
            if one.parent is idea and one.state != "redirected":
                self._part(one)
                one.version += 1
                if one.state == "merged":
                    one.state = one.merged_from
                elif one.held_from == "merged":
                    one.held_from = one.merged_from

    def _return(self, idea: Idea, now: datetime) -> None:
        """Back among the acknowledged ones, without the decision."""
        idea.state, idea.outcome, idea.counts_after = "acknowledged", None, now
        idea.earlier_chair, idea.earlier_panel = idea.chair, idea.panel
        idea.chair, idea.panel, idea.votes, idea.needs_final_after = "", (), set(), None
        self._forget_telling(idea)

    def _forget_telling(self, idea: Idea) -> None:
        idea.told = Told()
        for one in self.along_with(idea):
            one.told_there[idea] = Told()

    def _tell_all(self, idea: Idea) -> None:
        own, there = idea.standing(), idea.survivor
        idea.told = Told(idea.told.decision or own.decision, idea.told.final or own.final)
        if there is not idea:
            known, now = idea.told_there[there], there.standing()
            told = Told(known.decision or now.decision, known.final or now.final)
            there.version += told != known
            idea.told_there[there] = told

    def _may_appeal(self, idea: Idea, now: datetime) -> bool:
        if idea.decided_at is None or idea.outcome is None:
            return False
        stopped = idea.progress == "stopped" and idea.stopped_at is not None
        latest = max(idea.decided_at, idea.stopped_at) if stopped and idea.stopped_at else idea.decided_at
        fits = idea.state in {"decided", "deferred", "closed"} or (idea.state == "delivering" and stopped)
        return fits and now - latest <= APPEAL_TIME

    def _may_close(self, idea: Idea) -> bool:
        if idea.state not in {"decided", "delivering"}:
            return False
        authors = [idea.told, *(one.told_there[idea] for one in self.along_with(idea))]
        if not all(told.decision for told in authors):
            return False
        if idea.outcome not in YES:
            return True
        if idea.final is None or not idea.measured or not all(told.final for told in authors):
            return False
        return idea.needs_final_after is None or (idea.final_at is not None and idea.final_at > idea.needs_final_after)

    def _question_ends(self, idea: Idea) -> datetime:
        assert idea.asked_at is not None
        return idea.asked_at + max(QUESTION_TIME - idea.questions, timedelta())

    # ── what the reports come to ──

    def _walk(self, idea: Idea) -> tuple[list[tuple[str | None, datetime]], list[Reported]]:
        """The progress after each step, and the reports that are legal steps or no steps at all."""
        reports = [one for family in (idea, *self.along_with(idea)) for one in family.reports]
        steps: list[tuple[datetime, Reported | None]] = [(one.at, one) for one in reports]
        steps += [(at, None) for at in idea.recommits]
        progress: str | None = None
        walked: list[tuple[str | None, datetime]] = []
        legal: list[Reported] = []
        for at, report in sorted(steps, key=lambda step: step[0]):
            if idea.counts_after is not None and at <= idea.counts_after:
                continue
            if report is None:
                progress = "planned" if progress == "stopped" else progress
            elif _leads(progress, report.kind) is not None:
                progress = _leads(progress, report.kind) or progress
                legal.append(report)
            elif report.kind == "impact_measured":
                legal.append(report)
            walked.append((progress, at))
        return walked, legal

    def _refold(self, now: datetime) -> None:
        """Judge the reports of every idea anew that is visible and stands on its own."""
        for idea in self.ideas:
            if idea.state not in HIDDEN and idea.parent is None:
                self._refold_one(idea, now)

    def _refold_one(self, idea: Idea, now: datetime) -> None:
        walked, legal = self._walk(idea)
        is_yes = idea.outcome in YES
        before, final_before = idea.progress, idea.final
        idea.progress = walked[-1][0] if walked and is_yes else None
        kinds = {report.kind for report in legal}
        idea.claims = "implemented" in kinds
        idea.trial_has_result = "trial_result" in kinds
        run = self._last_run(idea, legal) if is_yes else []
        idea.final = run[0] if run else None
        idea.final_at = run[-1].at if run else None
        idea.measured = is_yes and ("impact_measured" in kinds or any(one.says_why_not_measured for one in run))
        idea.stopped_at = (idea.stopped_at or now) if idea.progress == "stopped" else None
        if idea.final is not final_before:
            idea.told.final = False
            for one in self.along_with(idea):
                one.told_there[idea].final = False
        changed_for_worse = idea.progress != before and (idea.progress == "stopped" or before == "implemented")
        if idea.state == "closed" and is_yes and changed_for_worse:
            idea.state, idea.needs_final_after = "delivering", now

    def _last_run(self, idea: Idea, legal: list[Reported]) -> list[Reported]:
        """The final reports that say what is so now, the first of them first."""
        run: list[Reported] = []
        for report in legal:
            if report.kind not in ("implemented", "stopped"):
                run = run if report.kind == "impact_measured" else []
            elif run and run[-1].kind == report.kind and not self._recommitted_between(idea, run[-1], report):
                run.append(report)
            else:
                run = [report]
        if run and run[-1].kind == "stopped" and any(at > run[-1].at for at in idea.recommits):
            return []
        return run

    def _recommitted_between(self, idea: Idea, first: Reported, second: Reported) -> bool:
        return first.kind == "stopped" and any(first.at < at < second.at for at in idea.recommits)


def _leads(progress: str | None, kind: str) -> str | None:
    """The progress that a report leads to from another one; None: it is no legal step."""
    if kind == "planned":
        return "planned" if progress in (None, "planned") else None
    if kind == "trial_result":
        return "trial_done" if progress in (None, "planned", "trial_done") else None
    if kind == "implemented":
        return "implemented" if progress != "stopped" else None
    return "stopped" if kind == "stopped" else None


def london(now: datetime) -> date:
    """The day in London."""
    return now.astimezone(LONDON).date()
