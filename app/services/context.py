"""What every use case is told: who calls, what time it is, and the server's secret."""

from dataclasses import dataclass
from datetime import datetime

from app.kit.sealing import Secret
from app.services.access import Caller


@dataclass(frozen=True)
class Context:
    """The caller of a use case, the present instant (UTC), and the secret from which receipts and keys are derived."""

    caller: Caller
    now: datetime
    secret: Secret
