"""Listeners are woken, and a server with listeners stops."""

import asyncio
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from app.main import create_app, prepare
from app.settings import Settings
from app.web.protocol import SERVER_OPTIONS
from app.web.server import Server
from app.web.streams import Streams
from tests.databases import Databases
from tests.service import Clock, Service, eventually

PATIENT_SECONDS = 20.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_who_waits_is_woken_by_what_comes_since_then() -> None:
    streams = Streams()
    changed = streams.changed
    streams.wake()
    await asyncio.wait_for(streams.wait(changed, PATIENT_SECONDS), PATIENT_SECONDS / 2)
    waiting = asyncio.create_task(streams.wait(streams.changed, PATIENT_SECONDS))
    await asyncio.sleep(0)
    assert not waiting.done()
    streams.wake()
    await asyncio.wait_for(waiting, PATIENT_SECONDS / 2)


@pytest.mark.anyio
async def test_nobody_waits_for_ever() -> None:
    streams = Streams()
    await asyncio.wait_for(streams.wait(streams.changed, 0.01), PATIENT_SECONDS)
    assert not streams.stopping
    streams.stop()
    assert streams.stopping


def test_a_server_stops_while_somebody_listens(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> None:
    url = databases.clone("sqlite")
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    settings = Settings.model_validate(
        {"database_url": url, "port": port, "secret_key_file": tmp_path_factory.mktemp("server") / "secret.key"}
    )
    database, secret = prepare(settings)
    application = create_app(settings, Clock(), database=database, secret=secret)
    config = uvicorn.Config(application, **(SERVER_OPTIONS | {"lifespan": "on"}))
    server = Server(config, application.state.services.streams.stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    eventually(lambda: server.started)
    with httpx.Client(base_url=settings.base_url, timeout=PATIENT_SECONDS, trust_env=False) as http:
        client = Service(settings.base_url, Clock(), database, secret, http).tenant().all
        headers = {"Authorization": f"Bearer {client.token}"}
        with http.stream("GET", "/v1/events/stream", headers=headers) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            began = time.monotonic()
            server.should_exit = True
            assert list(lines) == [""]
        thread.join(PATIENT_SECONDS)
        assert not thread.is_alive()
        assert time.monotonic() - began < PATIENT_SECONDS
    listener.close()
    database.close()
    databases.drop(url)
