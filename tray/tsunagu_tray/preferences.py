"""What the user has chosen for all connections: tray, windows and command line read and change it in one file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tsunagu_tray.user_file import UserFile


class Notifications(Enum):
    """What is worth a notification."""

    ALL = "all"
    TROUBLE = "trouble"  # also what wants an answer
    NONE = "none"  # the icon and its menu tell all the same


class Click(Enum):
    """What a left click on the icon does."""

    CONNECT = "connect"  # or disconnect
    OPEN = "open"  # the window


class IconStyle(Enum):
    """How the icon is drawn."""

    AUTOMATIC = "automatic"  # as the panel is, where the desktop tells; else in colour
    LIGHT = "light"  # in one colour, for dark panels
    DARK = "dark"
    COLOUR = "colour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All of it but what has a home elsewhere: autostart (``autostart``), and what the helper keeps."""

    notifications: Notifications = Notifications.ALL
    click: Click = Click.CONNECT
    click_connection: str = ""  # id of the connection that a click is for; "": the one used last
    icon: IconStyle = IconStyle.AUTOMATIC


def preferences_file(environ: Mapping[str, str]) -> UserFile[Preferences]:
    """Where they are kept."""
    return UserFile(config_home(environ) / "tsunagu/preferences.json", Preferences())


def config_home(environ: Mapping[str, str]) -> Path:
    """XDG Base Directory Specification."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
