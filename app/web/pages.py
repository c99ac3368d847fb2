"""The pages for people: what this is, the API reference, and an explanation of every error."""

import asyncio
import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from app.domain.errors import NotFound
from app.web.access import open_to_all
from app.web.call import Call
from app.web.document import served_document
from app.web.problem_responses import example_of
from app.web.problem_texts import PROBLEMS
from app.web.route import Route
from app.web.static_files import read_static

if TYPE_CHECKING:
    from jinja2 import Environment

router = APIRouter(route_class=Route, include_in_schema=False)

_CACHED = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
# Swagger UI has its small icons in its style sheet, as data URLs; nothing else of it needs more than 'self'.
_DOCS_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@router.get("/", openapi_extra=open_to_all())
async def show_home() -> Response:
    """Say what this is, and where to read on."""
    return _page("home.html")


@router.get("/docs", openapi_extra=open_to_all())
async def show_docs() -> Response:
    """Show the API reference. All its files are served from here, so that it works without Internet."""
    return _page("docs.html", headers={"Content-Security-Policy": _DOCS_POLICY})


@router.get("/problems/{code}", openapi_extra=open_to_all())
async def show_problem(code: str) -> Response:
    """Explain the cause and the cure of an error."""
    text = PROBLEMS.get(code)
    if text is None:
        raise NotFound
    example = json.dumps(example_of(code), indent=2, ensure_ascii=False)
    return _page("problem.html", code=code, text=text, phrase=HTTPStatus(text.status).phrase, example=example)


@router.get("/openapi.json", openapi_extra=open_to_all())
async def show_openapi(call: Call) -> Response:
    """Give the OpenAPI 3.1 document. The first request makes it, in a thread."""
    body, etag = await asyncio.to_thread(served_document, call.app)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if call.has(etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@router.get("/static/{name:path}", openapi_extra=open_to_all())
async def show_static(call: Call, name: str) -> Response:
    """Give a file that a page needs."""
    file = read_static(name)
    headers = {"ETag": file.etag, **_CACHED}
    if call.has(file.etag):
        return Response(status_code=304, headers=headers)
    if "gzip" not in call.headers.get("accept-encoding", ""):
        return Response(file.content, headers=headers, media_type=file.media_type)
    # The compressed form is another representation, so its tag is a weak one.
    headers |= {"Content-Encoding": "gzip", "ETag": f"W/{file.etag}"}
    return Response(file.compressed, headers=headers, media_type=file.media_type)


def _page(template: str, *, headers: dict[str, str] | None = None, **values: object) -> Response:
    return HTMLResponse(_templates().get_template(template).render(values), headers=headers)


@cache
def _templates() -> "Environment":
    # Imported by the first page that is asked for: a server of the API alone starts faster without.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(loader=PackageLoader("app.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
