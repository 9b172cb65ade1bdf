"""Notifications through org.freedesktop.Notifications: one for each key, with a button where the daemon has buttons."""

import asyncio
import html
import logging
from collections.abc import Callable, Iterable
from typing import Any

from tsunagu_dbus import BusError, Message, MessageBus, Variant, call, subscribe, watch_name
from tsunagu_tray.tray_model import Do, Notice, Withdraw

log = logging.getLogger(__name__)

SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
APP_NAME = "Tsunagu"
ICON_NAME = "network-vpn"
DESKTOP_ENTRY = "org.tsunagu.Tray"
AS_THE_DAEMON_LIKES = -1  # expire_timeout


class Notifier:
    """Says what it is told to say, in order; where no daemon is, or it has gone meanwhile, nothing breaks."""

    def __init__(self, bus: MessageBus, on_action: Callable[[Do], None]) -> None:
        self._bus = bus
        self._on_action = on_action
        self._queue: asyncio.Queue[Notice | Withdraw] = asyncio.Queue()
        self._ids: dict[str, int] = {}  # key -> what the daemon calls it
        self._buttons: dict[int, Do] = {}
        self._capabilities: set[str] | None = None  # None: the daemon has not been asked
        self._stops = [
            watch_name(bus, SERVICE, self._daemon_changed),
            subscribe(bus, self._heard, sender=SERVICE, path=PATH, interface=SERVICE),
        ]

    def say(self, said: Iterable[Notice | Withdraw]) -> None:
        """Queue notifications and withdrawals for ``run``."""
        for each in said:
            self._queue.put_nowait(each)

    async def run(self) -> None:
        """Bring the queue to the daemon, until cancelled."""
        while True:
            said = await self._queue.get()
            try:
                await (self._show(said) if isinstance(said, Notice) else self._withdraw(said.key))
            except BusError as error:
                log.warning("A notification was not shown: %s", error)

    async def _show(self, notice: Notice) -> None:
        if self._capabilities is None:
            [found] = await self._call("GetCapabilities", "", [])
            self._capabilities = set(found)
        body = html.escape(notice.body, quote=False) if "body-markup" in self._capabilities else notice.body
        actions: list[str] = []
        if notice.button and "actions" in self._capabilities:
            label, _ = notice.button
            actions = ["default", label, "remedy", label]  # a click on the notification itself does the same
        hints = {"urgency": Variant("y", notice.urgency), "desktop-entry": Variant("s", DESKTOP_ENTRY)}
        replaces = self._ids.get(notice.key, 0)
        text = [APP_NAME, replaces, ICON_NAME, notice.title, body]
        [number] = await self._call("Notify", "susssasa{sv}i", [*text, actions, hints, AS_THE_DAEMON_LIKES])
        self._buttons.pop(replaces, None)
        self._ids[notice.key] = number
        if notice.button:
            self._buttons[number] = notice.button[1]

    async def _withdraw(self, key: str) -> None:
        if (number := self._ids.pop(key, None)) is not None:
            self._buttons.pop(number, None)
            await self._call("CloseNotification", "u", [number])

    async def _call(self, member: str, signature: str, body: list[Any]) -> list[Any]:
        return await call(self._bus, SERVICE, PATH, SERVICE, member, signature, body, timeout_s=5)

    def _daemon_changed(self, _owner: str) -> None:
        """Another daemon knows none of our numbers."""
        self._ids.clear()
        self._buttons.clear()
        self._capabilities = None

    def _heard(self, message: Message) -> None:
        """Signals go to everyone: only our own numbers concern us."""
        match message.member, message.body:
            case "ActionInvoked", [number, _] if number in self._buttons:
                self._on_action(self._buttons.pop(number))
            case "NotificationClosed", [number, _]:
                self._buttons.pop(number, None)
                self._ids = {key: own for key, own in self._ids.items() if own != number}

    def close(self) -> None:
        """Stop listening."""
        for stop in self._stops:
            stop()
