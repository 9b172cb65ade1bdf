"""Which panel shows our StatusNotifierItem, if any: registers it now, and again whenever a panel comes back."""

import asyncio
import logging
from collections.abc import Callable

from tsunagu_dbus import BusError, Message, MessageBus, call, plain, subscribe, watch_name

log = logging.getLogger(__name__)

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"


class PanelWatch:
    """Tells ``on_change(True)`` when the item is registered and a host draws it, ``on_change(False)`` when not."""

    def __init__(self, bus: MessageBus, item_path: str, on_change: Callable[[bool], None]) -> None:
        self._bus = bus
        self._item_path = item_path
        self._on_change = on_change
        self._asking: asyncio.Task[None] | None = None
        self._stops = [
            watch_name(bus, WATCHER, self._watcher_changed),
            *(
                subscribe(bus, self._host_changed, sender=WATCHER, interface=WATCHER, member=member)
                for member in ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered")
            ),
        ]

    def stop(self) -> None:
        """Tell no more."""
        for stop in self._stops:
            stop()
        self._stop_asking()

    def _watcher_changed(self, owner: str) -> None:
        if owner:
            self._ask(register=True)
        else:
            self._stop_asking()
            self._on_change(False)

    def _host_changed(self, _signal: Message) -> None:
        self._ask(register=False)

    def _ask(self, *, register: bool) -> None:
        """The newest question counts; one that also registers must not be lost to one that does not."""
        register = register or (self._asking is not None and not self._asking.done())
        self._stop_asking()
        self._asking = asyncio.get_running_loop().create_task(self._find_out(register))

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    async def _find_out(self, register: bool) -> None:
        try:
            if register:
                await self._call(WATCHER, "RegisterStatusNotifierItem", "s", [self._item_path])
            [is_shown] = await self._call(
                "org.freedesktop.DBus.Properties", "Get", "ss", [WATCHER, "IsStatusNotifierHostRegistered"]
            )
        except BusError as error:
            log.warning("The panel does not take the icon: %s", error)
            self._on_change(False)
        else:
            self._on_change(bool(plain(is_shown)))

    async def _call(self, interface: str, member: str, signature: str, body: list[object]) -> list[object]:
        return await call(self._bus, WATCHER, WATCHER_PATH, interface, member, signature, body)
