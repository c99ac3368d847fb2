"""The service that the stories run on, with its background work, and a system that is told what happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acts.conftest import database_kind, service, tenant
from tests.databases import Databases
from tests.service import Clock, Service, running
from tests.stories.told import Told

__all__ = ["database_kind", "service", "shared_service", "tenant", "told"]


@pytest.fixture(scope="module")
def shared_service(
    databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service of this module, which does its background work, too."""
    url = databases.clone(database_kind)
    folder: Path = tmp_path_factory.mktemp("service")
    with running(url, folder, Clock(), role="all") as made:
        yield made
    databases.drop(url)


@pytest.fixture
def told() -> Iterator[Told]:
    """A receiver of events, on this machine."""
    with Told() as receiver:
        yield receiver
