"""What a test of input is pointed at: any application with the paths of suggestions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.web.serving import Answer, exchange, request

COLLECTION = "/v1/suggestions"


@dataclass(frozen=True)
class Target:
    """A running application."""

    port: int
    key: str
    """A key that opens everything that is asked for here."""
    narrow_key: str
    """A valid key without the scope `raise`."""
    body: Mapping[str, Any]
    """A complete body for the collection; it may be sent again and again."""
    item: str
    """The path of a suggestion that exists."""
    act: str
    """The path of an act on it that takes a text."""
    act_body: Mapping[str, Any]

    def send(
        self,
        method: str = "POST",
        path: str = COLLECTION,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
        *,
        key: str | None = "",
    ) -> Answer:
        """Send a request; `key` None sends none, and the empty one stands for the target's."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(dict(body)).encode()
        authorization = [] if key is None else [("Authorization", f"Bearer {key or self.key}")]
        sized = method in {"POST", "PATCH", "PUT"}
        return exchange(self.port, request(method, path, [*authorization, *headers], raw, sized=sized), method=method)
