"""The OpenAPI 3.1 document: what FastAPI derives from the routes, with our problems, headers, examples and webhooks.

The same routes give the same bytes, whatever the order of imports and of hashes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.web.access import SCHEMES
from app.web.answers import etag_of
from app.web.document_examples import ExampleMaker
from app.web.document_parts import COMPONENTS, REQUEST_HEADERS, RESPONSE_HEADERS
from app.web.problem_responses import examples, headers_of
from app.web.twin import twin
from app.web.webhooks import EventType, routes_of

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
Document = dict[str, Any]

_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the document is made from. `create_app` puts one into `app.state.description`."""

    title: str
    version: str
    text: str
    """What the API is for, as Markdown."""
    tags: Sequence[tuple[str, str]]
    """The groups of operations, each with a sentence, in the order in which a reader meets them."""
    routes: Sequence[APIRoute]
    event_types: Sequence[EventType] = ()
    """What subscribers are sent."""


def make_document(described: Description) -> Document:
    """Return the document. Operations without a summary get the first sentence of their description."""
    made = get_openapi(
        title=described.title,
        version=described.version,
        description=described.text,
        openapi_version="3.1.0",
        routes=_in_order(described.routes),
        webhooks=routes_of(described.event_types),
        tags=[{"name": name, "description": text} for name, text in described.tags],
        servers=[{"url": "/"}],
        separate_input_output_schemas=False,
    )
    components = made.setdefault("components", {})
    schemas = {**components.get("schemas", {}), **COMPONENTS["schemas"]}
    components |= {
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": SCHEMES,
        "headers": RESPONSE_HEADERS,
        "examples": examples(),
    }
    for name in components["schemas"]:
        _drop_titles(components["schemas"][name])
    maker = ExampleMaker(components["schemas"])
    for path, operations in made["paths"].items():
        for verb, operation in operations.items():
            _complete(verb, path, operation, maker)
    for operations in made.get("webhooks", {}).values():
        for operation in operations.values():
            _give_examples(operation, maker)
            operation["responses"].pop("422", None)
    return made


def missing_examples(document: Document) -> list[str]:
    """Return where a request's example holds a text that had to be made up, as `operationId: Model/member`."""
    found = []
    for operations in [*document["paths"].values(), *document.get("webhooks", {}).values()]:
        for operation in operations.values():
            maker = ExampleMaker(document["components"]["schemas"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                maker.make(content["schema"])
            found += [f"{operation['operationId']}: {place}" for place in maker.guessed]
    return sorted(set(found))


def document_bytes(app: FastAPI) -> bytes:
    """Return the 3.1 document of an application as it is served and committed: indented, and ending in a line feed."""
    return _as_bytes(make_document(app.state.description))


def twin_bytes(app: FastAPI) -> bytes:
    """Return the 3.0.3 twin of the document, for tools that know no 3.1."""
    return _as_bytes(twin(make_document(app.state.description)))


def served_document(app: FastAPI) -> tuple[bytes, str]:
    """Return the 3.1 document with its entity tag. The first call makes it, which takes a while."""
    state = app.state
    if not hasattr(state, "served_document"):
        body = document_bytes(app)
        state.served_document = (body, etag_of(body))
    served: tuple[bytes, str] = state.served_document
    return served


def _in_order(routes: Sequence[APIRoute]) -> list[APIRoute]:
    return sorted(routes, key=lambda route: (route.path_format, sorted(route.methods or ())))


def _as_bytes(document: Document) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _complete(verb: str, path: str, operation: Document, maker: ExampleMaker) -> None:
    """Add to an operation what FastAPI does not know of it."""
    is_open = not operation["security"]
    parameters = operation.setdefault("parameters", [])
    for name in headers_of(verb.upper(), path, is_open=is_open):
        parameters.append({"name": name, "in": "header", "required": False, **REQUEST_HEADERS[name]})
    for parameter in parameters:
        _without_null(parameter["schema"])
        parameter["schema"].pop("title", None)
    if not parameters:
        del operation["parameters"]
    operation["description"] = _described(operation)
    _complete_body(verb, operation, maker)
    _give_examples(operation, maker)
    for status, response in operation["responses"].items():
        names = _headers_of_response(verb, path, int(status), response, is_open=is_open)
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _described(operation: Document) -> str:
    """Return the description with the scopes in words, for readers and for tools that show none of `security`."""
    scopes = [
        f"`{scope}`" for alternative in operation["security"] for asked in alternative.values() for scope in asked
    ]
    if scopes:
        asked = f"Needs a key with the scope {' or '.join(scopes)}."
    elif not operation["security"]:
        asked = "Needs no key."
    else:
        asked = "Needs a receipt code." if "receipt" in operation["security"][0] else "Needs a key, of any scope."
    return f"{operation.get('description', '')}\n\n{asked}".strip()


def _complete_body(verb: str, operation: Document, maker: ExampleMaker) -> None:
    body = operation.get("requestBody")
    if body is None or JSON not in body["content"]:
        return
    schema = body["content"][JSON]["schema"]
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if verb == "post" and not maker.schemas.get(name, schema).get("required"):
        body["required"] = False
    if verb == "patch":
        body["content"] = {MERGE_PATCH: body["content"][JSON], **body["content"]}


def _give_examples(operation: Document, maker: ExampleMaker) -> None:
    """Give the request and each success response an example, unless the route has given one."""
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    for status, response in operation["responses"].items():
        if status.isdigit() and int(status) in _SUCCESS:
            contents += response.get("content", {}).values()
    for content in contents:
        if "example" not in content and "examples" not in content and content.get("schema"):
            content["example"] = maker.make(content["schema"])


def _headers_of_response(verb: str, path: str, status: int, response: Document, *, is_open: bool) -> list[str]:
    names = ["X-Request-Id"]
    if status not in _SUCCESS:
        more = {401: "WWW-Authenticate", 405: "Allow", 409: "Retry-After", 429: "Retry-After", 503: "Retry-After"}
        return names + [more[status]] * (status in more)
    schema = str(response.get("content", {}).get(JSON, {}).get("schema", {}).get("$ref", ""))
    if schema.endswith("Page"):
        names.append("Link")
    elif status == 201:  # noqa: PLR2004 -- created
        names += ["ETag", "Location"]
    elif "{" in path and verb in {"get", "patch"}:
        names.append("ETag")
    return names + ["Idempotent-Replayed"] * (verb == "post" and not is_open)


def _without_null(schema: Document) -> None:
    """Leave null out of a parameter: it is absent, never null."""
    if {"type": "null"} in schema.get("anyOf", []):
        schema.update(next(one for one in schema.pop("anyOf") if one != {"type": "null"}))


def _drop_titles(schema: Document) -> None:
    """Take out the titles that pydantic makes of members' names: generators name classes by them."""
    for member in schema.get("properties", {}).values():
        if isinstance(member.get("title"), str):
            del member["title"]
