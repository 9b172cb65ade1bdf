"""Hears every notification that programs of a session ask for, whether a daemon shows it or not."""

import asyncio
import threading
from dataclasses import dataclass, field, replace
from typing import Any

from tsunagu_dbus import Message, MessageBus, call, close, plain

NOTIFICATIONS = "org.freedesktop.Notifications"
MONITORING = "org.freedesktop.DBus.Monitoring"
RULES = [f"interface='{NOTIFICATIONS}'", "type='method_return'"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One call of Notify, and what became of it."""

    app_name: str
    replaces: int  # id of the one it takes the place of; 0: a new one
    icon: str
    summary: str
    body: str
    actions: tuple[str, ...]  # key, label, key, label ...
    hints: dict[str, Any] = field(default_factory=dict)
    id: int = 0  # 0: no daemon has answered yet
    is_closed: bool = False


class NotificationMonitor:
    """Listens in a thread of its own, as a monitor of the bus; the bus must be ours or we must be root."""

    def __init__(self, address: str) -> None:
        self._notifications: list[Notification] = []
        self._waiting: dict[
            tuple[str | None, int | None], int
        ] = {}  # caller and serial of a Notify -> place in the list
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="notifications", daemon=True)
        self._thread.start()
        self._bus = asyncio.run_coroutine_threadsafe(self._listen(address), self._loop).result(10)

    def notifications(self) -> list[Notification]:
        """All so far, oldest first."""
        return list(self._notifications)

    def close(self) -> None:
        """Stop listening."""
        asyncio.run_coroutine_threadsafe(close(self._bus), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self, address: str) -> MessageBus:
        bus = MessageBus(address)
        await bus.connect()
        body = [RULES, 0]
        await call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", MONITORING, "BecomeMonitor", "asu", body)
        bus.add_message_handler(self._hear)
        return bus

    def _hear(self, message: Message) -> bool:
        """True: it is dealt with.  A monitor that answers is thrown off the bus."""
        if message.interface == NOTIFICATIONS and message.member == "Notify":
            app_name, replaces, icon, summary, body, actions, hints, _timeout = message.body
            self._waiting[message.sender, message.serial] = len(self._notifications)
            self._notifications.append(
                Notification(
                    app_name=app_name,
                    replaces=replaces,
                    icon=icon,
                    summary=summary,
                    body=body,
                    actions=tuple(actions),
                    hints=plain(hints),
                )
            )
        elif message.interface == NOTIFICATIONS and message.member == "NotificationClosed":
            self._notifications = [
                replace(notification, is_closed=True) if notification.id == message.body[0] else notification
                for notification in self._notifications
            ]
        elif message.reply_serial:
            place = self._waiting.pop((message.destination, message.reply_serial), None)
            if place is not None:
                self._notifications[place] = replace(self._notifications[place], id=message.body[0])
        return True
