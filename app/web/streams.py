"""Those who listen to a stream just now: woken when something may have come, and sent home when the server stops."""

import asyncio
from contextlib import suppress


class Streams:
    """One per application, used from its event loop alone."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.stopping = False
        """Whether streams are to end."""

    @property
    def changed(self) -> asyncio.Event:
        """What `wait` takes: to be asked for before looking whether there is something."""
        return self._changed

    def wake(self) -> None:
        """Say that something may have come. From another thread: `loop.call_soon_threadsafe(streams.wake)`."""
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """End every stream: a server does not stop while somebody is connected."""
        self.stopping = True
        self.wake()

    async def wait(self, changed: asyncio.Event, seconds: float) -> None:
        """Wait until something may have come since `changed` was asked for, and for `seconds` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()
