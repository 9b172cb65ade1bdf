"""A lab server for all tests, one of its own for those that break it, and Tsunagu against either."""

from collections.abc import Iterator

import pytest

from tests.lab.conformance import feature_of
from tests.lab.sandbox import CHECKOUT
from tests.lab.server import VpnServer
from tests.lab.stack import Stack
from tests.lab.waiting import wait_for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what shows a feature of the protocol."""
    for item in items:
        if feature_of(item.nodeid):
            item.add_marker("conformance")


@pytest.fixture(scope="session", autouse=True)
def _sandboxed() -> None:
    if not CHECKOUT.exists():
        pytest.fail("lab tests make users, NICs and servers: run them by `make test ARGS=tests/lab`")


@pytest.fixture(scope="session")
def server() -> Iterator[VpnServer]:
    """Shared: leave it as it was."""
    with VpnServer() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[VpnServer]:
    """To be broken."""
    with VpnServer() as server:
        yield server


@pytest.fixture
def stack(server: VpnServer) -> Iterator[Stack]:
    """Tsunagu against the shared server."""
    with Stack(server) as stack:
        yield stack
        nothing_is_left_of(stack)


@pytest.fixture
def own_stack(own_server: VpnServer) -> Iterator[Stack]:
    """Tsunagu against a server that may be broken."""
    with Stack(own_server) as stack:
        yield stack
        nothing_is_left_of(stack)


def nothing_is_left_of(stack: Stack) -> None:
    """When the helper has ended no worker, NIC, address or route is there, and no bug has shown in its log."""
    stack.stop_helper()
    wait_for(lambda: not stack.leftovers(), 30, f"{stack.leftovers()} to go")
    assert "Traceback" not in stack.helper_log(), stack.helper_log()
