"""What a start costs: the time of the imports, and the memory of a server at rest."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator

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
    with serving(bench.folder, url):
        pass  # The first start makes the tables, for which it imports alembic.
    for _ in range(bench.options.rounds):
        yardstick, ours = _import_seconds(_YARDSTICK), _import_seconds("import app.cli")
        bare = Process([sys.executable, "-c", f"{_YARDSTICK}; import time; time.sleep(60)"], bench.folder / "bare.log")
        with serving(bench.folder, url) as server:
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


def _import_seconds(statement: str) -> float:
    """The least of five: user and system time of an interpreter that does nothing else."""
    return min(_processor_seconds(statement) for _ in range(5))


def _processor_seconds(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT)  # noqa: S603 -- our own statement
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
