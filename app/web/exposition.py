"""The figures of a process in the text format of Prometheus, with what the database says about the work that waits.

The library that writes the format is imported when somebody asks, and not at the start. No figure has an id, a name or
an organisation among its labels.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import app as package
from app.kit.tallies import Spread, Tally
from app.services.backlog import Backlog, measure_backlog
from app.services.tallies import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.core import Metric

Result = TypeVar("Result")
Session = Any
"""One transaction. Its type belongs to the persistence layer, which this layer does not know."""

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "heardback_"
FRESH_SECONDS = 5.0
"""So long the database is not asked again, however many ask here."""
PATIENCE_SECONDS = 2.0

AGES = {
    "fan_out_waiting_events": ("waiting_events", "Events that were not fanned out yet."),
    "fan_out_lag_seconds": ("fan_out_lag_seconds", "Age of the oldest event that was not fanned out yet."),
    "delivery_queue_age_seconds": ("queue_age_seconds", "For how long the subscription due longest was not served."),
    "oldest_undelivered_seconds": (
        "undelivered_seconds",
        "Age of the oldest delivery that an active subscription has not got.",
    ),
    "rules_lag_seconds": ("rules_lag_seconds", "For how long the suggestion due longest was not looked at."),
}
"""The figures that the database tells, by their names: the member of `Backlog`, and what it says."""
_log = logging.getLogger(__name__)


class Database(Protocol):
    """One transaction per call, in a thread."""

    async def read(self, scope: None, work: "Callable[[Session], Result]") -> Result:
        """Give the result of `work` in a transaction that only reads."""
        ...


class Exposition:
    """Shows the tallies of this process, and the backlog as it was at most `FRESH_SECONDS` ago."""

    def __init__(self, database: Database, clock: "Callable[[], datetime]", tallies: Tallies) -> None:
        self._database, self._clock, self._tallies = database, clock, tallies
        self._looked_at = -FRESH_SECONDS
        self._backlog: Backlog | None = None
        self._looking = asyncio.Lock()

    async def show(self, *, whole: bool = True) -> bytes:
        """Return the text. `whole` false leaves out what tells how much anybody does: only how this server fares."""
        backlog = await self._look()
        return await asyncio.to_thread(_write, _Figures(self._tallies if whole else None, backlog))

    async def _look(self) -> Backlog | None:
        """The backlog; None where the database does not answer in time."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= FRESH_SECONDS:
                now = self._clock()
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        self._backlog = await self._database.read(None, lambda session: measure_backlog(session, now))
                except Exception:  # noqa: BLE001 -- whatever it is, the other figures are shown all the same
                    _log.warning("the backlog could not be measured", exc_info=True)
                    self._backlog = None
                self._looked_at = time.monotonic()
            return self._backlog


@dataclass(frozen=True)
class _Figures:
    """What Prometheus' library calls a collector."""

    tallies: Tallies | None
    backlog: Backlog | None

    def collect(self) -> "Iterator[Metric]":
        """Give every figure."""
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily  # noqa: PLC0415 -- when somebody asks

        yield InfoMetricFamily(f"{PREFIX}build", "Which version runs.", {"version": package.__version__})
        up = 0 if self.backlog is None else 1
        yield GaugeMetricFamily(f"{PREFIX}database_up", "Whether the database answered in time.", up)
        if self.backlog is not None:
            for name, (member, text) in AGES.items():
                yield GaugeMetricFamily(f"{PREFIX}{name}", text, getattr(self.backlog, member))
        for figure in [] if self.tallies is None else vars(self.tallies).values():
            yield _counter(figure) if isinstance(figure, Tally) else _histogram(figure)


def _counter(tally: Tally) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 -- as above

    family = CounterMetricFamily(f"{PREFIX}{tally.name}", tally.text, labels=tally.labels)
    for values, count in tally:
        family.add_metric(_texts(values), count)
    return family


def _histogram(spread: Spread) -> "Metric":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 -- as above

    family = HistogramMetricFamily(f"{PREFIX}{spread.name}", spread.text, labels=spread.labels)
    for values, total, reached in spread:
        family.add_metric(_texts(values), [(_bound(bound), count) for bound, count in reached], total)
    return family


def _bound(value: float) -> str:
    return "+Inf" if value == float("inf") else str(float(value))


def _texts(values: Iterable[str | int]) -> list[str]:
    return [str(value) for value in values]


def _write(figures: _Figures) -> bytes:
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415 -- as above

    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    ProcessCollector(registry=registry)
    return generate_latest(registry)
