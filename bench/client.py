"""The requests that are measured, and a plain client for what has to be there before."""

import http.client
import json
import re
from typing import Any

from app.domain.submission import Submission
from app.kit.shapes import fill
from bench.load import request
from bench.servers import Server

SUBMISSION: dict[str, Any] = {
    "title": "Pair the double-up calls at Brough",
    "text": "They are 12 minutes apart on paper and 25 by road. Two fixed pairs would halve that, and nobody is late.",
    "site": "brough",
    "group": "care_worker",
    "anonymity": "confidential",
    "author": {"ref": "staff-118", "name": "Adaeze", "preferred_language": "en"},
    "language": "en",
    "safety": {"at_risk_now": False, "own_employment": False},
    "captured_at": "2026-11-22T21:14:00Z",
}
"""What a care worker's phone sends."""


def filled_submission() -> Submission:
    """The same as the server reads it."""
    return fill(Submission, json.dumps(SUBMISSION).encode(), SUBMISSION, null_is_absent=True)


PANEL = (("cw-1", "care_worker"), ("cw-2", "care_worker"), ("fam-3", "family_or_friend"))


class Client:
    """Speaks with one server under one key; raises for every answer that is not 2xx."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.key = port, key
        self._authorization = f"Authorization: Bearer {key}"

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 -- any JSON value
        """One request; the value that was answered."""
        return self._call("POST", path, json.dumps(body).encode())

    def get(self, path: str) -> Any:  # noqa: ANN401 -- any JSON value
        """One request; the value that was answered."""
        return self._call("GET", path, None)

    def posting(self, path: str, body: object) -> bytes:
        """The bytes of a request for the load generator."""
        return request("POST", path, [self._authorization], json.dumps(body).encode())

    def getting(self, path: str) -> bytes:
        """The bytes of a request for the load generator."""
        return request("GET", path, [self._authorization])

    def creating(self) -> bytes:
        """The submission of a suggestion; each time it is sent is another suggestion."""
        return self.posting("/v1/suggestions", SUBMISSION)

    def _call(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 -- any JSON value
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        if answer.status // 100 != 2:  # noqa: PLR2004 -- the class of success
            raise RuntimeError(f"{method} {path}: {answer.status} {raw.decode()}")
        return json.loads(raw) if raw else None


def client_of(server: Server) -> Client:
    """A client with the key that the server printed when it found its database empty."""
    found = re.search(r"^key=(\S+)$", server.log.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the server printed no key: {server.log.read_text()[-2000:]}")
    return Client(server.port, found[1])
