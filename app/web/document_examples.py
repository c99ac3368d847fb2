"""Examples for every operation of the OpenAPI document, put together from those of the models.

A model's own example (`json_schema_extra={"examples": [...]}`) is taken as it stands; where there is none, one is put
together from the examples of its members (`Field(examples=[...])`), their defaults, their lists of allowed values and
their formats. A plain text without an example cannot be made up: it is named in `guessed`, and a test fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

_BY_FORMAT = {
    "uuid": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
    "date-time": "2026-11-22T21:14:00Z",
    "date": "2026-11-22",
    "uri": "https://example.org/heardback",
    "binary": "…",
}
_PREFIX = "#/components/schemas/"


@dataclass(slots=True)
class ExampleMaker:
    """Makes the example of a schema, and remembers the texts that it had to make up."""

    schemas: Mapping[str, Schema]
    guessed: list[str] = field(default_factory=list)
    """Where a text was made up, as `Model/member`."""

    def make(self, schema: Schema, place: str = "", inside: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 -- any JSON value
        """Return a value that the schema describes. `inside` are the models around it: one may hold itself."""
        if (given := _given_in(schema)) is not None:
            return given[0]
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix(_PREFIX)
            return None if name in inside else self.make(self.schemas[name], name, (*inside, name))
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                first: Schema = next((one for one in schema[word] if one.get("type") != "null"), {})
                return self.make(first, place, inside)
        return self._make_of_type(schema, place, inside)

    def _make_of_type(self, schema: Schema, place: str, inside: tuple[str, ...]) -> Any:  # noqa: ANN401
        match schema.get("type"):
            case "object":
                return self._make_object(schema, place, inside)
            case "array":
                return [self.make(schema.get("items", {}), place, inside)] if schema.get("items") else []
            case "integer" | "number":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "boolean":
                return False
            case "string":
                return self._make_text(schema, place)
        return None

    def _make_object(self, schema: Schema, place: str, inside: tuple[str, ...]) -> dict[str, Any]:
        made = {}
        for name, member in schema.get("properties", {}).items():
            made[name] = self.make(member, f"{place}/{name}", inside)
        return made

    def _make_text(self, schema: Schema, place: str) -> str:
        if schema.get("format") in _BY_FORMAT:
            return _BY_FORMAT[schema["format"]]
        self.guessed.append(place)
        return "text".ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _given_in(schema: Schema) -> tuple[Any] | None:
    """Return what the schema itself says, in a tuple, for an example may be null."""
    if schema.get("examples"):
        return (schema["examples"][0],)
    for word in ("example", "const", "default"):
        if word in schema:
            return (schema[word],)
    return (schema["enum"][0],) if schema.get("enum") else None
