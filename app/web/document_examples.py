"""Examples for every operation of the OpenAPI document, put together member by member.

What a schema says itself comes first: `json_schema_extra={"examples": [...]}` of a model, `Field(examples=[...])` of a
member, allowed values, defaults. Then come the tables of `example_values`, by the model's and the member's name, then
the formats. A plain text that none of them knows cannot be made up: it is named in `guessed`, and a test fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.web.example_values import BY_FORMAT, MEMBERS, MODELS

Schema = Mapping[str, Any]

_PREFIX = "#/components/schemas/"


@dataclass(slots=True)
class ExampleMaker:
    """Makes the example of a schema, and remembers the texts that it had to make up."""

    schemas: Mapping[str, Schema]
    is_complete: bool = False
    """Whether objects have all their members, as an answer has; otherwise those that a request must have."""
    guessed: list[str] = field(default_factory=list)
    """Where a text was made up, as `Model/member`."""

    def make(self, schema: Schema, model: str = "", member: str = "") -> Any:  # noqa: ANN401 -- any JSON value
        """Return a value that the schema describes, which stands in `model` as its `member`."""
        if schema.get("properties"):
            return self._make_object(schema, model)
        if (given := _given_in(schema)) is not None:
            return given[0]
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix(_PREFIX)
            inside = self.schemas[name]
            return self.make(inside, name, member) if inside.get("properties") else self.make(inside, model, member)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                first: Schema = next((one for one in schema[word] if one.get("type") != "null"), {})
                return self.make(first, model, member)
        return self._make_of_type(schema, model, member)

    def _make_object(self, schema: Schema, model: str) -> dict[str, Any]:
        """Take the members of the example that is given for the whole, and make those that it must have beside them."""
        given: dict[str, Any] = {**MODELS.get(model, {}), **(schema["examples"][0] if schema.get("examples") else {})}
        wanted = schema["properties"] if self.is_complete else schema.get("required", ())
        return {
            name: self.complete(member, given[name]) if name in given else self.make(member, model, name)
            for name, member in schema["properties"].items()
            if name in given or name in wanted
        }

    def complete(self, schema: Schema, given: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """Return a given value with the nulls that FastAPI took out of it: required members that may be null."""
        if "$ref" in schema:
            return self.complete(self.schemas[str(schema["$ref"]).removeprefix(_PREFIX)], given)
        if isinstance(given, list) and schema.get("items"):
            return [self.complete(schema["items"], entry) for entry in given]
        if not isinstance(given, dict):
            return given
        for one in schema.get("anyOf", ()):
            given = self.complete(one, given)
        properties = schema.get("properties", {})
        lost = [name for name in schema.get("required", ()) if name not in given and _may_be_null(properties[name])]
        kept = {name: self.complete(properties.get(name, {}), value) for name, value in given.items()}
        return {**kept, **dict.fromkeys(lost)}

    def _make_of_type(self, schema: Schema, model: str, member: str) -> Any:  # noqa: ANN401
        match schema.get("type"):
            case "array":
                return [self.make(schema["items"], model, member)] if schema.get("items") else []
            case "integer" | "number":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "boolean":
                return False
            case "object":
                return {}
            case "string":
                return self._make_text(schema, model, member)
        return None

    def _make_text(self, schema: Schema, model: str, member: str) -> str:
        for table, name in ((MEMBERS, f"{model}/{member}"), (BY_FORMAT, schema.get("format", "")), (MEMBERS, member)):
            if name in table:
                return table[name]
        self.guessed.append(f"{model}/{member}")
        return "text".ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _may_be_null(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _given_in(schema: Schema) -> tuple[Any] | None:
    """Return what the schema itself says, in a tuple, for an example may be null."""
    if schema.get("examples"):
        return (schema["examples"][0],)
    for word in ("example", "const", "default"):
        if word in schema:
            return (schema[word],)
    return (schema["enum"][0],) if schema.get("enum") else None
