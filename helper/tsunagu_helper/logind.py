"""What systemd-logind tells: that the machine goes to sleep and wakes, and that a user has left.

It waits with the sleep for those who hold an inhibitor, for some seconds: time to log off.

That the machine has woken may be told while nobody hears it, as logind or the bus begins anew.  So logind is asked when
it appears, and when a network does while the machine should be asleep.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable

from tsunagu_dbus import BusError, Message, MessageBus, call, plain, receive_descriptor, subscribe, watch_name

LOG = logging.getLogger(__name__)

LOGIND = "org.freedesktop.login1"
LOGIND_PATH = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"
LOG_OFF_S = 4.0  # logind waits 5 s as a rule (InhibitDelayMaxSec)


class Logind:
    """On one bus.  Where there is no logind nothing is told; connections notice a sleep by their silence then."""

    def __init__(
        self,
        bus: MessageBus,
        *,
        on_sleep: Callable[[], Awaitable[None]],
        on_wake: Callable[[], None],
        on_user_gone: Callable[[int], None],
    ) -> None:
        """``on_sleep`` returns when the machine may go."""
        self._bus = bus
        self._on_sleep, self._on_wake, self._on_user_gone = on_sleep, on_wake, on_user_gone
        self._is_asleep = False  # or about to be
        self._inhibitor: int | None = None
        self._falling_asleep: asyncio.Task[None] | None = None
        self._inhibiting: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        for member, callback in (("PrepareForSleep", self._sleep_or_wake), ("UserRemoved", self._user_removed)):
            subscribe(bus, callback, sender=LOGIND, path=LOGIND_PATH, interface=MANAGER, member=member)
        watch_name(bus, LOGIND, self._owner_is)

    def close(self) -> None:
        """Let the machine sleep without us."""
        for task in (self._falling_asleep, self._inhibiting, self._looking):
            if task:
                task.cancel()
        self._release()

    def network_came(self) -> None:
        """So the machine may be awake."""
        if self._is_asleep:
            self._look()

    def _owner_is(self, owner: str) -> None:
        if owner:
            self._look()

    def _sleep_or_wake(self, signal: Message) -> None:
        match signal.body:
            case [True]:
                self._is_asleep = True
                self._falling_asleep = asyncio.create_task(self._fall_asleep(), name="going to sleep")
            case [False]:
                self._wake()

    def _wake(self) -> None:
        self._is_asleep = False
        self._inhibit()
        self._on_wake()

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._ask(), name="asleep or awake")

    async def _ask(self) -> None:
        """Where nobody answers: who hears of a network is awake."""
        asked = [MANAGER, "PreparingForSleep"]
        try:
            [answer] = await call(
                self._bus, LOGIND, LOGIND_PATH, "org.freedesktop.DBus.Properties", "Get", "ss", asked, autostart=False
            )
        except BusError as error:
            LOG.debug("Whether the machine sleeps nobody knows: %s", error)
            answer = False
        if plain(answer) is True:
            self._is_asleep = True
        else:
            self._wake()

    def _user_removed(self, signal: Message) -> None:
        match signal.body:
            case [int(uid), str()]:
                self._on_user_gone(uid)

    async def _fall_asleep(self) -> None:
        try:
            async with asyncio.timeout(LOG_OFF_S):
                await self._on_sleep()
        except TimeoutError:
            LOG.warning("Not all connections could log off before the sleep")
        finally:
            self._release()
            if not self._is_asleep:  # it has woken before all had logged off
                self._inhibit()

    def _inhibit(self) -> None:
        if self._inhibitor is None and (self._inhibiting is None or self._inhibiting.done()):
            self._inhibiting = asyncio.create_task(self._take_inhibitor(), name="sleep inhibitor")

    async def _take_inhibitor(self) -> None:
        what = ["sleep", "Tsunagu", "VPN connections log off first", "delay"]
        try:
            self._inhibitor = await receive_descriptor("system", LOGIND, LOGIND_PATH, MANAGER, "Inhibit", "ssss", what)
        except BusError as error:
            LOG.warning("The machine will not wait for connections to log off before it sleeps: %s", error)

    def _release(self) -> None:
        if self._inhibitor is not None:
            with contextlib.suppress(OSError):
                os.close(self._inhibitor)
            self._inhibitor = None
