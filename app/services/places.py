"""Sites over the API, with their dated identifiers and successors, and how many people of each group they have."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, Field
from sqlalchemy import select

from app.db.ledgers import Headcount
from app.db.paging import ListView, decode_cursor, encode_cursor, keyset, page_of
from app.db.tables import Site
from app.db.tenancy import ScopedSession
from app.domain.days import local_day
from app.domain.errors import NotFound
from app.domain.texts import MAX_REF, Name, Ref, SiteName
from app.domain.vocabulary import Group
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Day, Shape, length
from app.kit.strict_json import canonical
from app.services.context import Context
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.organisations import make_site, write_site
from app.services.sites import find_site
from app.services.suggestions import ANY_VERSION, Condition

Scheme = Literal[
    "cqc_location", "cqc_provider", "ods", "asc_wds_workplace", "cs_number", "ciw", "rqia", "la_code", "own"
]
Code = Annotated[str, length(1, MAX_REF)]

_LOCK = {"key_share": True}
"""Whoever changes a site waits for others who do, and leaves alone those who insert what belongs to it."""


class Identifier(Shape):
    """A number under which somebody else knows the site, and from when until when."""

    scheme: Scheme
    value: Ref
    valid_from_on: Day | None = None
    valid_until_on: Day | None = None


Identifiers = Annotated[tuple[Identifier, ...], Field(max_length=200)]
_EXAMPLE = {
    "code": "brough",
    "name": "Brough",
    "service_type": "8",
    "identifiers": [{"scheme": "cqc_location", "value": "1-12345678", "valid_from_on": "2024-04-01"}],
}


class SiteRequest(Shape, json_schema_extra={"examples": [_EXAMPLE]}):
    """A site that is to be made. `service_type` is a main-service code of Skills for Care; a successor inherits the
    history of the site that it follows.
    """

    code: Code
    name: Name
    service_type: Ref
    identifiers: Identifiers = ()
    successor_of: SiteName | None = None


class SitePatch(Shape, json_schema_extra={"examples": [{"name": "Brough and Warcop"}]}):
    """A merge patch of a site."""

    code: Code | MISSING = MISSING
    name: Name | MISSING = MISSING
    service_type: Ref | MISSING = MISSING
    identifiers: Identifiers | MISSING | None = MISSING
    successor_of: SiteName | MISSING | None = MISSING


class SiteView(Shape):
    """A place or team of the organisation."""

    id: UUID
    code: str
    name: str
    service_type: str | None
    identifiers: tuple[Identifier, ...]
    successor_of: UUID | None


class HeadcountRequest(
    Shape, json_schema_extra={"examples": [{"group": "care_worker", "count": 64, "counted_on": "2026-11-01"}]}
):
    """How many people of a group the site had on a day. The same day again replaces it."""

    group: Group
    count: Annotated[int, Field(ge=0, le=1_000_000)]
    counted_on: Day


class HeadcountView(HeadcountRequest):
    """A head count as it is kept."""

    site: UUID


def create_site(session: ScopedSession, context: Context, wanted: SiteRequest) -> Effect:
    """Makes a site. Raises IdConflict for a code that is taken, Invalid for an unknown predecessor."""
    before = find_site(session, wanted.successor_of, "/successor_of") if wanted.successor_of else None
    row = make_site(session, context.now, code=wanted.code, name=wanted.name, service_type=wanted.service_type)
    row.identifiers = [one.model_dump(mode="json") for one in wanted.identifiers]
    row.successor_of = before
    session.flush()
    return Effect(201, (row.id,))


def find_place(session: ScopedSession, site_id: UUID, *, locked: bool = False) -> Site:
    """A site that the caller's key is for. Raises NotFound."""
    row = session.get(Site, site_id, with_for_update=_LOCK) if locked else session.get(Site, site_id)
    limited = session.scope.sites if session.scope else None
    if row is None or (limited is not None and site_id not in limited):
        raise NotFound
    return row


def change_site(session: ScopedSession, site_id: UUID, patch: SitePatch, condition: Condition = ANY_VERSION) -> Effect:
    """Changes a site.

    Raises NotFound, VersionMismatch, IdConflict, and Invalid for a predecessor that cannot be one.
    """
    row = find_place(session, site_id, locked=True)
    condition.check(row.version)
    changes = patch.model_dump(mode="json", exclude_unset=True)
    if "successor_of" in changes:
        named = changes["successor_of"]
        changes["successor_of"] = _predecessor(session, row, named) if named else None
    if "identifiers" in changes:
        changes["identifiers"] = changes["identifiers"] or []
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    write_site(session, row)
    return Effect(200, (row.id,))


def list_sites(session: ScopedSession, context: Context, page: Page) -> tuple[Sequence[Site], str | None]:
    """The sites that the caller's key is for, in the order in which they were made."""
    view = ListView(context.caller.organisation_id, "sites")
    secret = context.secret.derive("cursor")
    after = decode_cursor(secret, view, page.cursor) if page.cursor is not None else None
    statement = select(Site)
    if context.caller.sites is not None:
        statement = statement.where(Site.id.in_(sorted(context.caller.sites)))
    rows: list[Site] = list(session.execute(keyset(statement, (Site.id,), limit=page.limit, after=after)).scalars())
    shown, position = page_of(rows, page.limit, lambda row: (row.id,))
    return shown, None if position is None else encode_cursor(secret, view, position)


def count_heads(session: ScopedSession, context: Context, site_id: UUID, wanted: HeadcountRequest) -> Effect:
    """Keeps a head count. Raises NotFound for an unknown site, and Invalid for a day that is still to come."""
    site = find_place(session, site_id, locked=True)
    if wanted.counted_on > local_day(context.now):
        raise Invalid(Fault("/counted_on", "out_of_range", "Nobody can have counted on a day that is still to come."))
    key = (site_id, wanted.group.value, wanted.counted_on)
    row = session.get(Headcount, key)
    if row is None:
        row = Headcount(
            organisation_id=site.organisation_id,
            site_id=site_id,
            group=wanted.group.value,
            counted_on=wanted.counted_on,
        )
        session.add(row)
    row.count = wanted.count
    session.flush()
    return Effect(201, (site_id,))


def list_headcounts(
    session: ScopedSession, context: Context, site_id: UUID, page: Page
) -> tuple[Sequence[Headcount], str | None]:
    """The head counts of a site by day and group. Raises NotFound."""
    find_place(session, site_id)
    view = ListView(context.caller.organisation_id, f"headcounts:{site_id}")
    secret = context.secret.derive("cursor")
    rows = list(
        session.execute(
            select(Headcount).where(Headcount.site_id == site_id).order_by(Headcount.counted_on, Headcount.group)
        ).scalars()
    )
    after = decode_cursor(secret, view, page.cursor) if page.cursor is not None else ("", "")
    later = [row for row in rows if (row.counted_on.isoformat(), row.group) > after]
    shown, position = page_of(later, page.limit, lambda row: (row.counted_on.isoformat(), row.group))
    return shown, None if position is None else encode_cursor(secret, view, position)


def show_site(row: Site) -> SiteView:
    """The site as the API shows it."""
    return SiteView(
        id=row.id,
        code=row.code,
        name=row.name,
        service_type=row.service_type,
        identifiers=tuple(Identifier.model_validate_json(canonical(one)) for one in row.identifiers),
        successor_of=row.successor_of,
    )


def show_headcount(row: Headcount) -> HeadcountView:
    """A head count as the API shows it."""
    return HeadcountView(site=row.site_id, group=Group(row.group), count=row.count, counted_on=row.counted_on)


def _predecessor(session: ScopedSession, row: Site, name: str) -> UUID:
    """The site that this one follows; not itself, nor one that follows it."""
    before = find_site(session, name, "/successor_of")
    walked: UUID | None = before
    while walked is not None:
        if walked == row.id:
            raise Invalid(Fault("/successor_of", "not_allowed", "A site cannot follow itself."))
        site = session.get(Site, walked)
        walked = site.successor_of if site else None
    return before
