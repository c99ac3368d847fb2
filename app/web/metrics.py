"""The metrics: on a port of their own for whoever operates this server, and for a key beside the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter
from starlette.responses import Response

from app.domain.vocabulary import Scope
from app.web.access import needs
from app.web.call import Call
from app.web.exposition import MEDIA_TYPE, Exposition
from app.web.route import Route

router = APIRouter(route_class=Route, include_in_schema=False)


class MetricsUnavailableError(Exception):
    """Nothing can listen where the metrics were to be served. Its text is a sentence for the operator."""


@router.get("/metrics", openapi_extra=needs(Scope.ADMIN))
async def show_metrics(call: Call) -> Response:
    """Show the figures of this process, summed over all organisations.

    Counts tell how much happens, also with what is hidden. They are shown to a key that may see that: one with
    `safeguard` as well, and not limited to sites. Any other key with `admin` is shown how far work is behind.
    """
    caller = call.caller
    whole = caller.sites is None and caller.may(Scope.SAFEGUARD)
    shown = await call.services.exposition.show(whole=whole)
    return Response(shown, headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})


@asynccontextmanager
async def serving_metrics(exposition: Exposition, host: str, port: int) -> AsyncIterator[None]:
    """Meanwhile, `GET /metrics` is answered on this port to everybody who reaches it.

    Raises MetricsUnavailableError where the port cannot be had.
    """
    from aiohttp import web  # noqa: PLC0415 -- only where it is wanted

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=await exposition.show(), headers={"Content-Type": MEDIA_TYPE})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            words = f"The metrics cannot be served on port {port} of {host}: {error.strerror or error}."
            raise MetricsUnavailableError(words) from error
        yield
    finally:
        await runner.cleanup()
