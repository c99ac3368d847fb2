"""`bin/bench`: runs the studies, prints a table, and writes it to RESULTS.md where that is asked for."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench import deliveries, lives, readers, start, stores, surroundings  # noqa: F401 -- importing registers studies
from bench.load import Load
from bench.report import print_table, write_results
from bench.studies import STUDIES, Bench, Options, Result, Study


def main() -> None:
    """Read the options and run."""
    asked = _parser().parse_args()
    if asked.list:
        for one in STUDIES:
            for row in one.rows:
                print(f"{row.name:18} {row.workload}, against {row.yardstick}: {row.wanted}")
        return
    chosen = _chosen(asked.names)
    options = Options(asked.rounds, asked.scale, asked.waiting)
    results = [_run(one, options, Path(asked.folder)) for one in chosen]
    print_table(results)
    if asked.write:
        write_results(results, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="rows to measure, by name or by its beginning; all unless named")
    parser.add_argument("--list", action="store_true", help="tell the rows and measure nothing")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md; rows that are not measured stay")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each study (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the requests of a round (1)")
    parser.add_argument("--waiting", type=int, default=100_000, help="deliveries in the large queue (100000)")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where databases are made meanwhile")
    return parser


def _chosen(names: list[str]) -> list[Study]:
    unknown = [name for name in names if not any(row.name.startswith(name) for one in STUDIES for row in one.rows)]
    if unknown:
        sys.exit(f"There is no row {', '.join(unknown)}; bin/bench --list tells them.")
    return [one for one in STUDIES if not names or any(row.name.startswith(tuple(names)) for row in one.rows)]


def _run(one: Study, options: Options, parent: Path) -> Result:
    result, began = Result(one, load=os.getloadavg()[0]), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="heardback-bench-", dir=parent) as folder, Load() as load:
        for found in one.drive(Bench(options, Path(folder), load)):
            result.rounds.append(found)
            ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found.ratios.items())
            figures = "; ".join(f"{name}: {value:.4g}" for name, value in found.figures.items())
            print(f"round {len(result.rounds)}: {ratios} ({figures})", file=sys.stderr, flush=True)
    result.seconds = time.monotonic() - began
    return result


if __name__ == "__main__":
    main()
