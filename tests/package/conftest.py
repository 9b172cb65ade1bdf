"""What the tests of packages share."""

from collections.abc import Iterator

import pytest

from tests.lab.server import VpnServer


@pytest.fixture(scope="module")
def server() -> Iterator[VpnServer]:
    """One for all tests of a module."""
    with VpnServer() as server:
        yield server
