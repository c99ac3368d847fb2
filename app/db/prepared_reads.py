"""Prepared reads of the hot paths, by Core: what almost every request asks, without loading objects.

They name the organisation of the session, and are not limited to its sites: a caller that must be judges the rows. What
is seen of suggestions by whom is never read here.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BindParameter, Row, Table, bindparam, or_, select

from app.db.ledgers import Headcount
from app.db.statements import organisation_of
from app.db.tables import Base, Event, Organisation, Site
from app.db.tenancy import ScopedSession


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


_ORGANISATION, _SITE, _HEADCOUNT = _table(Organisation).c, _table(Site).c, _table(Headcount).c
_OWN: BindParameter[UUID] = bindparam("its_organisation_id")

_RULES = select(_ORGANISATION.kind, _ORGANISATION.nation, _ORGANISATION.policy).where(_ORGANISATION.id == _OWN)
_BY_CODE = _SITE.code.in_(bindparam("codes", expanding=True))
_BY_ID = _SITE.id.in_(bindparam("ids", expanding=True))
_SITES_BY_CODE = select(_SITE.id, _SITE.code).where(_SITE.organisation_id == _OWN, _BY_CODE)
_SITES = select(_SITE.id, _SITE.code).where(_SITE.organisation_id == _OWN, or_(_BY_CODE, _BY_ID))
_LATEST_COUNT = (
    select(_HEADCOUNT.count)
    .where(
        _HEADCOUNT.organisation_id == _OWN,
        _HEADCOUNT.site_id == bindparam("its_site_id"),
        _HEADCOUNT.group == bindparam("its_group"),
        _HEADCOUNT.counted_on <= bindparam("today"),
    )
    .order_by(_HEADCOUNT.counted_on.desc())
    .limit(1)
)
_EVENT_COLUMNS = _table(Event).c
_EVENT = select(_EVENT_COLUMNS.type, _EVENT_COLUMNS.timestamp, _EVENT_COLUMNS.thin).where(
    _EVENT_COLUMNS.organisation_id == _OWN, _EVENT_COLUMNS.id == bindparam("its_id")
)


def read_organisation(session: ScopedSession) -> Row[str, str, dict[str, Any]] | None:
    """Kind, nation and stored policy of the session's organisation."""
    return session.connection().execute(_RULES, _own(session)).first()


def find_site_codes(session: ScopedSession, codes: Collection[str], ids: Collection[UUID]) -> Sequence[Row[UUID, str]]:
    """The ids and codes of those sites that have one of these codes or ids."""
    wanted: dict[str, object] = {**_own(session), "codes": sorted(codes)}
    if not ids:
        return session.connection().execute(_SITES_BY_CODE, wanted).all()
    return session.connection().execute(_SITES, {**wanted, "ids": sorted(ids)}).all()


def latest_count(session: ScopedSession, site_id: UUID, group: str, today: date) -> int | None:
    """How many people of a group a site had when somebody last counted until today."""
    sought = {"its_site_id": site_id, "its_group": group, "today": today}
    found = session.connection().execute(_LATEST_COUNT, {**_own(session), **sought})
    return found.scalar_one_or_none()


def read_event(session: ScopedSession, event_id: UUID) -> Row[str, datetime, bytes] | None:
    """Type, timestamp and thin bytes of an event, whoever may know of it."""
    return session.connection().execute(_EVENT, {**_own(session), "its_id": event_id}).first()


def _own(session: ScopedSession) -> dict[str, UUID]:
    return {"its_organisation_id": organisation_of(session)}
