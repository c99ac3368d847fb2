"""Log lines: their form, what they leave out, and the buffer for those of requests."""

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from uuid import UUID

import pytest
import structlog

from app.kit import logs
from app.kit.logs import LineBuffer


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs as `set_up` makes them, at INFO; what stood before is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    buffer = io.StringIO()
    logs.set_up("INFO", stream=buffer)
    yield buffer
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    """Return the lines, each of which has a time."""
    lines: list[dict[str, object]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        assert datetime.fromisoformat(str(line.pop("at"))).tzinfo == UTC
    return lines


def test_both_ways_lead_to_lines_of_one_form(stream: io.StringIO) -> None:
    structlog.get_logger("app.one").info("it began", places=5)
    logging.getLogger("app.two").warning("%s of %d", "none", 3)
    structlog.get_logger("app.one").debug("not at this level")
    logging.getLogger("app.two").debug("nor this")
    assert lines_of(stream) == [
        {"level": "info", "logger": "app.one", "event": "it began", "places": 5},
        {"level": "warning", "logger": "app.two", "event": "none of 3"},
    ]


def test_values_that_json_has_no_form_for(stream: io.StringIO) -> None:
    structlog.get_logger("app").info(
        "values",
        id=UUID(int=7),
        at_day=datetime(2026, 11, 22, tzinfo=UTC),
        path=PurePosixPath("a/b"),
        other=LineBuffer(stream),
        text="é\n",
    )
    assert lines_of(stream) == [
        {
            "level": "info",
            "logger": "app",
            "event": "values",
            "id": "00000000-0000-0000-0000-000000000007",
            "at_day": "2026-11-22 00:00:00+00:00",
            "path": "a/b",
            "other": "LineBuffer",
            "text": "é\n",
        }
    ]


def fail_with_personal_data() -> None:
    try:
        raise FileNotFoundError(2, "No such file or directory")
    except OSError as error:
        raise ValueError("Ann Other, 9434765919") from error


@pytest.mark.parametrize("logger", [structlog.get_logger("app"), logging.getLogger("app")])
def test_an_exception_is_told_without_what_others_wrote(logger: logging.Logger, stream: io.StringIO) -> None:
    try:
        fail_with_personal_data()
    except ValueError:
        logger.exception("it failed")
    (line,) = lines_of(stream)
    told = line.pop("exception")
    assert line == {"level": "error", "logger": "app", "event": "it failed"}
    assert isinstance(told, list)
    assert [(one["type"], one.get("message")) for one in told] == [
        ("builtins.ValueError", None),
        ("builtins.FileNotFoundError", "[Errno 2] No such file or directory"),
    ]
    assert [frame.rpartition(" ")[2] for frame in told[0]["frames"]] == [
        "test_an_exception_is_told_without_what_others_wrote",
        "fail_with_personal_data",
    ]
    assert "Ann" not in stream.getvalue()


def test_the_exceptions_of_a_group_are_told(stream: io.StringIO) -> None:
    group = ExceptionGroup("several", [ValueError("a"), KeyError("b")])
    group.exceptions[0].__context__ = group  # A circle ends.
    logging.getLogger("app").error("it failed", exc_info=group)
    (line,) = lines_of(stream)
    assert [one["type"] for one in line["exception"]] == [  # type: ignore[attr-defined] # A list, or the test fails.
        "builtins.ExceptionGroup",
        "builtins.ValueError",
        "builtins.KeyError",
    ]


def test_an_error_without_an_exception(stream: io.StringIO) -> None:
    structlog.get_logger("app").error("it failed", exc_info=True, stack_info=True)
    assert lines_of(stream) == [{"level": "error", "logger": "app", "event": "it failed"}]


def test_warnings_are_lines_too(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)
    (line,) = lines_of(stream)
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")


def test_a_level_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="Unknown level"):
        logs.set_up("LOUD", stream=io.StringIO())


# --- the buffer
def test_lines_wait_until_they_are_flushed() -> None:
    stream = io.StringIO()
    lines = LineBuffer(stream)
    lines.write("a")
    lines.write("b")
    assert stream.getvalue() == ""
    lines.flush()
    lines.flush()
    assert stream.getvalue() == "a\nb\n"


def test_many_lines_do_not_wait() -> None:
    stream = io.StringIO()
    lines = LineBuffer(stream)
    for _ in range(logs.MAX_WAITING_LINES):
        lines.write("a")
    assert stream.getvalue() == "a\n" * logs.MAX_WAITING_LINES


def test_a_stream_that_nobody_reads_stops_nothing() -> None:
    stream = io.StringIO()
    lines = LineBuffer(stream)
    stream.close()
    lines.write("a")
    lines.flush()
    assert lines._lines == []


def test_the_loop_flushes_and_does_so_a_last_time_at_its_end() -> None:
    async def run() -> None:
        task = asyncio.create_task(lines.run(every_seconds=0.01))
        lines.write("a")
        async with asyncio.timeout(20):
            while not stream.getvalue():  # noqa: ASYNC110 -- nothing tells of it
                await asyncio.sleep(0.01)
        lines.write("b")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stream = io.StringIO()
    lines = LineBuffer(stream)
    asyncio.run(run())
    assert stream.getvalue() == "a\nb\n"
