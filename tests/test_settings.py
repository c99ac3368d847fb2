"""What the environment may say, and what is said back where it may not."""

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import (
    PROJECT_ROOT,
    SettingRow,
    Settings,
    SettingsError,
    read_settings,
    settings_as_markdown,
    settings_table,
)


def sentence(**values: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings({f"HEARDBACK_{name}": value for name, value in values.items()})
    return str(caught.value)


def test_an_empty_environment_makes_the_documented_defaults() -> None:
    assert read_settings({"PATH": "/bin", "HEARDBACK_PUBLIC_URL": ""}).model_dump() == {
        "database_url": f"sqlite:///{PROJECT_ROOT}/var/heardback.db",
        "database_pool_size": 8,
        "host": "127.0.0.1",
        "port": 8080,
        "public_url": None,
        "secret_key_file": PROJECT_ROOT / "var/secret.key",
        "role": "all",
        "delivery_allowed_networks": (),
        "delivery_retry_seconds": (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        "rate_limit_per_second": 200,
        "rate_limit_burst": 2000,
        "retention_raw_report_days": 400,
        "retention_idempotency_days": 30,
        "retention_attempt_days": 30,
        "retention_delivered_days": 90,
        "metrics_port": None,
        "metrics_host": "127.0.0.1",
        "migrate": "auto",
        "log_level": "info",
    }


def test_every_setting_is_read_from_its_variable() -> None:
    assert read_settings(
        {
            "HEARDBACK_DATABASE_URL": "postgresql://heardback:secret@db.example.org:5433/heardback?sslmode=require",
            "HEARDBACK_DATABASE_POOL_SIZE": "20",
            "HEARDBACK_HOST": "::",
            "HEARDBACK_PORT": "443",
            "HEARDBACK_PUBLIC_URL": "https://ideas.example.org/",
            "HEARDBACK_SECRET_KEY_FILE": "/run/secrets/heardback",
            "HEARDBACK_ROLE": "Worker",
            "HEARDBACK_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8, fd00::/8",
            "HEARDBACK_DELIVERY_RETRY_SECONDS": "0,0.25,10",
            "HEARDBACK_RATE_LIMIT_PER_SECOND": "0",
            "HEARDBACK_RATE_LIMIT_BURST": "0",
            "HEARDBACK_RETENTION_RAW_REPORT_DAYS": "800",
            "HEARDBACK_RETENTION_IDEMPOTENCY_DAYS": "60",
            "HEARDBACK_RETENTION_ATTEMPT_DAYS": "7",
            "HEARDBACK_RETENTION_DELIVERED_DAYS": "36500",
            "HEARDBACK_METRICS_PORT": "9090",
            "HEARDBACK_METRICS_HOST": "10.0.0.7",
            "HEARDBACK_MIGRATE": "check",
            "HEARDBACK_LOG_LEVEL": "WARNING",
        }
    ) == Settings(
        database_url="postgresql+psycopg://heardback:secret@db.example.org:5433/heardback?sslmode=require",
        database_pool_size=20,
        host="::",
        port=443,
        public_url="https://ideas.example.org",
        secret_key_file=Path("/run/secrets/heardback"),
        role="worker",
        delivery_allowed_networks=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8")),
        delivery_retry_seconds=(0, 0.25, 10),
        rate_limit_per_second=0,
        rate_limit_burst=0,
        retention_raw_report_days=800,
        retention_idempotency_days=60,
        retention_attempt_days=7,
        retention_delivered_days=36500,
        metrics_port=9090,
        metrics_host="10.0.0.7",
        migrate="check",
        log_level="warning",
    )


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("sqlite:///ideas.db", f"sqlite:///{PROJECT_ROOT}/ideas.db"),
        ("sqlite:////data/heardback.db", "sqlite:////data/heardback.db"),
        ("postgresql://localhost/heardback", "postgresql+psycopg://localhost/heardback"),
        ("postgres://localhost/heardback", "postgresql+psycopg://localhost/heardback"),
        ("postgresql+psycopg://localhost/heardback", "postgresql+psycopg://localhost/heardback"),
        (
            "postgresql://u:p@/db?host=a:5432&host=b:5432&target_session_attrs=read-write",
            "postgresql+psycopg://u:p@/db?host=a:5432&host=b:5432&target_session_attrs=read-write",
        ),
    ],
)
def test_the_forms_of_a_database_address(given: str, understood: str) -> None:
    assert read_settings({"HEARDBACK_DATABASE_URL": given}).database_url == understood


@pytest.mark.parametrize(
    "given",
    [
        "heardback.db",
        "sqlite://",
        "sqlite:///",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "sqlite:///ideas.db?mode=ro",
        "mysql://root:hunter2@localhost/heardback",
        "postgresql+asyncpg://root:hunter2@localhost/heardback",
        "postgresql://",
        "postgresql://root:hunter2@localhost:hunter2/heardback",
        "postgresql://root:hunter2 @localhost/heardback",
    ],
)
def test_another_database_address_is_refused_without_showing_it(given: str) -> None:
    assert sentence(DATABASE_URL=given) == (
        "HEARDBACK_DATABASE_URL must be sqlite:///FILE (relative to the project's folder; with four slashes from the"
        " root) or postgresql://USER:PASSWORD@HOST:PORT/NAME."
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"PORT": "http"}, "HEARDBACK_PORT must be a whole number from 0 to 65535, and is “http”."),
        ({"PORT": "65536"}, "HEARDBACK_PORT must be a whole number from 0 to 65535, and is “65536”."),
        ({"PORT": "80.0"}, "HEARDBACK_PORT must be a whole number from 0 to 65535, and is “80.0”."),
        ({"PORT": "8_080"}, "HEARDBACK_PORT must be a whole number from 0 to 65535, and is “8_080”."),
        ({"ROLE": "both"}, "HEARDBACK_ROLE must be all, api or worker, and is “both”."),
        (
            {"DELIVERY_ALLOWED_NETWORKS": "127.0.0.1/8"},
            (
                "HEARDBACK_DELIVERY_ALLOWED_NETWORKS must be networks as 10.20.0.0/16 or fd00::/8, separated by commas,"
                " and is “127.0.0.1/8”."
            ),
        ),
        (
            {"DELIVERY_RETRY_SECONDS": "0,nan"},
            (
                "HEARDBACK_DELIVERY_RETRY_SECONDS must be 1 to 100 numbers from 0 to 2592000, separated by commas, and"
                " is “0,nan”."
            ),
        ),
        (
            {"DELIVERY_RETRY_SECONDS": "0,,5"},
            (
                "HEARDBACK_DELIVERY_RETRY_SECONDS must be 1 to 100 numbers from 0 to 2592000, separated by commas, and"
                " is “0,,5”."
            ),
        ),
        (
            {"PUBLIC_URL": "https://example.org/ideas"},
            (
                "HEARDBACK_PUBLIC_URL must be an http or https address without a path, such as"
                " https://heardback.example.org, and is “https://example.org/ideas”."
            ),
        ),
        ({"PROT": "8080"}, "HEARDBACK_PROT is not a setting of Heardback; HEARDBACK_PORT is."),
        ({"port": "8080"}, "HEARDBACK_port is not a setting of Heardback; HEARDBACK_PORT is."),
        ({"ADMIN_PASSWORD": "hunter2"}, "HEARDBACK_ADMIN_PASSWORD is not a setting of Heardback."),
        ({"": "x"}, "HEARDBACK_ is not a setting of Heardback."),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(values: dict[str, str], told: str) -> None:
    assert sentence(**values) == told


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"HEARDBACK_HOST": "::1", "HEARDBACK_PORT": "80"}, "http://[::1]:80"),
        ({"HEARDBACK_PUBLIC_URL": "https://ideas.example.org"}, "https://ideas.example.org"),
    ],
)
def test_the_base_url(values: dict[str, str], url: str) -> None:
    assert read_settings(values).base_url == url


def test_the_table_names_every_setting_once() -> None:
    assert [row.name.removeprefix("HEARDBACK_").lower() for row in settings_table()] == [*Settings.model_fields]
    assert settings_table()[1] == SettingRow(
        name="HEARDBACK_DATABASE_POOL_SIZE",
        takes="a whole number from 1 to 200",
        default="8",
        unit="connections",
        meaning="How many connections to the database one process keeps, and so how many requests work at once.",
    )


def test_the_defaults_of_the_table_are_accepted_as_they_are_shown() -> None:
    shown = {row.name: row.default for row in settings_table()}
    assert read_settings(shown) == read_settings({})
    assert settings_as_markdown().splitlines()[3] == (
        "| `HEARDBACK_DATABASE_POOL_SIZE` | a whole number from 1 to 200 | `8` | connections | How many connections to"
        " the database one process keeps, and so how many requests work at once. |"
    )


def test_a_program_stops_with_the_sentence_alone() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; from app.settings import *; read_settings_or_exit(os.environ)"],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "HEARDBACK_PROT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        2,
        "",
        "HEARDBACK_PROT is not a setting of Heardback; HEARDBACK_PORT is.\n",
    )
