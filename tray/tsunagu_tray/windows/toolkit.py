"""The toolkit, its versions chosen here alone, and the small parts that several windows are made of."""

import os
import re
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
gi.require_version("Adw", "1")

from gi.repository import Adw, Gdk, Gio, GLib, Gtk, Pango  # noqa: E402  # versions come first

from tsunagu_tray.texts import Texts, language  # noqa: E402

__all__ = ["CONTENT_WIDTH", "Adw", "GLib", "Gdk", "Gio", "Gtk", "Pango"]

CONTENT_WIDTH = 340  # px, at least
ICON_NAME = "org.tsunagu.Tray"
STYLE = b"""
.fact { padding: 6px 12px; }
.row { padding: 8px 12px; }
.fingerprint { font-family: monospace; letter-spacing: 0.5px; }
.alarm { padding: 10px 14px; border-radius: 9px; background-color: alpha(@error_color, 0.12); color: @error_color; }
.warn { padding: 10px 14px; border-radius: 9px; background-color: alpha(@warning_color, 0.18); }
"""


def own_texts() -> Texts:
    """The sentences in the language of this process."""
    return Texts(language(os.environ))


def use_style() -> None:
    """Our few rules on top of the theme's, for every window of this process."""
    provider = Gtk.CssProvider()
    provider.load_from_data(STYLE)
    Gtk.StyleContext.add_provider_for_display(
        Gdk.Display.get_default(), provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
    )


def label(text: str, *classes: str, selectable: bool = False, xalign: float = 0) -> Gtk.Label:
    """Text that wraps, for the reading direction."""
    made = Gtk.Label(
        label=text, wrap=True, xalign=xalign, selectable=selectable, natural_wrap_mode=Gtk.NaturalWrapMode.NONE
    )
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


def on_key(window: Gtk.Window, keys: str, deed: Callable[[], object]) -> None:
    """Do it when these keys are pressed in that window and no part of it takes them: ``<Control>s``."""

    def act(*_arguments: Any) -> bool:
        deed()
        return True

    shortcut = Gtk.Shortcut(trigger=Gtk.ShortcutTrigger.parse_string(keys), action=Gtk.CallbackAction.new(act))
    controller = Gtk.ShortcutController(scope=Gtk.ShortcutScope.MANAGED)
    controller.add_shortcut(shortcut)
    window.add_controller(controller)


def without_mnemonic(words: str) -> str:
    """A button's words as a title: ``_Policy``, or in Japanese ``ポリシー(_P)``, without what marks the key."""
    return re.sub(r"\(_\w\)|_", "", words)


def name_for_readers(widget: Gtk.Widget, name: str) -> None:
    """What a screen reader calls it."""
    widget.update_property([Gtk.AccessibleProperty.LABEL], [name])
