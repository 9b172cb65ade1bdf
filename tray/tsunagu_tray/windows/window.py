"""What all window programs share: a question from stdin, one dialog, the answer to stdout, the end with stdin's end."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
gi.require_version("Adw", "1")

from gi.repository import Adw, Gdk, Gio, GLib, Gtk  # noqa: E402  # versions come first

from tsunagu_tray.texts import Texts, language  # noqa: E402

__all__ = [
    "CONTENT_WIDTH",
    "Adw",
    "Gtk",
    "Window",
    "facts",
    "label",
]  # toolkit included: its versions are chosen here alone

APPLICATION_ID = "org.tsunagu.Tray"  # of the .desktop file, so that docks show our name and icon
CONTENT_WIDTH = 340  # px, at least
STYLE = b"""
.fact { padding: 6px 12px; }
.fingerprint { font-family: monospace; letter-spacing: 0.5px; }
.alarm { padding: 10px 14px; border-radius: 9px; background-color: alpha(@error_color, 0.12); color: @error_color; }
.warn { padding: 10px 14px; border-radius: 9px; background-color: alpha(@warning_color, 0.18); }
"""


class Window:
    """Runs one dialog.  Whatever closes it without an answer is Cancel."""

    def __init__(self, build: "Callable[[Window], Adw.MessageDialog]") -> None:
        self.texts = Texts(language(os.environ))
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a library prints is not an answer
        self.question: dict[str, Any] = json.loads(sys.stdin.buffer.readline() or b"{}")
        self._build = build
        self._application = Adw.Application(application_id=APPLICATION_ID, flags=Gio.ApplicationFlags.NON_UNIQUE)
        self._application.connect("activate", self._activate)

    def run(self) -> int:
        """Show it until it is answered, cancelled, or nobody waits any longer."""
        GLib.set_prgname(APPLICATION_ID)
        return int(self._application.run([]))

    def answer(self, values: dict[str, Any]) -> None:
        """Give the answer and leave."""
        self._answers.write(json.dumps(values) + "\n")
        self._answers.flush()
        self._application.quit()

    def cancel(self) -> None:
        """Leave without one."""
        self._application.quit()

    def _activate(self, application: Adw.Application) -> None:
        provider = Gtk.CssProvider()
        provider.load_from_data(STYLE)
        Gtk.StyleContext.add_provider_for_display(
            Gdk.Display.get_default(), provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
        )
        dialog = self._build(self)
        dialog.set_application(application)
        dialog.set_title("Tsunagu")
        dialog.set_icon_name(APPLICATION_ID)
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, self._stdin_closed)
        # The window manager decides whether it gets the focus: present() would insist.
        dialog.set_visible(True)

    def _stdin_closed(self, _source: int, _condition: GLib.IOCondition) -> bool:
        if os.read(0, 4096):
            return True
        self.cancel()
        return False


def label(text: str, *classes: str, selectable: bool = False) -> Gtk.Label:
    """Text that wraps, for the reading direction."""
    made = Gtk.Label(label=text, wrap=True, xalign=0, selectable=selectable, natural_wrap_mode=Gtk.NaturalWrapMode.NONE)
    for name in classes:
        made.add_css_class(name)
    return made


def facts(rows: list[tuple[str, str]]) -> Gtk.ListBox:
    """What is asked about, as a list of titles and values that can be copied but not chosen."""
    box = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE)
    box.add_css_class("boxed-list")
    for title, value in rows:
        row = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        row.add_css_class("fact")
        row.append(label(title, "dim-label", "caption"))
        row.append(label(value, selectable=True))
        box.append(Gtk.ListBoxRow(child=row, activatable=False, focusable=False))
    return box
