"""The application's windows on a virtual desktop, with a scripted helper."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.fakes_bus import FakeHelper, PrivateBus, fake_helper
from tests.lab.desktop import Desktop, Notifier, Panel
from tests.lab.waiting import wait_for
from tsunagu.model import State
from tsunagu_tray.catalogue import languages
from tsunagu_tray.texts import Texts

T = TypeVar("T")
ADDRESS = "192.168.77.23/24"
APPLICATION = ("-m", "tsunagu_tray.windows.application")


class Rig:
    """The desktop, the application's windows on it, and the helper they show."""

    def __init__(self, desktop: Desktop, bus: PrivateBus, helper: FakeHelper) -> None:
        self.desktop = desktop
        self.texts = Texts(*languages(desktop.environment))
        self.runner: tuple[str, ...] = ()  # a module that runs the programs' modules in its own way
        self.helper = helper
        self.opened: list[subprocess.Popen[bytes]] = []
        self.environment = {
            "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        helper.on_connect = lambda connection: connection.show(state=State.UP, addresses=[ADDRESS])

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """The desktop's methods block, but the helper must be able to answer meanwhile."""
        return await asyncio.to_thread(work, *arguments)

    async def open(self, *arguments: str, title: str = "^Tsunagu$") -> None:
        await self.start(sys.executable, *self.module("application"), *arguments, title=title)

    async def start(self, *command: str, title: str = "^Tsunagu$") -> None:
        self.program = self.desktop.start("window", *command, environment=self.environment)
        self.opened.append(self.program)
        await self.front(title)

    def module(self, name: str) -> tuple[str, ...]:
        """Python's arguments for one of the programs."""
        return ("-m", *self.runner, f"tsunagu_tray.windows.{name}")

    async def front(self, title: str = "^Tsunagu$") -> None:
        await self.do(self.desktop.activate, title)

    async def said(self, words: str) -> str:
        return await self.do(self.desktop.wait_until_said, words)

    async def gone(self, words: str) -> None:
        await self.do(wait_for, lambda: not any(words in name for name in self.desktop.said()), 20, f"{words} to go")

    async def keys(self, *keys: str) -> None:
        await self.do(self.desktop.key, *keys)

    async def type(self, text: str, *, at: str = "") -> None:
        """Into what has the focus, or after the end of the row of that name."""
        if at:
            await self.choose(at)
            await self.keys("End")
        await self.do(self.desktop.type, text)

    async def choose_from(self, name: str, option: str, down: int) -> None:
        """Another line of a list that drops down, by the keyboard."""
        await self.choose(name)
        await self.said(option)
        await self.keys(*["Down"] * down, "Return")

    async def choose(self, name: str) -> None:
        """Click the part of that name."""
        x, y = await self.do(self.desktop.place_of, name)
        await self.do(self.desktop.click, x, y)


@asynccontextmanager
async def window_rig(panel: Panel = "none", notifications: Notifier = "none", **environment: str) -> AsyncIterator[Rig]:
    """All of it; afterwards the windows' log has to be clean."""
    with Desktop(panel=panel, notifications=notifications, size=(900, 800), environment=environment) as desktop:
        async with rig_on(desktop) as rig:
            yield rig


@asynccontextmanager
async def rig_on(desktop: Desktop) -> AsyncIterator[Rig]:
    """The same on a desktop that others use before and after; what was opened is closed."""
    bus = PrivateBus()
    log = desktop.folder / "log" / "window"
    before = log.stat().st_size if log.exists() else 0
    try:
        async with fake_helper(bus) as helper:
            rig = Rig(desktop, bus, helper)
            try:
                yield rig
            finally:
                for program in rig.opened:
                    desktop.stop(program)
            told = log.read_bytes()[before:].decode(errors="replace")
            assert "Traceback" not in told, told
            assert "CRITICAL" not in told, told
    finally:
        bus.close()
