"""A route that checks in the contract's order.

FastAPI routes and documents; but the way in of a request is this file's, by `get_route_handler`, FastAPI's documented
hook for custom routes. FastAPI's own handler reads the body before it looks at who calls, coerces values, and costs
about as much as all checks of this file. Decision record 0002 has the measurements. Endpoints are ordinary:

    @router.post("/v1/suggestions/{id:uuid}/erasure", operation_id="eraseSuggestion", response_model=Suggestion,
                 openapi_extra=needs("admin"))
    async def erase(call: Call, id: UUID, body: Erasure) -> Response:
        return await call.write(lambda session: ..., lambda session, effect: ...)
"""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import params
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from app.domain.errors import UnsupportedMediaType
from app.kit.shapes import Shape, fill
from app.kit.strict_json import canonical, read_object, without_nulls
from app.web.access import REFUSES, Access
from app.web.call import Call
from app.web.edge import REQUEST_ID_HEADER
from app.web.problem_responses import codes_of, responses_of
from app.web.queries import read_query

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
NDJSON = "application/x-ndjson"
_MEDIA_TYPES = {"POST": (JSON,), "PATCH": (JSON, MERGE_PATCH)}

Endpoint = Callable[..., Coroutine[Any, Any, Response]]


class NoMembers(Shape):
    """The body of a POST that takes no members: nothing at all, or `{}`."""


class _NoParameters(BaseModel):
    """The query of an operation that takes no parameters."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the annotations of an endpoint ask for."""

    body: type[BaseModel] | type[bytes] | None = None
    media_types: Sequence[str] = ()
    takes_call: bool = False
    query_name: str = ""
    query: type[BaseModel] = _NoParameters


class Route(APIRoute):
    """Checks 401, 403, 413 (and 408), 415, 400 and the 422 of shapes, in this order, and then calls the endpoint.

    404 of paths and 405 come before, from `Table`; what needs the database comes after, from the endpoint's work.

    An endpoint takes `call` (if it wants), its path parameters, at most one model as `body` and at most one
    `Annotated[Model, Query()]`, and returns a Response; `response_model` is for the document alone. Three kinds of
    `body` exist: a model; `Annotated[bytes, Body(media_type="application/x-ndjson")]` for lines, up to 8 MiB; and none
    in an endpoint that asks for no key and reads the body itself with `call.read_bytes()`, in its own order of checks.

    A route that does not say who may use it (`openapi_extra=needs(…)` or `open_to_all()`) does not come to be.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own
        extra = dict(options.get("openapi_extra") or {})
        if "security" not in extra:
            raise TypeError(f"{path}: say who may use it, with openapi_extra=needs(…) or open_to_all()")
        self.access = Access.of(extra["security"])
        self.verb = min(options["methods"])
        self.asked = _asked_by(endpoint, self.verb)
        if self.access.scheme and self.asked.body is None and self.verb in _MEDIA_TYPES:
            raise TypeError(f"{path}: give the endpoint a body; NoMembers, where it takes none")
        codes = codes_of(self.verb, path, self.access, self.asked.query, has_body=self.asked.body is not None)
        responses = responses_of([*codes, *extra.pop(REFUSES, ())])
        options |= {"openapi_extra": extra, "responses": responses | (options.get("responses") or {})}
        super().__init__(path, endpoint, **options)
        self._check_signature(endpoint)

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the checks and the endpoint, in place of FastAPI's handler."""
        endpoint: Endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            call = Call(request.scope, request.receive)
            await self.access.check(call)
            raw = b"" if self.asked.body is None else await self._read_bytes(call)
            self._read_headers(call)
            values = dict(call.path_params)
            if self.asked.body is not None:
                values["body"] = self._read_body(call, raw)
            if (query := call.scope["query_string"]) or self.asked.query_name:
                found, call.parameters = read_query(query, self.asked.query)
                if self.asked.query_name:
                    values[self.asked.query_name] = found
            if self.asked.takes_call:
                values["call"] = call
            return await endpoint(**values)

        return handle

    async def _read_bytes(self, call: Call) -> bytes:
        """Raise for 413 and 408, then for 415. An empty body has no media type."""
        limits = call.services.limits
        raw = await call.read_bytes(limits.batch_bytes if self.asked.body is bytes else limits.body_bytes)
        if not raw:
            return raw
        given = (call.single(b"content-type") or "").partition(";")[0].strip(" \t").lower()
        if given not in self.asked.media_types:
            raise UnsupportedMediaType(f"Send the body as {' or '.join(self.asked.media_types)}, and say so.")
        if (call.single(b"content-encoding") or "identity").strip(" \t").lower() != "identity":
            raise UnsupportedMediaType("Send the body uncompressed, without the header Content-Encoding.")
        return raw

    def _read_headers(self, call: Call) -> None:
        """Raise MalformedHeader for headers that this route understands and cannot read."""
        if self.access.scheme is None:
            return
        call.single(REQUEST_ID_HEADER)
        if self.verb == "POST":
            call.read_idempotency_key()
        if self.verb != "GET":
            call.read_if_match()

    def _read_body(self, call: Call, raw: bytes) -> BaseModel | bytes:
        """Fill the model. In a POST null is absent, and no body is `{}` where no member is required."""
        model, is_post = self.asked.body, self.verb == "POST"
        if model is None or not issubclass(model, BaseModel):
            return raw
        if not raw and is_post and not any(field.is_required() for field in model.model_fields.values()):
            raw = b"{}"
        value = read_object(raw)
        body = fill(model, raw, value, null_is_absent=is_post)
        if call.idempotency_key is not None:
            sent = without_nulls(value) if b"null" in raw else value
            call.take_fingerprint(self._path_of(call), canonical(sent))
        return body

    def _path_of(self, call: Call) -> str:
        """Return the path in one spelling: ids may come in either case, and letters percent-encoded."""
        return self.path_format.format(**call.path_params) if call.path_params else self.path_format

    def _check_signature(self, endpoint: Endpoint) -> None:
        wanted = {*self.param_convertors} | ({"body"} if self.asked.body else set())
        wanted |= {self.asked.query_name} - {""}
        if set(inspect.signature(endpoint).parameters) - {"call"} != wanted:
            raise TypeError(f"{self.path}: the endpoint must take {', '.join(sorted(wanted))}, and may take call")


def _asked_by(endpoint: Endpoint, verb: str) -> _Asked:
    """Read the annotations: the model or bytes of the body, the name and the model of the query parameters."""
    body: type[BaseModel | bytes] | None = None
    media_types: Sequence[str] = _MEDIA_TYPES.get(verb, ())
    query_name = ""
    query: type[BaseModel] = _NoParameters
    for parameter, hint in get_type_hints(endpoint, include_extras=True).items():
        kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if parameter == "body":
            body = kind
            media_types = [mark.media_type for mark in marks if isinstance(mark, params.Body)] or media_types
        elif any(isinstance(mark, params.Query) for mark in marks):
            query_name, query = parameter, kind
    takes_call = "call" in inspect.signature(endpoint).parameters
    return _Asked(body, media_types, takes_call, query_name, query)
