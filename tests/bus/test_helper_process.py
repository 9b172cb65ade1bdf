"""The helper as a process: alone, in order, back after a restart of the bus; one sentence where it cannot begin."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bus.conftest import ORDINARY_USER
from tests.fakes_helper import SETTINGS
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import CONNECTION, MANAGER, ROOT_PATH, SERVICE
from tsunagu.plain import to_plain
from tsunagu_dbus import MessageBus, call, close, connect, plain, to_variants, watch_name

ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}


@dataclass
class Place:
    """Where helpers of a test live; ``log`` is what they wrote."""

    state: Path
    log: Path

    def start(self, *options: str, user: int | None = None, **environment: str) -> "subprocess.Popen[bytes]":
        """Start one; those that cannot begin end by themselves."""
        settings = {
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.state.with_name("run")),
            "DBUS_SYSTEM_BUS_ADDRESS": os.environ["DBUS_SYSTEM_BUS_ADDRESS"],
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tsunagu_helper", *options],
                env=ENVIRONMENT | settings | environment,
                stderr=log,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    def lines(self) -> list[str]:
        """Without their times."""
        return [line.partition(" ")[2].partition(" ")[2] for line in self.log.read_text().splitlines()]


@pytest.fixture
def place(system_bus: SystemBus, tmp_path: Path) -> Place:
    assert system_bus
    return Place(tmp_path / "state", tmp_path / "log")


@dataclass
class Running:
    """A helper on the bus, and a client there."""

    process: "subprocess.Popen[bytes]"
    client: MessageBus

    async def names(self) -> list[str]:
        """Of the connections that it shows."""
        [objects] = await call(
            self.client, SERVICE, ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"
        )
        return [shown[CONNECTION]["Name"] for shown in plain(objects).values()]


async def arrival(client: MessageBus) -> None:
    """Wait until a helper has its name."""
    here = asyncio.Event()
    stop = watch_name(client, SERVICE, lambda owner: here.set() if owner else None)
    async with asyncio.timeout(20):
        await here.wait()
    stop()


@pytest.fixture
async def running(place: Place) -> AsyncIterator[Running]:
    client = await connect("system")
    helper = Running(place.start(), client)
    await arrival(client)
    yield helper
    await close(helper.client)
    helper.process.kill()
    await asyncio.to_thread(helper.process.wait)


async def add(client: MessageBus) -> None:
    arguments = [to_variants(to_plain(SETTINGS)), {}]
    await call(client, SERVICE, ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}", arguments)


async def test_sigterm_ends_it_with_status_0_and_nothing_is_forgotten(place: Place, running: Running) -> None:
    await add(running.client)
    running.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(running.process.wait, 30) == 0

    running.process = place.start()
    await arrival(running.client)
    assert await running.names() == ["Office"]
    assert not [line for line in place.lines() if not line.startswith(("INFO ", "WARNING There is no user"))]


async def test_it_comes_back_when_the_bus_does(place: Place, running: Running, system_bus: SystemBus) -> None:
    await add(running.client)
    system_bus.stop()
    await close(running.client)
    system_bus.start()
    running.client = await connect("system")
    await arrival(running.client)

    assert await running.names() == ["Office"]
    assert place.lines()[-2:] == [
        "WARNING The connection to the system bus was lost; tunnels stay as they are",
        "INFO On the system bus again",
    ]


async def test_it_can_be_stopped_while_there_is_no_bus(running: Running, system_bus: SystemBus) -> None:
    system_bus.stop()
    running.process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(running.process.wait, 30) == 0


async def test_there_is_one_helper_for_one_directory_and_one_for_one_bus(place: Place, running: Running) -> None:
    assert running.process.poll() is None
    assert await asyncio.to_thread(place.start().wait, 20) == 1
    other = place.start(STATE_DIRECTORY=str(place.state.with_name("other")))
    assert await asyncio.to_thread(other.wait, 20) == 1

    assert [line for line in place.lines() if line.startswith("CRITICAL")] == [
        f"CRITICAL Another helper runs already, with its settings in {place.state}",
        "CRITICAL Another program is org.tsunagu.VPN1 on the system bus already",
    ]


@pytest.mark.parametrize(
    ("options", "user", "environment", "said"),
    [
        ([], ORDINARY_USER, {}, "has to run as root"),
        (["--worker-user", "root"], None, {}, "they must not run as root"),
        ([], None, {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}, "The system bus cannot be reached"),
        ([], None, {"STATE_DIRECTORY": "/proc/tsunagu"}, "Settings cannot be kept in /proc/tsunagu"),
    ],
)
def test_where_it_cannot_begin_it_says_why_in_one_line(
    place: Place, options: list[str], user: int | None, environment: dict[str, str], said: str
) -> None:
    assert place.start(*options, user=user, **environment).wait(20) == 1

    [line] = [line for line in place.lines() if not line.startswith("WARNING There is no user")]
    assert line.startswith("CRITICAL ")
    assert said in line


async def test_log_lines_have_priorities_where_the_journal_reads_them(place: Place, running: Running) -> None:
    assert running.process.poll() is None
    facts = place.log.stat()
    other = place.start(JOURNAL_STREAM=f"{facts.st_dev}:{facts.st_ino}")
    assert await asyncio.to_thread(other.wait, 20) == 1

    assert place.log.read_text().splitlines()[-1].startswith("<2>Another helper runs already")
