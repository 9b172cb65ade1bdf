"""A logind that sleeps on command: what the helper sees of the real one, and a ``Script`` interface for tests.

``python -m tests.lab.logind`` is it, on the system bus.
"""

import asyncio
import os
from typing import Any

from dbus_next import BusType
from dbus_next.aio import MessageBus
from dbus_next.constants import PropertyAccess
from dbus_next.service import ServiceInterface, dbus_property, method, signal

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
SCRIPT = "org.tsunagu.Test.Logind"
DELAY_S = 5.0  # InhibitDelayMaxSec


class Manager(ServiceInterface):
    """The part that others use."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Manager")
        self.inhibitors: list[int] = []  # our ends of the pipes whose other ends the inhibitors hold
        self.is_asleep = False
        self.looks = 0  # times that somebody asked for that

    @dbus_property(access=PropertyAccess.READ)
    def PreparingForSleep(self) -> "b":
        self.looks += 1
        return self.is_asleep

    @method()
    def Inhibit(self, what: "s", who: "s", why: "s", mode: "s") -> "h":
        assert (what, mode) == ("sleep", "delay"), (what, who, why, mode)
        ours, theirs = os.pipe()
        self.inhibitors.append(ours)
        asyncio.get_running_loop().call_later(1, os.close, theirs)  # sent by then
        return theirs

    @signal()
    def PrepareForSleep(self, start: "b") -> "b":
        return start

    @signal()
    def UserRemoved(self, uid: "u") -> "uo":
        return [uid, f"/org/freedesktop/login1/user/_{uid}"]


class Script(ServiceInterface):
    """What tests have it do."""

    def __init__(self, manager: Manager) -> None:
        super().__init__(SCRIPT)
        self._manager = manager

    @method()
    def Inhibitors(self) -> "u":
        return len(self._manager.inhibitors)

    @method()
    async def Sleep(self) -> "b":
        """All inhibitors were given up in time."""
        self._manager.is_asleep = True
        self._manager.PrepareForSleep(True)
        given_up = await asyncio.gather(*(_ends_within(inhibitor) for inhibitor in self._manager.inhibitors))
        self._manager.inhibitors.clear()
        return bool(given_up) and all(given_up)

    @method()
    def Wake(self) -> None:
        self.WakeUnheard()
        self._manager.PrepareForSleep(False)

    @method()
    def WakeUnheard(self) -> None:
        """The signal is lost."""
        self._manager.is_asleep = False

    @method()
    def Looks(self) -> "u":
        return self._manager.looks

    @method()
    def RemoveUser(self, uid: "u") -> None:
        self._manager.UserRemoved(uid)


async def _ends_within(pipe: int) -> bool:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), DELAY_S)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)
    return True


async def main() -> None:
    """Serve for ever."""
    bus: Any = await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()
    manager = Manager()
    bus.export(PATH, manager)
    bus.export(PATH, Script(manager))
    await bus.request_name(NAME)
    await bus.wait_for_disconnect()


if __name__ == "__main__":
    asyncio.run(main())
