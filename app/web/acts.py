"""A route per act, twice where a receipt may do it too: derived from the classes, never listed.

No postponed annotations here: the request model takes the place of an annotation when an endpoint is made.
"""

from collections.abc import Callable, Coroutine
from inspect import getdoc
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, create_model
from starlette.responses import Response

from app.domain import acts
from app.domain.lifecycle import ACTS, RECEIPT, Act
from app.domain.texts import Actor
from app.services import showing, suggestions, views
from app.services.idempotency import Effect
from app.services.receipts import ReceiptView
from app.services.timeline import thin_event
from app.web.access import needs
from app.web.answers import Shown, single
from app.web.call import Call
from app.web.receipt import show_view
from app.web.route import Route
from app.web.state import Session

__all__ = ["acts", "routes"]

Endpoint = Callable[..., Coroutine[Any, Any, Response]]
REFUSES = ("act_not_allowed", "personal_data")
HIDING = frozenset({"hold", "redirect"})
"""The acts whose own answer, and its repetition, shows what they have hidden."""


class ByActor(Act):
    """What every act by key carries: the person, known in the caller's system, on whose behalf it is done."""

    actor: Actor


def routes() -> list[Route]:
    """The routes of all acts, sorted by name: the document must not depend on the order of imports."""
    router = APIRouter(route_class=Route, tags=["acts"])
    for name, act in sorted(ACTS.items()):
        if act.transition.key_scopes:
            _add_by_key(router, name, act)
        if RECEIPT in act.transition.scopes:
            _add_by_receipt(router, name, act)
    return [route for route in router.routes if isinstance(route, Route)]


def operation_id(name: str) -> str:
    """`vote` makes `voteSuggestion`, `start_review` makes `startReview`."""
    return _camel(name) if "_" in name else f"{name}Suggestion"


def _add_by_key(router: APIRouter, name: str, act: type[Act]) -> None:
    model = create_model(f"{act.__name__}Request", __base__=(ByActor, act), __doc__=act.__doc__)
    refuses = [*REFUSES, *(["quorum_not_met"] if name == "decide" else [])]
    router.add_api_route(
        f"/v1/suggestions/{{id:uuid}}/acts/{name}",
        _by_key(name, model),
        methods=["POST"],
        operation_id=operation_id(name),
        description=getdoc(act),
        response_model=views.ActedView,
        openapi_extra=needs(*act.transition.key_scopes, refuses=refuses),
    )


def _add_by_receipt(router: APIRouter, name: str, act: type[Act]) -> None:
    model = create_model(f"{act.__name__}ByReceiptRequest", __base__=act, __doc__=act.__doc__)
    router.add_api_route(
        f"/v1/receipt/acts/{name}",
        _by_receipt(model),
        methods=["POST"],
        operation_id=f"{_camel(name)}ByReceipt",
        description=f"{getdoc(act)}\n\nBy receipt: the bearer of the code is the author.",
        response_model=ReceiptView,
        openapi_extra=needs(scheme="receipt", refuses=REFUSES),
    )


def _by_key(name: str, model: type[BaseModel]) -> Endpoint:
    async def perform(call: Call, id: UUID, body: Act) -> Response:
        actor: Actor = body.actor  # type: ignore[attr-defined]  # every model of this route derives from ByActor
        return await call.write(
            lambda session: suggestions.perform(session, call.context, id, body, call.condition, actor=actor),
            lambda session, effect: _show_acted(session, call, effect, hides=name in HIDING),
        )

    perform.__annotations__["body"] = model
    return perform


def _by_receipt(model: type[BaseModel]) -> Endpoint:
    async def perform(call: Call, body: Act) -> Response:
        id = call.caller.suggestion_id
        assert id is not None  # noqa: S101 -- the route is for receipts alone
        return await call.write(
            lambda session: suggestions.perform(session, call.context, id, body, call.condition),
            lambda session, _: show_view(session, call, id),
        )

    perform.__annotations__["body"] = model
    return perform


def _show_acted(session: Session, call: Call, effect: Effect, *, hides: bool) -> Shown:
    """The event and the suggestion after it. What somebody else has hidden since is no longer there."""
    if not hides:
        return _acted(session, call, effect)
    with session.for_rules():
        return _acted(session, call, effect)


def _acted(session: Session, call: Call, effect: Effect) -> Shown:
    _, event_id = effect.both()
    row = suggestions.acted_on(session, effect)
    event = thin_event(session, event_id)
    (view,) = showing.show_suggestions(session, [row], showing.Reader(call.caller.scopes), call.now)
    return single(views.ActedView.model_construct(event=event, suggestion=view), row.version)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
