"""Whether this network lets nobody out before a log-in of its own (a captive portal), as NetworkManager has found."""

from tsunagu_dbus import BusError, MessageBus, call, plain

HINT = (
    "This network lets nobody out before you have logged in to it: open any web page in a browser, log in there, "
    "then connect again"
)

_NAME, _PATH = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
_BUS = "org.freedesktop.DBus"
_PORTAL = 2  # NM_CONNECTIVITY_PORTAL, nm-dbus-interface.h


class Portal:
    """``bus`` is the system bus, as long as there is one."""

    def __init__(self) -> None:
        self.bus: MessageBus | None = None

    async def stands(self) -> bool:
        """There is one; False too where nobody knows.  NetworkManager is not started for it."""
        if self.bus is None:
            return False
        try:
            [runs] = await call(self.bus, _BUS, "/org/freedesktop/DBus", _BUS, "NameHasOwner", "s", [_NAME])
            if not runs:
                return False
            asked = [_NAME, "Connectivity"]
            [state] = await call(self.bus, _NAME, _PATH, "org.freedesktop.DBus.Properties", "Get", "ss", asked)
        except BusError:
            return False
        return bool(plain(state) == _PORTAL)
