"""All routes of the application behind one look-up, so that the hundredth costs what the first does."""

import re
from collections import defaultdict
from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.domain.errors import MethodNotAllowed, NotFound

_ID = re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|\Z)", re.IGNORECASE | re.ASCII)
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Table(BaseRoute):
    """Finds the route of a request. Raises NotFound for an unknown path, a malformed id and a trailing slash.

    Raises MethodNotAllowed with every method of the path. A HEAD is a GET whose body the server leaves out. Routes
    whose parameters are all ids (`{id:uuid}`) are found by their shape in one dictionary; the few others are walked
    through. (FastAPI walks through all routes at 1.5 µs each, and through those of an included router twice.)
    """

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        self.routes = tuple(routes)
        self._by_shape: dict[str, list[APIRoute]] = defaultdict(list)
        self._others: list[APIRoute] = []
        for route in routes:
            kinds = {kind for _, kind in _PARAMETER.findall(route.path)}
            if kinds <= {"uuid"}:
                self._by_shape[_PARAMETER.sub("{}", route.path)].append(route)
            elif "uuid" in kinds:
                raise TypeError(f"{route.path}: ids stand beside no other parameters, for their form is checked here")
            else:
                self._others.append(route)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take every request: what is not here is nowhere."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its route, or raise."""
        asked = scope
        if scope["method"] == "HEAD":  # A copy: the server looks at its own scope to leave the body out.
            scope["state"]["is_head"] = True
            asked = {**scope, "method": "GET"}
        allowed: set[str] = set()
        for route in self._candidates(scope):
            match, found = route.matches(asked)
            if match is Match.FULL:
                scope.update(found)
                await route.handle({**asked, **found}, receive, send)
                return
            if match is Match.PARTIAL:
                allowed |= route.methods or set()
        if not allowed:
            raise NotFound
        raise MethodNotAllowed(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))

    def _candidates(self, scope: Scope) -> Sequence[APIRoute]:
        path: str = scope["path"]
        if _CONTROL.search(path):  # Among them the line feed at the end, before which `$` of a route's pattern matches.
            return ()
        if by_shape := self._by_shape.get(_ID.sub("/{}", path)):
            # A slash that is written as %2F separates nothing (RFC 3986 section 2.2), and no id has one.
            return () if b"%2f" in scope.get("raw_path", b"").lower() else by_shape
        return self._others
