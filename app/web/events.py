"""The feed of events over HTTP: page by page, and as a stream."""

import logging
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from app.domain.events import is_known
from app.domain.vocabulary import Scope
from app.kit.refusals import Fault, Invalid
from app.kit.shapes import Digits
from app.services import feed
from app.web.access import needs
from app.web.answers import Shown, etag_of
from app.web.call import Call
from app.web.catching_up import read_up_to_date
from app.web.queries import Parameters
from app.web.route import Route
from app.web.sent_events import FeedPage
from app.web.state import Session

router = APIRouter(route_class=Route, tags=["events"])

POLL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
STREAM_BATCH = 100
_log = logging.getLogger(__name__)
_STREAM: dict[str, Any] = {
    "description": "The stream. It ends when the server stops; go on with the last `id` as Last-Event-ID.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'id: uJ8q…\ndata: {"data":{},"id":"0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05","timestamp":'
            '"2026-11-23T08:00:04Z","type":"suggestion.decided"}\n\n',
        }
    },
}


class FeedParameters(Parameters):
    """Where the feed goes on, and what is wanted of it."""

    after: Annotated[str | None, Field(description="`next_cursor` of the page before; absent: from the beginning.")] = (
        None
    )
    types: Annotated[
        str | None,
        Field(
            description="Only these types, separated by commas; `report.*` stands for a family, `*` for all.",
            examples=["suggestion.decided,report.*"],
        ),
    ] = None
    limit: Annotated[
        int, Field(ge=1, le=200, description="How many events the page has at most.", examples=[50]), Digits
    ] = 50

    def patterns(self) -> Sequence[str]:
        """The types that are asked for. Raises Invalid."""
        if self.types is None:
            return feed.EVERYTHING
        patterns = self.types.split(",")
        if not all(is_known(pattern) for pattern in patterns):
            raise Invalid(Fault("?types", "not_allowed", "There is no such type of event, and no such family."))
        return patterns


@router.get(
    "/v1/events",
    operation_id="listEvents",
    response_model=FeedPage,
    openapi_extra=needs(Scope.READ, refuses=["invalid_cursor"]),
)
async def find_all(call: Call, asked: Annotated[FeedParameters, Query()]) -> Response:
    """Catch up with what happened: every event in the order in which it entered the feed. What was hidden and is
    cleared enters it again at its end, so leave out what you have had. An empty page is the end for now.
    """
    patterns = asked.patterns()

    def show(session: Session) -> Shown:
        found = feed.read_feed(session, call.context, asked.after, patterns, asked.limit)
        body = b'{"items":[%s],"next_cursor":"%s"}' % (
            b",".join(item.raw for item in found.items),
            found.cursor.encode(),
        )
        url = call.next_url(found.cursor, "after") if found.items else None
        return Shown(body, etag=etag_of(body), headers={"Link": f'<{url}>; rel="next"'} if url else {})

    return call.answer(await read_up_to_date(call, feed.scope_of(call.caller), show))


@router.get(
    "/v1/events/stream",
    operation_id="streamEvents",
    response_class=Response,
    responses={200: _STREAM},
    openapi_extra={
        **needs(Scope.READ, refuses=["invalid_cursor"]),
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "description": "The `id` of the last event that you have; absent: from now on.",
                "schema": {"type": "string"},
            }
        ],
    },
)
async def stream(call: Call) -> Response:
    """Listen to the feed as server-sent events: `id` is the feed's cursor, `data` the event."""
    last = call.single(b"last-event-id")
    if last is None:
        start = await call.services.database.read(
            call.caller.scope, lambda session: feed.end_of_feed(session, call.context)
        )
    else:
        feed.check_cursor(call.context, last)
        start = last
    headers = {"X-Accel-Buffering": "no"}
    if call.is_head:
        return Response(headers=headers, media_type="text/event-stream")
    return StreamingResponse(_events(call, start), headers=headers, media_type="text/event-stream")


async def _events(call: Call, cursor: str) -> AsyncIterator[bytes]:
    """Everything behind the cursor, as it comes; a comment now and then, so that nobody takes the line for dead.

    It ends when the server stops, and when the key no longer holds.
    """
    streams, database = call.services.streams, call.services.database
    yield b": listening\n\n"
    spoke = time.monotonic()
    while not streams.stopping:
        changed = streams.changed
        try:
            if not await _still_holds(call):
                return
            page = await database.read(feed.scope_of(call.caller), partial(_page, call, cursor))
        except Exception:  # noqa: BLE001 -- the head is gone: all that can be done is to end, and the client goes on later
            _log.warning("a stream of events ended", exc_info=True)
            return
        for item in page.items:
            yield b"id: %s\ndata: %s\n\n" % (item.cursor.encode(), item.raw)
        cursor = page.cursor
        if page.items:
            spoke = time.monotonic()
            continue
        if time.monotonic() - spoke >= KEEP_ALIVE_SECONDS:
            spoke = time.monotonic()
            yield b": still listening\n\n"
        await streams.wait(changed, POLL_SECONDS)


def _page(call: Call, after: str, session: Session) -> feed.FeedPage:
    return feed.read_feed(session, call.context, after, feed.EVERYTHING, STREAM_BATCH)


async def _still_holds(call: Call) -> bool:
    """Whether the key that opened the stream has not been revoked, and has not expired."""
    hashed: bytes = call.scope["state"]["credential"]
    return await call.services.callers.get("key", hashed, call.services.clock()) is not None
