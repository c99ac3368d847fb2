"""What a start costs: the time of the imports, and the memory of a server at rest."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from bench.servers import ROOT, Process, resident_bytes, serving
from bench.studies import Bench, Round, Row, study

IMPORTS = Row("imports", "processor time to import the server", "fastapi and sqlalchemy.orm alone", 1.3, at_least=False)
MEMORY = Row("memory", "resident memory at rest, SQLite", "fastapi and sqlalchemy.orm alone", 1.5, at_least=False)
_YARDSTICK = "import fastapi, sqlalchemy.orm"
_SETTLE_SECONDS = 2.0


@study(IMPORTS, MEMORY)
def starts(bench: Bench) -> Iterator[Round]:
    """Interpreters that import and end, in turns; and two processes that rest."""
    url = f"sqlite:///{bench.folder / 'start.db'}"
    # Modules are compiled once and kept, as in every installation, whatever the environment says here.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bench.folder / "compiled")}
    with serving(bench.folder, url, **compiled):
        pass  # The first start makes the tables, for which it imports alembic.
    for _ in range(bench.options.rounds):
        yardstick, ours = _import_seconds(_YARDSTICK, compiled), _import_seconds("import app.cli", compiled)
        resting = [sys.executable, "-c", f"{_YARDSTICK}; import time; time.sleep(60)"]
        bare = Process(resting, bench.folder / "bare.log", compiled)
        with serving(bench.folder, url, **compiled) as server:
            time.sleep(_SETTLE_SECONDS)
            bare_bytes, our_bytes = resident_bytes(bare.pid), resident_bytes(server.pid)
        bare.stop()
        yield Round(
            {IMPORTS.name: ours / yardstick, MEMORY.name: our_bytes / bare_bytes},
            {
                "ms to import the server": ours * 1e3,
                "the two alone": yardstick * 1e3,
                "MiB of the server": our_bytes / 2**20,
                "MiB of the two alone": bare_bytes / 2**20,
            },
        )


def _import_seconds(statement: str, environment: Mapping[str, str]) -> float:
    """The least of five: user and system time of an interpreter that does nothing else."""
    return min(_processor_seconds(statement, environment) for _ in range(5))


def _processor_seconds(statement: str, environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", statement]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment})  # noqa: S603 -- our own statement
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
