"""The OpenAPI 3.0.3 twin of the 3.1 document, made by rewriting alone, for tools that know no 3.1."""

import copy
from typing import Any

_NULL = {"type": "null"}
_UNKNOWN = ("if", "then", "else", "propertyNames", "patternProperties", "dependentRequired", "itemSchema")
_LIMITS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
# Values, not schemas: what stands below these names is data of examples and must stay as it is.
_DATA = ("example", "examples", "default", "enum", "const", "value")


def twin(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy without webhooks and without scopes of bearer schemes, with every schema rewritten.

    The scopes stand in words in each operation's description.
    """
    made = copy.deepcopy(document) | {"openapi": "3.0.3"}
    made.pop("webhooks", None)
    for operations in made["paths"].values():
        for operation in operations.values():
            schemes = dict.fromkeys(scheme for alternative in operation["security"] for scheme in alternative)
            operation["security"] = [{scheme: []} for scheme in schemes]
    for schema in made.get("components", {}).get("schemas", {}).values():
        _rewrite(schema)
    _rewrite_contents(made["paths"])
    return made


def _rewrite_contents(node: Any) -> None:  # noqa: ANN401 -- any part of the document
    """Rewrite each schema of parameters, bodies and headers."""
    if isinstance(node, dict):
        for name, child in node.items():
            if name == "schema":
                _rewrite(child)
            elif name not in _DATA:
                _rewrite_contents(child)
    elif isinstance(node, list):
        for child in node:
            _rewrite_contents(child)


def _rewrite(schema: dict[str, Any]) -> None:
    """Rewrite a schema and those inside it."""
    _rewrite_null(schema)
    for name, child in schema.items():
        if name == "properties":
            for member in child.values():
                _rewrite(member)
        elif name in {"items", "additionalProperties", "not"} and isinstance(child, dict):
            _rewrite(child)
        elif name in {"anyOf", "oneOf", "allOf", "prefixItems"}:
            for one in child:
                _rewrite(one)
    _drop_what_is_empty(schema)
    _rewrite_values(schema)
    _rewrite_limits(schema)
    _rewrite_bytes_and_tuples(schema)
    for name in _UNKNOWN:
        schema.pop(name, None)
    if "$ref" in schema and len(schema) > 1:  # A reference has no siblings in 3.0.
        schema["allOf"] = [{"$ref": schema.pop("$ref")}]


def _rewrite_null(schema: dict[str, Any]) -> None:
    for word in ("anyOf", "oneOf"):
        if _NULL not in schema.get(word, []):
            continue
        rest = [one for one in schema.pop(word) if one != _NULL]
        schema["nullable"] = True
        if len(rest) > 1:
            schema[word] = rest
        elif "$ref" in rest[0]:
            schema["allOf"] = rest
        else:
            schema.update({name: value for name, value in rest[0].items() if name not in schema})
    if isinstance(schema.get("type"), list):
        kinds = schema["type"]
        if "null" in kinds:
            schema["nullable"] = True
        schema["type"] = next(kind for kind in kinds if kind != "null")
    if schema.get("type") == "null":
        schema.pop("type")
        schema.update(nullable=True, enum=[None])


def _drop_what_is_empty(schema: dict[str, Any]) -> None:
    """Of conditions, which 3.0 does not know, nothing is left."""
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema and not all(schema[word]):
            schema[word] = [one for one in schema[word] if one]
        if schema.get(word) == []:
            del schema[word]


def _rewrite_values(schema: dict[str, Any]) -> None:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "examples" in schema:
        schema["example"] = schema.pop("examples")[0]


def _rewrite_limits(schema: dict[str, Any]) -> None:
    """An exclusive limit is a number in 3.1 and a flag beside the limit in 3.0."""
    for limit, plain in _LIMITS:
        if type(schema.get(limit)) in {int, float}:
            schema[plain], schema[limit] = schema[limit], True


def _rewrite_bytes_and_tuples(schema: dict[str, Any]) -> None:
    if "contentEncoding" in schema or "contentMediaType" in schema:
        is_base64 = schema.pop("contentEncoding", None) is not None
        schema.pop("contentMediaType", None)
        schema["format"] = "byte" if is_base64 else "binary"
    if "prefixItems" in schema:
        schema["items"] = {"oneOf": schema.pop("prefixItems")}
