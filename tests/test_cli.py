"""The operators' command line, on both databases."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.db.migrate import HEAD
from app.db.session import open_database
from app.kit.sealing import load_or_make
from app.services.access import Caller, credential_of, look_up
from app.services.inbound import Signed, take_in
from app.services.sources import find_sender
from app.settings import settings_table
from tests.databases import Databases

Json = dict[str, Any]


@dataclass(frozen=True)
class CommandLine:
    """An installation and its operator."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """What a command prints, and what it prints on the standard error stream."""
        ended = CliRunner().invoke(app, list(arguments), env=dict(self.environment))
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended.stdout, ended.stderr

    def json(self, *arguments: str, code: int = 0) -> Json:
        """The one object that a command prints."""
        (line,) = self.run(*arguments, "--json", code=code)[0].splitlines()
        found: Json = json.loads(line)
        return found


@pytest.fixture
def line(fresh_database_url: str, tmp_path: Path) -> CommandLine:
    """The command line of an installation with a database of its own."""
    return CommandLine(
        {"HEARDBACK_DATABASE_URL": fresh_database_url, "HEARDBACK_SECRET_KEY_FILE": str(tmp_path / "secret.key")}
    )


@pytest.fixture
def fellside(line: CommandLine) -> str:
    """An organisation with a site."""
    made = line.json("organisations", "create", "--name", "Fellside Homecare")
    line.json("sites", "create", "--organisation", made["code"], "--code", "brough", "--name", "Brough")
    return str(made["code"])


def caller_of(line: CommandLine, key: str) -> Caller | None:
    hashed = credential_of("key", key)
    assert hashed is not None
    database = open_database(line.environment["HEARDBACK_DATABASE_URL"], pool_size=1)
    try:
        return database.read_now(None, lambda session: look_up(session, "key", hashed, datetime.now(UTC)))
    finally:
        database.close()


# ── organisations, keys, sources ──


def test_a_key_is_made_listed_and_revoked(line: CommandLine, fellside: str) -> None:
    made = line.json("keys", "create", "--organisation", fellside, "--scopes", "read, raise", "--system", "care-app")
    assert set(made) == {"id", "key", "system", "scopes"}
    found = caller_of(line, made["key"])
    assert found is not None
    assert (found.scopes, found.system, found.sites) == (frozenset({"read", "raise"}), "care-app", None)
    (item,) = line.json("keys", "list", "--organisation", fellside)["items"]
    created_at = item.pop("created_at")
    assert datetime.fromisoformat(created_at).tzinfo is not None
    assert item == {
        "id": made["id"],
        "system": "care-app",
        "scopes": ["raise", "read"],
        "sites": None,
        "expires_at": None,
    }
    listed, _ = line.run("keys", "list", "--organisation", fellside)
    assert listed == f"{made['id']}  {created_at}  care-app: raise, read\n"
    revoked = line.json("keys", "revoke", made["id"], "--organisation", fellside)
    assert revoked == {"id": made["id"], "revoked": True}
    assert caller_of(line, made["key"]) is None
    assert line.json("keys", "list", "--organisation", fellside) == {"items": []}
    assert line.run("keys", "list", "--organisation", fellside)[0] == "There are no keys.\n"


def test_a_source_is_made_as_the_api_answers_it(line: CommandLine, fellside: str) -> None:
    made = line.json("sources", "create", "--organisation", fellside, "--name", "Rota system", "--sites", "brough")
    id_, secret, sites = made["id"], made["secret"], made["sites"]
    assert made == {
        "id": id_,
        "name": "Rota system",
        "scheme": "standard_webhooks",
        "sites": sites,
        "system": None,
        "inbound_url": f"http://127.0.0.1:8080/v1/inbound/{id_}",
        "created_at": made["created_at"],
        "secret": secret,
    }
    kept = load_or_make(Path(line.environment["HEARDBACK_SECRET_KEY_FILE"]))
    database = open_database(line.environment["HEARDBACK_DATABASE_URL"], pool_size=1)
    try:
        sender = database.read_now(None, lambda session: find_sender(session, kept, UUID(id_), datetime.now(UTC)))
    finally:
        database.close()
    assert sender.secrets == (secret,)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("keys", "list", "--organisation", "nobody"), "There is no organisation with the code nobody."),
        (
            ("keys", "create", "--organisation", "fellside-homecare", "--system", "a", "--scopes", "read,fly"),
            "There is no scope fly. Scopes are",
        ),
        (
            ("keys", "revoke", "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05", "--organisation", "fellside-homecare"),
            "There is nothing",
        ),
        (
            ("sources", "create", "--organisation", "fellside-homecare", "--name", ""),
            "name: The value is too short.",
        ),
        (
            ("sources", "create", "--organisation", "fellside-homecare", "--name", "Rota", "--sites", "brough,kendal"),
            "sites/1: Your organisation has no site with this id or code.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    line: CommandLine, fellside: str, arguments: tuple[str, ...], sentence: str
) -> None:
    assert fellside == "fellside-homecare"
    printed, told = line.run(*arguments, "--json", code=2)
    assert (printed, told.count("\n")) == ("", 1)
    assert told.startswith(sentence)


# ── settings and retention ──


def test_every_setting_is_shown_without_its_password() -> None:
    line = CommandLine(
        {"HEARDBACK_DATABASE_URL": "postgresql://hb:p@ss:w@db.example/hb?sslpassword=inner&sslmode=require"}
    )
    shown = line.json("settings")["settings"]
    assert [row["name"] for row in shown] == [row.name for row in settings_table()]
    by_name = {row["name"]: row["value"] for row in shown}
    assert by_name["HEARDBACK_DATABASE_URL"] == (
        "postgresql+psycopg://hb:***@db.example/hb?sslpassword=***&sslmode=require"
    )
    assert (by_name["HEARDBACK_METRICS_PORT"], by_name["HEARDBACK_ROLE"]) == ("", "all")
    assert by_name["HEARDBACK_DELIVERY_RETRY_SECONDS"].startswith("0,5,300,")
    printed, _ = line.run("settings")
    assert [word for word in ("p@ss", "ss:w", "inner") if word in printed] == []
    assert "HEARDBACK_ROLE=all\n" in printed


def test_what_is_too_old_is_deleted_or_only_counted(line: CommandLine, fellside: str) -> None:
    nothing = {"idempotency": 0, "attempts": 0, "deliveries": 0, "raw_reports": 0, "webhook_ids": 0}
    source = UUID(line.json("sources", "create", "--organisation", fellside, "--name", "Rota system")["id"])
    kept = load_or_make(Path(line.environment["HEARDBACK_SECRET_KEY_FILE"]))
    long_ago = datetime.now(UTC) - timedelta(days=401)
    database = open_database(line.environment["HEARDBACK_DATABASE_URL"], pool_size=1)
    try:
        scope = database.read_now(None, lambda session: find_sender(session, kept, source, long_ago)).scope
        ping = Signed(source, "msg-1", b'{"type":"ping"}')
        database.write_now(scope, lambda session: take_in(session, kept, ping, long_ago))
    finally:
        database.close()
    old = {**nothing, "raw_reports": 1, "webhook_ids": 1}
    assert line.json("purge", "--dry-run") == {"dry_run": True, "rows": old}
    longer = CommandLine({**line.environment, "HEARDBACK_RETENTION_RAW_REPORT_DAYS": "402"})
    assert longer.json("purge") == {"dry_run": False, "rows": nothing}
    assert line.json("purge") == {"dry_run": False, "rows": old}
    printed, _ = line.run("purge")
    assert printed == "idempotency: 0\nattempts: 0\ndeliveries: 0\nraw_reports: 0\nwebhook_ids: 0\n"


# ── doctor, backup, restore ──


def on_sqlite(databases: Databases, folder: Path) -> CommandLine:
    made = CommandLine(
        {
            "HEARDBACK_DATABASE_URL": databases.empty("sqlite"),
            "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
        }
    )
    made.json("migrate")
    made.json("organisations", "create", "--name", "Fellside Homecare")
    return made


@pytest.fixture
def sqlite_line(databases: Databases, tmp_path: Path) -> Iterator[CommandLine]:
    made = on_sqlite(databases, tmp_path)
    yield made
    databases.drop(made.environment["HEARDBACK_DATABASE_URL"])


def test_a_doctor_finds_nothing_where_all_is_well(sqlite_line: CommandLine) -> None:
    assert sqlite_line.json("doctor") == {"ok": True, "findings": []}
    assert sqlite_line.run("doctor") == ("Nothing is wrong.\n", "")


def test_a_doctor_looks_at_postgresql_too(line: CommandLine, fellside: str, database_kind: str) -> None:
    assert fellside
    fast_and_loose = {"sqlite": [], "postgresql": ["unsafe_durability", "unsafe_durability"]}[database_kind]
    found = line.json("doctor", code=1 if fast_and_loose else 0)
    assert [finding["code"] for finding in found["findings"]] == fast_and_loose


def test_a_doctor_tells_of_a_secret_that_everybody_may_read(sqlite_line: CommandLine) -> None:
    secret = Path(sqlite_line.environment["HEARDBACK_SECRET_KEY_FILE"])
    secret.chmod(0o644)
    words = f"Every user of this machine may read or write the secret in {secret}: chmod 600 would mend it."
    assert sqlite_line.json("doctor", code=1) == {
        "ok": False,
        "findings": [{"code": "secret_readable", "words": words, "organisation": None, "count": None}],
    }
    assert sqlite_line.run("doctor", code=1)[0] == f"{words}\n"
    secret.chmod(0o600)
    secret.write_bytes(b"short")
    assert [finding["code"] for finding in sqlite_line.json("doctor", code=1)["findings"]] == ["unusable_secret"]
    secret.write_bytes(bytes(32))
    assert [finding["code"] for finding in sqlite_line.json("doctor", code=1)["findings"]] == ["wrong_secret"]
    secret.unlink()
    assert [finding["code"] for finding in sqlite_line.json("doctor", code=1)["findings"]] == ["no_secret"]


def test_a_doctor_changes_nothing(tmp_path: Path, databases: Databases) -> None:
    folder = tmp_path / "nothing"
    line = CommandLine(
        {
            "HEARDBACK_DATABASE_URL": f"sqlite:///{folder}/heardback.db",
            "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
        }
    )
    assert [finding["code"] for finding in line.json("doctor", code=1)["findings"]] == ["no_secret", "schema"]
    assert not folder.exists()
    empty = databases.empty("sqlite")
    Path(empty.removeprefix("sqlite:///")).touch()
    (finding,) = CommandLine({**line.environment, "HEARDBACK_DATABASE_URL": empty}).json("doctor", code=1)["findings"][
        1:
    ]
    assert finding["words"].startswith("The database has no tables yet, and this program needs the schema ")
    databases.drop(empty)


def test_a_doctor_tells_of_a_database_that_does_not_answer(tmp_path: Path) -> None:
    line = CommandLine(
        {
            "HEARDBACK_DATABASE_URL": "postgresql://heardback:topsecret@127.0.0.1:9/heardback",
            "HEARDBACK_SECRET_KEY_FILE": str(tmp_path / "secret.key"),
        }
    )
    printed, told = line.run("doctor", "--json", code=1)
    assert [finding["code"] for finding in json.loads(printed)["findings"]] == ["no_secret", "database_unreachable"]
    assert "topsecret" not in printed + told


def test_a_doctor_needs_settings_that_can_be_read() -> None:
    printed, told = CommandLine({"HEARDBACK_ROLES": "all"}).run("doctor", "--json", code=2)
    assert (printed, told) == ("", "HEARDBACK_ROLES is not a setting of Heardback; HEARDBACK_ROLE is.\n")


def test_a_backup_brings_everything_back(sqlite_line: CommandLine, databases: Databases, tmp_path: Path) -> None:
    copy, secret = tmp_path / "copy.db", tmp_path / "apart" / "secret.key"
    secret.parent.mkdir()
    key = sqlite_line.json(
        "keys", "create", "--organisation", "fellside-homecare", "--scopes", "read", "--system", "app"
    )
    made = sqlite_line.json("backup", str(copy), "--secret", str(secret))
    assert made == {
        "file": str(copy),
        "bytes": copy.stat().st_size,
        "schema": HEAD,
        "secret_fingerprint": load_or_make(secret).fingerprint(),
        "secret": str(secret),
    }
    assert secret.stat().st_mode & 0o777 == 0o600
    elsewhere = CommandLine(
        {
            "HEARDBACK_DATABASE_URL": databases.empty("sqlite"),
            "HEARDBACK_SECRET_KEY_FILE": str(tmp_path / "elsewhere" / "secret.key"),
        }
    )
    printed, told = elsewhere.run("restore", str(copy), code=2)
    assert (printed, told.startswith("Put the secret back first: ")) == ("", True)
    assert elsewhere.json("restore", str(copy), "--secret", str(secret)) == {
        "file": str(copy),
        "schema": HEAD,
        "put_aside": None,
    }
    assert caller_of(elsewhere, key["key"]) is not None
    assert elsewhere.json("doctor") == {"ok": True, "findings": []}
    databases.drop(elsewhere.environment["HEARDBACK_DATABASE_URL"])


def test_a_copy_of_another_installation_is_refused(
    sqlite_line: CommandLine, databases: Databases, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    foreign, copy = on_sqlite(databases, other), tmp_path / "copy.db"
    foreign.json("backup", str(copy))
    printed, told = sqlite_line.run("restore", str(copy), "--replace", code=2)
    assert (printed, "is not the one that belongs to" in told) == ("", True)
    databases.drop(foreign.environment["HEARDBACK_DATABASE_URL"])


def test_neither_file_of_a_backup_replaces_one(sqlite_line: CommandLine, tmp_path: Path) -> None:
    secret, copy = tmp_path / "kept", tmp_path / "copy.db"
    secret.write_text("precious")
    told = sqlite_line.run("backup", str(copy), "--secret", str(secret), code=2)[1]
    assert told == f"There is a file {secret} already. A backup never replaces one.\n"
    assert (secret.read_text(), copy.exists()) == ("precious", False)
