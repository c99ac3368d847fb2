"""The one gate of state: every act of every caller, and of the rules, goes through `perform`.

It checks, writes, records and announces in one transaction. Nothing else assigns a suggestion's state.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from app.db.tables import Suggestion
from app.db.tenancy import ScopedSession
from app.domain import owed
from app.domain.acts.author import Withdraw
from app.domain.acts.rules import SetFree, SetFreeHeld
from app.domain.acts.safeguarding import Clear, Redirect
from app.domain.case import Case
from app.domain.errors import ActNotAllowed, NotFound, PreconditionRequired, VersionMismatch
from app.domain.lifecycle import Act, Moment, allowed_acts
from app.domain.policy import Rules
from app.domain.texts import Actor
from app.domain.vocabulary import Anonymity, State
from app.kit.ids import day_of
from app.kit.shapes import show_instant
from app.services import folding, ledgers, outbox
from app.services.authors import forget_authors, refs_of
from app.services.cases import find, lock, read_case, read_rules, save
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.sites import find_sites

MAX_LOOKS = 5


@dataclass(frozen=True)
class Condition:
    """The versions of If-Match, and whether the header was there. `versions` is None where any version will do."""

    versions: frozenset[int] | None = None
    given: bool = False

    def check(self, version: int, rules: Rules | None = None) -> None:
        """Raises VersionMismatch, and PreconditionRequired where the organisation asks for the header."""
        if rules is not None and rules.policy.require_if_match and not self.given:
            raise PreconditionRequired
        if self.versions is not None and version not in self.versions:
            raise VersionMismatch


ANY_VERSION = Condition()


@dataclass
class _Touched:
    """The rows that an act locks, with the cases as they were and as they will be."""

    rows: dict[UUID, Suggestion]
    before: dict[UUID, Case]
    after: dict[UUID, Case] = field(default_factory=dict)


def perform(
    session: ScopedSession,
    context: Context,
    suggestion_id: UUID,
    act: Act,
    condition: Condition = ANY_VERSION,
    *,
    actor: Actor | None = None,
) -> Effect:
    """Performs an act of a caller: loads and locks, checks, writes where nobody else has, publishes one event.

    `actor` is the person on whose behalf a key acts; the bearer of a receipt has none. The effect's ids are the
    suggestion's and the event's. Raises NotFound, PreconditionRequired, VersionMismatch, ActNotAllowed, QuorumNotMet
    and Invalid.
    """
    touched = _lock_visible(session, suggestion_id, act)
    rules = read_rules(session)
    with session.for_rules():
        row, case = touched.rows[suggestion_id], touched.before[suggestion_id]
        _check_still_visible(context, row)
        condition.check(row.version, rules)
        if not act.fits(case, context.now):
            raise ActNotAllowed(state=case.state.value, allowed_acts=allowed_acts(case, context.now))
        at = _moment(session, context, act, rules, touched, row, actor)
        if (first := act.first_event(case, at)) is not None:
            return Effect(200, (suggestion_id, first))
        event_id = apply(session, touched, row, act, at)
    return Effect(200, (suggestion_id, event_id), at_hand=row)


def acted_on(session: ScopedSession, effect: Effect) -> Suggestion:
    """The suggestion that an act has changed. Raises NotFound where the session may not see it any more."""
    return effect.at_hand if isinstance(effect.at_hand, Suggestion) else find(session, effect.ids[0])


def perform_rule(session: ScopedSession, suggestion_id: UUID, act: Act, now: datetime) -> UUID | None:
    """Performs an act of the rules if it fits, and returns its event; None where somebody has been faster."""
    with session.for_rules():
        row = session.get(Suggestion, suggestion_id)
        if row is None:
            return None
        touched = _lock_all(session, row, act, set())
        row = touched.rows[suggestion_id]
        case = touched.before[suggestion_id]
        if not act.fits(case, now):
            return None
        rules = read_rules(session)
        made = outbox.event_id(row.anonymity, by_author=act.transition.by_author, now=now)
        others = {one: touched.before[one] for one in act.others(case) if one in touched.before}
        hidden_author = act.transition.by_author and row.anonymity == Anonymity.ANONYMOUS
        day = day_of(now) if hidden_author else None
        at = Moment(now=now, day=day, event_id=made, rules=rules, others=others)
        return apply(session, touched, row, act, at)


def apply(session: ScopedSession, touched: _Touched, row: Suggestion, act: Act, at: Moment) -> UUID:
    """Performs the act and the rules that it sets off. Writes each case once, and the events in their order."""
    before = touched.before[row.id] = say_promises(session, row, touched.before[row.id], at.rules, at.now)
    after = act.performed_on(before, at)
    for other_id in at.others:
        other = touched.before[other_id]
        rippled = act.ripple(other, before, after, at)
        if other_id != row.id and (rippled != other or isinstance(act, Clear)):
            touched.after[other_id] = rippled
    touched.after[row.id] = after = _without_credit(row, before, after)
    changes = _write(session, touched, row, act, at)
    ledgers.record(session, row, act, after, at)
    event_id = _announce(session, row, act, before, changes[row.id].case, at)
    if _takes_credit_away(before, after):
        forget_authors(session, row)
    for one, change in changes.items():
        folding.announce(session, touched.rows[one], change, now=at.now)
    if isinstance(act, Redirect | Withdraw) and changes[row.id].case.state is not State.DELIVERING:
        _set_free(session, before, at.now)
    return event_id


def _write(
    session: ScopedSession, touched: _Touched, row: Suggestion, act: Act, at: Moment
) -> dict[UUID, folding.Change]:
    """Folds the reports of each case anew where that is needed, and writes it. The suggestion itself comes first: what
    was cleared must be seen where it lives on.
    """
    changes: dict[UUID, folding.Change] = {}
    for one in sorted(touched.after, key=lambda one: one != row.id):
        kept_meanwhile = one != row.id and isinstance(act, Clear)
        change = folding.refold(
            session, one, touched.after[one], touched.before[one], at.now, reports_changed=kept_meanwhile
        )
        changes[one] = change
        if one == row.id or change.joined or change.case != touched.before[one]:
            by_day = one == row.id and _is_by_author(act, at) and row.anonymity == Anonymity.ANONYMOUS
            save(session, touched.rows[one], change.case, at.rules, now=at.now, by_day=by_day)
    return changes


def _lock_visible(session: ScopedSession, suggestion_id: UUID, act: Act) -> _Touched:
    """Locks what the act touches, if the caller sees the suggestion. Raises NotFound.

    Nearly all acts touch nothing but their own suggestion, which is found and locked by one statement then.
    """
    if type(act).others is Act.others:
        rows = lock(session, [suggestion_id])
        if not rows:
            raise NotFound
        return _Touched(rows, {one: read_case(row.case) for one, row in rows.items()})
    visible = find(session, suggestion_id)
    named = {one for one in act.names_suggestions() if session.get(Suggestion, one) is not None}
    with session.for_rules():
        return _lock_all(session, visible, act, named)


def _lock_all(session: ScopedSession, seen: Suggestion, act: Act, named: set[UUID]) -> _Touched:
    """Locks the suggestion and those that the act touches. Which ones they are is looked at again under the lock."""
    case = read_case(seen.case)
    for _ in range(MAX_LOOKS):
        unseen = set(act.names_suggestions()) - named
        wanted = {seen.id, *act.others(case)} - unseen
        rows = lock(session, wanted)
        cases = {one: read_case(row.case) for one, row in rows.items()}
        case = cases[seen.id]
        if {seen.id, *act.others(case)} - unseen == wanted:
            return _Touched(rows, cases)
    raise RuntimeError("the suggestions that an act touches did not stand still")


def _check_still_visible(context: Context, row: Suggestion) -> None:
    """It may have been hidden between the look and the lock."""
    if row.hidden is not None and not context.caller.scope.sees_hidden:
        raise NotFound


def _moment(
    session: ScopedSession,
    context: Context,
    act: Act,
    rules: Rules,
    touched: _Touched,
    row: Suggestion,
    actor: Actor | None,
) -> Moment:
    case = touched.before[row.id]
    by_author = act.transition.by_author or context.caller.suggestion_id is not None
    names = [name for _, name in act.names_sites()]
    supporter = (
        ""
        if actor is None
        else context.secret.derive("supporter", row.organisation_id.bytes, actor.ref.encode()).hex()[:24]
    )
    hidden_author = by_author and row.anonymity == Anonymity.ANONYMOUS
    return Moment(
        now=context.now,
        day=day_of(context.now) if hidden_author else None,
        event_id=outbox.event_id(row.anonymity, by_author=by_author, now=context.now),
        rules=rules,
        actor=actor,
        by_receipt=context.caller.suggestion_id is not None,
        others={one: touched.before[one] for one in act.others(case) if one in touched.before},
        sites=_sites_for(session, context, names),
        supporter=supporter,
    )


def _sites_for(session: ScopedSession, context: Context, names: Iterable[str]) -> dict[str, UUID]:
    """The named sites, as far as the caller's key is for them."""
    found = find_sites(session, names)
    allowed = context.caller.sites
    return found if allowed is None else {name: site for name, site in found.items() if site in allowed}


def say_promises(session: ScopedSession, row: Suggestion, case: Case, rules: Rules, now: datetime) -> Case:
    """Publishes what is due to be said of the promises, once each, and returns the case in which it was said.

    It comes before every act, because an act may settle a promise or start it anew. Each is a version of its own.
    """
    for announcement in owed.to_say(case, rules, now):
        case = owed.said(case, announcement)
        save(session, row, case, rules, now=now)
        facts: dict[str, JsonValue] = {"promise": announcement.promise, "due_at": show_instant(announcement.due_at)}
        outbox.publish(session, row, outbox.Announcement(f"promise.{announcement.saying}", facts=facts), now=now)
    return case


def _is_by_author(act: Act, at: Moment) -> bool:
    """What the author does: the acts that are the author's by nature, and whatever comes by the receipt."""
    return act.transition.by_author or at.by_receipt


def _without_credit(row: Suggestion, before: Case, after: Case) -> Case:
    """A withdrawal after a yes leaves the change; where the author was to lead it, nobody is named any more."""
    made = after.commitment
    if not _takes_credit_away(before, after) or made is None or made.lead is None:
        return after
    return after if made.lead.ref not in refs_of(row) else replace(after, commitment=replace(made, lead=None))


def _takes_credit_away(before: Case, after: Case) -> bool:
    return after.credit_withdrawn and not before.credit_withdrawn


def _announce(session: ScopedSession, row: Suggestion, act: Act, before: Case, after: Case, at: Moment) -> UUID:
    facts: dict[str, Any] = act.facts(after, at)
    if act.writes_message():
        facts["message_id"] = str(at.event_id)
    if len(after.supports) > len(before.supports):
        facts["support_id"] = str(at.event_id)
    by_author = _is_by_author(act, at)
    hides_author = by_author and row.anonymity == Anonymity.ANONYMOUS
    body = act.model_dump(mode="json", exclude_none=True)
    if "actor" in body and hides_author:
        body["actor"] = {"group": body["actor"]["group"]}
    group = at.actor.group.value if at.actor else (after.group.value if at.by_receipt else None)
    if act.transition.name == "read_receipt":
        body, group = {}, after.group.value
    announcement = outbox.Announcement(
        act.event_type(),
        facts=facts,
        body=body,
        group=group,
        ref=at.actor.ref if at.actor else None,
        by_author=by_author,
    )
    return outbox.publish(session, row, announcement, now=at.now, id=at.event_id)


def _set_free(session: ScopedSession, before: Case, now: datetime) -> None:
    """What was merged into a suggestion that ends stands on its own again; what came along with it stays with it."""
    rows = [row for one in before.merged if (row := session.get(Suggestion, one.id)) is not None]
    for row in [row for row in rows if not read_case(row.case).merged_path]:
        perform_rule(session, row.id, SetFreeHeld() if row.hidden else SetFree(), now)
