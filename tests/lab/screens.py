"""The desktop that the demonstration is shown on: that of whoever calls it, or one on a virtual screen."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.lab.desktop import WATCHER, Desktop, gdbus_call
from tests.lab.processes import Processes
from tests.lab.waiting import wait_for
from tsunagu_tray.images import COLOURS
from tsunagu_tray.tray_model import Kind

TRAY = "org.tsunagu.Tray"
ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"


class Screen(Protocol):
    """A desktop with our tray on it.  ``is_ours``: nobody else has hands on its mouse, or private matters on it."""

    user: str
    is_ours: bool

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def start_tray(self, environment: Mapping[str, str]) -> None: ...
    def tray_log(self) -> str: ...
    def wait_for_icon(self, kind: Kind, timeout_s: float) -> None: ...
    def click_icon(self, kind: Kind) -> None: ...
    def wait_for_notification(self, words: str, timeout_s: float) -> object: ...
    def picture(self, path: Path) -> None: ...


class VirtualScreen(Desktop):
    """A screen nobody sees, with a panel; mika's.  What it shows is looked for in pictures; clicks are the mouse's."""

    user = "mika"
    is_ours = True

    def __init__(self) -> None:
        super().__init__("xfce", "dunst", size=(800, 640), user=pwd.getpwnam(self.user).pw_uid)

    def start_tray(self, environment: Mapping[str, str]) -> None:
        """Before a background, for the pictures; ``display`` ends with status 1 though it has painted it."""
        size = f"{self.size[0]}x{self.size[1]}"
        self.start("background", "display", "-window", "root", "-size", size, "gradient:#24506e-#122333").wait(10)
        self.start("tray", "python", "-m", "tsunagu_tray", environment=environment)

    def tray_log(self) -> str:
        """What the tray has written."""
        return self.log("tray") if (self.folder / "log" / "tray").exists() else ""

    def wait_for_icon(self, kind: Kind, timeout_s: float) -> None:
        """Until the panel shows that picture."""
        self.find_icon([COLOURS[kind]], timeout_s)

    def click_icon(self, kind: Kind) -> None:
        """With the left button."""
        self.click(*self.find_icon([COLOURS[kind]]))

    def picture(self, path: Path) -> None:
        """A screenshot, without the tooltip of what the mouse stands on."""
        self.move(10, self.size[1] - 10)
        wait_for(lambda: self.screenshot() == self.screenshot(), 30, "a screen that stands still")
        self.screenshot(path)

    def show_menu(self, kind: Kind, path: Path) -> None:
        """Open the icon's menu, take a picture, close it."""
        before = self.screenshot()
        self.click(*self.find_icon([COLOURS[kind]]), 3)
        wait_for(lambda: self.screenshot() != before, 30, "the menu")
        self.picture(path)
        self.key("Escape")


class PresentScreen:
    """The desktop of whoever called sudo.  Where its panel has put the icon nobody knows: we do as a panel does."""

    is_ours = False

    def __init__(self) -> None:
        self.user = os.environ.get("SUDO_USER", "")
        uid = int(os.environ.get("SUDO_UID", "0"))
        self._uid = uid
        kept = ("DISPLAY", "LANG", "PATH", "PYTHONPATH", "XAUTHORITY", "XDG_CURRENT_DESKTOP")
        runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{uid}")
        self._environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": pwd.getpwuid(uid).pw_dir,
            "XDG_RUNTIME_DIR": runtime,
            "DBUS_SESSION_BUS_ADDRESS": os.environ.get("DBUS_SESSION_BUS_ADDRESS", f"unix:path={runtime}/bus"),
        }

    def is_reachable(self) -> bool:
        """Whether somebody called sudo on a desktop whose display, session bus and panel let us in."""
        return (
            self.user not in ("", "root")
            and "DISPLAY" in self._environment
            and self._run("xprop", "-root", "_NET_SUPPORTED").returncode == 0
            and self._run(*gdbus_call(WATCHER, "/StatusNotifierWatcher", "org.freedesktop.DBus.Peer.Ping")).returncode
            == 0
        )

    def __enter__(self) -> Self:
        self._logs = tempfile.TemporaryDirectory(prefix="screen.")
        self._processes = Processes(Path(self._logs.name), self._uid)
        rule = "interface='org.freedesktop.Notifications',member='Notify'"
        self._processes.start("notifications", ["dbus-monitor", "--session", rule], self._environment)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._processes.end_all()
        self._logs.cleanup()

    def start_tray(self, environment: Mapping[str, str]) -> None:
        """As that person."""
        self._processes.start("tray", ["python", "-m", "tsunagu_tray"], self._environment | dict(environment))

    def tray_log(self) -> str:
        """What the tray has written."""
        return self._processes.log("tray")

    def wait_for_icon(self, kind: Kind, timeout_s: float) -> None:
        """Until the icon tells the panel so."""
        words = _TOOLTIPS[kind]

        def look() -> bool:
            get = gdbus_call(TRAY, ITEM_PATH, "org.freedesktop.DBus.Properties.Get", ITEM, "ToolTip")
            tooltip = self._run(*get).stdout
            return any(word in tooltip for word in words)

        wait_for(look, timeout_s, f"an icon that is {kind.value}")

    def click_icon(self, kind: Kind) -> None:
        """What a panel calls for a click with the left button."""
        self.wait_for_icon(kind, 10)
        self._run(*gdbus_call(TRAY, ITEM_PATH, f"{ITEM}.Activate", "0", "0"))

    def wait_for_notification(self, words: str, timeout_s: float) -> None:
        """Until the session's bus has carried one with these words."""
        wait_for(lambda: words in self._processes.log("notifications"), timeout_s, f"a notification with {words!r}")

    def picture(self, path: Path) -> None:
        """None: a present screen may show what is nobody else's business."""

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            env=self._environment,
            user=self._uid,
            group=self._uid,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )


_TOOLTIPS = {
    Kind.OFFLINE: ("Offline",),
    Kind.CONNECTING: ("…", "Waiting"),
    Kind.CONNECTED: ("Connected",),
    Kind.ERROR: ("error",),
}
