"""Prepared Core statements that keep deliveries of a subscription in order.

A delivery that has to wait for an earlier one is due at `NEVER`; the end of the earlier one makes it due. So the sender
claims what is due and needs to know nothing of the order, however much waits.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.sql.dml import Update

from app.db.delivery_statements import NEVER
from app.db.statements import organisation_of
from app.db.tables import Delivery
from app.db.tenancy import ScopedSession

_DELIVERIES: Any = Delivery.__table__
_EARLIER: Any = _DELIVERIES.alias("earlier")
_HERE: BindParameter[Any] = bindparam("its_organisation_id")
_SUBSCRIPTION: BindParameter[Any] = bindparam("its_subscription_id")
_NOW: BindParameter[Any] = bindparam("now")
_PENDING: ColumnElement[str] = literal_column("'pending'")
_SENDING: ColumnElement[str] = literal_column("'sending'")
_OPEN = _PENDING, _SENDING


def _among(table: Any, *further: ColumnElement[bool]) -> ColumnElement[bool]:  # noqa: ANN401 -- the table or an alias
    return and_(table.c.organisation_id == _HERE, table.c.subscription_id == _SUBSCRIPTION, *further)


def _setting_due(due: Any, *where: ColumnElement[bool]) -> Update:  # noqa: ANN401 -- a number or a parameter
    made: Update = (
        update(_DELIVERIES).where(_among(_DELIVERIES, _DELIVERIES.c.state == _PENDING, *where)).values(due_at=due)
    )
    return made


_WAITS = _DELIVERIES.c.due_at >= NEVER
_EARLIER_OF_SUGGESTION = exists().where(
    _among(
        _EARLIER,
        _EARLIER.c.suggestion_id == _DELIVERIES.c.suggestion_id,
        _EARLIER.c.sequence < _DELIVERIES.c.sequence,
        _EARLIER.c.state.in_(_OPEN),
    )
)
_IS_FIRST_OF_ALL = _DELIVERIES.c.sequence == (
    select(func.min(_EARLIER.c.sequence)).where(_among(_EARLIER, _EARLIER.c.state == _PENDING)).scalar_subquery()
)
_NONE_UNDER_WAY = ~exists().where(_among(_EARLIER, _EARLIER.c.state == _SENDING))
_FREE_STRICT = _setting_due(_NOW, _WAITS, _IS_FIRST_OF_ALL, _NONE_UNDER_WAY)
_FREE_OF_SUGGESTION = _setting_due(
    _NOW,
    _WAITS,
    _DELIVERIES.c.suggestion_id == bindparam("its_suggestion_id"),
    _DELIVERIES.c.sequence
    == select(func.min(_EARLIER.c.sequence))
    .where(_among(_EARLIER, _EARLIER.c.suggestion_id == bindparam("its_suggestion_id"), _EARLIER.c.state.in_(_OPEN)))
    .scalar_subquery(),
)
_ARRANGE: dict[str, tuple[Update, ...]] = {
    "none": (_setting_due(_NOW, _WAITS),),
    "per_suggestion": (
        _setting_due(NEVER, _EARLIER_OF_SUGGESTION),
        _setting_due(_NOW, _WAITS, or_(_DELIVERIES.c.suggestion_id.is_(None), ~_EARLIER_OF_SUGGESTION)),
    ),
    "strict": (_setting_due(NEVER, ~and_(_IS_FIRST_OF_ALL, _NONE_UNDER_WAY)), _FREE_STRICT),
}


def free_next(
    session: ScopedSession, ordering: str, subscription_id: UUID, suggestions: Iterable[UUID], now: float
) -> None:
    """Makes due what waited for deliveries that are done. `suggestions`: those that the done ones were about."""
    connection = session.connection()
    here = {"its_organisation_id": organisation_of(session), "its_subscription_id": subscription_id, "now": now}
    if ordering == "strict":
        connection.execute(_FREE_STRICT, here)
    elif ordering == "per_suggestion" and (wanted := sorted(set(suggestions))):
        connection.execute(_FREE_OF_SUGGESTION, [{**here, "its_suggestion_id": one} for one in wanted])


def arrange(session: ScopedSession, ordering: str, subscription_id: UUID, now: float) -> None:
    """Has every pending delivery of a subscription wait for those that it comes after, and no other one."""
    here = {"its_organisation_id": organisation_of(session), "its_subscription_id": subscription_id, "now": now}
    for statement in _ARRANGE[ordering]:
        session.connection().execute(statement, here)
