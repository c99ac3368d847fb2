"""What a study is: a drive of some seconds, done in rounds, whose ratios belong to one or more rows of the table."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load


@dataclass(frozen=True)
class Row:
    """One row: what is measured, against what, and which ratio is good enough."""

    name: str
    workload: str
    yardstick: str
    goal: float
    at_least: bool = True
    """Whether the ratio is to be `goal` at least, else at most."""

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio, rounded to hundredths, is good enough."""
        rounded = round(ratio, 2)
        return rounded >= self.goal if self.at_least else rounded <= self.goal

    @property
    def wanted(self) -> str:
        """The goal in signs."""
        return f"{'≥' if self.at_least else '≤'} {self.goal:g}"


@dataclass(frozen=True)
class Round:
    """What one round of a study brought: a ratio for each of its rows, and the figures behind them, for people."""

    ratios: Mapping[str, float]
    figures: Mapping[str, float]
    """By what they are with their unit, for example "creates a second"."""


@dataclass
class Result:
    """The rounds of a study."""

    study: "Study"
    rounds: list[Round] = field(default_factory=list)
    seconds: float = 0.0
    load: float = 0.0
    """The machine's load average of the minute before."""

    def ratios(self, row: Row) -> list[float]:
        """The ratios of a row, in the order of the rounds."""
        return [one.ratios[row.name] for one in self.rounds]

    def median(self, row: Row) -> float:
        """The middle one."""
        return statistics.median(self.ratios(row))

    def figures(self) -> dict[str, list[float]]:
        """The figures of all rounds, sorted, by what they are."""
        found: dict[str, list[float]] = {}
        for one in self.rounds:
            for name, value in one.figures.items():
                found.setdefault(name, []).append(value)
        return {name: sorted(values) for name, values in found.items()}


@dataclass(frozen=True)
class Options:
    """How much is done. `scale` multiplies the number of requests of a round."""

    rounds: int = 3
    scale: float = 1.0
    waiting: int = 100_000
    """How many deliveries wait in the larger queue of the claim's row."""

    def sized(self, count: int) -> int:
        """A number of requests at this scale."""
        return max(32, round(count * self.scale))


@dataclass(frozen=True)
class Bench:
    """What a study is handed: the options, a folder that is its own, and the load generator."""

    options: Options
    folder: Path
    load: Load


@dataclass(frozen=True)
class Study:
    """A drive and its rows. `drive` prepares, yields a round as often as the options say, and cleans up."""

    rows: tuple[Row, ...]
    drive: Callable[[Bench], Iterator[Round]]

    @property
    def name(self) -> str:
        """The module and function that it is."""
        return self.drive.__name__


STUDIES: list[Study] = []
"""All studies, in the order in which they run."""


def study(*rows: Row) -> Callable[[Callable[[Bench], Iterator[Round]]], Callable[[Bench], Iterator[Round]]]:
    """Make a function a study."""

    def register(drive: Callable[[Bench], Iterator[Round]]) -> Callable[[Bench], Iterator[Round]]:
        STUDIES.append(Study(rows, drive))
        return drive

    return register
