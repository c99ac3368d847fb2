import copy
from typing import Any

import pytest

from app.web.twin import twin


def rewritten(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as it stands in the twin."""
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"It": schema}}}
    found: dict[str, Any] = twin(document)["components"]["schemas"]["It"]
    return found


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/x"}, {"type": "null"}], "description": "d"},
            {"allOf": [{"$ref": "#/x"}], "nullable": True, "description": "d"},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        (
            {"anyOf": [{"type": "string", "description": "inner"}, {"type": "null"}], "description": "outer"},
            {"type": "string", "nullable": True, "description": "outer"},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": "null"}, {"nullable": True, "enum": [None]}),
        ({"const": "x"}, {"enum": ["x"]}),
        ({"const": None}, {"enum": [None]}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        ({"type": "number", "exclusiveMaximum": 1.5}, {"type": "number", "maximum": 1.5, "exclusiveMaximum": True}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "string", "format": "binary"}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"const": 1}], "maxItems": 2},
            {"type": "array", "items": {"oneOf": [{"type": "string"}, {"enum": [1]}]}, "maxItems": 2},
        ),
        ({"type": "object", "propertyNames": {"pattern": "x"}}, {"type": "object"}),
        ({"$ref": "#/x", "description": "d"}, {"allOf": [{"$ref": "#/x"}], "description": "d"}),
        ({"$ref": "#/x"}, {"$ref": "#/x"}),
        (
            {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
        ),
        ({"type": "array", "items": {"const": "x"}}, {"type": "array", "items": {"enum": ["x"]}}),
    ],
)
def test_what_only_3_1_knows_is_rewritten(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert rewritten(schema) == expected


def test_members_that_are_called_like_keywords_stay() -> None:
    names = ["const", "examples", "type", "anyOf", "if", "$ref", "exclusiveMinimum", "properties", "enum"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    assert rewritten(schema) == schema


def test_data_stays_as_it_is() -> None:
    data = {"const": "x", "examples": [1], "type": ["string", "null"]}
    assert rewritten({"type": "object", "examples": [data]}) == {"type": "object", "example": data}


def document_with(*, const: str, security: list[dict[str, list[str]]], version: str) -> dict[str, Any]:
    content = {"schema": {const: 1 if const == "const" else [1]}, "example": {"schema": {"const": 1}}}
    operation = {
        "security": security,
        "parameters": [{"name": "a", "in": "query", "schema": {const: "x" if const == "const" else ["x"]}}],
        "responses": {"200": {"content": {"application/json": content}}},
    }
    return {"openapi": version, "paths": {"/x": {"get": operation}}}


def test_the_whole_is_rewritten_and_the_3_1_document_left_alone() -> None:
    security = [{"key": ["read"]}, {"key": ["raise"]}]
    document = document_with(const="const", security=security, version="3.1.0") | {"webhooks": {"y": {}}}
    kept = copy.deepcopy(document)
    assert twin(document) == document_with(const="enum", security=[{"key": []}], version="3.0.3")
    assert document == kept
