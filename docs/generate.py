"""Writes into the pages of docs/ what they show of the code, so that no page can say something else than the code.

    .venv/bin/python -m docs.generate

A page holds such a part between two comments, `<!-- generated: NAME -->` and `<!-- end -->`; PARTS lists the names.
The files of docs/examples are parts, too, such as `example:report_sender.py`. tests/docs/test_pages.py fails where a
page is behind.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from inspect import getdoc
from pathlib import Path

from app.domain import acts
from app.domain.events import EVENT_TYPES
from app.domain.lifecycle import ACTS, ENDS, SYSTEM, Act, Bearer
from app.domain.reports.reading import report_types
from app.domain.reports.types import ANY_PROGRESS, Report
from app.domain.vocabulary import Outcome, Progress, State
from app.kit.tallies import Tally
from app.services.tallies import Tallies
from app.services.words import explanation
from app.settings import settings_as_markdown
from app.web.exposition import AGES, PREFIX
from app.web.problem_texts import PROBLEMS

__all__ = ["PARTS", "acts", "edges", "filled", "pages"]

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
LANGUAGES = {".sh": "sh", ".py": "python", ".mjs": "javascript", ".java": "java"}
MANY = 8
"""An act that leaves or enters so many states is drawn once, at the box "any state", and not as so many arrows."""

Edge = tuple[State, State]

NARROWER: dict[str, frozenset[Edge]] = {
    "decide": frozenset(
        {
            (State.ACKNOWLEDGED, State.DELIVERING),
            *((State.UNDER_REVIEW, outcome.enters) for outcome in Outcome),
        }
    ),
    "give_verdict": frozenset({(State.CLOSED, State.DELIVERING)}),
    "withdraw": frozenset(
        (state, State.WITHDRAWN) for state in ACTS["withdraw"].transition.leaves - {State.DELIVERING}
    ),
}
"""Acts that cannot lead from every state that they leave to every state that they enter. A test performs them all."""

BY_RULE = {
    (State.CLOSED, State.DELIVERING): "a later report (rule)",
}
"""What leads from state to state and is no act: the fold of reports opens a closed yes again."""

_PART = re.compile(r"(<!-- generated: (?P<name>\S+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return every page that may hold generated parts."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def filled(text: str) -> str:
    """Return the page with each of its parts as the code has it now. Raises KeyError for an unknown part."""
    return _PART.sub(lambda found: f"{found[1]}{_part(found['name'])}", text)


def _part(name: str) -> str:
    kind, _, argument = name.partition(":")
    return "\n" + (_example(argument) if kind == "example" else PARTS[name]()) + "\n"


def _example(name: str) -> str:
    path = EXAMPLES / name
    return f"```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```\n"


def edges() -> dict[Edge, list[str]]:
    """Return what leads from a state to another one, in the order of the states."""
    found: dict[Edge, list[str]] = defaultdict(list)
    for name, act in sorted(ACTS.items()):
        row = act.transition
        ways = {(leaves, enters) for leaves in row.leaves for enters in row.enters if leaves is not enters}
        for edge in ways & NARROWER.get(name, frozenset(ways)):
            found[edge].append(f"{name} (rule)" if row.scopes == {SYSTEM} else name)
    for edge, words in BY_RULE.items():
        found[edge].append(words)
    order = list(State)
    return {edge: found[edge] for edge in sorted(found, key=lambda edge: (order.index(edge[0]), order.index(edge[1])))}


def _is_drawn_once(act: type[Act]) -> bool:
    row = act.transition
    return (len(row.leaves) >= MANY and len(row.enters) == 1) or (len(row.enters) >= MANY and len(row.leaves) == 1)


def state_diagram() -> str:
    """Return the states and what leads from one to another, as Mermaid draws it."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> submitted: submit", "    [*] --> held: submit, at risk now"]
    once = {name: act for name, act in sorted(ACTS.items()) if _is_drawn_once(act)}
    lines += ["    any: any state"] if once else []
    for name, act in once.items():
        leaves, enters = (
            "any" if len(states) >= MANY else min(states) for states in (act.transition.leaves, act.transition.enters)
        )
        lines.append(f"    {leaves} --> {enters}: {name}")
    for (leaves, enters), names in edges().items():
        if drawn := [name for name in names if name not in once]:
            lines.append(f"    {leaves} --> {enters}: {', '.join(drawn)}")
    lines += [f"    {state} --> [*]" for state in State if state in ENDS]
    return "\n".join([*lines, "```", ""])


def state_table() -> str:
    """Return each state with its meaning, and the acts that lead out of it."""
    out: dict[State, list[str]] = defaultdict(list)
    for (leaves, _), names in edges().items():
        out[leaves] += [name for name in names if name not in out[leaves]]
    rows = [
        (f"`{state}`", explanation("state", state), ", ".join(sorted(out[state])) or "nothing: this is an end")
        for state in State
    ]
    return _table(("State", "What it means", "What leads out of it"), rows)


def act_table() -> str:
    """Return each act: who may do it, where it fits, where it leads, and which event it writes."""
    rows = []
    for name, act in sorted(ACTS.items()):
        row = act.transition
        who = " or ".join(
            _WITHOUT_KEY[scope] if isinstance(scope, Bearer) else f"`{scope}`"
            for scope in sorted(row.scopes, key=lambda scope: (isinstance(scope, Bearer), scope))
        )
        rows.append((f"`{name}`", who, _states(row.leaves), _where_it_leads(name, act), _codes(row.events)))
    return _table(("Act", "Who", "Fits in", "Leads to", "Event"), rows)


_WITHOUT_KEY = {Bearer.RECEIPT: "the receipt", Bearer.SYSTEM: "the rules"}


def _where_it_leads(name: str, act: type[Act]) -> str:
    row = act.transition
    if not row.enters:
        return "stays"
    if name not in NARROWER:
        return _states(row.enters)
    enters = _codes(state for state in State if state in {edge[1] for edge in NARROWER[name]})
    return f"{enters}, or stays" if row.leaves & row.enters else enters


def _states(states: frozenset[State]) -> str:
    """Name the states, or the few that are missing."""
    missing = [state for state in State if state not in states]
    if not missing:
        return "every state"
    if len(states) < MANY:
        return _codes(state for state in State if state in states)
    return f"every state but {_codes(missing)}"


def report_table() -> str:
    """Return each type of report with the members of `data` that are its own."""
    rows = [
        (f"`report.{one.kind}`", _in_one_line(getdoc(one) or ""), *_members(one), _legal(one)) for one in report_types()
    ]
    return _table(("Type", "What it says", "Must carry", "May carry", "Is a step from"), rows)


def _members(report: type[Report]) -> tuple[str, str]:
    common = Report.model_fields
    own = {name: field for name, field in report.model_fields.items() if name not in common or field.is_required()}
    required = [name for name, field in own.items() if field.is_required() and name != "summary"]
    optional = [name for name, field in own.items() if not field.is_required()]
    return _codes(required), _codes(optional)


def _legal(report: type[Report]) -> str:
    if report.kind in {"correction", "retraction"}:
        return "is no step"
    if report.follows == ANY_PROGRESS:
        return "any progress"
    return _codes(one or "null" for one in (None, *Progress) if one in report.follows)


def event_table() -> str:
    """Return each type of event."""
    rows = [
        (f"`{event.name}`", _first_sentence(event.description), "`safeguard`" if event.needs_safeguard else "")
        for event in EVENT_TYPES
    ]
    return _table(("Type", "What has happened", "Needs the scope"), rows)


def problem_table() -> str:
    """Return each code of a problem."""
    order = sorted(PROBLEMS.items(), key=lambda item: (item[1].status, item[0]))
    return _table(("Status", "Code", "Title"), [(str(text.status), f"`{code}`", text.title) for code, text in order])


def metrics_table() -> str:
    """Return each figure that is counted or measured."""
    counted = [
        (f"`{PREFIX}{one.name}{'_total' if isinstance(one, Tally) else ''}`", _codes(one.labels), one.text)
        for one in vars(Tallies()).values()
    ]
    measured = [(f"`{PREFIX}{name}`", "", text) for name, (_, text) in AGES.items()]
    return _table(("Name", "Labels", "What it says"), [*counted, *measured])


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.) ", _in_one_line(text), maxsplit=1)[0]


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "state-diagram": state_diagram,
    "state-table": state_table,
    "act-table": act_table,
    "report-types": report_table,
    "event-types": event_table,
    "problems": problem_table,
    "settings": settings_as_markdown,
    "metrics": metrics_table,
}
"""Every part but the examples, by the name that a page asks for."""


def main() -> None:
    """Bring every page up to date."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
