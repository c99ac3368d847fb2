"""Ends with exit code 0 when the server on this machine is ready for requests. The container's health check."""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("HEARDBACK_PORT") or 8080), timeout=4)
try:
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != http.HTTPStatus.OK)
except OSError as error:
    sys.exit(f"The server does not answer: {error}")
