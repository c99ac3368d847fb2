"""A client of the example application without a network."""

from starlette.testclient import TestClient

from tests.web.example import Example


def client_of(example: Example, key: str | None = None) -> TestClient:
    """A client that sends the key, if there is one, and sees a 500 as an answer."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return TestClient(example.app, headers=headers, raise_server_exceptions=False)
