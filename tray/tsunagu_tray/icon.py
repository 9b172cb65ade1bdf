"""The icon in the desktop's panel: pystray's interface over our own StatusNotifierItem, in the caller's asyncio loop.

The only module of the tray process that imports pystray.  No toolkit and no thread: the panel draws picture, tooltip
and menu; a left click is the menu's default entry.  Where no panel takes StatusNotifierItems, a process of its own
shows the icon in an old tray (``xembed``).
"""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

from tsunagu_dbus import MessageBus
from tsunagu_tray.menu_tree import MenuTree
from tsunagu_tray.panel_watch import PanelWatch
from tsunagu_tray.sni import ITEM_PATH, MENU_PATH, PIXMAP_SIZES, DbusMenu, Shown, StatusNotifierItem, pixmap
from tsunagu_tray.xembed_process import XembedProcess

os.environ["PYSTRAY_BACKEND"] = "dummy"  # any other one opens the display when pystray is imported
from pystray import Menu, MenuItem, _base

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Menu", "MenuItem", "TrayIcon"]

# How long a panel may take to come (back) before another tray is looked for and its absence is told.
SETTLE_S = 3.0


class TrayIcon(_base.Icon):  # type: ignore[misc]  # pystray has no types
    """Shown from ``visible = True`` on, which needs a running loop, to ``visible = False``.

    ``icon`` (any size, best a large one; ``symbol``, set before, is its name in the panel's theme, if that has it),
    ``title`` (the tooltip, lines of plain text) and ``menu`` may change at any time.  Labels are dbusmenu's: an
    underscore marks the access key, a doubled one stands for itself.  Entries' actions are called in the loop.
    ``on_host_changed`` tells whether anybody can see the icon, first after it was settled; ``on_other_click`` is called
    after a click with the middle button.
    """

    HAS_NOTIFICATION = False

    def __init__(
        self,
        name: str,
        icon: Image.Image | None = None,
        title: str = "",
        menu: "Menu | Iterable[MenuItem] | None" = None,
        *,
        bus: MessageBus,
        on_host_changed: Callable[[bool], None] = lambda _present: None,
        on_other_click: Callable[[], None] = lambda: None,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.symbol = ""
        super().__init__(name, icon, title, menu)
        self._bus = bus
        self._on_host_changed = on_host_changed
        self._settle_s = settle_s
        self._has_host: bool | None = None  # as told last
        self._settling: asyncio.TimerHandle | None = None
        self._watch: PanelWatch | None = None
        self._tree = MenuTree()
        self._shown = Shown(id=name, title=name.capitalize())
        self._item = StatusNotifierItem(self._shown, self, on_other_click)
        self._dbus_menu = DbusMenu(self._tree, self._choose)
        self._xembed = XembedProcess(self._choose, self._tell_host)

    def run_detached(self, setup: Callable[["TrayIcon"], None] | None = None) -> None:
        """Show the icon in the running loop.  Unlike pystray's own, ``setup`` is called here and not in a thread."""
        if setup is not None:
            setup(self)
        else:
            self.visible = True

    def stop(self) -> None:
        """Take the icon away."""
        self.visible = False

    async def close(self) -> None:
        """Take the icon away and wait until nothing of it runs any more."""
        self.stop()
        await self._xembed.ended()

    def __del__(self) -> None:
        """pystray's would hide the icon here, at a moment without a loop."""

    # -- pystray's hooks ----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._update_title()
        self._update_menu()
        self._bus.export(ITEM_PATH, self._item)
        self._bus.export(MENU_PATH, self._dbus_menu)
        self._watch = PanelWatch(self._bus, ITEM_PATH, self._panel_changed)

    def _hide(self) -> None:
        """For good: a panel has no "unregister", it drops an icon when the bus connection ends."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        self._stop_settling()
        self._xembed.stop()
        self._bus.unexport(ITEM_PATH)
        self._bus.unexport(MENU_PATH)

    def _update_icon(self) -> None:
        self._shown.icon_name = self.symbol
        self._shown.pixmaps = [pixmap(self.icon, size) for size in PIXMAP_SIZES]
        self._xembed.show_image(self.icon)
        self._icon_valid = True
        if self.visible:
            self._item.NewIcon()

    def _update_title(self) -> None:
        self._shown.tooltip = self.title
        self._xembed.show_title(self.title)
        if self.visible:
            self._item.NewToolTip()

    def _update_menu(self) -> None:
        changed = self._tree.update(self.menu)
        if changed is None or changed:
            self._xembed.show_menu(self._tree.root.children)
        if not self.visible:
            return
        if changed is None:
            self._dbus_menu.layout_changed()
        elif changed:
            self._dbus_menu.lines_changed(changed)

    # -- what the panel does ------------------------------------------------------------------------------------------

    def _choose(self, number: int) -> None:
        """A line of the menu was chosen; one that is no longer there, or no longer enabled, is no matter."""
        item = self._tree.items.get(number)
        if item is not None and item.enabled:
            item(self)
            self.update_menu()

    def _panel_changed(self, present: bool) -> None:
        self._stop_settling()
        if present:
            self._xembed.stop()
            self._tell_host(True)
        elif not self._xembed.is_wanted:
            self._settling = asyncio.get_running_loop().call_later(self._settle_s, self._look_elsewhere)

    def _look_elsewhere(self) -> None:
        """No panel: an X display may have an old tray.  A Wayland session has none, and may start X only when asked."""
        if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            self._xembed.start()
        else:
            self._tell_host(False)

    def _stop_settling(self) -> None:
        if self._settling is not None:
            self._settling.cancel()

    def _tell_host(self, present: bool) -> None:
        if present is not self._has_host:
            self._has_host = present
            self._on_host_changed(present)
