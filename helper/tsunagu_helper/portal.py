"""Whether this network lets nobody out before a log-in of its own (a captive portal), as NetworkManager has found."""

import asyncio

from tsunagu.errors import TunnelError
from tsunagu_dbus import BusError, MessageBus, call, plain

HINT = (
    "This network lets nobody out before you have logged in to it: open any web page in a browser, log in there, "
    "then connect again"
)

ASKED_S = 1.0  # what comes of an attempt is told no later for NetworkManager's sake

_NOT_VPN = 2  # of the error table
_UNREACHED = {1, _NOT_VPN, 3, 17, 18, 152}  # a portal drops connections, cuts them or answers in the server's place
_CERTIFICATES = {85, 106, 149}
_NAME, _PATH = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
_BUS = "org.freedesktop.DBus"
_PORTAL = 2  # NM_CONNECTIVITY_PORTAL, nm-dbus-interface.h


def may_explain(error: TunnelError) -> bool:
    """A portal would bring this about, too."""
    return error.code in _UNREACHED | _CERTIFICATES


def explained(error: TunnelError, *, is_known: bool) -> TunnelError:
    """The error where a portal stands.  Another certificate than the one that ``is_known`` is the portal's own, then:
    nobody is asked to trust that.
    """
    return TunnelError(_NOT_VPN if is_known and error.code in _CERTIFICATES else error.code, HINT)


class Portal:
    """``bus`` is the system bus, as long as there is one."""

    def __init__(self) -> None:
        self.bus: MessageBus | None = None

    async def stands(self) -> bool:
        """There is one; False too where nobody knows.  NetworkManager is not started for it."""
        if self.bus is None:
            return False
        try:
            async with asyncio.timeout(ASKED_S):
                [runs] = await call(self.bus, _BUS, "/org/freedesktop/DBus", _BUS, "NameHasOwner", "s", [_NAME])
                if not runs:
                    return False
                asked = [_NAME, "Connectivity"]
                [state] = await call(self.bus, _NAME, _PATH, "org.freedesktop.DBus.Properties", "Get", "ss", asked)
        except (BusError, TimeoutError):
            return False
        return bool(plain(state) == _PORTAL)
