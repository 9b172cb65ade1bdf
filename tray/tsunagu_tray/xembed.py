"""The icon in an old tray (XEmbed): a process of its own, ``python -m tsunagu_tray.xembed``, with pystray's back ends.

It waits for a tray without any toolkit; when there is one, it loads GTK, or else plain X without a menu.

Standard input, one JSON object a line, whose end ends the process: any of ``image`` (width, height, RGBA in base64),
``title`` and ``menu`` (a list of ``line_to_plain``).  Standard output: ``{"activated": number}`` and
``{"present": bool}``.
Exit status: ``NO_DISPLAY`` when there is no X display to wait for.
"""

import base64
import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

from tsunagu_tray.menu_tree import Line

if TYPE_CHECKING:
    import pystray

NO_DISPLAY = 3

STDIN = 0
BLANK = Image.new("RGBA", (24, 24))


def main() -> None:
    """Wait for a tray, then show what standard input says, until it ends."""
    orders = Orders()
    if wait_for_tray(orders):
        TrayWindow(orders).run()


class Orders:
    """What standard input has said so far."""

    def __init__(self) -> None:
        self.latest: dict[str, Any] = {}
        self._rest = b""

    def take(self) -> bool:
        """Read once, waiting for it; whether the input is still open."""
        data = os.read(STDIN, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.latest |= json.loads(line)
        return bool(data)


def wait_for_tray(orders: Orders) -> bool:
    """Return when the display has a tray (True) or the input has ended (False).

    A new tray tells itself to the root window by a MANAGER message (freedesktop.org, System Tray Protocol).
    """
    from Xlib import X, display, error  # type: ignore[import-untyped]  # it has none

    try:
        x = display.Display()
    except (error.DisplayError, OSError):
        sys.exit(NO_DISPLAY)
    selection = x.intern_atom(f"_NET_SYSTEM_TRAY_S{x.get_default_screen()}")
    x.screen().root.change_attributes(event_mask=X.StructureNotifyMask)
    has_tray = bool(x.get_selection_owner(selection))
    if not has_tray:
        tell(present=False)
    while not has_tray:
        readable, _, _ = select.select([x, STDIN], [], [])
        if STDIN in readable and not orders.take():
            return False
        while x.pending_events():
            x.next_event()
        has_tray = bool(x.get_selection_owner(selection))
    x.close()
    return True


class TrayWindow:
    """The icon by pystray's means.  Its main loop has the main thread."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._applied: dict[str, Any] = {}
        self._picture = BLANK
        self._icon = _pystray().Icon("tsunagu", BLANK, "Tsunagu")
        self._gtk = getattr(self._icon, "_status_icon", None)
        if self._gtk is not None:
            # pystray's also takes back a notification, which fails or starts a daemon where there is none.
            self._icon._finalize = self._icon._remove_fs_icon
            self._gtk.connect("notify::embedded", lambda *_: tell(present=self._gtk.props.embedded))
            self._gtk.connect("size-changed", self._resize)
        else:
            _hear_clicks(self._icon)
            self._icon._events = self._events

    def run(self) -> None:
        """Until the orders end."""
        self._icon.run(self._follow if self._gtk is not None else lambda _icon: None)

    def _follow(self, icon: "pystray.Icon") -> None:
        """GTK: the set-up thread reads the orders."""
        self._apply()
        icon.visible = True
        while self._orders.take():
            self._apply()
        icon.stop()

    def _events(self) -> Iterator[Any]:
        """Plain X: what comes from there, and meanwhile the orders, in one thread.

        Where two talk to X, python-xlib may give one of them the event that the other waits for, and the icon stays
        unpainted until the next one comes.
        """
        x = self._icon._display
        self._apply()
        self._icon.visible = True
        tell(present=True)
        sources = [x, STDIN]
        while True:
            while x.pending_events():
                yield x.next_event()
            readable, _, _ = select.select(sources, [], [])
            if STDIN not in readable:
                continue
            if self._orders.take():
                self._apply()
            else:  # the end of the window, which comes as an event, is pystray's
                sources.remove(STDIN)
                self._icon.stop()

    def _apply(self) -> None:
        new = {key: value for key, value in self._orders.latest.items() if self._applied.get(key) != value}
        self._applied |= new
        if "image" in new:
            width, height, octets = new["image"]
            self._picture = Image.frombytes("RGBA", (width, height), base64.b64decode(octets))
            size = self._gtk.props.size if self._gtk is not None else 0
            self._icon.icon = self._fitting(size)
        if "title" in new:
            self._icon.title = new["title"]
            if self._gtk is not None:  # pystray makes it the window's title only
                from pystray._util.gtk import mainloop

                mainloop(self._gtk.set_property)("tooltip-text", new["title"])
        if "menu" in new:
            self._icon.menu = _menu(new["menu"])

    def _resize(self, _status_icon: object, size: int) -> bool:
        """The tray has told its size: a picture that fits it looks better than one that GTK scales."""
        self._icon.icon = self._fitting(size)
        return True

    def _fitting(self, size: int) -> Image.Image:
        return self._picture.resize((size, size), Image.Resampling.LANCZOS) if size > 0 else self._picture


def tell(**values: object) -> None:
    """One message to the tray process."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def line_to_plain(line: Line) -> dict[str, Any]:
    """A menu's line for the pipe."""
    return {
        "id": line.id,
        "label": without_access_keys(line.label),
        "enabled": line.enabled,
        "checked": line.checked,
        "radio": line.radio,
        "default": line.default,
        "separator": line.separator,
        "children": [line_to_plain(child) for child in line.children],
    }


def without_access_keys(label: str) -> str:
    """A label in plain text: single underscores are marks, doubled ones stand for themselves."""
    return "_".join(part.replace("_", "") for part in label.split("__"))


def _pystray() -> Any:
    """The back end is chosen at pystray's import."""
    os.environ["PYSTRAY_BACKEND"] = "gtk"
    try:
        import pystray
    except (ImportError, ValueError):
        os.environ["PYSTRAY_BACKEND"] = "xorg"
        import pystray
    return pystray


def _hear_clicks(icon: Any) -> None:
    """pystray's X back end (0.19.5) handles mouse buttons, but does not ask the server for them."""
    from Xlib import X

    icon._window.change_attributes(event_mask=X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask)


def _menu(lines: list[dict[str, Any]]) -> "pystray.Menu":
    import pystray

    def item(line: dict[str, Any]) -> "pystray.MenuItem":
        if line["separator"]:
            return pystray.Menu.SEPARATOR
        return pystray.MenuItem(
            line["label"],
            _menu(line["children"]) if line["children"] else _activate(line["id"]),
            checked=None if line["checked"] is None else lambda _: line["checked"],
            radio=line["radio"],
            default=line["default"],
            enabled=line["enabled"],
        )

    return pystray.Menu(*map(item, lines))


def _activate(number: int) -> Callable[[], None]:
    return lambda: tell(activated=number)


if __name__ == "__main__":
    main()
