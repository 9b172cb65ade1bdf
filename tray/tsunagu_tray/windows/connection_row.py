"""One line of the main window's list."""

from collections.abc import Callable

from tsunagu_tray.list_model import Row
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.pictures import image, texture
from tsunagu_tray.windows.toolkit import Gio, Gtk, Pango, name_for_readers


class ConnectionRow:
    """Shows a ``Row``, and another one for the same connection later.

    ``pressed`` is called for its button, ``chosen`` when its menu opens, so that the menu's actions know whose it is.
    """

    def __init__(
        self,
        row: Row,
        texts: Texts,
        menu: Gio.MenuModel,
        pressed: Callable[[str], None],
        chosen: "Callable[[ConnectionRow], None]",
    ) -> None:
        self.row = row
        self._texts = texts
        self._picture = image(row.picture)
        self._name, self._state, self._where = (
            _line(*classes) for classes in (("heading",), (), ("dim-label", "caption"))
        )
        self._button = Gtk.Button(valign=Gtk.Align.CENTER)
        self._button.connect("clicked", lambda _: pressed(self.row.path))
        self._menu = Gtk.MenuButton(icon_name="view-more-symbolic", menu_model=menu, valign=Gtk.Align.CENTER)
        self._menu.add_css_class("flat")
        self._menu.get_popover().connect("show", lambda _: chosen(self))
        lines = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2, hexpand=True, valign=Gtk.Align.CENTER)
        for line in (self._name, self._state, self._where):
            lines.append(line)
        box = Gtk.Box(spacing=12)
        box.add_css_class("row")
        for part in (self._picture, lines, self._button, self._menu):
            box.append(part)
        self.widget = Gtk.ListBoxRow(child=box)
        self.show(row)

    def show(self, row: Row) -> None:
        """As it is now."""
        self.row = row
        self._picture.set_from_paintable(texture(row.picture))
        self._name.set_text(row.name)
        self._state.set_text(row.state)
        self._where.set_text(row.where)
        self._button.set_label(row.button)
        self._button.set_sensitive(not row.is_busy)
        name_for_readers(self._button, f"{row.button} {row.name}")
        name_for_readers(self._menu, self._texts("list_menu", name=row.name))
        name_for_readers(self.widget, row.spoken)


def _line(*classes: str) -> Gtk.Label:
    made = Gtk.Label(
        xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR, lines=3, ellipsize=Pango.EllipsizeMode.END
    )
    for name in classes:
        made.add_css_class(name)
    return made
