"""What a process counts of its own work, for whoever operates it. No figure has an id, a name or an organisation.

What is told by events is counted when they are fanned out: each event once, whichever process recorded it.
"""

from collections.abc import Iterable, Mapping

from app.domain.events import EVENT_TYPES
from app.kit.answers import Failure
from app.kit.tallies import Spread, Tally
from app.services.retention import KINDS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""The method of a request that is none of these, and the route of one that has none."""
REPORT_STATUS = {
    "report.applied": "applied",
    "report.quarantined": "quarantined",
    "report.conflict": "conflict",
    "report.dismissed": "rejected",
}
RESULTS = ("delivered", "retried", "dead")
"""What an attempt leaves of its delivery. `retried`: it is due again."""
REQUEST_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ATTEMPT_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class Tallies:
    """All that is counted. For one thread, which is the event loop's."""

    def __init__(self) -> None:
        self.requests = Tally(
            "requests", "Requests by method, route template and status.", ("method", "route", "status")
        )
        self.request_seconds = Spread(
            "request_seconds",
            "How long requests took until their answer was handed to the connection.",
            REQUEST_BOUNDS,
            ("method", "route"),
        )
        self.events = Tally("events", "Events that were fanned out, by type.", ("type",), _each(_TYPES))
        self.reports = Tally(
            "reports", "Reports by what was told of them.", ("status",), _each(sorted(REPORT_STATUS.values()))
        )
        self.deliveries = Tally(
            "deliveries", "Attempts by what they left of their delivery.", ("result",), _each(RESULTS)
        )
        self.attempts = Tally(
            "delivery_attempts", "Attempts by what went wrong; none is a success.", ("error",), _each(_FAILURES)
        )
        self.attempt_seconds = Spread("delivery_attempt_seconds", "How long attempts took.", ATTEMPT_BOUNDS)
        self.purged = Tally("purged_rows", "Rows deleted because of their age.", ("kind",), _each(KINDS))

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the template of its path, empty where there is none."""
        if not route:
            route, method = OTHER, method if method in METHODS else OTHER
        self.requests.add(method, route, status)
        self.request_seconds.add(seconds, method, route)

    def count_events(self, by_type: Mapping[str, int]) -> None:
        """Events were fanned out."""
        self.events.add_all(by_type)
        self.reports.add_all({status: by_type[kind] for kind, status in REPORT_STATUS.items() if kind in by_type})

    def count_attempt(self, failure: Failure | None, milliseconds: float) -> None:
        """A delivery was tried."""
        self.attempts.add(failure.value if failure else _SUCCESS)
        self.attempt_seconds.add(milliseconds / 1000)


_SUCCESS = "none"
_FAILURES = (_SUCCESS, *sorted(failure.value for failure in Failure))
_TYPES = sorted(kind.name for kind in EVENT_TYPES)


def _each(names: Iterable[str]) -> list[tuple[str]]:
    return [(name,) for name in names]
