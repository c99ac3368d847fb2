"""A repeated request has its effect once: the record of the first one stands in the transaction of the effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert

from app.db.session import is_lock_timeout
from app.db.tables import Idempotency
from app.db.tenancy import ScopedSession
from app.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from app.kit.ids import day_of


@dataclass(frozen=True)
class Effect:
    """What an effect leaves for its answer, and all that is kept of it: a status and ids."""

    status: int
    ids: tuple[UUID, ...] = ()
    at_hand: object = field(default=None, compare=False, repr=False)
    """What the first answer need not load again. It is not kept: a repetition has only the ids."""

    def both(self) -> tuple[UUID, UUID]:
        """The two ids of an act: the suggestion's and the event's."""
        first, second = self.ids
        return first, second


_NAMES = ("organisation_id", "system", "key", "fingerprint", "answer_status", "ids", "created_at")
_VALUES: dict[str, Any] = {name: bindparam(name) for name in _NAMES}
_FINISH = (
    update(Idempotency.__table__)  # type: ignore[arg-type]  # a declared class has a real table
    .where(
        Idempotency.organisation_id == bindparam("its_organisation_id"),
        Idempotency.system == bindparam("its_system"),
        Idempotency.key == bindparam("its_key"),
    )
    .values(answer_status=bindparam("answer_status"), ids=bindparam("ids"))
)
_CLAIM: dict[str, Insert] = {
    "sqlite": sqlite.insert(Idempotency).values(_VALUES).on_conflict_do_nothing().returning(Idempotency.key),
    "postgresql": postgresql.insert(Idempotency).values(_VALUES).on_conflict_do_nothing().returning(Idempotency.key),
}


def once(
    session: ScopedSession,
    system: str,
    key: str,
    fingerprint: bytes,
    now: datetime,
    perform: Callable[[ScopedSession], Effect],
) -> tuple[Effect, bool]:
    """The effect, and whether it is the recorded one of an earlier request.

    The insertion is the lock: whoever comes second waits for the first one's commit. Raises IdempotencyKeyReused for
    another request under the same key. A refused request leaves no record, so that its key stays free.
    """
    assert session.scope is not None, "idempotency belongs to an organisation"  # noqa: S101 -- a mistake of ours
    organisation_id = session.scope.organisation_id
    row = {
        "organisation_id": organisation_id,
        "system": system,
        "key": key,
        "fingerprint": fingerprint,
        "answer_status": 0,
        "ids": [],
        "created_at": day_of(now),  # An anonymous submission must not be dated by its key.
    }
    claim = _CLAIM[session.connection().dialect.name]
    if _is_taken(session, claim, row):
        kept = session.execute(
            select(Idempotency).where(Idempotency.system == system, Idempotency.key == key)
        ).scalar_one()
        if kept.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        return Effect(kept.answer_status, tuple(UUID(one) for one in kept.ids)), True
    effect = perform(session)
    ids = [str(one) for one in effect.ids]
    session.connection().execute(_FINISH, {**_key_of(row), "answer_status": effect.status, "ids": ids})
    return effect, False


def _is_taken(session: ScopedSession, claim: Insert, row: Mapping[str, Any]) -> bool:
    """Whether an earlier request has the key. Waits for one that is still running, and not for long."""
    try:
        return session.connection().execute(claim, row).first() is None
    except DBAPIError as error:
        if is_lock_timeout(error):
            raise IdempotencyKeyInUse from error
        raise


def _key_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"its_{name}": row[name] for name in ("organisation_id", "system", "key")}
