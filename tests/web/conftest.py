"""The example application behind a real server, and what the tests of hostile input are pointed at."""

from collections.abc import Iterator

import pytest

from tests.web.example import EXISTING, SUBMISSION, Example
from tests.web.serving import serving
from tests.web.target import Target

SCOPES = ("raise", "read", "review", "admin")


@pytest.fixture
def example() -> Example:
    """A fresh application, for tests that look inside."""
    return Example()


@pytest.fixture(scope="module")
def example_target() -> Iterator[Target]:
    """The example application behind uvicorn, one for all tests of a module."""
    example = Example()
    with serving(example.app) as port:
        yield Target(
            port=port,
            key=example.make_key(*SCOPES),
            narrow_key=example.make_key("measure"),
            body=SUBMISSION,
            item=f"/v1/suggestions/{EXISTING}",
            act=f"/v1/suggestions/{EXISTING}/acts/note",
            act_body={"text": "Spoke with the coordinator."},
        )
