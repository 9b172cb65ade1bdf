"""A logind that does on command what the real one tells of: sleep, and who is at the screen.

Beside that it has a ``Script`` interface for tests.

``python -m tests.lab.logind`` is it, on the system bus.
"""

import asyncio
import os
from typing import Any

from dbus_next import BusType, DBusError, PropertyAccess
from dbus_next.aio import MessageBus
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
        self.sessions: dict[str, Session] = {}

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

    @method()
    def GetSession(self, identity: "s") -> "o":
        if identity not in self.sessions:
            raise DBusError("org.freedesktop.login1.NoSuchSession", identity)
        return f"{PATH}/session/{identity}"

    @signal()
    def PrepareForSleep(self, start: "b") -> "b":
        return start

    @signal()
    def UserRemoved(self, uid: "u") -> "uo":
        return [uid, f"/org/freedesktop/login1/user/_{uid}"]


class Session(ServiceInterface):
    """A person's stay at the screen, or beside it."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Session")
        self._is_active = False

    @dbus_property(PropertyAccess.READ)
    def Active(self) -> "b":
        return self._is_active

    def activate(self, is_active: bool) -> None:
        self._is_active = is_active
        self.emit_properties_changed({"Active": is_active})


class Script(ServiceInterface):
    """What tests have it do."""

    def __init__(self, bus: Any, manager: Manager) -> None:
        super().__init__(SCRIPT)
        self._bus = bus
        self._manager = manager

    @method()
    def Switch(self, identity: "s") -> None:
        """Somebody comes to the screen, perhaps for the first time; whoever was there stays logged in."""
        sessions = self._manager.sessions
        if identity not in sessions:
            sessions[identity] = Session()
            self._bus.export(f"{PATH}/session/{identity}", sessions[identity])
        for other, session in sessions.items():
            session.activate(other == identity)

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
    await appear(bus)
    await bus.wait_for_disconnect()


async def appear(bus: Any) -> Script:
    """There is a logind on that bus."""
    manager = Manager()
    script = Script(bus, manager)
    bus.export(PATH, manager)
    bus.export(PATH, script)
    await bus.request_name(NAME)
    return script


if __name__ == "__main__":
    asyncio.run(main())
