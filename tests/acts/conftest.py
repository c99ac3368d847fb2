"""One running service for all tests of a module, on each database; and acts that are gone when a test is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.lifecycle import ACTS
from tests.databases import KINDS, Databases
from tests.service import MONDAY, Clock, Service, Tenant, running


@pytest.fixture(scope="module", params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """As everywhere, but for a whole module: the service that runs on it is started once."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def shared_service(
    databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service of this module, whose clock other tests may have moved. What time brings about, `settle` does."""
    url = databases.clone(database_kind)
    folder: Path = tmp_path_factory.mktemp("service")
    with running(url, folder, Clock(), role="api") as service:
        yield service
    databases.drop(url)


@pytest.fixture
def service(shared_service: Service) -> Service:
    """The same, its clock set back to where a test begins."""
    shared_service.clock.move_to(MONDAY)
    return shared_service


@pytest.fixture
def tenant(service: Service) -> Tenant:
    """An organisation of this test alone."""
    return service.tenant()


@pytest.fixture
def restored_acts() -> Iterator[None]:
    """Forgets the acts that a test makes."""
    before = dict(ACTS)
    yield
    ACTS.clear()
    ACTS.update(before)
