"""What providers' systems say has happened: one way in for all of them, and what becomes of a report.

A report is kept whatever is wrong with it. One that stands on a suggestion is folded with the others, and the folded
result is written and told in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from app.db import report_statements
from app.db.report_statements import Named
from app.db.statements import organisation_of, put_agenda
from app.db.tables import Report, Suggestion
from app.db.tenancy import ScopedSession
from app.domain.errors import IdConflict
from app.domain.vocabulary import QuarantineReason, ReportStatus
from app.kit.ids import new_id
from app.kit.sealing import Secret
from app.services import corrections, folding, outbox
from app.services.cases import lock, read_case, read_rules, save
from app.services.origins import Origin, of_report
from app.services.quarantine import Incoming, Judgement, judge, kept_data
from app.services.suggestions import say_promises

AGENDA = "report"
TRIED_AGAIN_AFTER = timedelta(minutes=1)
"""When a report that waits is first tried again: its suggestion may have come while it was being kept."""
MAX_REF = 200


@dataclass(frozen=True)
class Received:
    """What became of a report that came in. `repeats`: it came before with the same content, and nothing was done."""

    report_id: UUID
    repeats: bool = False
    at_hand: Report | None = None
    """Its row, where that need not be loaded again."""


@dataclass(frozen=True)
class Target:
    """The suggestion that a report names and the one whose fold it joins, both locked; the same unless merged."""

    named: Suggestion
    survivor: Suggestion

    @property
    def hidden(self) -> Suggestion | None:
        """The one that is held or redirected, if one of them is."""
        return next((row for row in (self.named, self.survivor) if row.hidden is not None), None)


def receive(session: ScopedSession, secret: Secret, origin: Origin, incoming: Incoming, now: datetime) -> Received:
    """Keeps a report and lets it join its suggestion, or quarantines it with a reason.

    The session sees the whole organisation. The same report id with the same content is no new report. With other
    content it is quarantined if it was signed; by key it raises IdConflict. Writes the report, the case and its events.
    """
    judgement = judge(session, secret, origin, incoming, now)
    if not judgement.claims:
        first = report_statements.find_unclaimed(session, origin.name, incoming.key, incoming.digest)
        if first is not None:
            return Received(first, repeats=True)
    target = lock_target(session, judgement.named) if judgement.reason is None and judgement.named else None
    status = ReportStatus.RECORDED if judgement.reason is None else ReportStatus.QUARANTINED
    report_id = _insert(session, origin, incoming, judgement, status, now, claims=judgement.claims)
    if report_id is None:
        return _take_repeated(session, origin, incoming, judgement, now)
    if target is not None:
        return Received(report_id, at_hand=settle(session, report_id, target, now))
    _quarantine(session, report_id, judgement, now)
    return Received(report_id)


def keep(session: ScopedSession, origin: Origin, incoming: Incoming, judgement: Judgement, now: datetime) -> Received:
    """Keeps a report outside: quarantined with the judgement's reason, or rejected where it has none. It leaves the
    sender's own id free.
    """
    status = ReportStatus.REJECTED if judgement.reason is None else ReportStatus.QUARANTINED
    report_id = _insert(session, origin, incoming, judgement, status, now, claims=False)
    assert report_id is not None  # noqa: S101 -- it claims nothing that somebody else could have
    if judgement.reason is not None:
        _quarantine(session, report_id, judgement, now)
    return Received(report_id)


def reconsider(
    session: ScopedSession,
    secret: Secret,
    report: Report,
    now: datetime,
    *,
    masked: bool = False,
    instead: UUID | None = None,
    by_hand: bool = False,
) -> None:
    """Judges a report anew that is outside its suggestion, and lets it join if it fits by now.

    `instead` names another suggestion. `by_hand`: a person vouches for it. The session sees the whole organisation.
    """
    incoming = Incoming(report.report_key, report.type, report.data, report.digest, report.call_id, masked)
    origin = of_report(session, report)
    judgement = judge(session, secret, origin, incoming, now, instead=instead, by_hand=by_hand)
    reason = judgement.reason
    if judgement.claims and report.claimed_key is None and not _claim(session, report) and not by_hand:
        reason = QuarantineReason.REPORT_ID_REUSED
    target = lock_target(session, judgement.named) if reason is None and judgement.named else None
    report.status = (ReportStatus.RECORDED if target else ReportStatus.QUARANTINED).value
    report.reason = reason.value if reason else None
    report.suggestion_id = judgement.named.id if judgement.named else None
    report.data = kept_data(report.data, judgement.named)
    report.occurred_at, report.site_id = judgement.occurred_at, judgement.site_id
    report.waits_for = judgement.waits_for if reason is QuarantineReason.UNKNOWN_SUGGESTION else None
    report.version += 1
    session.flush()
    if target is not None:
        settle(session, report.id, target, now, arrives=False)


def adopt_waiting(session: ScopedSession, secret: Secret, row: Suggestion, now: datetime) -> bool:
    """Tries the reports again that came before their suggestion, in their order; says whether any did."""
    waiting = report_statements.find_waiting(session, row.id.bytes, row.external_hash)
    if not waiting:
        return False
    with session.for_rules():
        for report_id in waiting:
            reconsider(session, secret, _find(session, report_id), now)
    return True


def settle(session: ScopedSession, report_id: UUID, target: Target, now: datetime, *, arrives: bool = True) -> Report:
    """Folds a report that was written into its suggestion, writes and tells what that changes, and returns its row.

    On a hidden suggestion it only waits, and the safeguarding lead is told. `arrives`: it came in just now, so that a
    contradiction is told, too.
    """
    if (hidden := target.hidden) is not None:
        report = _find(session, report_id)
        facts: dict[str, JsonValue] = dict(folding.report_facts(report))
        _publish(session, hidden, "safeguarding.report_kept", report, facts, now)
        return report
    survivor = target.survivor
    rules = read_rules(session)
    case = say_promises(session, survivor, read_case(survivor.case), rules, now)
    change = folding.refold(session, survivor.id, case, case, now, reports_changed=True)
    after, message = corrections.write_message(session, survivor, change, now)
    if change.joined or change.left or after != case:
        save(session, survivor, after, rules, now=now)
    report = change.rows.get(report_id) or _find(session, report_id)
    if arrives and report.status == ReportStatus.QUARANTINED:
        _tell_quarantined(session, survivor, report, now)
    folding.announce(session, survivor, change, now=now, by=report)
    if message is not None:
        outbox.publish(session, survivor, message.announcement(folding.cause_of(report)), now=now, id=message.id)
    return report


def lock_target(session: ScopedSession, named: Named) -> Target:
    """Locks what a report is about. Where it lives on is looked at again under the lock."""
    into = named.merged_into
    while True:
        rows = lock(session, {named.id, into or named.id})
        row = rows[named.id]
        if (row.merged_into or named.id) in rows:
            return Target(row, rows[row.merged_into or named.id])
        into = row.merged_into


def _insert(
    session: ScopedSession,
    origin: Origin,
    incoming: Incoming,
    judgement: Judgement,
    status: ReportStatus,
    now: datetime,
    *,
    claims: bool,
) -> UUID | None:
    """Writes the report under its number; None if its id is used by its origin."""
    report_id = new_id(now)
    values: dict[str, Any] = {
        "organisation_id": organisation_of(session),
        "id": report_id,
        "suggestion_id": judgement.named.id if judgement.named else None,
        "origin": origin.name,
        "source_id": origin.source_id,
        "system": origin.system,
        "report_key": incoming.key,
        "claimed_key": incoming.key if claims else None,
        "type": incoming.kind or incoming.type[:MAX_REF],
        "status": status.value,
        "reason": judgement.reason.value if judgement.reason else None,
        "site_id": judgement.site_id,
        "occurred_at": judgement.occurred_at,
        "received_at": now,
        "digest": incoming.digest,
        "data": kept_data(incoming.data, judgement.named),
        "call_id": incoming.call_id,
        "struck_out_by": None,
        "waits_for": judgement.waits_for,
        "version": 1,
        "joined": False,
    }
    return report_id if report_statements.insert_report_once(session, values) else None


def _take_repeated(
    session: ScopedSession, origin: Origin, incoming: Incoming, judgement: Judgement, now: datetime
) -> Received:
    """What to do with a report whose id its origin has used before."""
    first = report_statements.find_claimed(session, origin.name, incoming.key)
    if first is not None and first[1] == incoming.digest:
        return Received(first[0], repeats=True)
    if origin.is_key:
        raise IdConflict("Your system has sent another report under this report_id.")
    reused = Judgement(QuarantineReason.REPORT_ID_REUSED, judgement.named, judgement.occurred_at, judgement.site_id)
    again = report_statements.find_unclaimed(session, origin.name, incoming.key, incoming.digest)
    if again is not None:
        return Received(again, repeats=True)
    return keep(session, origin, incoming, reused, now)


def _claim(session: ScopedSession, report: Report) -> bool:
    """Takes the sender's own id for a report that left it free, if nobody else has it."""
    if report_statements.find_claimed(session, report.origin, report.report_key) is not None:
        return False
    report.claimed_key = report.report_key
    session.flush()
    return True


def _quarantine(session: ScopedSession, report_id: UUID, judgement: Judgement, now: datetime) -> None:
    """Tells that a report is kept outside, and when it is tried again."""
    report = _find(session, report_id)
    about = session.get(Suggestion, judgement.named.id) if judgement.named else None
    if judgement.waits_for is not None or judgement.reason is QuarantineReason.INTERNAL_ERROR:
        put_agenda(session, AGENDA, report_id, (now + TRIED_AGAIN_AFTER).timestamp())
    _tell_quarantined(session, about, report, now)


def _tell_quarantined(session: ScopedSession, about: Suggestion | None, report: Report, now: datetime) -> None:
    facts: dict[str, JsonValue] = {**folding.report_facts(report), "reason": report.reason}
    _publish(session, about, "report.quarantined", report, facts, now)


def _publish(
    session: ScopedSession,
    about: Suggestion | None,
    type_: str,
    report: Report,
    facts: dict[str, JsonValue],
    now: datetime,
) -> None:
    announcement = outbox.Announcement(
        type_,
        facts=facts,
        body={"data": report.data},
        occurred_at=report.occurred_at,
        cause=folding.cause_of(report),
    )
    outbox.publish(session, about, announcement, now=now)


def _find(session: ScopedSession, report_id: UUID) -> Report:
    report = session.get(Report, report_id)
    assert report is not None  # noqa: S101 -- it was written in this transaction
    return report
