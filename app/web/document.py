"""The OpenAPI 3.1 document: what FastAPI derives from the routes, with our problems, headers, examples and webhooks.

The same routes give the same bytes, whatever the order of imports and of hashes.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.web.access import SCHEMES
from app.web.answers import etag_of
from app.web.document_examples import ExampleMaker
from app.web.document_parts import COMPONENTS, REQUEST_HEADERS, RESPONSE_HEADERS
from app.web.problem_responses import examples, headers_of, name_of
from app.web.problems import MEDIA_TYPE
from app.web.twin import twin
from app.web.webhooks import EventType, routes_of

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
Document = dict[str, Any]

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SUCCESS = range(200, 300)
_DONE = {"200": "Done.", "201": "Created.", "202": "Accepted.", "204": "Done; there is nothing to say."}


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
    """Return the document. The first sentence of an endpoint's docstring is its summary, the rest the description."""
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
    _mend_limits(made)
    components = made.setdefault("components", {})
    _share_models(made["paths"], components.setdefault("schemas", {}))
    schemas = {**components.get("schemas", {}), **COMPONENTS["schemas"]}
    components |= {
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": SCHEMES,
        "headers": RESPONSE_HEADERS,
        "examples": examples(),
    }
    for schema in components["schemas"].values():
        _drop_titles(schema)
        _mend_examples(schema, components["schemas"])
    responses: Document = {}
    for path, operations in made["paths"].items():
        for verb, operation in operations.items():
            _complete(verb, path, operation, components["schemas"])
            _share_problems(operation, responses)
    components["responses"] = dict(sorted(responses.items()))
    for operations in made.get("webhooks", {}).values():
        for operation in operations.values():
            _give_examples(operation, components["schemas"])
            for status in ("200", "422"):  # FastAPI's own.
                operation["responses"].pop(status, None)
    return made


def missing_examples(document: Document) -> list[str]:
    """Return which texts of examples had to be made up, as `Model/member`."""
    found: set[str] = set()
    for operations in [*document["paths"].values(), *document.get("webhooks", {}).values()]:
        for operation in operations.values():
            for content, maker in _contents_of(operation, document["components"]["schemas"]):
                if maker.make(content["schema"]) == content["example"]:
                    found.update(maker.guessed)
    return sorted(found)


def document_bytes(app: FastAPI) -> bytes:
    """Return the 3.1 document of an application as it is served and committed: indented, and ending in a line feed."""
    return _as_bytes(make_document(app.state.description))


def twin_bytes(app: FastAPI) -> bytes:
    """Return the 3.0.3 twin of the document, for tools that know no 3.1."""
    return _as_bytes(twin(make_document(app.state.description)))


def documents_of(described: Description) -> dict[str, bytes]:
    """Return the files in `openapi/`: the document and its twin, by their names."""
    made = make_document(described)
    return {"openapi.json": _as_bytes(made), "openapi-3.0.json": _as_bytes(twin(made))}


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


def _complete(verb: str, path: str, operation: Document, schemas: Document) -> None:
    """Add to an operation what FastAPI does not know of it."""
    is_open = not operation["security"]
    parameters = operation.setdefault("parameters", [])
    is_list = any(parameter["name"] == "cursor" for parameter in parameters)
    for name in headers_of(verb.upper(), path, is_open=is_open, is_list=is_list):
        parameters.append({"name": name, "in": "header", "required": False, **REQUEST_HEADERS[name]})
    for parameter in parameters:
        _without_null(parameter["schema"])
        for word in ("title", "description"):
            parameter["schema"].pop(word, None)
    if not parameters:
        del operation["parameters"]
    first, *rest = re.split(r"\.\s+", operation.get("description", ""), maxsplit=1)
    operation["summary"] = first.removesuffix(".").replace("\n", " ") or operation["summary"]
    operation["description"] = "\n\n".join([*rest, _access_in_words(operation)])
    _complete_body(verb, operation, schemas)
    _give_examples(operation, schemas)
    for status, response in operation["responses"].items():
        names = _headers_of_response(verb, int(status), is_open=is_open, is_list=is_list)
        shared = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = {**shared, **response.get("headers", {})}
        if response["description"] == "Successful Response":
            response["description"] = _DONE[status]


def _share_problems(operation: Document, responses: Document) -> None:
    """Move the operation's problems to the shared responses: most operations have the same ones."""
    for status, response in operation["responses"].items():
        if MEDIA_TYPE in response.get("content", {}):
            name = name_of(response["content"][MEDIA_TYPE]["examples"])
            responses[name] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _access_in_words(operation: Document) -> str:
    """Say who may use the operation, for readers and for tools that show none of `security`."""
    security = operation["security"]
    if not security:
        return "Needs no key."
    scopes = [f"`{scope}`" for alternative in security for scope in alternative.get("key", ())]
    ways = [f"a key with the scope {' or '.join(scopes)}"] if scopes else []
    ways += ["a key, of any scope"] if {"key": []} in security else []
    ways += ["a receipt code"] if {"receipt": []} in security else []
    return f"Needs {', or '.join(ways)}."


def _share_models(paths: Document, schemas: Document) -> None:
    """Move the models of a body that a route has written down itself to the shared ones."""
    for operations in paths.values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, schema in content.get("schema", {}).pop("$defs", {}).items():
                    schemas.setdefault(name, schema)


def _complete_body(verb: str, operation: Document, schemas: Document) -> None:
    body = operation.get("requestBody")
    if body is None or JSON not in body["content"]:
        for content in (body or {}).get("content", {}).values():  # Lines of text, which FastAPI takes for bytes.
            content["schema"].pop("contentMediaType", None)
            content["schema"].pop("title", None)
        return
    schema = body["content"][JSON]["schema"]
    model = schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    if verb == "post" and not (model.get("required") or "oneOf" in model):
        body["required"] = False
    if verb == "patch":
        body["content"] = {MERGE_PATCH: body["content"][JSON], **body["content"]}


def _give_examples(operation: Document, schemas: Document) -> None:
    """Give the request and each success response an example, unless the route has given one."""
    for content, maker in _contents_of(operation, schemas):
        if "example" not in content and "examples" not in content:
            content["example"] = maker.make(content["schema"])


def _contents_of(operation: Document, schemas: Document) -> Iterator[tuple[Document, ExampleMaker]]:
    """Yield each body that an operation takes or answers, with what makes its example."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield content, ExampleMaker(schemas)
    for status, response in operation["responses"].items():
        if status.isdigit() and int(status) in _SUCCESS:
            for content in response.get("content", {}).values():
                yield content, ExampleMaker(schemas, is_complete=True)


def _headers_of_response(verb: str, status: int, *, is_open: bool, is_list: bool) -> list[str]:
    names = ["X-Request-Id"]
    if status not in _SUCCESS:
        further = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
        return [*names, further[status]] if status in further else names
    if is_list:
        return [*names, "Link"]
    if status == HTTPStatus.CREATED:
        names += ["ETag", "Location"]
    elif verb in {"get", "patch"} and not is_open:
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


def _mend_examples(schema: Document, schemas: Document) -> None:
    """Put back the nulls of a model's own example, which FastAPI leaves out with everything else that is null."""
    if schema.get("properties") and schema.get("examples"):
        schema["examples"] = [ExampleMaker(schemas).complete(schema, given) for given in schema["examples"]]


def _mend_limits(node: Any) -> None:  # noqa: ANN401 -- any part of the document
    """Write limits that are whole numbers as such: FastAPI's own model of the document makes 200.0 of 200."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        _mend_limits(child)
    if isinstance(node, dict):
        for word in _LIMITS:
            limit = node.get(word)
            if isinstance(limit, float) and limit.is_integer():
                node[word] = int(limit)
