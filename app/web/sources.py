"""Sources over HTTP: made, read, changed, given a new secret, deleted."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.domain.vocabulary import Scope
from app.kit.shapes import Shape
from app.services import sources
from app.services.idempotency import Effect
from app.services.keys import Overlap
from app.services.listing import Page
from app.services.sources import NewSource
from app.services.subscription_shapes import SecretView
from app.web.access import needs
from app.web.answers import NO_CONTENT, Shown, page, plain, single
from app.web.call import Call
from app.web.queries import PageParameters
from app.web.route import Route
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["reports"])


class SourcePage(Shape):
    """A page of sources."""

    items: tuple[sources.SourceView, ...]
    next_cursor: str | None


@router.post(
    "/v1/sources",
    operation_id="createSource",
    status_code=201,
    response_model=sources.NewSourceView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def create(call: Call, body: sources.SourceRequest) -> Response:
    """Let a system report by signed webhook. The answer has the address that it sends to and the secret that it signs
    with, which is shown once.
    """
    made: list[NewSource] = []

    def perform(session: Session) -> Effect:
        made.append(sources.request_source(session, call.context, body))
        return Effect(201, (made[0].id,))

    def show(session: Session, effect: Effect) -> Shown:
        row = sources.find_source(session, call.caller, effect.ids[0])
        shown = sources.show_source(row, call.services.public_url)
        view = sources.NewSourceView(**vars(shown), secret=made[0].secret if made else None)
        return single(view, row.version, status=effect.status, location=f"/v1/sources/{row.id}")

    return await call.write(perform, show)


@router.get(
    "/v1/sources",
    operation_id="listSources",
    response_model=SourcePage,
    openapi_extra=needs(Scope.WEBHOOKS, refuses=["invalid_cursor"]),
)
async def list_all(call: Call, asked: Annotated[PageParameters, Query()]) -> Response:
    """List the sources that speak of no other sites than your key does, the oldest first."""

    def show(session: Session) -> Shown:
        rows, cursor = sources.list_sources(session, call.context, Page(asked.limit, asked.cursor, {}))
        items = tuple(sources.show_source(row, call.services.public_url) for row in rows)
        return page(SourcePage(items=items, next_cursor=cursor), call.next_url(cursor))

    return await call.read(show)


@router.get(
    "/v1/sources/{id:uuid}",
    operation_id="getSource",
    response_model=sources.SourceView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def get(call: Call, id: UUID) -> Response:
    """Read one source. Its secret is not shown again."""
    return await call.read(lambda session: _show(session, call, id))


@router.patch(
    "/v1/sources/{id:uuid}",
    operation_id="updateSource",
    response_model=sources.SourceView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def update(call: Call, id: UUID, body: sources.SourcePatch) -> Response:
    """Change a source by a merge patch: its name, its sites, its system. It holds for what comes in from now on."""
    return await call.write(
        lambda session: sources.change_source(session, call.context, id, body, call.condition),
        lambda session, _: _show(session, call, id),
    )


@router.delete(
    "/v1/sources/{id:uuid}",
    operation_id="deleteSource",
    status_code=204,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def delete(call: Call, id: UUID) -> Response:
    """End a source at once. Its address answers `gone` from then on; what it has reported stays."""
    return await call.write(
        lambda session: sources.delete_source(session, call.context, id, call.condition), lambda _, __: NO_CONTENT
    )


@router.post(
    "/v1/sources/{id:uuid}/rotate-secret",
    operation_id="rotateSourceSecret",
    response_model=SecretView,
    openapi_extra=needs(Scope.WEBHOOKS),
)
async def rotate_secret(call: Call, id: UUID, body: Overlap) -> Response:
    """Get a new secret. For `overlap_hours`, 24 unless said, what is signed with the old one is taken, too; 0 ends it
    at once.
    """
    made: list[NewSource] = []

    def perform(session: Session) -> Effect:
        made.append(sources.rotate_secret(session, call.context, id, body.overlap_hours, call.condition))
        return Effect(200, (id,))

    return await call.write(perform, lambda _, __: plain(SecretView(secret=made[0].secret if made else None)))


def _show(session: Session, call: Call, id: UUID) -> Shown:
    row = sources.find_source(session, call.caller, id)
    return single(sources.show_source(row, call.services.public_url), row.version)
