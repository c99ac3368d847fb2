"""A suggestion's row and its case: how the one is read from the other and written back."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select
from sqlalchemy.orm.attributes import set_committed_value

from app.db import statements
from app.db.prepared_reads import read_organisation
from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession, prepared
from app.domain.case import Case
from app.domain.errors import NotFound
from app.domain.owed import about_to_break_at, next_wake, promises_of
from app.domain.policy import Policy, Rules
from app.domain.vocabulary import Nation, OrganisationKind
from app.kit.ids import day_of
from app.services.ledgers import milestones_of

_CASES = TypeAdapter(Case)
_KNOWN = frozenset(field.name for field in fields(Case))
_RULES = "rules"
_LOCK = prepared(
    select(Suggestion)
    .where(Suggestion.id.in_(bindparam("ids", expanding=True)))
    .order_by(Suggestion.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


class LostUpdate(RuntimeError):  # noqa: N818 -- a fault of this program: the row was locked, and changed all the same
    """A suggestion's version changed between the lock and the write."""


def read_case(stored: Mapping[str, Any]) -> Case:
    """The case of a stored row. Members that this code does not know are kept in `rest`."""
    unknown = {name: value for name, value in stored.items() if name not in _KNOWN}
    case = _CASES.validate_python({name: value for name, value in stored.items() if name in _KNOWN})
    return replace(case, rest=unknown) if unknown else case


def stored_case(case: Case) -> dict[str, Any]:
    """The case as JSON, without what is as it is by default, and with the unknown members as they came."""
    dumped: dict[str, Any] = _CASES.dump_python(case, mode="json", exclude_defaults=True, exclude={"rest"})
    return {**case.rest, **dumped}


def read_rules(session: ScopedSession) -> Rules:
    """The policy, kind and nation of the session's organisation, asked for once in a session (`forget_rules`)."""
    known: dict[UUID, Rules] = session.info.setdefault(_RULES, {})
    organisation_id = statements.organisation_of(session)
    if organisation_id not in known:
        known[organisation_id] = _rules_of(session)
    return known[organisation_id]


def forget_rules(session: ScopedSession) -> None:
    """For who changes an organisation: from now on the session reads its rules anew."""
    session.info.pop(_RULES, None)


def _rules_of(session: ScopedSession) -> Rules:
    organisation = read_organisation(session)
    if organisation is None:
        raise NotFound
    return Rules(
        policy=Policy.model_validate(organisation.policy),
        kind=OrganisationKind(organisation.kind),
        nation=Nation(organisation.nation),
    )


def find(session: ScopedSession, suggestion_id: UUID) -> Suggestion:
    """The suggestion. Raises NotFound for one of another organisation or site, and for a hidden one."""
    row = session.get(Suggestion, suggestion_id)
    if row is None:
        raise NotFound
    return row


def find_locked(session: ScopedSession, suggestion_id: UUID) -> Suggestion:
    """The suggestion, locked. Raises NotFound as `find` does, also where it was hidden while this waited."""
    row = lock(session, [suggestion_id]).get(suggestion_id)
    if row is None:
        raise NotFound
    return row


def lock(session: ScopedSession, ids: Iterable[UUID]) -> dict[UUID, Suggestion]:
    """The suggestions by their ids; missing ones are left out.

    They are locked in the order of their ids, so that two callers never wait for each other.
    """
    return {row.id: row for row in session.execute(_LOCK, {"ids": sorted(set(ids))}).scalars()}


def save(
    session: ScopedSession, row: Suggestion, case: Case, rules: Rules, *, now: datetime, by_day: bool = False
) -> None:
    """Writes the case and the columns that lists filter by, where nobody else has, and its next date in the agenda.

    `by_day`: an anonymous author did it, so that only the day of the change is kept.
    """
    wake_at = next_wake(case, rules, now)
    promises = promises_of(case, rules, now)
    statements.put_milestones(session, milestones_of(row, case))
    values: dict[str, Any] = {
        "state": case.state.value,
        "hidden": case.hidden.value if case.hidden else None,
        "progress": case.delivery.progress.value if case.delivery.progress else None,
        "outcome": case.decision.outcome.value if case.decision else None,
        "steward_ref": case.steward.ref if case.steward else None,
        "merged_into": case.merged_into,
        "supporters": len(case.all_supporters()),
        "promise_due_at": about_to_break_at(promises),
        "promise_broken": any(promise.state == "broken" for promise in promises),
        "updated_at": day_of(now) if by_day else now,
        "case": stored_case(case),
        "version": row.version + 1,
    }
    if not statements.save_suggestion(session, row.id, row.version, values):
        raise LostUpdate
    for name, value in values.items():
        set_committed_value(row, name, value)
    if wake_at is None:
        statements.drop_agenda(session, "suggestion", row.id)
    else:
        statements.put_agenda(session, "suggestion", row.id, wake_at.timestamp())
