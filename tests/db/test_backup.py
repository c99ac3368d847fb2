"""Copies of an SQLite database, made beside a running one and brought back."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.backup import Copy, back_up, inspect_copy, restore
from app.db.failures import StartRefused
from app.db.migrate import HEAD
from app.db.session import open_database
from app.db.sqlite import Sqlite
from app.db.tables import Installation, Organisation
from tests.conftest import make_organisation
from tests.databases import Databases

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def file(databases: Databases) -> Iterator[Path]:
    url = databases.clone("sqlite")
    yield Path(url.removeprefix("sqlite:///"))
    databases.drop(url)


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def codes(file: Path) -> list[str]:
    database = open_database(url_of(file))
    try:
        return database.read_now(
            None, lambda session: list(session.execute(select(Organisation.code).order_by(Organisation.code)).scalars())
        )
    finally:
        database.close()


def test_a_copy_has_everything_that_was_committed(file: Path, tmp_path: Path) -> None:
    database = Sqlite(file)
    made = make_organisation(database)
    database.write_now(None, lambda session: session.add(Installation(id=1, secret_fingerprint="0123456789abcdef")))
    target = tmp_path / "copy.db"
    copy = back_up(url_of(file), target)  # the server still runs, and its newest part is in the write-ahead log
    make_organisation(database)
    database.close()
    assert copy == Copy(target, target.stat().st_size, HEAD, "0123456789abcdef")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert codes(target) == [f"organisation-{made.hex}"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_server_writes_on_meanwhile(file: Path, tmp_path: Path) -> None:
    database = Sqlite(file)
    for _ in range(50):
        make_organisation(database)
    ended = threading.Event()
    copies: list[Copy] = []

    def copy_often() -> None:
        try:
            copies.extend(back_up(url_of(file), tmp_path / f"{number}.db") for number in range(5))
        finally:
            ended.set()

    thread = threading.Thread(target=copy_often)
    thread.start()
    written = 50
    while not ended.is_set():
        make_organisation(database)
        written += 1
    thread.join()
    database.close()
    counts = [len(codes(copy.file)) for copy in copies]
    assert len(counts) == 5
    assert counts == sorted(counts)
    assert (counts[0] >= 50, counts[-1] <= written) == (True, True)


def test_a_backup_replaces_nothing(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(StartRefused, match=r"There is a file .* already"):
        back_up(url_of(file), target)
    assert target.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]


def test_a_backup_needs_a_database_and_a_place(file: Path, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="There is no database in"):
        back_up(url_of(tmp_path / "none.db"), tmp_path / "copy.db")
    with pytest.raises(StartRefused, match="cannot be written: No such file or directory"):
        back_up(url_of(file), tmp_path / "nowhere" / "copy.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database at all, but a text of some length" * 100])
def test_what_is_no_copy_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "copy.db"
    file.write_bytes(content)
    with pytest.raises(StartRefused, match="is no backup of a database of Heardback"):
        inspect_copy(file)
    with pytest.raises(StartRefused, match="is no backup of a database of Heardback"):
        inspect_copy(tmp_path / "none.db")


def test_a_damaged_copy_is_refused(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    back_up(url_of(file), target)
    with target.open("r+b") as damaged:
        damaged.seek(4096 * 3)
        damaged.write(b"\xff" * 4096 * 4)
    with pytest.raises(StartRefused, match=r"is damaged|is no backup"):
        inspect_copy(target)


def test_a_copy_takes_the_place_of_nothing(file: Path, tmp_path: Path) -> None:
    database = Sqlite(file)
    made = make_organisation(database)
    database.close()
    copy, place = tmp_path / "copy.db", tmp_path / "new" / "heardback.db"
    back_up(url_of(file), copy)
    assert restore(url_of(place), copy, NOW, replace=False) is None
    assert codes(place) == [f"organisation-{made.hex}"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_database_is_put_aside_only_if_told(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(url_of(file), copy)
    database = Sqlite(file)
    later = make_organisation(database)
    database.close()
    with pytest.raises(StartRefused, match="With --replace it is put aside"):
        restore(url_of(file), copy, NOW, replace=False)
    aside = restore(url_of(file), copy, NOW, replace=True)
    assert aside == file.with_name(f"{file.name}.before-20261123T090000")
    assert codes(file) == []
    assert codes(aside) == [f"organisation-{later.hex}"]
    aside.unlink()


def test_a_database_in_use_is_left_alone(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(url_of(file), copy)
    database = Sqlite(file)
    make_organisation(database)
    with pytest.raises(StartRefused, match=r"is in use\. Stop the server first\."):
        restore(url_of(file), copy, NOW, replace=True)
    make_organisation(database)
    database.close()
    assert len(codes(file)) == 2


def test_a_log_that_was_left_behind_is_not_read_into_the_copy(file: Path, tmp_path: Path) -> None:
    copy, place = tmp_path / "copy.db", tmp_path / "heardback.db"
    back_up(url_of(file), copy)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("update alembic_version set version_num = 'changed'")
        connection.commit()
        place.with_name("heardback.db-wal").write_bytes(file.with_name(file.name + "-wal").read_bytes())
    restore(url_of(place), copy, NOW, replace=False)
    assert not place.with_name("heardback.db-wal").exists()
    assert inspect_copy(place).schema == HEAD


def test_postgresql_has_tools_of_its_own(tmp_path: Path) -> None:
    url = "postgresql+psycopg://heardback:secret@db.example:5433/heardback?sslmode=require&password=inner"
    shown = "--dbname='postgresql://heardback@db.example:5433/heardback?sslmode=require'"
    with pytest.raises(StartRefused) as caught:
        back_up(url, tmp_path / "copy")
    assert str(caught.value).endswith(f"Run: pg_dump --format=custom --file={tmp_path}/copy {shown}")
    with pytest.raises(StartRefused) as caught:
        restore(url, tmp_path / "copy", NOW, replace=True)
    assert str(caught.value).endswith(f"Run: pg_restore --clean --if-exists {tmp_path}/copy {shown}")
