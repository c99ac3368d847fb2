"""Logs: lines of JSON on the standard error stream, about the machine and never about people.

Two ways lead there. What happens now and then goes through structlog or the standard library's `logging`, at 10 to 200
microseconds a line; both end in one handler. The line that every request leaves goes through `LineBuffer`, at one
microsecond, because it only keeps the text, and a loop writes what has gathered.

The messages of exceptions are left out, but for types that are known to speak of the machine: many others repeat what
they could not digest, be it a key, a number or a sentence that somebody wrote. The type and the places in the code
remain.
"""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import PurePath
from traceback import walk_tb
from typing import TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MAX_WAITING_LINES = 1000
MAX_FRAMES = 40

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)


def set_up(level: str, *, stream: TextIO | None = None, telling: tuple[type[BaseException], ...] = (OSError,)) -> None:
    """Send structlog and `logging` to `stream` (standard error by default) as lines of JSON, from `level` upwards.

    Each line has `at`, `level`, `logger` and `event`, and where there is an exception also `exception`: a list of
    `{"type", "message"?, "frames"}` that begins with the one that was caught and goes on with what caused it. Only
    exceptions of the types `telling` show their messages. Raises ValueError for a level that `logging` does not know.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _ExceptionTeller(telling),
                structlog.processors.JSONRenderer(ensure_ascii=False, default=_show),
            ],
        )
    )
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class LineBuffer:
    """Keeps lines until they are written together. For one thread, which is the event loop's."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Keep a line, which has no line feed; it is written by the next `flush`."""
        self._lines.append(line)
        if len(self._lines) >= MAX_WAITING_LINES:
            self.flush()

    def flush(self) -> None:
        """Write whole lines, so that none of another log comes to stand within one."""
        if not self._lines:
            return
        text = "\n".join(self._lines) + "\n"
        self._lines.clear()
        with suppress(OSError, ValueError):  # Nobody reads the stream any more; requests are served all the same.
            self._stream.write(text)
            self._stream.flush()

    async def run(self, every_seconds: float = 0.25) -> None:
        """Flush again and again until cancelled, and a last time then."""
        try:
            while True:
                await asyncio.sleep(every_seconds)
                self.flush()
        finally:
            self.flush()


@dataclass(frozen=True, slots=True)
class _ExceptionTeller:
    """Puts `exception` in the place of structlog's `exc_info`."""

    telling: tuple[type[BaseException], ...]

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        found: object = event.pop("exc_info", None)
        event.pop("stack_info", None)
        if found is True:
            found = sys.exc_info()
        if isinstance(found, tuple):
            found = found[1]
        if isinstance(found, BaseException):
            event["exception"] = [self._tell(error) for error in _chain(found, set())]
        return event

    def _tell(self, error: BaseException) -> dict[str, object]:
        frames = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)
        ]
        message = {"message": str(error)} if isinstance(error, self.telling) else {}
        return {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            **message,
            "frames": frames[-MAX_FRAMES:],
        }


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    """Yield the exception, those of its group, and what caused it or was being handled when it was raised."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for child in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _chain(child, seen)
    yield from _chain(error.__cause__ or (None if error.__suppress_context__ else error.__context__), seen)


def _show(value: object) -> str:
    """Return what JSON has no form for: plain values as text, of anything else the type alone."""
    return str(value) if isinstance(value, UUID | date | Enum | PurePath) else type(value).__qualname__
