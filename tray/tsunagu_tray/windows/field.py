"""A row to type into, under its whole name: the toolkit's own entry rows cut off a long one, and hide their focus."""

from tsunagu_tray.windows.toolkit import Adw, Gtk, label, name_for_readers


class Field:
    """``row`` for a group of rows, ``entry`` for what is typed."""

    def __init__(self, name: str, *, text: str = "", secret: bool = False) -> None:
        self.entry = Gtk.PasswordEntry(show_peek_icon=True) if secret else Gtk.Entry()
        self.entry.set_text(text)
        self.entry.set_hexpand(True)
        name_for_readers(self.entry, name)
        self._line = Gtk.Box(spacing=6)
        self._line.append(self.entry)
        title = label(name, "dim-label", "caption")
        click = Gtk.GestureClick()
        click.connect("pressed", lambda *_: self.entry.grab_focus())
        title.add_controller(click)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        box.add_css_class("row")
        box.append(title)
        box.append(self._line)
        self.row = Adw.PreferencesRow(child=box, activatable=False, focusable=False)

    def add_suffix(self, widget: Gtk.Widget) -> None:
        """Beside what is typed."""
        self._line.append(widget)
