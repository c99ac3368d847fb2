"""Figures that are counted as things happen: so many, and how long they took, by labels.

Counting costs less than a microsecond, since a request is counted by everybody who makes one. For one thread, which is
the event loop's. Labels come from a small set that is known beforehand: what somebody outside can choose freely, such
as a path or an id, must not become one, for each new one is kept for ever.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

Labels = tuple[str | int, ...]


class Tally:
    """How often something happened, by the values of its labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str] = (), known: Iterable[Labels] = ()) -> None:
        """`known`: what is shown as 0 before it happens for the first time, so that a first time can be seen."""
        self.name, self.text, self.labels = name, text, tuple(labels)
        self._counts: dict[Labels, int] = dict.fromkeys(known, 0)

    def add(self, *values: str | int) -> None:
        """Count one more, with a value for each label."""
        counts = self._counts
        counts[values] = counts.get(values, 0) + 1

    def add_all(self, counted: Mapping[str, int]) -> None:
        """Count several by the value of the only label."""
        for value, count in counted.items():
            self._counts[(value,)] = self._counts.get((value,), 0) + count

    def __iter__(self) -> Iterator[tuple[Labels, int]]:
        """Give the values of the labels and how often it happened, in the order of first times."""
        return iter(list(self._counts.items()))


class Spread:
    """How measured values are distributed, by the values of the labels."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        """`bounds`, ascending: a value is counted in the first range whose upper bound it does not exceed."""
        self.name, self.text, self.bounds, self.labels = name, text, tuple(bounds), tuple(labels)
        self._measured: dict[Labels, list[float]] = {}  # the sum, then how many in each range

    def add(self, value: float, *values: str | int) -> None:
        """Count a measured value, with a value for each label."""
        measured = self._measured.get(values)
        if measured is None:
            measured = self._measured[values] = [0.0] * (len(self.bounds) + 2)
        measured[0] += value
        measured[bisect_left(self.bounds, value) + 1] += 1

    def __iter__(self) -> Iterator[tuple[Labels, float, list[tuple[float, int]]]]:
        """Give the values of the labels, the sum, and up to each bound (the last one infinite) how many there were."""
        for values, (total, *counts) in list(self._measured.items()):
            reached = [int(count) for count in accumulate(counts)]
            yield values, total, list(zip((*self.bounds, float("inf")), reached, strict=True))
