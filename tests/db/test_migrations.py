"""Migrations: up and down on both databases, and who migrates when several start at once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from app.db.database_url import read_url
from app.db.failures import StartRefused
from app.db.migrate import HEAD, alembic_config, bring_up_to_date, migrating, version
from app.db.session import open_database
from app.db.tables import Base
from tests.conftest import make_organisation


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    with migrating(read_url(url)) as connection:
        yield connection


def revisions(connection: Connection) -> list[str]:
    """From the newest to the oldest."""
    scripts = ScriptDirectory.from_config(alembic_config(connection))
    return [script.revision for script in scripts.walk_revisions()]


def test_the_code_knows_the_newest_revision(empty_database_url: str) -> None:
    with connected(empty_database_url) as connection:
        found = revisions(connection)
    assert found[0] == HEAD
    assert found == sorted(found, reverse=True)  # ids sort, so that a newer schema is known as such


def test_an_empty_database_is_brought_up_once(empty_database_url: str) -> None:
    assert [bring_up_to_date(empty_database_url), bring_up_to_date(empty_database_url)] == [True, False]
    with connected(empty_database_url) as connection:
        assert version(connection) == HEAD
    database = open_database(empty_database_url)
    make_organisation(database)
    database.close()


def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    bring_up_to_date(empty_database_url)
    with connected(empty_database_url) as connection:
        for revision in [*revisions(connection)[1:], "base"]:
            command.downgrade(alembic_config(connection), revision)
            connection.commit()
    with connected(empty_database_url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert inspect(connection).get_sequence_names() == [] if connection.dialect.name == "postgresql" else True
    assert bring_up_to_date(empty_database_url) is True
    open_database(empty_database_url).close()


def test_migrations_make_what_the_tables_say(fresh_database_url: str) -> None:
    """`alembic check`: nothing is left for a further revision to do."""
    with connected(fresh_database_url) as connection:
        try:
            command.check(alembic_config(connection))
        except CommandError as error:
            pytest.fail(str(error))
        connection.rollback()
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_several_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    program = "import sys; from app.db.migrate import bring_up_to_date; print(bring_up_to_date(sys.argv[1]))"
    arguments = [sys.executable, "-c", program, empty_database_url]
    started = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert (answers, [process.returncode for process in started]) == (["False", "False", "True"], [0, 0, 0])


def test_threads_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(bring_up_to_date(empty_database_url))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [False, True]


def test_an_older_schema_is_not_touched_where_that_is_not_allowed(empty_database_url: str) -> None:
    with pytest.raises(
        StartRefused, match=r"no tables yet, and this program needs the schema \w+\. Run bin/heardback migrate"
    ):
        bring_up_to_date(empty_database_url, allowed=False)
    with connected(empty_database_url) as connection:
        connection.execute(text("create table alembic_version (version_num varchar(32) not null)"))
        connection.execute(text("insert into alembic_version values ('20250101_0000')"))
        connection.commit()
    with pytest.raises(StartRefused, match="has the schema 20250101_0000, and this program needs the schema"):
        bring_up_to_date(empty_database_url, allowed=False)


def test_a_newer_schema_is_accepted(fresh_database_url: str) -> None:
    with connected(fresh_database_url) as connection:
        connection.execute(text("update alembic_version set version_num = '29991231_2359'"))
        connection.commit()
    for allowed in (True, False):
        assert bring_up_to_date(fresh_database_url, allowed=allowed) is False


def test_a_current_schema_is_known_without_alembic(fresh_database_url: str) -> None:
    program = (
        "import sys; from app.db.migrate import bring_up_to_date; "
        "print(bring_up_to_date(sys.argv[1]), 'alembic' in sys.modules)"
    )
    arguments = [sys.executable, "-c", program, fresh_database_url]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip() == "False False"


def test_rows_that_refer_to_nothing_are_not_committed(empty_database_url: str) -> None:
    """Foreign keys are off while SQLite's tables are made anew; PostgreSQL looks at them all the time."""
    if not empty_database_url.startswith("sqlite"):
        return
    with connected(empty_database_url) as connection:
        connection.execute(text("create table parent (id integer primary key)"))
        connection.execute(text("create table child (parent_id integer references parent (id))"))
        connection.execute(text("insert into child values (1)"))
        connection.commit()
    with pytest.raises(RuntimeError, match="left rows that refer to nothing"):
        bring_up_to_date(empty_database_url)
    with connected(empty_database_url) as connection:
        assert "sites" not in inspect(connection).get_table_names()


def test_the_command_line_of_alembic_finds_its_way(fresh_database_url: str) -> None:
    arguments = [sys.executable, "-m", "alembic", "-x", f"url={fresh_database_url}", "current"]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip() == f"{HEAD} (head)"
