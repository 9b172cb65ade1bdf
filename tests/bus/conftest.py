"""A private system bus with the policy that ships, and connections to it as this or that user."""

import os
import pwd
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.system_bus import SystemBus
from tsunagu_dbus import MessageBus, close, connect

# Two users every Debian has, without any right: dbus-daemon turns away whom the user database does not know.
ORDINARY_USER = pwd.getpwnam("games").pw_uid
ANOTHER_USER = pwd.getpwnam("nobody").pw_uid

ConnectAs = Callable[[int], Awaitable[MessageBus]]


@contextmanager
def _running(*, with_polkit: bool = False, polkit_rules: str = "") -> Iterator[SystemBus]:
    if os.geteuid() != 0:
        pytest.fail("needs root, to be several users: run make test")
    with tempfile.TemporaryDirectory(prefix="tsunagu-bus-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        system_bus = SystemBus(directory, with_polkit=with_polkit, polkit_rules=polkit_rules)
        system_bus.start()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DBUS_SYSTEM_BUS_ADDRESS", system_bus.address)
            yield system_bus
        system_bus.stop()


@pytest.fixture
def system_bus() -> Iterator[SystemBus]:
    """Without polkit; ``connect`` finds it."""
    with _running() as running:
        yield running


@pytest.fixture
def polkit_bus(request: pytest.FixtureRequest) -> Iterator[SystemBus]:
    """With polkit and the rules that the test's module has as ``POLKIT_RULES``."""
    with _running(with_polkit=True, polkit_rules=request.module.POLKIT_RULES) as running:
        yield running


@pytest.fixture
async def connect_as() -> AsyncIterator[ConnectAs]:
    """Connections as other users: the kernel tells the bus who we were at the moment of connecting."""
    connections: list[MessageBus] = []

    async def connect_as(uid: int) -> MessageBus:
        os.setresuid(uid, uid, 0)
        try:
            connection = await connect("system")
        finally:
            os.setresuid(0, 0, 0)
        connections.append(connection)
        return connection

    yield connect_as
    for connection in connections:
        await close(connection)
