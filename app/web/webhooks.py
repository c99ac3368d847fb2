"""The section of the OpenAPI document about what subscribers are sent: one operation per type of event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

_HEADERS = (
    ("webhook-id", "The id of the event: the same on every try and every replay, so that a repetition is recognised."),
    ("webhook-timestamp", "When this try was signed, in seconds since 1970."),
    ("webhook-signature", "One or more signatures, separated by spaces: v1, a comma, and the HMAC-SHA256 as base64."),
)
_EXAMPLES = {
    "webhook-id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
    "webhook-timestamp": "1795554000",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    "2XX": {"description": "The event was taken. Nothing of the answer's body is looked at."},
    "410": {"description": "Nothing more is wanted: the subscription ends."},
    "429": {"description": "Too many at once. A Retry-After of at most 24 hours is obeyed for the whole subscription."},
    "503": {"description": "Not now. A Retry-After of at most 24 hours is obeyed for the whole subscription."},
    "default": {
        "description": "Anything else, and no answer within 15 seconds, is a failure: it is tried again later."
    },
}


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event as subscribers see it."""

    name: str
    """As in the member `type`, such as `suggestion.decided`."""
    description: str
    model: type[BaseModel]
    """What is sent. Types may share a model."""


def routes_of(event_types: Sequence[EventType]) -> list[APIRoute]:
    """Return a route per event type, sorted by name, for the document alone."""
    router = APIRouter()
    for kind in sorted(event_types, key=lambda one: one.name):
        router.add_api_route(
            kind.name,
            _receiver(kind.model),
            methods=["POST"],
            operation_id=_operation_id(kind.name),
            summary=kind.description.partition(". ")[0].removesuffix("."),
            description=kind.description,
            response_class=Response,
            responses=_RESPONSES,
            openapi_extra={"security": [], "parameters": _parameters()},
        )
    return [route for route in router.routes if isinstance(route, APIRoute)]


def _receiver(model: type[BaseModel]) -> Any:  # noqa: ANN401 -- an endpoint that nobody calls
    async def receive(body: BaseModel) -> Response:
        raise NotImplementedError

    receive.__annotations__["body"] = model
    return receive


def _operation_id(name: str) -> str:
    """`suggestion.question_asked` → `receiveSuggestionQuestionAsked`."""
    return "receive" + "".join(word.title() for word in name.replace(".", "_").split("_"))


def _parameters() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
            "example": _EXAMPLES[name],
        }
        for name, text in _HEADERS
    ]
