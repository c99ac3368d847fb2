"""The sender's queue, first half: what is due is leased, fairly and for a limited time.

The least recently served subscription comes first and gets what it has room for; so one that hangs takes no place from
another one, and the cost does not grow with what waits.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.db import delivery_statements as statements
from app.db import lease_statements as leases
from app.db.delivery_statements import NEVER, Standing
from app.db.lease_statements import Place
from app.db.statements import organisation_of
from app.db.tables import Subscription
from app.db.tenancy import ScopedSession, TenantScope
from app.kit.ids import new_random_id
from app.kit.sealing import Secret
from app.services.payloads import Sight, bodies_of
from app.services.signing_secrets import live_secrets

LEASE_SECONDS = 30.0
"""Twice an attempt: what a worker leased that died is tried again within a minute."""
MAX_SUBSCRIPTIONS = 50
KEY_REVOKED, KEY_EXPIRED = "key_revoked", "key_expired"


@dataclass(frozen=True)
class Outgoing:
    """One delivery that was leased, with all that its attempt needs."""

    organisation_id: UUID
    subscription_id: UUID
    delivery_id: UUID
    lease: UUID
    event_id: UUID
    suggestion_id: UUID | None
    message_id: UUID
    event_type: str
    sequence: int
    tries: int
    earlier_tries: int
    url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    body: bytes = field(repr=False)


def claim(session: ScopedSession, now: datetime, limit: int, secret: Secret) -> list[Outgoing]:
    """Leases at most `limit` deliveries that are due. Needs a session without a scope.

    Subscriptions that must not be served now (paused, suspended, ended, waiting for a Retry-After, their key revoked)
    are put off, and leases that ran out are taken back.
    """
    at = now.timestamp()
    due: dict[UUID, list[UUID]] = defaultdict(list)
    for organisation_id, subscription_id in statements.take_due(session, at, min(limit, MAX_SUBSCRIPTIONS)):
        due[organisation_id].append(subscription_id)
    claimed: list[Outgoing] = []
    for organisation_id, subscriptions in due.items():
        session.enter(TenantScope(organisation_id, sees_hidden=True))
        claimed += _claim_of(session, now, subscriptions, limit - len(claimed), secret)
    return claimed


def _claim_of(
    session: ScopedSession, now: datetime, subscriptions: Sequence[UUID], limit: int, secret: Secret
) -> list[Outgoing]:
    """The part of one organisation. `subscriptions` are held, in the order in which they are to be served."""
    at = now.timestamp()
    standing = _standings(session, subscriptions, at)
    token, until = new_random_id(), at + LEASE_SECONDS
    leased: list[tuple[Standing, list[Place]]] = []
    put_off: dict[UUID, float | None] = {}
    served: dict[UUID, float | None] = {}
    for one in subscriptions:
        mine = standing.get(one)
        if mine is None or not _may_be_served(session, mine, now):
            put_off[one] = None if mine is None else mine.lease_ends_at
        elif mine.room <= 0 or not mine.is_due(at):
            put_off[one] = next_look(mine)
        elif limit > 0:
            places, left = _due_places(session, one, at, min(mine.room, limit))
            limit -= len(places)
            leased.append((mine, places))
            served[one] = next_look(mine.after(len(places), until, left))
    leases.lease(session, [place.id for _, places in leased for place in places], token, until)
    statements.set_next(session, put_off)
    statements.set_next(session, served, served=at)
    return _outgoing(session, now, token, leased, secret)


def _due_places(
    session: ScopedSession, subscription_id: UUID, at: float, limit: int
) -> tuple[list[Place], float | None]:
    """What is due, at most so much of it, and when the next one is due that is left."""
    found = leases.next_places(session, subscription_id, limit + 1)
    places = [place for place in found[:limit] if place.due_at <= at]
    return places, found[len(places)].due_at if len(found) > len(places) else None


def next_look(standing: Standing) -> float | None:
    """When a subscription is to be looked at again; None: nothing of it waits or is under way.

    Without room, what waits has to wait for what is under way.
    """
    instants = [] if standing.lease_ends_at is None else [standing.lease_ends_at]
    if standing.room > 0 and standing.due_at is not None and standing.due_at < NEVER:
        instants.append(max(standing.due_at, standing.not_before))
    return min(instants, default=None)


def _standings(session: ScopedSession, subscriptions: Sequence[UUID], at: float) -> dict[UUID, Standing]:
    standing = statements.standings(session, subscriptions)
    run_out = [one.id for one in standing.values() if one.lease_ends_at is not None and one.lease_ends_at <= at]
    if run_out:
        leases.give_back_run_out(session, run_out, at)
        standing |= statements.standings(session, run_out)
    return standing


def _may_be_served(session: ScopedSession, standing: Standing, now: datetime) -> bool:
    """Whether anything may be sent. A subscription whose key holds no longer is paused here."""
    if standing.state != "active" or standing.deleted_at is not None:
        return False
    why = why_key_fails(standing.key_revoked_at, standing.key_expires_at, now)
    if why is not None:
        row = session.get(Subscription, standing.id)
        if row is not None:
            row.state, row.paused_because, row.version = "paused", why, row.version + 1
            session.flush()
    return why is None


def why_key_fails(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> str | None:
    """Why the key behind a subscription holds no longer; None while it does."""
    if revoked_at is not None:
        return KEY_REVOKED
    return KEY_EXPIRED if expires_at is not None and expires_at <= now else None


def _outgoing(
    session: ScopedSession,
    now: datetime,
    token: UUID,
    leased: Sequence[tuple[Standing, Sequence[Place]]],
    secret: Secret,
) -> list[Outgoing]:
    """What was leased, with all that the attempts need. What is hidden stays withheld from now on."""
    here, made, newly = organisation_of(session), [], []
    for one, places in leased:
        secrets = live_secrets(secret, "subscription", one.secrets, now)
        bodies = bodies_of(session, Sight.of(one.payload, one.scopes), places)
        newly += [
            place.id for place, body in zip(places, bodies, strict=True) if body.withheld and place.withheld_id is None
        ]
        made += [
            Outgoing(
                organisation_id=here,
                subscription_id=one.id,
                delivery_id=place.id,
                lease=token,
                event_id=place.event_id,
                suggestion_id=place.suggestion_id,
                message_id=body.message_id,
                event_type=body.type,
                sequence=place.sequence,
                tries=place.tries,
                earlier_tries=place.earlier_tries,
                url=one.url,
                headers=one.headers,
                secrets=secrets,
                body=body.raw,
            )
            for place, body in zip(places, bodies, strict=True)
        ]
    leases.withhold(session, newly, now)
    return made
