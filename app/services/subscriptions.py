"""Subscriptions: made, read, changed, paused and resumed.

A key manages the subscriptions that see no more than it does itself; others do not exist for it. So nobody gets to see
by somebody else's subscription what their own key would not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select, update

from app.db import delivery_statements, statements
from app.db.ordering_statements import arrange
from app.db.paging import ListView, decode_cursor, encode_cursor, page_of
from app.db.tables import ApiKey, Subscription
from app.db.tenancy import ScopedSession
from app.domain.errors import ActNotAllowed, MissingScope, NotFound
from app.domain.vocabulary import Scope
from app.kit.addresses import Network
from app.kit.ids import new_id
from app.services.access import Caller
from app.services.claims import KEY_REVOKED, why_key_fails
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.results import publish_about
from app.services.signing_secrets import first_secret, live_secrets, next_secret
from app.services.subscription_shapes import (
    SubscriptionPatch,
    SubscriptionRequest,
    SubscriptionView,
    check,
    merged,
)
from app.services.suggestions import ANY_VERSION, Condition

GONE = "gone"
"""Why an ended subscription cannot be resumed yet: its address has said 410, and there is no other one."""


@dataclass(frozen=True)
class Made:
    """What was just made: the id and the secret, which is shown once."""

    id: UUID
    secret: str


def subscribe(session: ScopedSession, context: Context, wanted: SubscriptionRequest) -> Made:
    """A new subscription, which hears what its key may see from now on. What is wanted was checked."""
    caller = context.caller
    secret, secrets = first_secret(context.secret, "subscription", context.now)
    row = Subscription(
        organisation_id=caller.organisation_id,
        id=new_id(context.now),
        **wanted.model_dump(mode="json"),
        state="active",
        paused_because=None,
        secrets=secrets,
        **_rights_of(caller),
        sequence=0,
        heard_from=statements.next_number(session),
        answered_well=False,
        failing_since=None,
        failures=0,
        not_before=0.0,
        version=1,
        created_at=context.now,
        deleted_at=None,
    )
    session.add(row)
    session.flush()
    return Made(row.id, secret)


def find_subscription(session: ScopedSession, caller: Caller, subscription_id: UUID) -> Subscription:
    """A subscription that the caller may manage. Raises NotFound."""
    row = session.get(Subscription, subscription_id)
    if row is None or row.deleted_at is not None or not _covers(caller, row):
        raise NotFound
    return row


def list_subscriptions(
    session: ScopedSession, context: Context, page: Page
) -> tuple[Sequence[Subscription], str | None]:
    """The subscriptions that the caller may manage, in the order in which they were made."""
    view = ListView(context.caller.organisation_id, "subscriptions")
    key = context.secret.derive("cursor")
    after = decode_cursor(key, view, page.cursor) if page.cursor is not None else None
    statement = select(Subscription).where(Subscription.deleted_at.is_(None)).order_by(Subscription.id)
    mine = [row for row in session.execute(statement).scalars() if _covers(context.caller, row)]
    rows = [row for row in mine if after is None or (row.id,) > after]
    shown, position = page_of(rows, page.limit, lambda row: (row.id,))
    return shown, None if position is None else encode_cursor(key, view, position)


def change(
    session: ScopedSession,
    context: Context,
    subscription_id: UUID,
    patch: SubscriptionPatch,
    exempt: Sequence[Network],
    condition: Condition = ANY_VERSION,
) -> Effect:
    """Changes the settings, for what is sent from now on. Raises NotFound, VersionMismatch, Invalid, MissingScope."""
    row = _lock(session, context, subscription_id, condition)
    wanted = merged(_settings_of(row), patch)
    check(wanted, row.scopes, exempt)
    if wanted.payload == "full" and Scope.READ in row.scopes and not context.caller.may(Scope.READ):
        raise MissingScope([Scope.READ])
    new = wanted.model_dump(mode="json")
    changed = {name: value for name, value in new.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if "url" in changed:  # What the old address has answered says nothing of the new one.
        row.answered_well, row.failing_since, row.failures, row.not_before = False, None, 0, 0.0
        row.paused_because = None if row.state == "ended" else row.paused_because
    if changed:
        row.version += 1
        session.flush()
    if "ordering" in changed:
        arrange(session, row.ordering, row.id, context.now.timestamp())
    return Effect(200, (row.id,))


def forget(
    session: ScopedSession, context: Context, subscription_id: UUID, condition: Condition = ANY_VERSION
) -> Effect:
    """Ends a subscription for good: nothing more is sent and nothing found. Raises NotFound, VersionMismatch."""
    row = _lock(session, context, subscription_id, condition)
    row.deleted_at = context.now
    row.version += 1
    session.flush()
    return Effect(204, (row.id,))


def rotate(
    session: ScopedSession,
    context: Context,
    subscription_id: UUID,
    overlap_hours: int,
    condition: Condition = ANY_VERSION,
) -> Made:
    """A new secret; for the overlap, what is sent is signed with the old one, too. Raises NotFound, VersionMismatch."""
    row = _lock(session, context, subscription_id, condition)
    secret, secrets = next_secret(context.secret, "subscription", row.secrets, context.now, overlap_hours)
    row.secrets = secrets
    row.version += 1
    session.flush()
    return Made(row.id, secret)


def pause(
    session: ScopedSession, context: Context, subscription_id: UUID, condition: Condition = ANY_VERSION
) -> Effect:
    """Nothing is sent until it is resumed, and nothing is dropped. One that is not active stays as it is.

    Raises NotFound and VersionMismatch.
    """
    row = _lock(session, context, subscription_id, condition)
    if row.state == "active":
        row.state = "paused"
        row.version += 1
        session.flush()
    return Effect(200, (row.id,))


def resume(
    session: ScopedSession, context: Context, subscription_id: UUID, condition: Condition = ANY_VERSION
) -> Effect:
    """What waits is sent again. Publishes `subscription.revived` where it was suspended or had ended.

    A subscription whose key was revoked becomes the caller's. Raises NotFound, VersionMismatch, and ActNotAllowed where
    it ended by an answer 410 and has the same URL still.
    """
    row = _lock(session, context, subscription_id, condition)
    if row.state == "ended" and row.paused_because == GONE:
        words = "Its address has answered 410: nothing more is wanted there. Change the url first."
        raise ActNotAllowed(row.state, [], words)
    if row.state == "active":
        return Effect(200, (row.id,))
    _adopt(session, context, row)
    was, row.state, row.paused_because = row.state, "active", None
    row.failing_since, row.failures = None, 0
    row.version += 1
    session.flush()
    if was in ("suspended", "ended"):
        publish_about(session, "subscription.revived", row.id, context.now)
    return Effect(200, (row.id,))


def pause_for_key(session: ScopedSession, key_id: UUID, now: datetime) -> None:
    """Pauses what a key has made that was just revoked. Nothing is dropped; `resume` by another key takes it over."""
    statement = select(Subscription.id).where(Subscription.key_id == key_id, Subscription.deleted_at.is_(None))
    at = now.timestamp()
    delivery_statements.make_due(session, session.execute(statement).scalars(), at, at)
    session.execute(
        update(Subscription)
        .where(Subscription.key_id == key_id, Subscription.deleted_at.is_(None), Subscription.state == "active")
        .values(state="paused", paused_because=KEY_REVOKED, version=Subscription.version + 1)
    )


@dataclass(frozen=True)
class PingTarget:
    """What a `ping` needs."""

    url: str
    headers: dict[str, str]
    secrets: tuple[str, ...]


def prepare_ping(session: ScopedSession, context: Context, subscription_id: UUID) -> PingTarget:
    """Where and how a `ping` is sent. Raises NotFound."""
    row = find_subscription(session, context.caller, subscription_id)
    return PingTarget(row.url, row.headers, live_secrets(context.secret, "subscription", row.secrets, context.now))


def show_subscription(row: Subscription) -> SubscriptionView:
    """A subscription as it is shown."""
    return SubscriptionView.model_construct(**members_of(row))


def members_of(row: Subscription) -> dict[str, Any]:
    """The members of a subscription as it is shown."""
    because = None if row.paused_because == GONE else row.paused_because
    return {
        **_settings_of(row),
        "event_types": tuple(row.event_types),
        "id": row.id,
        "state": row.state,
        "paused_because": because,
        "created_at": row.created_at,
    }


def _settings_of(row: Subscription) -> dict[str, JsonValue]:
    return {name: getattr(row, name) for name in SubscriptionRequest.model_fields}


def _rights_of(caller: Caller) -> dict[str, Any]:
    sites = None if caller.sites is None else sorted(str(site) for site in caller.sites)
    return {"key_id": caller.key_id, "system": caller.system, "scopes": sorted(caller.scopes), "sites": sites}


def _covers(caller: Caller, row: Subscription) -> bool:
    """Whether the caller may see everything that the subscription is sent."""
    needed = {Scope.SAFEGUARD} | ({Scope.READ} if row.payload == "full" else set())
    return needed.intersection(row.scopes) <= caller.scopes and caller.covers(row.sites)


def _lock(session: ScopedSession, context: Context, subscription_id: UUID, condition: Condition) -> Subscription:
    """The subscription, which nobody else changes until COMMIT, to be looked at by the sender after that."""
    find_subscription(session, context.caller, subscription_id)
    at = context.now.timestamp()
    delivery_statements.make_due(session, [subscription_id], at, at)
    row = session.get(Subscription, subscription_id, with_for_update=True)
    if row is None or row.deleted_at is not None or not _covers(context.caller, row):
        raise NotFound
    condition.check(row.version)
    return row


def _adopt(session: ScopedSession, context: Context, row: Subscription) -> None:
    """Makes the subscription the caller's, if its own key holds no longer."""
    key = session.get(ApiKey, row.key_id)
    if key is None or why_key_fails(key.revoked_at, key.expires_at, context.now) is not None:
        for name, value in _rights_of(context.caller).items():
            setattr(row, name, value)
