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
        self.row = _row(name, self._line, self.entry)

    def add_suffix(self, widget: Gtk.Widget) -> None:
        """Beside what is typed."""
        self._line.append(widget)


class Paragraphs:
    """``row`` likewise, for a text of several lines, which are in ``buffer``; ``frame`` is around them."""

    def __init__(self, name: str, text: str) -> None:
        view = Gtk.TextView(accepts_tab=False, wrap_mode=Gtk.WrapMode.WORD_CHAR, hexpand=True)
        for side in ("left", "right", "top", "bottom"):
            getattr(view, f"set_{side}_margin")(6)
        name_for_readers(view, name)
        self.buffer = view.get_buffer()
        self.buffer.set_text(text)
        self.frame = Gtk.Frame(child=view)
        self.row = _row(name, self.frame, view)

    @property
    def text(self) -> str:
        """What is typed."""
        return str(self.buffer.get_text(*self.buffer.get_bounds(), True))


def _row(name: str, content: Gtk.Widget, typed: Gtk.Widget) -> Adw.PreferencesRow:
    """A click on the name leads to where is typed."""
    title = label(name, "dim-label", "caption")
    click = Gtk.GestureClick()
    click.connect("pressed", lambda *_: typed.grab_focus())
    title.add_controller(click)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    box.add_css_class("row")
    box.append(title)
    box.append(content)
    return Adw.PreferencesRow(child=box, activatable=False, focusable=False)
