"""Probes for whoever runs this server: whether the process lives, and whether it can do its work."""

import asyncio
import logging

from fastapi import APIRouter
from starlette.responses import Response

from app.web.access import open_to_all
from app.web.call import Call
from app.web.problems import RETRY_AFTER_SECONDS, problem
from app.web.route import Route

router = APIRouter(route_class=Route, include_in_schema=False)

_NOBODY = bytes(32)
"""The hash of no key. Looking it up proves that the database answers and has its tables."""
_HEADERS = {"Cache-Control": "no-store"}
_log = logging.getLogger(__name__)


@router.get("/livez", openapi_extra=open_to_all())
async def show_life() -> Response:
    """Answer as long as the process answers at all; nothing else is asked."""
    return Response(b'{"state":"alive"}', headers=_HEADERS, media_type="application/json")


@router.get("/readyz", openapi_extra=open_to_all())
async def show_readiness(call: Call) -> Response:
    """Answer 200 if the database answers within two seconds, and 503 otherwise."""
    services = call.services
    try:
        async with asyncio.timeout(services.limits.ready_seconds):
            await services.callers.get("key", _NOBODY, call.now)
    except Exception:  # noqa: BLE001 -- whatever it is, the question is only whether it works
        _log.warning("not ready", exc_info=True)
        headers = {**_HEADERS, "Retry-After": RETRY_AFTER_SECONDS}
        return problem(call.request_id, "unavailable", headers=headers)
    return Response(b'{"state":"ready"}', headers=_HEADERS, media_type="application/json")
