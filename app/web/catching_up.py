"""Readers of events see what they themselves have just done: what waits for the fan-out is fanned out for them."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from app.services.fanout import catch_up, waits
from app.web.call import Call
from app.web.state import Session

Result = TypeVar("Result")

MAX_BATCHES = 3
"""Others may go on recording; a reader does not wait for them."""


async def read_up_to_date(call: Call, scope: Any, look: Callable[[Session], Result]) -> Result:  # noqa: ANN401 -- as Session
    """Return what `look` finds after everything that was recorded before was fanned out.

    Where nothing waits, which is the rule, this is one read.
    """
    services = call.services
    found, more = await services.database.read(scope, partial(_look, look))
    for _ in range(MAX_BATCHES):
        if not more:
            break
        done = await services.database.write(scope, partial(catch_up, now=call.now, schedule=services.schedule))
        services.tallies.count_events(done.events)
        found, more = await services.database.read(scope, partial(_look, look))
    return found


def _look(look: Callable[[Session], Result], session: Session) -> tuple[Result, bool]:
    more = waits(session)  # Before the look: what comes between the two is no concern of this request.
    return look(session), more
