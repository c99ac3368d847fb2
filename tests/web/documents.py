"""What tests of the OpenAPI document share: walking through it, and proving its examples."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter

from app.domain.reports.messages import SignedReport
from app.web.document import Description
from app.web.route import Route

Json = dict[str, Any]
READ_BY_THEMSELVES = {"receiveReport": SignedReport}
"""The bodies of endpoints that read them in their own order of checks."""


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation with its path and verb."""
    for path, members in document["paths"].items():
        for verb, operation in members.items():
            yield path, verb, operation


def every(node: object, name: str) -> Iterator[object]:
    """Every value of a member of this name, at any depth."""
    if isinstance(node, dict):
        for key, child in node.items():
            if key == name:
                yield child
            yield from every(child, name)
    elif isinstance(node, list):
        for child in node:
            yield from every(child, name)


def check_examples(description: Description, document: Json) -> int:
    """Fill each operation's models with its examples; raises ValidationError. Returns how many there were."""
    count = 0
    for route in description.routes:
        if not isinstance(route, Route) or not route.include_in_schema:
            continue
        operation = document["paths"][route.path_format][route.verb.lower()]
        contents = operation.get("requestBody", {}).get("content", {})
        for content in contents.values():
            count += _fill(route.asked.body or READ_BY_THEMSELVES.get(str(route.operation_id)), content)
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values() if status < "300" else ():
                count += _fill(route.responses.get(int(status), {}).get("model", route.response_model), content)
    for kind in description.event_types:
        count += _fill(
            kind.model, document["webhooks"][kind.name]["post"]["requestBody"]["content"]["application/json"]
        )
    return count


def _fill(model: object, content: Json) -> int:
    """Fill the model with the content's example, which must be there."""
    example = content["example"]
    if isinstance(model, type) and issubclass(model, BaseModel):
        TypeAdapter(model).validate_json(json.dumps(example))
    else:
        assert isinstance(example, str)
    return 1
