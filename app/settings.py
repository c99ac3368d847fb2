"""Every setting, once: its name, what it takes, its default, its unit and what it means.

A setting is an environment variable named `HEARDBACK_` and the field's name in capitals. One that is empty counts as
absent. An unknown name or a value that does not fit raises `SettingsError` with one sentence for the operator, which
never shows the value of a setting that may hold a password.

Only the entry points read settings; everything below them is handed what it needs.
"""

import difflib
import ipaddress
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

PREFIX = "HEARDBACK_"
PROJECT_ROOT = Path(__file__).resolve().parents[1]
"""The folder that relative paths in settings start from, so that a command run elsewhere means the same files."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PASSWORD = re.compile(r"(://[^:@/]*:).*@")
_PASSWORD_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&]*")

MAX_RETRY_SECONDS = 30 * 24 * 60 * 60
MAX_TRIES = 100
MAX_RETENTION_DAYS = 36500


class SettingsError(Exception):
    """The environment does not say what Heardback can start with. Its text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class About:
    """What the table of settings and the sentence of an error say about a setting."""

    takes: str
    """What a value looks like; fits after "must be"."""
    meaning: str
    unit: str = ""
    holds_a_password: bool = False


def _items(value: object) -> object:
    """Split a list with commas, as an environment variable holds it; lists from code stay as they are."""
    if not isinstance(value, str):
        return value
    return tuple(item.strip() for item in value.split(","))


def _digits(value: object) -> object:
    """Refuse what Python would read as a number and people would not, such as 8_0 and 80.0."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError(value)
    return value


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _in_small_letters(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Days = Annotated[int, Field(ge=1, le=MAX_RETENTION_DAYS), BeforeValidator(_digits)]
DAYS = f"a whole number from 1 to {MAX_RETENTION_DAYS}"


class Settings(BaseModel):
    """What the operator decided. Made by `read_settings`; tests may make it directly."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    database_url: Annotated[
        str,
        About(
            takes=(
                "sqlite:///FILE (relative to the project's folder; with four slashes from the root) or"
                " postgresql://USER:PASSWORD@HOST:PORT/NAME"
            ),
            meaning="Where everything is kept. SQLite needs nothing else and serves one machine.",
            holds_a_password=True,
        ),
    ] = "sqlite:///var/heardback.db"

    database_pool_size: Annotated[
        int,
        Field(ge=1, le=200),
        BeforeValidator(_digits),
        About(
            takes="a whole number from 1 to 200",
            unit="connections",
            meaning="How many connections to the database one process keeps, and so how many requests work at once.",
        ),
    ] = 8

    host: Annotated[
        str,
        Field(min_length=1, max_length=255),
        About(takes="an address or a host name", meaning="The address to listen on; 0.0.0.0 is every one."),
    ] = "127.0.0.1"

    port: Annotated[
        int,
        Field(ge=0, le=65535),
        BeforeValidator(_digits),
        About(takes="a whole number from 0 to 65535", meaning="The TCP port to listen on; 0 takes a free one."),
    ] = 8080

    public_url: Annotated[
        str | None,
        About(
            takes="an http or https address without a path, such as https://heardback.example.org",
            meaning="Where people and systems reach this server, for links; without it http://HOST:PORT.",
        ),
    ] = None

    secret_key_file: Annotated[
        Path,
        About(
            takes="a path, relative to the project's folder",
            meaning="The file with the secret that receipt codes and the stored secrets of sources and subscriptions"
            " depend on. It is made at the first start. Keep a copy of it, apart from the database's.",
        ),
    ] = Path("var/secret.key")

    role: Annotated[
        Literal["all", "api", "worker"],
        BeforeValidator(_in_small_letters),
        About(
            takes="all, api or worker",
            meaning="What this process does: answer requests (api), do what is due (worker), or both. SQLite has one"
            " writer, so there it is all.",
        ),
    ] = "all"

    delivery_allowed_networks: Annotated[
        tuple[Network, ...],
        BeforeValidator(_items),
        About(
            takes="networks as 10.20.0.0/16 or fd00::/8, separated by commas",
            meaning="Private networks that deliveries may go to all the same; without it only public addresses.",
        ),
    ] = ()

    delivery_retry_seconds: Annotated[
        tuple[Annotated[float, Field(ge=0, le=MAX_RETRY_SECONDS)], ...],
        Field(min_length=1, max_length=MAX_TRIES),
        BeforeValidator(_items),
        About(
            takes="1 to 100 numbers from 0 to 2592000, separated by commas",
            unit="seconds",
            meaning="How long to wait before each try of a delivery, the first one included; so many tries it has. All"
            " but waits of 0 are varied by a fifth.",
        ),
    ] = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

    rate_limit_per_second: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        BeforeValidator(_digits),
        About(
            takes="a whole number from 0 to 1000000",
            unit="requests per second",
            meaning="How many requests each API key or source may make in the long run; 0 is no limit.",
        ),
    ] = 200

    rate_limit_burst: Annotated[
        int,
        Field(ge=0, le=10_000_000),
        BeforeValidator(_digits),
        About(
            takes="a whole number from 0 to 10000000",
            unit="requests",
            meaning="How many requests each API key or source may make at once; 0 is no limit.",
        ),
    ] = 2000

    retention_raw_report_days: Annotated[
        Days,
        Field(ge=7),
        About(
            takes="a whole number from 7 to 36500",
            unit="days",
            meaning="How long the bytes of signed messages are kept, with their webhook ids. Those of a report that is"
            " in quarantine or in conflict stay until that is settled; what a report says stays for good.",
        ),
    ] = 400

    retention_idempotency_days: Annotated[
        Days,
        About(
            takes=DAYS,
            unit="days",
            meaning="How long a repeated Idempotency-Key is recognised.",
        ),
    ] = 30

    retention_attempt_days: Annotated[
        Days,
        About(
            takes=DAYS,
            unit="days",
            meaning="How long each attempt of a delivery is kept, with what the receiver answered.",
        ),
    ] = 30

    retention_delivered_days: Annotated[
        Days,
        About(
            takes=DAYS,
            unit="days",
            meaning="How long a delivery is kept after it was delivered. What is pending or dead stays.",
        ),
    ] = 90

    metrics_port: Annotated[
        int | None,
        Field(ge=1, le=65535),
        BeforeValidator(_digits),
        About(
            takes="a whole number from 1 to 65535",
            meaning="The TCP port on which the metrics are served without a key; without it they are not. Each process"
            " needs its own.",
        ),
    ] = None

    metrics_host: Annotated[
        str,
        Field(min_length=1, max_length=255),
        About(
            takes="an address or a host name",
            meaning="The address on which the metrics are served; whoever reaches it can read them.",
        ),
    ] = "127.0.0.1"

    migrate: Annotated[
        Literal["auto", "check"],
        BeforeValidator(_in_small_letters),
        About(
            takes="auto or check",
            meaning="Whether the start brings the database's schema up to date (auto), or stops where it is not"
            " (check).",
        ),
    ] = "auto"

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(_in_small_letters),
        About(takes="debug, info, warning or error", meaning="The least important messages that are still written."),
    ] = "info"

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, value: str) -> str:
        """Return the address as SQLAlchemy takes it: SQLite's file as an absolute path, PostgreSQL with its driver."""
        scheme, _, rest = value.partition("://")
        if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") and not {"?", ":"} & set(rest):
            return f"sqlite:///{PROJECT_ROOT / rest[1:]}"
        if scheme in {"postgresql", "postgres", "postgresql+psycopg"} and rest and _is_visible(rest):
            _ = urlsplit(value).port  # Raises ValueError for what is no port.
            return f"postgresql+psycopg://{rest}"
        raise ValueError(value)

    @field_validator("secret_key_file")
    @classmethod
    def _start_from_the_project(cls, value: Path) -> Path:
        return PROJECT_ROOT / value

    @field_validator("public_url")
    @classmethod
    def _take_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_bare or not _is_visible(value):
            raise ValueError(value)
        _ = parts.port  # Raises ValueError for what is no port.
        return value.rstrip("/")

    @property
    def base_url(self) -> str:
        """Where this server is reached: PUBLIC_URL, else the address it listens on. Without a slash at its end."""
        if self.public_url is not None:
            return self.public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as the documentation shows it."""

    name: str
    takes: str
    default: str
    unit: str
    meaning: str


def settings_table() -> tuple[SettingRow, ...]:
    """Return every setting in the order of `Settings`."""
    return tuple(
        SettingRow(
            name=PREFIX + name.upper(),
            takes=about.takes,
            default=_as_written(Settings.model_fields[name].default),
            unit=about.unit,
            meaning=about.meaning,
        )
        for name, about in _ABOUT.items()
    )


def settings_in_force(settings: Settings) -> dict[str, str]:
    """Return what each setting is, by its name and as it would stand in the environment; passwords as stars."""
    return {
        PREFIX + name.upper(): _without_password(written) if about.holds_a_password else written
        for name, about in _ABOUT.items()
        for written in [_as_written(getattr(settings, name))]
    }


def _without_password(address: str) -> str:
    """Hide what stands between the user and the host, and in the parameters behind."""
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1***@", address))


def settings_as_markdown() -> str:
    """Return the table for docs/, with a line feed at its end."""
    rows = [
        f"| `{row.name}` | {row.takes} | {f'`{row.default}`' if row.default else 'none'} | {row.unit} | {row.meaning} |"
        for row in settings_table()
    ]
    return "\n".join(["| Setting | Takes | Default | Unit | Meaning |", "| --- | --- | --- | --- | --- |", *rows, ""])


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that these environment variables make. Raises `SettingsError`."""
    values = {
        name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX) and value
    }
    for name in values:
        if name.lower() not in _ABOUT or name != name.upper():
            raise SettingsError(_sentence_on_an_unknown(name))
    try:
        return Settings.model_validate({name.lower(): value for name, value in values.items()})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        about = _ABOUT[field]
        found = "" if about.holds_a_password else f", and is “{values[field.upper()]}”"
        raise SettingsError(f"{PREFIX}{field.upper()} must be {about.takes}{found}.") from None


def read_settings_or_exit(environment: Mapping[str, str]) -> Settings:
    """Return the settings, or end the program with exit code 2 and one sentence on the standard error output."""
    try:
        return read_settings(environment)
    except SettingsError as error:
        _stop(str(error))


def _stop(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(2)


def _sentence_on_an_unknown(name: str) -> str:
    near = difflib.get_close_matches(name.upper(), [known.upper() for known in _ABOUT], n=1)
    hint = f"; {PREFIX}{near[0]} is" if near else ""
    return f"{PREFIX}{name} is not a setting of Heardback{hint}."


def _as_written(default: object) -> str:
    """Return a default as it would stand in the environment; nothing for an absent one."""
    if default is None:
        return ""
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" if isinstance(item, (int, float)) else str(item) for item in default)
    return str(default)


def _about_every_field() -> dict[str, About]:
    """Collect what each field says about itself. A field without it is a mistake of this file."""
    found: dict[str, About] = {}
    for name, field in Settings.model_fields.items():
        (found[name],) = [entry for entry in field.metadata if isinstance(entry, About)]
    return found


_ABOUT = _about_every_field()
