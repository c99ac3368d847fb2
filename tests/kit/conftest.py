import pytest


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops that the service runs on: they differ in TLS and in how connections end."""
    return "asyncio", {"use_uvloop": request.param}
