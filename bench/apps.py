"""Applications for the study of what surrounds an endpoint: ours and a bare one, with the same model and bytes.

Started as a process of its own: `python -m bench.apps ours|bare PORT`.
"""

import os
import sys
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp

from app.domain.submission import Submission
from app.domain.vocabulary import Scope
from app.main import create_app, prepare, utc_now
from app.services.installation import make_demo
from app.settings import read_settings_or_exit
from app.web.access import needs
from app.web.answers import Shown
from app.web.call import Call
from app.web.protocol import SERVER_OPTIONS
from app.web.route import NoMembers, Route
from app.web.table import Table

ANSWER = b'{"id":"0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05","state":"submitted","version":1,"allowed_acts":["acknowledge"]}'
ETAG = '"1-d47d7a5cda628ed6"'
PATH = "/v1/measured"
MANY = 150


def _measured() -> list[APIRoute]:
    router = APIRouter(route_class=Route, tags=["measured"])

    @router.post(PATH, openapi_extra=needs(Scope.RAISE))
    async def take(call: Call, body: Submission) -> Response:
        """Answer the same bytes."""
        return Shown(ANSWER, 201, ETAG).response()

    for number in range(MANY):

        @router.post(f"{PATH}/{number:03}/{{id:uuid}}/parts", openapi_extra=needs(Scope.RAISE))
        async def take_part(call: Call, id: UUID, body: NoMembers) -> Response:
            """Answer the same bytes."""
            return Shown(ANSWER, 200, ETAG).response()

    return [route for route in router.routes if isinstance(route, APIRoute)]


def ours() -> ASGIApp:
    """The whole application, with routes that do nothing behind what surrounds them. It prints the demo's key."""
    settings = read_settings_or_exit(os.environ)
    database, secret = prepare(settings)
    demo = database.write_now(None, lambda session: make_demo(session, utc_now()))
    sys.stdout.write(f"key={demo.key if demo else ''}\n")
    sys.stdout.flush()
    app = create_app(settings, database=database, secret=secret)
    (table,) = (route for route in app.router.routes if isinstance(route, Table))
    app.router.routes.remove(table)
    app.router.routes.append(Table([*table.routes, *_measured()]))
    return app


class BareSubmission(Submission, strict=False):
    """The same model, as FastAPI fills it: from values, which its strict form would refuse."""


def bare() -> ASGIApp:
    """FastAPI as its tutorial shows it."""
    app = FastAPI()

    @app.post(PATH, status_code=201)
    async def take(body: BareSubmission) -> Response:
        """Answer the same bytes."""
        return Response(ANSWER, 201, media_type="application/json")

    return app


def main() -> None:
    """Serve one of the two on 127.0.0.1."""
    which, port = sys.argv[1:]
    options: dict[str, Any] = SERVER_OPTIONS if which == "ours" else {**SERVER_OPTIONS, "http": "httptools"}
    uvicorn.run({"ours": ours, "bare": bare}[which](), host="127.0.0.1", port=int(port), **options)


if __name__ == "__main__":
    main()
