"""The list of a server's virtual hubs, dropping down beside their name in the settings editor."""

from collections.abc import Callable

from tsunagu.errors import VpnError
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.messages import error_with_advice
from tsunagu_tray.windows.toolkit import Gtk, label, name_for_readers

WIDTH = 260  # px, at least
HEIGHT = 280  # px, at most; then it scrolls

Ask = Callable[[Callable[[list[str]], None], Callable[[VpnError], None]], None]


class HubChooser:
    """Asks the server each time it drops down; ``chosen`` gets the name that is picked."""

    def __init__(self, texts: Texts, ask: Ask, chosen: Callable[[str], None]) -> None:
        self._texts = texts
        self._ask = ask
        self._chosen = chosen
        self._asked = object()  # the last question; answers to others come too late
        self._hubs: list[str] = []
        self._spinner = Gtk.Spinner()
        self._words = label("")
        waiting = Gtk.Box(spacing=12)
        waiting.append(self._spinner)
        waiting.append(self._words)
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE)
        self._list.connect("row-activated", lambda _list, row: self._picked(row))
        name_for_readers(self._list, texts("hubs_choose"))
        self._scrolled = Gtk.ScrolledWindow(
            child=self._list,
            hscrollbar_policy=Gtk.PolicyType.NEVER,
            propagate_natural_height=True,
            max_content_height=HEIGHT,
        )
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, width_request=WIDTH)
        for part in (waiting, self._scrolled):
            box.append(part)
        self._popover = Gtk.Popover(child=box)
        self._popover.connect("show", lambda _: self._begin())
        self._popover.connect("closed", lambda _: self._forget())
        self.widget = Gtk.MenuButton(
            icon_name="pan-down-symbolic",
            popover=self._popover,
            valign=Gtk.Align.CENTER,
            tooltip_text=texts("hubs_choose"),
        )
        self.widget.add_css_class("flat")
        name_for_readers(self.widget, texts("hubs_choose"))

    def _begin(self) -> None:
        asked = self._asked = object()
        self._show(self._texts("hubs_asking"), busy=True)

        def then(hubs: list[str]) -> None:
            if asked is self._asked:
                self._show("" if hubs else self._texts("hubs_none"), hubs)

        def failed(error: VpnError) -> None:
            if asked is self._asked:
                self._show(error_with_advice(self._texts, error))

        self._ask(then, failed)

    def _forget(self) -> None:
        self._asked = object()

    def _show(self, words: str, hubs: list[str] | None = None, *, busy: bool = False) -> None:
        self._spinner.set_visible(busy)
        self._spinner.set_spinning(busy)
        self._words.set_text(words)
        self._words.set_visible(bool(words))
        while row := self._list.get_row_at_index(0):
            self._list.remove(row)
        self._hubs = hubs or []
        for hub in self._hubs:
            row = Gtk.ListBoxRow(child=label(hub, "fact"))
            name_for_readers(row, hub)
            self._list.append(row)
        self._scrolled.set_visible(bool(hubs))
        if hubs:
            self._list.get_row_at_index(0).grab_focus()

    def _picked(self, row: Gtk.ListBoxRow) -> None:
        self._popover.popdown()
        self._chosen(self._hubs[row.get_index()])
