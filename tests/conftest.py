"""What every test may ask for: a database of each kind, an organisation in it, and a stranger beside it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from app.db.session import Database, ScopedSession
from app.db.tables import Organisation
from tests.databases import FOLDER_VARIABLE, KINDS, Databases, make_run_folder, remove_run_folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=KINDS, help="run the tests that need a database on this one only")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the run's first process, with or without pytest-xdist
        os.environ["TESTS_RUN_PID"] = str(os.getpid())
        folder = make_run_folder()
        config.add_cleanup(lambda: remove_run_folder(folder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--database")
    if not wanted:
        return

    def is_wanted(item: pytest.Item) -> bool:
        call = getattr(item, "callspec", None)
        return call is None or call.params.get("database_kind", wanted) == wanted

    config.hook.pytest_deselected(items=[item for item in items if not is_wanted(item)])
    items[:] = [item for item in items if is_wanted(item)]


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The databases of this test process; nothing is made before it is asked for."""
    made = Databases(Path(os.environ[FOLDER_VARIABLE]))
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """A test that asks for this, or for anything made from it, runs once on each database."""
    kind: str = request.param
    return kind


@pytest.fixture
def database(databases: Databases, database_kind: str) -> Database:
    """The database of this test process, open. Its rows stay: a test makes an organisation of its own."""
    return databases.opened(database_kind)


@pytest.fixture
def database_url(databases: Databases, database_kind: str) -> str:
    """The address of `database`."""
    return databases.url(database_kind)


@pytest.fixture
def fresh_database_url(databases: Databases, database_kind: str) -> Iterator[str]:
    """A database of this test alone, with all tables and nothing in them: for loops, which look at everything."""
    url = databases.clone(database_kind)
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database_url(databases: Databases, database_kind: str) -> Iterator[str]:
    """A database of this test alone, without tables."""
    url = databases.empty(database_kind)
    yield url
    databases.drop(url)


@pytest.fixture
def organisation(database: Database) -> UUID:
    """An organisation that no other test knows."""
    return make_organisation(database)


@pytest.fixture
def stranger(database: Database) -> UUID:
    """Another organisation, which must never be seen."""
    return make_organisation(database)


def make_organisation(database: Database) -> UUID:
    organisation_id = uuid4()
    row = {
        "id": organisation_id,
        "code": f"organisation-{organisation_id.hex}",
        "name": "Fellside Homecare",
        "kind": "provider",
        "nation": "england_wales",
        "policy": {},
        "version": 1,
        "feed_position": 0,
        "created_at": datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    }

    def work(session: ScopedSession) -> None:
        session.execute(insert(Organisation), [row])

    database.write_now(None, work)
    return organisation_id
