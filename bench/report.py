"""The table of results: on the terminal, and as Markdown in RESULTS.md, where rows that were not measured now stay."""

import json
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.studies import STUDIES, Options, Result, Row

FILE = Path(__file__).with_name("RESULTS.md")
_KEPT = re.compile(r"<!-- results (\{.*\}) -->")
_PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "psycopg", "pydantic", "aiohttp")


def print_table(results: Sequence[Result]) -> None:
    """One line a row: the median, the range, the goal, and whether it is met."""
    for result in results:
        for row in result.study.rows:
            ratios = result.ratios(row)
            verdict = "met" if row.is_met(result.median(row)) else "MISSED"
            print(
                f"{row.name:18} {result.median(row):6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})  "
                f"{row.wanted:7} {verdict:7} {row.workload}"
            )


def write_results(results: Sequence[Result], options: Options) -> None:
    """Write RESULTS.md anew: these rows, and those of earlier runs that were not measured now."""
    kept = _kept()
    for result in results:
        for row in result.study.rows:
            kept[row.name] = _stored(result, row, options)
    order = [row for one in STUDIES for row in one.rows if row.name in kept]
    lines = [_INTRODUCTION, f"Machine: {_machine()}.", "", _table(order, kept), "", _BEHIND, _figures(order, kept)]
    lines += ["", f"<!-- results {json.dumps(kept, ensure_ascii=True)} -->", ""]
    FILE.write_text("\n".join(lines))


_INTRODUCTION = """# Results of the benchmark suite

Written by `bin/bench --write`; `bin/bench --list` tells the rows, and `bin/bench NAME` measures some of them. Each
figure is a ratio within one run: the workload and its yardstick take turns, three rounds or more, and the table shows
the median with the smallest and the largest ratio of the rounds. Differences below a tenth are not resolvable. All load
goes to 127.0.0.1, and its generator, the server and PostgreSQL share the processors of one machine, so that absolute
figures are lower than on a server of its own. `PROFILES.md` tells where the time goes in what misses its goal.
"""
_BEHIND = """## Behind the ratios

The median of the rounds, with the smallest and the largest. The load average is that of the minute before: above 1,
other programs had a part of the two processors.
"""


def _table(rows: Sequence[Row], kept: dict[str, Any]) -> str:
    lines = [
        "| Row | Workload | Yardstick in the same run | Ratio (range) | Goal | Met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ratios = kept[row.name]["ratios"]
        median = sorted(ratios)[len(ratios) // 2]
        met = "yes" if row.is_met(median) else "**no**"
        shown = f"{median:.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        lines.append(f"| {row.name} | {row.workload} | {row.yardstick} | {shown} | {row.wanted} | {met} |")
    return "\n".join(lines)


def _figures(rows: Sequence[Row], kept: dict[str, Any]) -> str:
    """What was measured, study by study; rows of one study share their figures."""
    parts: list[str] = []
    shown: set[str] = set()
    for row in rows:
        found = kept[row.name]
        if found["study"] in shown:
            continue
        shown.add(found["study"])
        names = ", ".join(one.name for one in rows if kept[one.name]["study"] == found["study"])
        values = "; ".join(f"{name}: {_shown(figures)}" for name, figures in found["figures"].items())
        parts.append(f"- **{names}** ({found['how']}). {values}.")
    return "\n".join(parts)


def _shown(figures: Sequence[float]) -> str:
    """The median, and the range where it differs."""
    low, middle, high = (_number(figures[place]) for place in (0, len(figures) // 2, -1))
    return middle if low == high else f"{middle} ({low}–{high})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- three digits are enough


def _stored(result: Result, row: Row, options: Options) -> dict[str, Any]:
    how = f"{len(result.rounds)} rounds in {result.seconds:.0f} s, scale {options.scale:g}, load {result.load:.1f}"
    return {
        "study": result.study.name,
        "ratios": sorted(round(ratio, 4) for ratio in result.ratios(row)),
        "figures": {name: [float(f"{one:.5g}") for one in values] for name, values in result.figures().items()},
        "how": f"{datetime.now(UTC):%Y-%m-%d}, {how}",
    }


def _machine() -> str:
    """Processors, kernel, Python, and the packages whose speed counts."""
    cpus = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", cpus, re.MULTILINE)
    count = len(re.findall(r"^processor", cpus, re.MULTILINE))
    system = f"{count} processors {model[1].strip() if model else 'unknown'}, Linux {platform.release()}"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"{system}, Python {platform.python_version()}, {packages}"


def _kept() -> dict[str, Any]:
    found = _KEPT.search(FILE.read_text()) if FILE.exists() else None
    kept: dict[str, Any] = json.loads(found[1]) if found else {}
    return kept
