"""Whose turn at the screen it is, as systemd-logind tells: where several people are logged in, one of them sits there.

Where there is no logind, or it does not know this session, it is always ours.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from tsunagu_dbus import BusError, Message, MessageBus, Stop, call, plain, subscribe, watch_name

log = logging.getLogger(__name__)

LOGIND = "org.freedesktop.login1"
LOGIND_PATH = "/org/freedesktop/login1"
MANAGER = "org.freedesktop.login1.Manager"
SESSION = "org.freedesktop.login1.Session"
PROPERTIES = "org.freedesktop.DBus.Properties"
OF_CALLER = "auto"  # the caller's session, or the one on a display of a caller that systemd has started outside of it


class Turn:
    """``is_ours``, and ``gone``, which is set while it is not; ``on_back`` is called when it is again."""

    def __init__(self, environment: Mapping[str, str], on_back: Callable[[], None] = lambda: None) -> None:
        self.gone = asyncio.Event()
        self._ids = [*filter(None, [environment.get("XDG_SESSION_ID")]), OF_CALLER]  # the first may be an older one's
        self._on_back = on_back

    @property
    def is_ours(self) -> bool:
        """What is shown here can be seen."""
        return not self.gone.is_set()

    def watch(self, bus: MessageBus) -> Stop:
        """Follow logind on the system's bus."""
        following: asyncio.Task[None] | None = None

        def owner_is(owner: str) -> None:
            nonlocal following
            if following:
                following.cancel()
            following = asyncio.ensure_future(self._follow(bus)) if owner else None
            if not owner:
                self._set(is_ours=True)

        unwatch = watch_name(bus, LOGIND, owner_is)

        def stop() -> None:
            unwatch()
            if following:
                following.cancel()

        return stop

    async def _follow(self, bus: MessageBus) -> None:
        changed = asyncio.Event()

        def heard(_: Message) -> None:
            changed.set()

        path = await self._session(bus)
        if not path:
            self._set(is_ours=True)
            return
        stop = subscribe(bus, heard, sender=LOGIND, path=path, interface=PROPERTIES, member="PropertiesChanged")
        try:
            while True:
                [is_active] = await call(bus, LOGIND, path, PROPERTIES, "Get", "ss", [SESSION, "Active"])
                self._set(is_ours=plain(is_active) is not False)
                await changed.wait()
                changed.clear()
        except BusError as error:  # the session has ended, and so shall we
            log.info("%s", error)
            self._set(is_ours=True)
        finally:
            stop()

    async def _session(self, bus: MessageBus) -> str:
        for identity in self._ids:
            try:
                [path] = await call(bus, LOGIND, LOGIND_PATH, MANAGER, "GetSession", "s", [identity])
            except BusError as error:
                log.info("Session %s: %s", identity, error)
            else:
                return str(path)
        return ""

    def _set(self, *, is_ours: bool) -> None:
        was_ours = self.is_ours
        if is_ours:
            self.gone.clear()
        else:
            self.gone.set()
        if is_ours and not was_ours:
            self._on_back()
