"""The organisation, its sites and its keys over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.domain.policy import OrganisationPatch
from app.domain.vocabulary import Scope
from app.kit.shapes import Shape
from app.services import keys, places, tenant
from app.services.idempotency import Effect
from app.services.listing import Page
from app.services.organisations import NewKey
from app.web.access import needs
from app.web.answers import NO_CONTENT, Shown, page, plain, single
from app.web.call import Call
from app.web.queries import PageParameters
from app.web.route import Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["administration"])


class SitePage(Shape):
    """A page of sites."""

    items: tuple[places.SiteView, ...]
    next_cursor: str | None


class HeadcountPage(Shape):
    """A page of head counts."""

    items: tuple[places.HeadcountView, ...]
    next_cursor: str | None


class KeyPage(Shape):
    """A page of keys."""

    items: tuple[keys.KeyView, ...]
    next_cursor: str | None


class KeySecret(Shape):
    """The new secret of a key. `key` is null in the answer to a repetition."""

    id: UUID
    key: str | None


@router.get(
    "/v1/organisation",
    operation_id="getOrganisation",
    response_model=tenant.OrganisationView,
    openapi_extra=needs(Scope.ADMIN, Scope.READ),
)
async def get_organisation(call: Call) -> Response:
    """Read your organisation and the policy that is in force."""
    return await call.read(_show_organisation)


@router.patch(
    "/v1/organisation",
    operation_id="updateOrganisation",
    response_model=tenant.OrganisationView,
    openapi_extra=needs(Scope.ADMIN),
)
async def update_organisation(call: Call, body: OrganisationPatch) -> Response:
    """Change your organisation by a merge patch. Promises can be made tighter than the product's, never looser; care
    workers' share of the votes is at least one third. What was received before keeps the promises of its day.
    """
    return await call.write(
        lambda session: tenant.change_organisation(session, body, call.condition),
        lambda session, _: _show_organisation(session),
    )


@router.post(
    "/v1/sites",
    operation_id="createSite",
    status_code=201,
    response_model=places.SiteView,
    openapi_extra=needs(Scope.ADMIN, refuses=["id_conflict"]),
)
async def create_site(call: Call, body: places.SiteRequest) -> Response:
    """Make a site: a place or a team. Its code is unique in your organisation."""
    return await call.write(lambda session: places.create_site(session, call.context, body), _show_new_site)


@router.get(
    "/v1/sites",
    operation_id="listSites",
    response_model=SitePage,
    openapi_extra=needs(Scope.ADMIN, Scope.READ, refuses=["invalid_cursor"]),
)
async def list_sites(call: Call, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the sites that your key is for, the oldest first."""

    def show(session: Session) -> Shown:
        rows, cursor = places.list_sites(session, call.context, Page(asked.limit, asked.cursor, {}))
        items = tuple(places.show_site(row) for row in rows)
        return page(SitePage(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/sites/{id:uuid}",
    operation_id="getSite",
    response_model=places.SiteView,
    openapi_extra=needs(Scope.ADMIN, Scope.READ),
)
async def get_site(call: Call, id: UUID) -> Response:
    """Read one site."""
    return await call.read(lambda session: _show_site(session, id))


@router.patch(
    "/v1/sites/{id:uuid}",
    operation_id="updateSite",
    response_model=places.SiteView,
    openapi_extra=needs(Scope.ADMIN, refuses=["id_conflict"]),
)
async def update_site(call: Call, id: UUID, body: places.SitePatch) -> Response:
    """Change a site by a merge patch."""
    return await call.write(
        lambda session: places.change_site(session, id, body, call.condition),
        lambda session, _: _show_site(session, id),
    )


@router.post(
    "/v1/sites/{id:uuid}/headcounts",
    operation_id="createHeadcount",
    status_code=201,
    response_model=places.HeadcountView,
    openapi_extra=needs(Scope.ADMIN),
)
async def create_headcount(call: Call, id: UUID, body: places.HeadcountRequest) -> Response:
    """Say how many people of a group a site had on a day; the same day again replaces it. How far anonymity can be
    promised is judged by the latest count.
    """
    shown = places.HeadcountView(site=id, **body.model_dump())
    return await call.write(
        lambda session: places.count_heads(session, call.context, id, body),
        lambda _, effect: plain(shown, status=effect.status),
    )


@router.get(
    "/v1/sites/{id:uuid}/headcounts",
    operation_id="listHeadcounts",
    response_model=HeadcountPage,
    openapi_extra=needs(Scope.ADMIN, Scope.READ, refuses=["invalid_cursor"]),
)
async def list_headcounts(call: Call, id: UUID, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the head counts of a site, the oldest first."""

    def show(session: Session) -> Shown:
        rows, cursor = places.list_headcounts(session, call.context, id, Page(asked.limit, asked.cursor, {}))
        items = tuple(places.show_headcount(row) for row in rows)
        return page(HeadcountPage(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.post(
    "/v1/keys",
    operation_id="createKey",
    status_code=201,
    response_model=keys.NewKeyView,
    openapi_extra=needs(Scope.ADMIN),
)
async def create_key(call: Call, body: keys.KeyRequest) -> Response:
    """Make an API key with no more scopes than yours has. The key is shown once, in this answer."""
    made: list[NewKey] = []

    def perform(session: Session) -> Effect:
        made.append(keys.request_key(session, call.context, body))
        return Effect(201, (made[0].id,))

    def show(session: Session, effect: Effect) -> Shown:
        row = keys.find_key(session, call.caller, effect.ids[0])
        view = keys.NewKeyView(**vars(keys.show_key(row)), key=made[0].key if made else None)
        return single(view, row.version, status=effect.status, location=f"/v1/keys/{row.id}")

    return await call.write(perform, show)


@router.get(
    "/v1/keys",
    operation_id="listKeys",
    response_model=KeyPage,
    openapi_extra=needs(Scope.ADMIN, refuses=["invalid_cursor"]),
)
async def list_keys(call: Call, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the keys that are for no other sites than yours and were not revoked, the oldest first."""

    def show(session: Session) -> Shown:
        rows, cursor = keys.list_keys(session, call.context, Page(asked.limit, asked.cursor, {}))
        items = tuple(keys.show_key(row) for row in rows)
        return page(KeyPage(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get("/v1/keys/{id:uuid}", operation_id="getKey", response_model=keys.KeyView, openapi_extra=needs(Scope.ADMIN))
async def get_key(call: Call, id: UUID) -> Response:
    """Read the rights of one key."""

    def show(session: Session) -> Shown:
        row = keys.find_key(session, call.caller, id)
        return single(keys.show_key(row), row.version)

    return await call.read(show)


@router.post(
    "/v1/keys/{id:uuid}/rotate", operation_id="rotateKey", response_model=KeySecret, openapi_extra=needs(Scope.ADMIN)
)
async def rotate_key(call: Call, id: UUID, body: keys.Overlap) -> Response:
    """Give a key a new secret. The old one works on for `overlap_hours`: 24 unless said, 0 ends it at once."""
    made: list[NewKey] = []

    def perform(session: Session) -> Effect:
        made.append(keys.rotate_key(session, call.context, id, body, call.condition))
        return Effect(200, (id,))

    answer = await call.write(
        perform, lambda _, effect: plain(KeySecret(id=effect.ids[0], key=made[0].key if made else None))
    )
    call.services.callers.forget(call.caller.organisation_id)
    return answer


@router.delete("/v1/keys/{id:uuid}", operation_id="deleteKey", status_code=204, openapi_extra=needs(Scope.ADMIN))
async def delete_key(call: Call, id: UUID) -> Response:
    """Revoke a key. It is refused at once in this process, and everywhere within 5 seconds."""

    def perform(session: Session) -> Effect:
        keys.revoke_key(session, call.context, id, call.condition)
        return Effect(204, (id,))

    answer = await call.write(perform, lambda _, __: NO_CONTENT)
    call.services.callers.forget(call.caller.organisation_id)
    return answer


def _show_organisation(session: Session) -> Shown:
    row = tenant.find_own(session)
    return single(tenant.show_organisation(row), row.version)


def _show_site(session: Session, id: UUID) -> Shown:
    row = places.find_place(session, id)
    return single(places.show_site(row), row.version)


def _show_new_site(session: Session, effect: Effect) -> Shown:
    row = places.find_place(session, effect.ids[0])
    return single(places.show_site(row), row.version, status=effect.status, location=f"/v1/sites/{row.id}")
