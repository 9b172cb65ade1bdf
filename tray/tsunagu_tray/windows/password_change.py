"""The window that changes one's own password on the server."""

from collections.abc import Callable

from tsunagu.errors import VpnError
from tsunagu.model import Secret
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.field import Field
from tsunagu_tray.windows.messages import error_with_advice
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, GLib, Gtk, label, on_key

Change = Callable[[Secret, Secret, Callable[[], None], Callable[[VpnError], None]], None]


class PasswordChange:
    """``change`` gets the old and the new one, and what to call when it is done or has failed."""

    def __init__(self, parent: Gtk.Window, texts: Texts, view: ConnectionView, change: Change) -> None:
        self._texts = texts
        self._change = change
        self._is_open = True
        self.window = Adw.Window(
            transient_for=parent,
            modal=True,
            accessible_role=Gtk.AccessibleRole.DIALOG,
            title=texts("passwd_title"),
            icon_name=ICON_NAME,
            default_width=440,
            width_request=320,
        )
        cancel = Gtk.Button(label=texts("window_cancel"), use_underline=True)
        cancel.connect("clicked", lambda _: self.window.close())
        self._button = Gtk.Button(label=texts("passwd_change"), use_underline=True)
        self._button.add_css_class("suggested-action")
        self._button.connect("clicked", lambda _: self._begin())
        header = Adw.HeaderBar(title_widget=Gtk.Box(), show_start_title_buttons=False, show_end_title_buttons=False)
        header.pack_start(cancel)
        header.pack_end(self._button)
        about = GLib.markup_escape_text(texts("passwd_about", server=view.server))
        group = Adw.PreferencesGroup(title=GLib.markup_escape_text(view.name), description=about)
        self._old, self._new, self._again = (
            self._field(group, key) for key in ("passwd_old", "passwd_new", "passwd_again")
        )
        self._spinner = Gtk.Spinner(halign=Gtk.Align.START)
        self._words = label("")
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        for part in (label(texts("passwd_title"), "title-2"), group, self._spinner, self._words):
            box.append(part)
        for side in ("top", "bottom", "start", "end"):
            getattr(box, f"set_margin_{side}")(18)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        content.append(header)
        content.append(box)
        self.window.set_content(content)
        on_key(self.window, "Escape", self.window.close)
        self.window.connect("close-request", lambda _: self._closed())
        self._tell()
        self._old.grab_focus()

    def _field(self, group: Adw.PreferencesGroup, key: str) -> Gtk.PasswordEntry:
        field = Field(self._texts(key), secret=True)
        field.entry.connect("changed", lambda _: self._tell())
        field.entry.connect("activate", lambda _: self._begin())
        group.add(field.row)
        return field.entry

    def _closed(self) -> bool:
        self._is_open = False
        return False

    @property
    def _problem(self) -> str:
        is_typed = self._again.get_text() and self._again.get_text() != self._new.get_text()
        return self._texts("passwd_differ") if is_typed else ""

    @property
    def _is_complete(self) -> bool:
        return bool(self._new.get_text()) and self._new.get_text() == self._again.get_text()  # the old one may be empty

    def _tell(self, words: str = "", *, busy: bool = False) -> None:
        for part in (self._old, self._new, self._again):
            part.set_sensitive(not busy)
        self._button.set_sensitive(self._is_complete and not busy)
        self._spinner.set_visible(busy)
        self._spinner.set_spinning(busy)
        self._words.set_text(words or self._problem)
        self._words.set_visible(bool(self._words.get_text()))
        if busy:
            self._words.remove_css_class("warn")
        else:
            self._words.add_css_class("warn")

    def _begin(self) -> None:
        if not self._is_complete:
            return
        self._tell(self._texts("passwd_busy"), busy=True)
        self._change(Secret(self._old.get_text()), Secret(self._new.get_text()), self._done, self._failed)

    def _done(self) -> None:
        if self._is_open:
            self.window.close()

    def _failed(self, error: VpnError) -> None:
        if self._is_open:
            self._tell(error_with_advice(self._texts, error))
            self._old.grab_focus()
