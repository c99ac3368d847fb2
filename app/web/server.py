"""uvicorn's server, which ends open streams before it waits for connections to close."""

import socket
from collections.abc import Callable

import uvicorn
from typing_extensions import override


class Server(uvicorn.Server):
    """`on_shutdown` is called in the event loop as soon as the server is to stop."""

    def __init__(self, config: uvicorn.Config, on_shutdown: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
        await super().shutdown(sockets)
