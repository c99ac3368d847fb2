"""Receives events: verifies each, knows a repetition, answers at once. Needs `pip install standardwebhooks`.

SUBSCRIPTION_SECRET=whsec_… PORT=9000 python event_receiver.py
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SUBSCRIPTION_SECRET"])
done: set[str] = set()  # In earnest a table with a unique column, written in the transaction of what you do.


class Receiver(BaseHTTPRequestHandler):
    """Answers 2xx when it has the event, 400 when it is not from Heardback. Anything else is tried again later."""

    def do_POST(self) -> None:
        """Take one event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))  # The bytes as they came: they are what is signed.
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            self.send_error(400, "The signature does not fit")
            return
        if event["id"] not in done:  # Each event may come more than once, always under the same id.
            handle(event)
            done.add(event["id"])
        self.send_response(204)
        self.end_headers()


def handle(event: dict[str, object]) -> None:
    """Put it into a queue of your own: an answer that takes 15 seconds is a failure."""
    print(event.get("sequence"), event["type"], event["data"], flush=True)


ThreadingHTTPServer(("", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
