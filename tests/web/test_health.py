import asyncio

import pytest

from app.web.state import Limits
from tests.web.client import client_of
from tests.web.example import Example, StoreDownError


def test_a_process_that_answers_is_alive(example: Example) -> None:
    example.memory.fails = StoreDownError()
    answer = client_of(example).get("/livez")
    assert (answer.status_code, answer.json(), answer.headers["Cache-Control"]) == (200, {"state": "alive"}, "no-store")


def test_it_is_ready_when_the_database_answers(example: Example) -> None:
    answer = client_of(example).get("/readyz")
    assert (answer.status_code, answer.json(), answer.headers["Cache-Control"]) == (200, {"state": "ready"}, "no-store")
    assert example.memory.reads == 1


@pytest.mark.parametrize("failure", [StoreDownError(), RuntimeError("any other")], ids=["known", "unknown"])
def test_it_is_not_ready_when_the_database_fails(example: Example, failure: Exception) -> None:
    example.memory.fails = failure
    answer = client_of(example).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("2", "no-store")


def test_it_is_not_ready_when_the_database_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    example = Example(Limits(ready_seconds=0.01))

    async def hang(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(example.memory, "read", hang)
    assert client_of(example).get("/readyz").json()["code"] == "unavailable"
