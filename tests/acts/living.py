"""Ideas of one organisation on a real database: each act is a transaction of its own through the one gate of state."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select

from app.db.session import Database, ScopedSession, TenantScope
from app.db.tables import Agenda, Event, Suggestion
from app.domain.lifecycle import ACTS, Act, allowed_acts
from app.domain.reports.messages import ReportRequest
from app.domain.submission import Submission
from app.domain.texts import Actor
from app.domain.vocabulary import OrganisationKind, Scope
from app.kit.refusals import Refusal
from app.kit.sealing import Secret
from app.kit.shapes import Shape, show_instant
from app.services import organisations, receipts, reporting, rules, submission, suggestions
from app.services.access import Caller
from app.services.cases import read_case
from app.services.context import Context
from tests.acts.model import DEFERRAL, PANELS, Asked, london
from tests.bodies import RATIONALE
from tests.service import MONDAY, message, person
from tests.service import submission as example

T = TypeVar("T")
SECRET = Secret(bytes(range(32)))
ANSWER = {"rationale": RATIONALE, "message": message("This is our answer."), "participation_level": "co_design"}
FIELDS: dict[str, dict[str, Any]] = {
    "acknowledge": {
        "steward": {"ref": "mgr-7", "name": "Sam Hollis"},
        "message": message(),
        "decision_expected_on": "2026-12-01",
    },
    "answer": {"text": "Tuesdays and Fridays."},
    "appeal": {"grounds": "The vote was taken without us."},
    "ask": {"question": "Which days do you mean?"},
    "assign": {"steward": {"ref": "mgr-7", "name": "Robin Kerr"}},
    "clear": {"why": "Nobody is at risk."},
    "confirm": {"seen": "seen"},
    "endorse": {},
    "give_verdict": {"heard": 5, "respected": 5, "same_rules": 4, "clear_reason": 4, "made_better": 3},
    "hold": {"route": "safeguarding", "why": "A resident may be at risk."},
    "log_time": {"minutes": 90, "kind": "used", "paid": True, "purpose": "The panel's meeting."},
    "merge": {"why_the_same": "Both ask for the same.", "message": message("Your idea lives on in another.")},
    "message": message("No change yet."),
    "note": {"text": "Spoke with the coordinator."},
    "recommit": {"why": "The supplier is late.", "message": message("It will take a month longer.")},
    "redirect": {
        "route": "complaint",
        "handed_to": "The complaints officer",
        "handed_over_at": "2026-11-02T10:00:00Z",
        "message": message("This belongs to another procedure."),
    },
    "reopen": {"why": "A new law applies."},
    "request_support": {"kind": "interpreter", "need": "Thirty minutes, in Igbo."},
    "tell": {"channel": "phone", "told_at": "2026-11-02T10:00:00Z"},
    "unmerge": {"why": "Mine is about nights."},
    "withdraw": {},
}
EVIDENCE = [{"kind": "rota_change", "title": "Rota week 47"}]
REPORTS: dict[str, dict[str, Any]] = {
    "planned": {"due_on": "2027-01-31", "owner_role": "Coordinator"},
    "trial_result": {"result": "worked", "narrative": "Fewer late calls.", "next_step": "adopt"},
    "implemented": {"what_changed": "Two fixed pairs.", "evidence": EVIDENCE},
    "stopped": {"reason": "no_funding", "rationale": "The grant was withdrawn."},
    "impact_measured": {
        "benefit_type": "non_cash_time",
        "measure": "paid travel hours",
        "baseline": 420,
        "value": 210,
        "unit": "hours",
        "period": "year",
        "method": "rota export",
    },
}


@dataclass(frozen=True)
class Seen:
    """What the service says of an idea. `said` counts the promises that were announced, each a version of its own."""

    state: str
    version: int
    said: int
    progress: str | None
    outcome: str | None
    merged_into: UUID | None
    allowed: tuple[str, ...]


class Lives:
    """The ideas, all submitted at once; time goes on by a second with everything that is done."""

    def __init__(self, database: Database, ideas: int) -> None:
        self.database, self.now = database, MONDAY
        self.organisation = database.write_now(None, self._make)
        self.scope = TenantScope(self.organisation, sees_hidden=True)
        self.caller = Caller(self.organisation, uuid4(), "care-app", frozenset(Scope))
        self.ids = database.write_now(self.scope, lambda session: [self._submit(session) for _ in range(ideas)])
        self.supports: dict[UUID, list[UUID]] = {id: [] for id in self.ids}
        self._seen: list[Seen] | None = None

    def act(self, index: int, asked: Asked, *, by_receipt: bool = False) -> str:
        """Do an act, by key or by receipt; returns `done`, or the code of the refusal. A refusal undoes everything."""
        id = self.ids[index]
        act = self._act_of(id, asked)
        actor = None if by_receipt else Actor.model_validate_json(json.dumps(self._actor(asked)))
        context = self._context(id if by_receipt else None)
        try:
            effect = self._write(lambda session: suggestions.perform(session, context, id, act, actor=actor))
        except Refusal as refusal:
            return refusal.code
        if asked.act == "request_support":
            self.supports[id].append(effect.ids[1])
        return "done"

    def read(self, index: int) -> None:
        """The author opens the receipt view."""
        self._write(lambda session: receipts.read_news(session, self.ids[index], self.now))

    def report(self, index: int, kind: str, *, says_why: bool) -> None:
        """A report of the organisation's one system, about this very second."""
        data = {
            "suggestion_id": str(self.ids[index]),
            "occurred_at": show_instant(self.now),
            "summary": "What happened.",
            **REPORTS[kind],
        }
        if says_why and kind in ("implemented", "stopped"):
            data["not_measured_because"] = "Travel is measured from next month on."
        sent = {"report_id": uuid4().hex, "type": f"report.{kind}", "data": data}
        request = ReportRequest.model_validate_json(json.dumps(sent))
        self._write(lambda session: reporting.report(session, self._context(), request))

    def pass_time(self, days: float = 0) -> None:
        """Let time pass: a second more than so many days."""
        self.now += timedelta(days=days, seconds=1)

    def let_time_work(self) -> None:
        """Do what is due by now, as the worker does."""
        while self.database.write_now(None, lambda session: rules.do_due(session, self.now)):
            pass

    def look(self) -> list[Seen]:
        """What is so now of each idea."""
        return self.database.read_now(self.scope, self._look)

    def after_step(self) -> list[Seen]:
        """What is so after the step just taken, as its transaction has seen it before it was committed."""
        seen, self._seen = self._seen, None
        return seen or self.look()

    def forget(self) -> None:
        """Let nothing of this organisation come due in other tests."""
        mine = delete(Agenda).where(Agenda.organisation_id == self.organisation)

        def work(session: ScopedSession) -> None:
            session.execute(mine)

        self.database.write_now(None, work)

    def _make(self, session: ScopedSession) -> UUID:
        row = organisations.make_organisation(
            session, self.now, name="Fellside", kind=OrganisationKind.PROVIDER, code=f"lives-{uuid4().hex}"
        )
        return row.id

    def _submit(self, session: ScopedSession) -> UUID:
        sent = filled(Submission, example())
        made: UUID = submission.submit(session, self._context(), sent).ids[0]
        return made

    def _context(self, suggestion_id: UUID | None = None) -> Context:
        if suggestion_id is None:
            return Context(self.caller, self.now, SECRET)
        author = Caller(self.organisation, suggestion_id, "receipt", frozenset(), None, suggestion_id)
        return Context(author, self.now, SECRET)

    def _write(self, work: Callable[[ScopedSession], T]) -> T:
        """Do the work, and look at what is stored before it is committed."""

        def work_and_look(session: ScopedSession) -> tuple[T, list[Seen]]:
            return work(session), self._look(session)

        done, self._seen = self.database.write_now(self.scope, work_and_look)
        return done

    def _act_of(self, id: UUID, asked: Asked) -> Act:
        fields = dict(FIELDS.get(asked.act, {}))
        match asked.act:
            case "start_review":
                chair, panel = PANELS[asked.panel]
                fields = {"panel": [person(ref, _GROUPS[ref[:2]]) for ref in panel], "chair": chair}
            case "vote":
                fields = {"member": asked.by, "choice": asked.choice}
            case "decide":
                fields = self._decision(asked.outcome)
            case "recommit":
                fields["commitment"] = {"owner": "coord-3", "due_on": str(london(self.now + DEFERRAL))}
            case "merge":
                fields["into"] = str(self.ids[asked.other])
            case "settle_support":
                known = self.supports[id]
                chosen = known[asked.other] if asked.other < len(known) else uuid4()
                fields = {"support_id": str(chosen), "result": "granted"}
            case "give_verdict" if asked.happened is not None:
                fields["did_it_happen"] = asked.happened
        act: Act = filled(ACTS[asked.act], fields)
        return act

    def _decision(self, outcome: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"outcome": outcome, "override_reason": "The regulator asks for it.", **ANSWER}
        if outcome in ("adopt", "adapt", "trial"):
            fields["commitment"] = {"owner": "coord-2", "due_on": str(london(self.now + DEFERRAL))}
        if outcome not in ("adopt", "trial"):
            fields["reasons"] = ["timing"]
        if outcome == "defer":
            fields["revisit_on"] = str(london(self.now + DEFERRAL))
        return fields

    def _actor(self, asked: Asked) -> dict[str, Any]:
        return person(asked.by or "mgr-7", _GROUPS[(asked.by or "mgr-7")[:2]])

    def _look(self, session: ScopedSession) -> list[Seen]:
        counted = select(Event.suggestion_id, func.count()).where(Event.type.like("promise.%"))
        said = Counter[UUID | None]()
        for id, count in session.execute(counted.group_by(Event.suggestion_id)):
            said[id] = count
        found = {row.id: _seen(row, said[row.id], self.now) for row in session.execute(_COLUMNS)}
        return [found[id] for id in self.ids]


_GROUPS: Mapping[str, str] = {"cw": "care_worker", "mg": "manager", "fa": "family_or_friend"}
_COLUMNS = select(
    Suggestion.id,
    Suggestion.state,
    Suggestion.version,
    Suggestion.progress,
    Suggestion.outcome,
    Suggestion.merged_into,
    Suggestion.case,
)
"""What is stored, and not what the session may remember."""


def _seen(row: Any, said: int, now: datetime) -> Seen:  # noqa: ANN401 -- the columns above
    case = read_case(row.case)
    columns = (row.state, row.progress, row.outcome, row.merged_into)
    delivery, decision = case.delivery.progress, case.decision
    assert columns == (case.state, delivery, decision.outcome if decision else None, case.merged_into)
    return Seen(
        row.state, row.version, said, row.progress, row.outcome, row.merged_into, tuple(allowed_acts(case, now))
    )


def filled(model: type[Shape], body: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- an instance of the model
    """The model of a body that is well formed."""
    return model.model_validate_json(json.dumps(body))
