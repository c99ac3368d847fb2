"""The example application behind a real server, and what the tests of hostile input are pointed at."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.databases import Databases
from tests.service import MANAGER, Clock, running
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


@pytest.fixture(scope="module")
def application_target(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The real application, on SQLite."""
    url = databases.clone("sqlite")
    with running(url, tmp_path_factory.mktemp("application"), Clock()) as service:
        tenant = service.tenant()
        item = f"/v1/suggestions/{tenant.all.submit()['id']}"
        keys = tenant.all.token, tenant.key("measure").token
        yield Target(
            port=urlsplit(service.url).port or 0,
            key=keys[0] or "",
            narrow_key=keys[1] or "",
            body=SUBMISSION,
            item=item,
            act=f"{item}/acts/note",
            act_body={"actor": MANAGER, "text": "Spoke with the coordinator."},
        )
    databases.drop(url)
