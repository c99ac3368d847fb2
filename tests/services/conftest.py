"""What the tests of services may ask for."""

from collections.abc import Iterator

import pytest

from tests.services.outbound import Outbound, outbound_on


@pytest.fixture
def outbound(fresh_database_url: str) -> Iterator[Outbound]:
    """An organisation on a database of its own: the loops look at everything there is."""
    with outbound_on(fresh_database_url) as made:
        yield made
