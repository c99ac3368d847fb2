"""A care system as the stories need it: it takes signed events, and sends signed reports.

The `standardwebhooks` package signs and checks for it.
"""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from standardwebhooks.webhooks import Webhook

from tests.service import Client, Json, Tenant


class Told:
    """A receiver. `events` are those that were signed rightly, in the order of their first arrival."""

    def __init__(self) -> None:
        self.events: dict[str, Json] = {}
        self.refused: list[Json] = []
        self.secret = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.take(body, dict(self.headers.items()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def subscribe(self, client: Client, *event_types: str) -> None:
        """Ask to be told of these types."""
        made = client.post("/v1/subscriptions", {"url": self.url, "event_types": list(event_types)})
        self.secret = made["secret"]

    def take(self, body: str, headers: dict[str, str]) -> None:
        """Keep an event if the package makes the same signature of it."""
        names = {name.lower(): value for name, value in headers.items()}
        at = datetime.fromtimestamp(int(names["webhook-timestamp"]), UTC)
        event = json.loads(body)
        right = Webhook(self.secret).sign(names["webhook-id"], at, body)
        if right not in names["webhook-signature"].split(" ") or names["webhook-id"] != event["id"]:
            self.refused.append(event)
        self.events.setdefault(event["id"], event)

    def about(self, id: str) -> list[str]:
        """The types of the events about a suggestion, in the order of their sequence."""
        mine = [event for event in self.events.values() if event["data"].get("suggestion_id") == id]
        return [event["type"] for event in sorted(mine, key=lambda event: event["sequence"])]

    def complete(self) -> bool:
        """Whether the numbers under which events came have no gap and no number twice."""
        return sorted(event["sequence"] for event in self.events.values()) == list(range(1, len(self.events) + 1))


class Rota:
    """The rota system: a source that reports by signed webhook."""

    def __init__(self, tenant: Tenant, **settings: object) -> None:
        body = {"name": "Rota system", "scheme": "standard_webhooks", **settings}
        self._made = tenant.all.post("/v1/sources", body)
        self._tenant = tenant
        self._count = 0

    def report(self, kind: str, **data: object) -> Json:
        """Report what happened; the answer's body."""
        self._count += 1
        clock, message_id = self._tenant.service.clock, f"msg-{self._count}"
        body = json.dumps({"type": f"report.{kind}", "data": {"summary": f"What the rota says: {kind}.", **data}})
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(clock().timestamp())),
            "webhook-signature": Webhook(self._made["secret"]).sign(message_id, clock(), body),
            "content-type": "application/json",
        }
        path = f"/v1/inbound/{self._made['id']}"
        answer = self._tenant.service.http.post(path, content=body.encode(), headers=headers)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found
