from typing import Any

import pytest

from app.web.document_examples import ExampleMaker

SCHEMAS: dict[str, Any] = {
    "Person": {
        "type": "object",
        "properties": {
            "ref": {"type": "string"},
            "nickname": {"type": "string"},
            "friend": {"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}], "default": None},
        },
        "required": ["ref"],
    },
    "Meeting": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "people": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}},
            "room": {"type": "string", "examples": ["Blue"]},
        },
        "required": ["id", "people"],
        "examples": [{"room": "Red"}],
    },
    "Choice": {"type": "string", "enum": ["yes", "no"]},
    "Conditional": {
        "type": "object",
        "allOf": [{"if": {}, "then": {}}],
        "properties": {"choice": {"$ref": "#/components/schemas/Choice"}},
        "required": ["choice"],
    },
}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 3}, 4),
        ({"type": "integer"}, 1),
        ({"type": "boolean"}, False),
        ({"type": "array", "items": {"type": "boolean"}}, [False]),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": "string", "format": "date"}, "2026-12-18"),
        ({"type": "string", "const": "x"}, "x"),
        ({"type": "string", "default": "x"}, "x"),
        ({"type": "string", "examples": ["x"], "default": "y"}, "x"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}], "default": None}, None),
        ({"type": "null"}, None),
        (ref("Choice"), "yes"),
        (ref("Conditional"), {"choice": "yes"}),
        (ref("Person"), {"ref": "mgr-7"}),
        (ref("Meeting"), {"id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05", "people": [{"ref": "mgr-7"}], "room": "Red"}),
    ],
)
def test_an_example_follows_from_the_schema(schema: dict[str, Any], expected: object) -> None:
    maker = ExampleMaker(SCHEMAS)
    assert maker.make(schema) == expected
    assert maker.guessed == []


def test_an_answer_has_all_members_and_names_the_texts_that_nobody_knows() -> None:
    maker = ExampleMaker(SCHEMAS, is_complete=True)
    assert maker.make(ref("Person")) == {"ref": "mgr-7", "nickname": "text", "friend": None}
    assert maker.guessed == ["Person/nickname"]


def test_a_text_that_is_made_up_keeps_its_limits() -> None:
    maker = ExampleMaker(SCHEMAS)
    assert maker.make({"type": "string", "minLength": 6}) == "text.."
    assert maker.make({"type": "string", "maxLength": 2}) == "te"


def test_nulls_of_given_examples_are_put_back() -> None:
    """FastAPI takes everything that is null out of its document."""
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    inner = {
        "type": "object",
        "properties": {"a": nullable, "b": {"type": "string"}, "c": nullable},
        "required": ["a", "b"],
    }
    schemas: dict[str, Any] = {
        "Inner": inner,
        "Outer": {
            "type": "object",
            "properties": {
                "one": {"anyOf": [ref("Inner"), {"type": "null"}]},
                "all": {"type": "array", "items": ref("Inner")},
            },
            "required": ["one", "all"],
            "examples": [{"one": {"b": "x"}, "all": [{"b": "y", "a": "z"}]}],
        },
    }
    expected = {"one": {"a": None, "b": "x"}, "all": [{"b": "y", "a": "z"}]}
    assert ExampleMaker(schemas).make(ref("Outer")) == expected
