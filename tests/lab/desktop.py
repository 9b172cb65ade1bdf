"""A throw-away Linux desktop on a virtual screen: X server, session bus, window manager, panel, notifications.

``with Desktop() as desktop:`` brings it up in about a second and takes it down by process id.  It may belong to another
user (``user=``); that needs root.  Debian packages: xvfb dbus openbox xfce4-panel dunst at-spi2-core xdotool x11-utils
imagemagick; trayer and tint2 for those panels.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from PIL import Image, ImageChops

from tests.lab.notification_monitor import Notification, NotificationMonitor
from tests.lab.processes import Processes
from tests.lab.waiting import wait_for

Panel = Literal["xfce", "trayer", "tint2", "none"]
Notifier = Literal["dunst", "none"]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]  # left, top, right, bottom

READER = str(Path(__file__).with_name("reader.py"))
WATCHER = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
WHEEL = 100  # px, more than a turn of it scrolls
PANEL_HEIGHT = 28  # px, at the top of the screen

# What the session's bus may start by itself: nothing else shall appear unasked, least of all a notification daemon.
ACTIVATABLE = ("org.a11y.Bus", "org.xfce.Xfconf", "ca.desrt.dconf", "org.gnome.keyring.SystemPrompter")


class Desktop:
    """One desktop session.  ``environment`` is that of its programs; logs are in ``folder / "log"``."""

    def __init__(
        self,
        panel: Panel = "xfce",
        notifications: Notifier = "dunst",
        *,
        size: tuple[int, int] = (1280, 800),
        user: int | None = None,
        environment: Mapping[str, str] | None = None,
        is_dark: bool | None = None,
    ) -> None:
        self.size = size
        self._is_dark = is_dark  # xfce4-panel; None: as it comes
        self._panel: Panel = panel
        self._notifications: Notifier = notifications
        self._user = user
        self._extra_environment = dict(environment or {})

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="desktop."))
        self._processes = Processes(self.folder / "log", self._user)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that runs here, and forget its files."""
        if monitor := self.__dict__.pop("_monitor", None):
            monitor.close()
        self._processes.end_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- programs -----------------------------------------------------------------------------------------------------

    def start(
        self, name: str, *command: str, environment: Mapping[str, str] | None = None, user: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """Run a program of this desktop in the background; its output goes to ``folder / "log" / name``."""
        return self._processes.start(name, command, self.environment | dict(environment or {}), user)

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """End a program started here, with all its children."""
        self._processes.end(process)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Crash it."""
        process.kill()
        process.wait()

    def run(self, *command: str, timeout_s: float = 20) -> str:
        """Run a program of this desktop to its end; its standard output.

        Raises:
            subprocess.CalledProcessError: its exit status was not 0.
        """
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=timeout_s,
            **self._processes.identity(None),
        )
        return done.stdout

    def log(self, name: str) -> str:
        """What a program started here has written so far."""
        return (self.folder / "log" / name).read_text(errors="replace")

    # -- eyes ---------------------------------------------------------------------------------------------------------

    def screenshot(self, path: Path | None = None) -> Image.Image:
        """The whole screen as RGB; also saved where a path is given."""
        shot = self.folder / "screenshot.png"
        self.run("import", "-silent", "-window", "root", str(shot))
        with Image.open(shot) as opened:
            image = opened.convert("RGB")
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path, optimize=True)
        return image

    def find_colour(
        self, colour: Colour, *, box: Box | None = None, tolerance: int = 12, pixels: int = 8
    ) -> tuple[int, int] | None:
        """The middle of all pixels of about this colour, of which there must be some; ``box`` limits the search."""
        image = self.screenshot()
        left, top = (box or (0, 0))[:2]
        area = image.crop(box) if box else image
        red, green, blue = ImageChops.difference(area, Image.new("RGB", area.size, colour)).split()
        worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        found = worst.point([255 * (difference <= tolerance) for difference in range(256)])
        edges = found.getbbox()
        if edges is None or found.histogram()[255] < pixels:
            return None
        return left + (edges[0] + edges[2]) // 2, top + (edges[1] + edges[3]) // 2

    def find_icon(self, colours: Sequence[Colour], timeout_s: float = 30) -> tuple[int, int]:
        """Where on the panel an icon with one of these colours is, once it stands still (a new panel moves it)."""
        box = (0, 0, self.size[0], PANEL_HEIGHT + 4)
        places: list[tuple[int, int] | None] = [None, None]

        def look() -> tuple[int, int] | None:
            places.append(next((place for colour in colours if (place := self.find_colour(colour, box=box))), None))
            return places[-1] if places[-1] == places[-2] == places[-3] else None

        return wait_for(look, timeout_s, "the icon on the panel")

    def icon_items(self) -> list[str]:
        """The StatusNotifierItems that the panel's watcher knows, as "bus name/path"; none where no watcher is."""
        if not self.has_name(WATCHER):
            return []
        reply = self._call(
            WATCHER,
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties.Get",
            WATCHER,
            "RegisteredStatusNotifierItems",
        )
        return [part for index, part in enumerate(reply.split("'")) if index % 2]

    def has_name(self, name: str) -> bool:
        """Whether someone on the session's bus owns this name."""
        reply = self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", name)
        return "true" in reply

    def notifications(self) -> list[Notification]:
        """All notifications that were asked for so far, oldest first."""
        return self._monitor.notifications()

    def wait_for_notification(self, words: str, timeout_s: float = 30) -> Notification:
        """The first notification with these words in its title or text, waiting until it is there."""

        def look() -> Notification | None:
            return next((n for n in self.notifications() if words in f"{n.summary}\n{n.body}"), None)

        return wait_for(look, timeout_s, f"a notification with {words!r}")

    def _succeeds(self, *command: str) -> bool:
        try:
            self.run(*command)
        except subprocess.CalledProcessError:
            return False
        return True

    def clipboard(self) -> str:
        """The text that was copied last, as another program would paste it."""
        return self.run("/usr/bin/python3", "-c", PASTE).removesuffix("\n")

    def windows(self, title: str) -> list[int]:
        """The visible windows whose title matches this regular expression."""
        return self._find_windows("--name", title)

    def active_window(self) -> int:
        """The one that has the keyboard."""
        return int(self.run("xdotool", "getactivewindow"))

    def _find_windows(self, by: str, pattern: str) -> list[int]:
        try:
            return [int(line) for line in self.run("xdotool", "search", "--onlyvisible", by, pattern).split()]
        except subprocess.CalledProcessError:
            return []  # xdotool's answer when there are none

    def parts(self) -> list[dict[str, Any]]:
        """What a screen reader finds on Tsunagu's windows, by a program of the desktop's own."""
        try:
            return [json.loads(line) for line in self.run("/usr/bin/python3", READER).splitlines()]
        except subprocess.CalledProcessError:
            return []  # a part went while it was looked at

    def said(self) -> list[str]:
        """The accessible names on them."""
        return [part["name"].replace("\n", " ") for part in self.parts()]

    def wait_until_said(self, words: str, timeout_s: float = 20) -> str:
        """The first of these names with those words in it, waiting until it is there."""
        return wait_for(
            lambda: next((name for name in self.said() if words in name), None), timeout_s, f"{words!r} on a window"
        )

    def place_of(self, name: str, timeout_s: float = 20) -> tuple[int, int]:
        """The middle, on the screen, of the first part whose accessible name begins so, once it stands still.

        What lies below its window is scrolled to.
        """
        places: list[tuple[int, int] | None] = [None]

        def look() -> tuple[int, int] | None:
            places.append(self._place(name))
            return places[-1] if places[-1] == places[-2] else None

        return wait_for(look, timeout_s, f"{name!r} on a window")

    def _place(self, name: str) -> tuple[int, int] | None:
        part = next((part for part in self.parts() if part["window"] and part["name"].startswith(name)), None)
        window = next(iter(self.windows(f"^{re.escape(part['window']['title'])}$")), None) if part else None
        if part is None or window is None:
            return None
        scale = int(self.environment.get("GDK_SCALE", "1"))
        x, y, width, height = (scale * length for length in part["place"])
        inner_width, inner_height = (scale * length for length in part["window"]["place"][2:])
        left, top, outer_width, outer_height = self.geometry(window)
        border = (outer_width - inner_width) // 2, (outer_height - inner_height) // 2
        if y + height // 2 > scale * part["bottom"]:
            beside = str(left + border[0] + 8), str(top + outer_height // 2)  # nothing there takes the wheel for itself
            times = max(1, (y + height // 2 - scale * part["bottom"]) // (WHEEL * scale))
            self.run("xdotool", "mousemove", *beside, "click", "--repeat", str(times), "--delay", "10", "5")
            return None
        return left + border[0] + x + width // 2, top + border[1] + y + height // 2

    def size_of(self, window: int) -> tuple[int, int]:
        """Width and height of a window."""
        return self.geometry(window)[2:]

    def geometry(self, window: int) -> Box:
        """Left, top, width and height of a window."""
        lines = self.run("xdotool", "getwindowgeometry", "--shell", str(window)).splitlines()
        values = dict(line.split("=") for line in lines)
        return int(values["X"]), int(values["Y"]), int(values["WIDTH"]), int(values["HEIGHT"])

    # -- hands --------------------------------------------------------------------------------------------------------

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Press and release a mouse button there: 1 left, 2 middle, 3 right."""
        self.run("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def double_click(self, x: int, y: int) -> None:
        """Press and release the left button twice there."""
        self.run("xdotool", "mousemove", str(x), str(y), "click", "--repeat", "2", "--delay", "60", "1")

    def drag(self, start: tuple[int, int], end: tuple[int, int], is_taken: Callable[[], object]) -> None:
        """Drag from one place to another, and let go there as soon as it would be taken."""
        self.run("xdotool", "mousemove", *map(str, start), "mousedown", "1")

        def moved() -> object:  # programs look where the mouse is when it moves
            for place in (start, end):
                self.run("xdotool", "mousemove", str(place[0] + 9), str(place[1]), "mousemove", *map(str, place))
            return is_taken()

        wait_for(moved, 20, "a place to drop it")
        self.run("xdotool", "mouseup", "1")

    def press(self, name: str, timeout_s: float = 20) -> None:
        """Click the button with that in its accessible name, as a screen reader does, waiting until it is there."""

        def done() -> bool:
            return self._succeeds("/usr/bin/python3", READER, name)

        wait_for(done, timeout_s, f"a button {name!r}")

    def move(self, x: int, y: int) -> None:
        """Put the pointer there."""
        self.run("xdotool", "mousemove", str(x), str(y))

    def key(self, *keys: str) -> None:
        """Press keys one after another, by their X names: Down, Return, ctrl+a."""
        self.run("xdotool", "key", "--clearmodifiers", "--delay", "40", *keys)

    def type(self, text: str) -> None:
        """Write a text into whatever has the focus."""
        self.run("xdotool", "type", "--clearmodifiers", "--delay", "25", text)

    def activate(self, title: str, timeout_s: float = 30) -> int:
        """Bring the window with this title to the front, waiting until it is there; its id."""
        return self._activate("--name", title, timeout_s)

    def activate_of(self, program: str, timeout_s: float = 30) -> int:
        """Likewise the one of the program that calls itself so."""
        return self._activate("--class", program, timeout_s)

    def _activate(self, by: str, pattern: str, timeout_s: float) -> int:
        window = wait_for(lambda: next(iter(self._find_windows(by, pattern)), None), timeout_s, f"a window {pattern!r}")
        self.run("xdotool", "windowactivate", "--sync", str(window))
        return window

    def click_notification(self, button: int = 1) -> None:
        """Click the uppermost notification on the screen; the left button does its default action."""
        [window, *_] = wait_for(lambda: self._find_windows("--class", "dunst"), 30, "a notification on the screen")
        self.run("xdotool", "mousemove", "--window", str(window), "40", "20")
        # The tooltip of an icon that the mouse has just left may lie over it for a while.
        here = f"WINDOW={window}"
        wait_for(
            lambda: here in self.run("xdotool", "getmouselocation", "--shell").split(), 30, "the notification bare"
        )
        self.run("xdotool", "click", str(button))

    # -- faults -------------------------------------------------------------------------------------------------------

    def start_panel(self, panel: Panel | None = None) -> None:
        """Start the panel, or another one than before, and wait until it takes icons."""
        self._panel = panel or self._panel
        match self._panel:
            case "xfce":
                self._panel_process = self.start("panel", "xfce4-panel", "--disable-wm-check", "--sm-client-disable")
                wait_for(lambda: self.has_name(WATCHER), 15, "xfce4-panel")
            case "trayer":
                self._panel_process = self.start("panel", "trayer", *TRAYER_OPTIONS)
                wait_for(self._has_xembed_tray, 30, "trayer")
            case "tint2":
                (self.folder / "tint2rc").write_text(TINT2_SETTINGS)
                self._panel_process = self.start("panel", "tint2", "-c", str(self.folder / "tint2rc"))
                wait_for(self._has_xembed_tray, 30, "tint2")
            case "none":
                pass

    def stop_panel(self) -> None:
        """Kill the panel."""
        if self._panel != "none":
            self.stop(self._panel_process)
            wait_for(lambda: not self.has_name(WATCHER), 30, "the end of the panel")

    def restart_panel(self) -> None:
        """The panel crashes and comes back."""
        self.stop_panel()
        self.start_panel()

    def start_notifications(self) -> None:
        """Start the notification daemon and wait until it answers."""
        self._notifications_process = self.start("dunst", "dunst", "-config", str(self.folder / "dunstrc"))
        wait_for(lambda: self.has_name(NOTIFICATIONS), 30, "dunst")

    def stop_notifications(self) -> None:
        """Kill the notification daemon."""
        self.stop(self._notifications_process)
        wait_for(lambda: not self.has_name(NOTIFICATIONS), 30, "the end of dunst")

    def restart_notifications(self) -> None:
        """The notification daemon crashes and comes back."""
        self.stop_notifications()
        self.start_notifications()

    # -- the inside ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.environment = self._make_environment()
        self._write_settings()
        self.environment["DISPLAY"] = f":{self._start_x()}"
        self._start_bus()
        self.start("a11y", *gdbus_call("org.a11y.Bus", "/org/a11y/bus", *ACCESSIBILITY_ON))
        self.start("openbox", "openbox")
        wait_for(self._has_window_manager, 30, "openbox")
        self._monitor = NotificationMonitor(self.environment["DBUS_SESSION_BUS_ADDRESS"])
        if self._notifications == "dunst":
            self.start_notifications()
        self.start_panel()

    def _make_environment(self) -> dict[str, str]:
        home, run = self.folder / "home", self.folder / "run"
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return (
            kept
            | {
                "HOME": str(home),
                "XDG_RUNTIME_DIR": str(run),
                "XDG_CONFIG_HOME": str(home / ".config"),
                "XDG_CACHE_HOME": str(home / ".cache"),
                "XDG_DATA_HOME": str(home / ".local/share"),
                "XDG_STATE_HOME": str(home / ".local/state"),
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={run}/bus",
                "LANG": "C.UTF-8",
                "XDG_SESSION_TYPE": "x11",
                "XDG_CURRENT_DESKTOP": "XFCE",
                "GDK_BACKEND": "x11",
                "GSK_RENDERER": "cairo",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "GSETTINGS_BACKEND": "memory",
                "GTK_A11Y": "atspi",
                "NO_AT_BRIDGE": "0",
            }
            | self._extra_environment
        )

    def _write_settings(self) -> None:
        panel = self.folder / "home/.config/xfce4/xfconf/xfce-perchannel-xml"
        services = self.folder / "services"
        for folder in (panel, services, self.folder / "home/.cache", self.folder / "home/.local/share"):
            folder.mkdir(parents=True)
        (self.folder / "run").mkdir(mode=0o700)
        for name in ACTIVATABLE:
            if (installed := Path(f"/usr/share/dbus-1/services/{name}.service")).exists():
                shutil.copy(installed, services)
        (panel / "xfce4-panel.xml").write_text(_panel_settings(self._is_dark))
        (self.folder / "dunstrc").write_text(DUNST_SETTINGS)
        (self.folder / "bus.conf").write_text(BUS_SETTINGS.format(folder=self.folder))
        if self._user is not None:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self._user, self._user)

    def _start_x(self) -> str:
        """The X server looks for a free display number itself and tells it on a descriptor."""
        read_end, write_end = os.pipe()
        width, height = self.size
        screen = ("-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset", "-dpi", "96")
        self._processes.start(
            "xvfb", ("Xvfb", "-displayfd", str(write_end), *screen), self.environment, pass_fds=(write_end,)
        )
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start:\n{self.log('xvfb')}")
        return number

    def _start_bus(self) -> None:
        self.start("bus", "dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile")
        wait_for((self.folder / "run/bus").exists, 30, "the session's bus")

    def _call(self, destination: str, path: str, method: str, *arguments: str) -> str:
        return self.run(*gdbus_call(destination, path, method, *arguments))

    def _has_window_manager(self) -> bool:
        return "window id" in self.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")

    def _has_xembed_tray(self) -> bool:
        """Neither the owner of the selection nor the tray's window can be asked for from a shell; its name can."""
        return any(name in self.run("xwininfo", "-root", "-tree").lower() for name in ("trayer", "tint2"))


def _panel_settings(is_dark: bool | None) -> str:
    if is_dark is None:
        return XFCE_PANEL_SETTINGS
    ground = "".join(
        f'<value type="double" value="{part}"/>' for part in ((0.15,) if is_dark else (0.96,)) * 3 + (1.0,)
    )
    dark_mode = f'<property name="dark-mode" type="bool" value="{str(is_dark).lower()}"/>'
    colour = '<property name="background-style" type="uint" value="1"/><property name="background-rgba" type="array">'
    return XFCE_PANEL_SETTINGS.replace('<property name="panel-1"', dark_mode + '<property name="panel-1"').replace(
        '<property name="position"', f'{colour}{ground}</property><property name="position"'
    )


def gdbus_call(destination: str, path: str, method: str, *arguments: str) -> tuple[str, ...]:
    """The command that calls a method on the session's bus."""
    where = ("--session", "--timeout", "10", "--dest", destination, "--object-path", path)
    return ("gdbus", "call", *where, "--method", method, *arguments)


# Toolkits ask this before they show their windows to assistive programs, hence to tests.
ACCESSIBILITY_ON = ("org.freedesktop.DBus.Properties.Set", "org.a11y.Status", "IsEnabled", "<true>")

PASTE = """\
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk, Gdk
print(Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_text())
"""

TRAYER_OPTIONS = (
    "--edge",
    "top",
    "--align",
    "right",
    "--SetDockType",
    "true",
    "--widthtype",
    "request",
    "--height",
    "28",
)

TINT2_SETTINGS = """\
panel_items = TS
panel_position = top center horizontal
panel_size = 100% 28
systray_icon_size = 22
"""

DUNST_SETTINGS = """\
[global]
    width = 320
    origin = top-right
    offset = 12x40
    font = Sans 10
    markup = full
    format = "<b>%s</b>\\n%b"
    mouse_left_click = do_action, close_current
    idle_threshold = 0
"""

BUS_SETTINGS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/run/bus</listen>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""

XFCE_PANEL_SETTINGS = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="{PANEL_HEIGHT}"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"""
