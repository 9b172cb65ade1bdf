"""A private system bus with the policy that ships, and connections to it as this or that user; or a bus of our own
with a scripted helper.
"""

import os
import pwd
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bus.command import Run
from tests.fakes_bus import FakeHelper, PrivateBus, fake_helper
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


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    """Of our own; ``connect`` takes it for the system's."""
    bus = PrivateBus()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    yield bus
    bus.close()


@pytest.fixture
async def helper(bus: PrivateBus) -> AsyncIterator[FakeHelper]:
    """A scripted one there."""
    async with fake_helper(bus) as helper:
        yield helper


@pytest.fixture
def tsunagu(bus: PrivateBus) -> Run:
    """The command."""
    return Run(bus)
