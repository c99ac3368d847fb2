"""Trying a subscription out: one signed `ping`, which is no event and has no place in any sequence."""

from datetime import datetime

from app.kit.ids import new_id
from app.kit.outcalls import Caller
from app.kit.shapes import show_instant
from app.kit.signing import sign
from app.kit.strict_json import canonical
from app.services.subscription_shapes import PingView
from app.services.subscriptions import PingTarget


async def ping(caller: Caller, target: PingTarget, now: datetime) -> PingView:
    """Sends a `ping`, and says what came of it. Takes 15 seconds at most."""
    ping_id = str(new_id(now))
    body = canonical({"id": ping_id, "type": "ping", "timestamp": show_instant(now), "data": {}})
    signed = sign(target.secrets, ping_id, int(now.timestamp()), body)
    answer = await caller.post(target.url, body, {**target.headers, "Content-Type": "application/json", **signed})
    return PingView(
        ok=answer.failure is None,
        status=answer.status,
        milliseconds=answer.milliseconds,
        error=answer.failure.value if answer.failure else None,
    )
