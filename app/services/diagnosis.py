"""What is wrong with an installation, in words for whoever operates it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from app.db.durability import read_clock, unsafe_settings
from app.db.tables import Agenda, Delivery, Installation, Organisation, Report, Subscription
from app.db.tenancy import ScopedSession, TenantScope
from app.domain.vocabulary import QuarantineReason, ReportStatus
from app.services.backlog import measure_backlog, oldest_undelivered

CLOCK_TOLERANCE = timedelta(seconds=5)
SET_BACK_TOLERANCE = timedelta(minutes=5)
UNDELIVERED_FOR = timedelta(minutes=15)
LATE_SECONDS = 60.0


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `words` are whole sentences; `organisation` is its code; `count` is how many of it."""

    code: str
    words: str
    organisation: str | None = None
    count: int | None = None


class _Tenant(NamedTuple):
    id: UUID
    code: str


def diagnose(session: ScopedSession, now: datetime, fingerprint: str | None = None) -> list[Finding]:
    """Everything that the database tells. `fingerprint` is that of the secret. Needs a session without a scope."""
    findings = [*_of_secret(session, fingerprint), *_of_database(session, now), *_of_worker(session, now)]
    tenants = select(Organisation.id, Organisation.code).order_by(Organisation.code)
    for tenant in [_Tenant(*row) for row in session.execute(tenants)]:
        session.enter(TenantScope(tenant.id, sees_hidden=True))
        findings += [
            *_of_subscriptions(session, tenant),
            *_of_dead_deliveries(session, tenant),
            *_of_undelivered(session, tenant, now),
            *_of_reports(session, tenant),
        ]
    return findings


def _of_secret(session: ScopedSession, fingerprint: str | None) -> Iterator[Finding]:
    known = session.get(Installation, 1)
    if known is not None and fingerprint is not None and known.secret_fingerprint != fingerprint:
        words = (
            "The secret in HEARDBACK_SECRET_KEY_FILE is not the one that this database was filled with. Restore the "
            "right file from a backup."
        )
        yield Finding("wrong_secret", words)


def _of_database(session: ScopedSession, now: datetime) -> Iterator[Finding]:
    for clause in unsafe_settings(session):
        yield Finding("unsafe_durability", f"The database may lose what was committed: {clause}.")
    there = read_clock(session)
    if there is not None and abs(there - now) > CLOCK_TOLERANCE:
        words = (
            f"The clock of the database's machine is {_ahead(there - now)} this machine's. Run a time service on both."
        )
        yield Finding("clock_differs", words)
    latest = _latest_record(session)
    if latest is not None and latest - now > SET_BACK_TOLERANCE:
        words = (
            f"The newest record is {_span(latest - now)} ahead of this machine's clock. The clock was set back, or was "
            "wrong when it was recorded; nothing that is due by then happens before."
        )
        yield Finding("clock_set_back", words)


def _latest_record(session: ScopedSession) -> datetime | None:
    """The newest instant among records that no clock but ours has dated."""
    made = session.execute(select(func.max(Organisation.created_at))).scalar()
    served = session.execute(select(func.max(Agenda.last_served)).where(Agenda.kind == "subscription")).scalar()
    if made is None or not served:
        return made
    return max(made, datetime.fromtimestamp(served, made.tzinfo))


def _of_worker(session: ScopedSession, now: datetime) -> Iterator[Finding]:
    """Work that is long due and that nobody does."""
    backlog = measure_backlog(session, now)
    late = {
        "events were recorded and not fanned out": backlog.fan_out_lag_seconds,
        "deliveries are due": backlog.queue_age_seconds,
        "suggestions are due to be looked at": backlog.rules_lag_seconds,
    }
    for what, seconds in late.items():
        if seconds > LATE_SECONDS:
            since = _span(timedelta(seconds=seconds))
            words = (
                f"For {since}, {what}, and nobody has done it. Look whether a process runs with HEARDBACK_ROLE all or "
                "worker, and what it logs."
            )
            yield Finding("worker_late", words)


def _of_subscriptions(session: ScopedSession, tenant: _Tenant) -> Iterator[Finding]:
    """Subscriptions that are sent nothing, though nobody wanted that."""
    statement = (
        select(Subscription.id, Subscription.state, Subscription.paused_because)
        .where(Subscription.deleted_at.is_(None), Subscription.state != "active")
        .order_by(Subscription.id)
    )
    for id_, state, because in session.execute(statement):
        why = _STOPPED.get(because or state)
        if why is not None:
            code = "subscription_suspended" if state == "suspended" else "subscription_stopped"
            yield Finding(code, f"The subscription {id_} {why}", tenant.code)


_STOPPED = {
    "suspended": "is suspended: nothing got through for five days and ten attempts. Mend its receiver and resume it.",
    "dead_delivery": "is paused behind a dead delivery, because its order is strict. Resume it to go on after it.",
    "key_revoked": "is paused because the key that made it was revoked. Resume it with another key, or delete it.",
    "key_expired": "is paused because the key that made it has expired. Resume it with another key, or delete it.",
    "gone": "has ended, because its address answered 410. Give it another url and resume it, or delete it.",
}


def _of_dead_deliveries(session: ScopedSession, tenant: _Tenant) -> Iterator[Finding]:
    live = select(Subscription.id).where(Subscription.deleted_at.is_(None))
    statement = (
        select(Delivery.subscription_id, func.count())
        .where(Delivery.state == "dead", Delivery.subscription_id.in_(live))
        .group_by(Delivery.subscription_id)
        .order_by(Delivery.subscription_id)
    )
    for id_, count in session.execute(statement):
        words = (
            f"{count} {'delivery' if count == 1 else 'deliveries'} to the subscription {id_} failed on every try and "
            f"{'is' if count == 1 else 'are'} dead. Look at what the receiver has answered, mend it, and replay them."
        )
        yield Finding("dead_deliveries", words, tenant.code, count)


def _of_undelivered(session: ScopedSession, tenant: _Tenant, now: datetime) -> Iterator[Finding]:
    since = oldest_undelivered(session, tenant.id)
    if since is not None and now - since > UNDELIVERED_FOR:
        words = (
            f"An active subscription has not got an event for {_span(now - since)}. Its deliveries tell what the "
            "receiver answers."
        )
        yield Finding("undelivered", words, tenant.code)


def _of_reports(session: ScopedSession, tenant: _Tenant) -> Iterator[Finding]:
    statement = (
        select(func.count())
        .select_from(Report)
        .where(Report.status == ReportStatus.QUARANTINED.value, Report.reason == QuarantineReason.INTERNAL_ERROR.value)
    )
    count = session.execute(statement).scalar_one()
    if count:
        words = (
            f"{count} {'report is' if count == 1 else 'reports are'} in quarantine because of a fault of this program. "
            "They are tried again by themselves; the log tells what went wrong."
        )
        yield Finding("reports_failed", words, tenant.code, count)


def _ahead(difference: timedelta) -> str:
    return f"{_span(abs(difference))} {'ahead of' if difference > timedelta(0) else 'behind'}"


def _span(length: timedelta) -> str:
    """The length in the largest unit of which there are two or more."""
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
