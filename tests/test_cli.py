"""The operators' command line, on both databases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.db.session import open_database
from app.kit.sealing import load_or_make
from app.services.access import Caller, credential_of, look_up
from app.services.inbound import Signed, take_in
from app.services.sources import find_sender
from app.settings import settings_table

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
