"""Which icon goes with the panel: by the symbolic name that it colours itself, or light or dark as the desktop is."""

import logging
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from tsunagu_dbus import BusError, Message, MessageBus, call, plain, subscribe
from tsunagu_tray.images import CHARCOAL, WHITE, Colour
from tsunagu_tray.preferences import IconStyle
from tsunagu_tray.tray_model import Kind

log = logging.getLogger(__name__)

PORTAL = "org.freedesktop.portal.Desktop"
PORTAL_PATH = "/org/freedesktop/portal/desktop"
SETTINGS = "org.freedesktop.portal.Settings"
SCHEME = ("org.freedesktop.appearance", "color-scheme")
COLOURS_SYMBOLS = frozenset({"GNOME", "KDE", "XFCE"})  # desktops whose panels paint symbolic icons in their own colour


class Scheme(Enum):
    """What the desktop prefers; the values are the portal's."""

    UNKNOWN = 0
    DARK = 1
    LIGHT = 2


def ink(style: IconStyle, scheme: Scheme, desktops: frozenset[str]) -> Colour | None:
    """The one colour to draw the icon in; None: its own colours, which can be seen on any panel."""
    if style is IconStyle.AUTOMATIC and "GNOME" in desktops:
        return WHITE  # its panel is dark in either scheme
    match style, scheme:
        case (IconStyle.LIGHT, _) | (IconStyle.AUTOMATIC, Scheme.DARK):
            return WHITE
        case (IconStyle.DARK, _) | (IconStyle.AUTOMATIC, Scheme.LIGHT):
            return CHARCOAL
        case _:
            return None


def symbolic_name(kind: Kind) -> str:
    """The icon in the theme."""
    return f"org.tsunagu.Tray-{kind.value}-symbolic"


def desktops(environ: Mapping[str, str]) -> frozenset[str]:
    """The names of the running one."""
    return frozenset(environ.get("XDG_CURRENT_DESKTOP", "").split(":"))


def are_installed(environ: Mapping[str, str]) -> bool:
    """Whether the panel's theme has our symbolic icons: a name that it does not know would be an empty place."""
    homes = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    folders = [homes, *(environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")]
    files = [f"icons/hicolor/symbolic/apps/{symbolic_name(kind)}.svg" for kind in Kind]
    return any(all((Path(folder) / file).exists() for file in files) for folder in folders)


class SchemeWatch:
    """Keeps ``scheme`` up to date, where there is a portal that tells it; ``on_change`` is called after a change."""

    def __init__(self, bus: MessageBus, on_change: Callable[[], None]) -> None:
        self.scheme = Scheme.UNKNOWN
        self._bus = bus
        self._on_change = on_change
        subscribe(bus, self._heard, sender=PORTAL, path=PORTAL_PATH, interface=SETTINGS, member="SettingChanged")

    async def ask(self) -> None:
        """What it is now."""
        try:
            [value] = await call(self._bus, PORTAL, PORTAL_PATH, SETTINGS, "Read", "ss", [*SCHEME])
        except BusError as error:
            log.info("The desktop does not tell whether it is dark: %s", error)
        else:
            self._take(plain(value))

    def _heard(self, message: Message) -> None:
        match message.body:
            case [namespace, key, value] if (namespace, key) == SCHEME:
                self._take(plain(value))

    def _take(self, value: object) -> None:
        known = {scheme.value: scheme for scheme in Scheme}
        scheme = known.get(value, Scheme.UNKNOWN) if isinstance(value, int) else Scheme.UNKNOWN
        if scheme is not self.scheme:
            self.scheme = scheme
            self._on_change()
