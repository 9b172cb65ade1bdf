"""The toolkit, its versions chosen here alone, and the small parts that several windows are made of."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
gi.require_version("Adw", "1")

from gi.repository import Adw, Gdk, Gio, GLib, Gtk, Pango  # noqa: E402  # versions come first

from tsunagu_tray.catalogue import languages  # noqa: E402
from tsunagu_tray.texts import Texts  # noqa: E402

__all__ = ["CONTENT_WIDTH", "Adw", "GLib", "Gdk", "Gio", "Gtk", "Pango"]

CONTENT_WIDTH = 340  # px, at least
DIALOG_WIDTH = 400  # px, what text in a dialog gets as a rule
DIALOG_HEIGHT = 400  # px, at most, of what is between a dialog's heading and its buttons
MARGIN = 12  # px, of what is scrolled to
ICON_NAME = "org.tsunagu.Tray"
STYLE = b"""
.fact { padding: 6px 12px; }
.row { padding: 8px 12px; }
.fingerprint { font-family: monospace; letter-spacing: 0.5px; }
.alarm, .warn { padding: 10px 14px; border-radius: 9px; border: 1px solid @warning_color; }
.warn { background-color: alpha(@warning_color, 0.18); }
.alarm { border-color: @error_color; background-color: alpha(@error_color, 0.12); }
frame.error { border-color: @error_color; }
"""
HIGH_CONTRAST = b"""
@define-color accent_bg_color @blue_5;
.alarm, .warn { border-width: 3px; }
"""


def own_texts() -> Texts:
    """The sentences in the language of this process."""
    return Texts(*languages(os.environ))


def use_style() -> None:
    """Our few rules on top of the theme's, for every window of this process, also for how it is read out."""
    name_buttons()
    provider, manager = Gtk.CssProvider(), Adw.StyleManager.get_default()

    def load(*_: Any) -> None:
        provider.load_from_data(STYLE + HIGH_CONTRAST * manager.get_high_contrast())

    load()
    manager.connect("notify::high-contrast", load)
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


def facts(rows: Iterable[tuple[str, ...]]) -> Gtk.ListBox:
    """A list of titles, values that can be copied but not chosen, and perhaps what they mean."""
    box = reading_list()
    for title, value, *meaning in rows:
        row = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        row.add_css_class("fact")
        row.append(label(title, "dim-label", "caption"))
        shown = label(value, selectable=True)
        name_for_readers(shown, f"{title}: {value}")
        row.append(shown)
        for words in filter(None, meaning):
            row.append(label(words, "dim-label", "caption"))
        box.append(reading_row(row))
    return box


def reading_list() -> Gtk.ListBox:
    """For rows that are only read; the focus goes to what is in them."""
    box = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE, focusable=False)
    box.add_css_class("boxed-list")
    return box


def reading_row(child: Gtk.Widget) -> Gtk.ListBoxRow:
    """One of them."""
    return Gtk.ListBoxRow(child=child, activatable=False, focusable=False)


def scrolling(content: Gtk.Widget, highest: int = DIALOG_HEIGHT) -> Gtk.ScrolledWindow:
    """For a dialog, which would be higher than a small screen where people want their text large.

    Whenever the room changes, and so when the dialog first gets some, what has the focus is scrolled to.
    """
    needed = content.measure(Gtk.Orientation.VERTICAL, DIALOG_WIDTH)[1]
    scrolled = Gtk.ScrolledWindow(
        child=content,
        hscrollbar_policy=Gtk.PolicyType.NEVER,
        propagate_natural_width=True,
        min_content_height=min(needed, highest),
    )
    scrolled.get_vadjustment().connect("changed", lambda _: GLib.idle_add(show_focus, scrolled.get_root()))
    return scrolled


def show_focus(window: Gtk.Window) -> bool:
    """Scroll down to what has the focus, once: something has taken its room."""
    focus = window.get_focus()
    scrolled = focus.get_ancestor(Gtk.ScrolledWindow) if focus else None
    if scrolled:
        _, place = focus.compute_bounds(scrolled)
        below = place.get_y() + place.get_height() + MARGIN - scrolled.get_height()
        adjustment = scrolled.get_vadjustment()
        adjustment.set_value(adjustment.get_value() + max(below, 0))
    return bool(GLib.SOURCE_REMOVE)


def choice_row(title: str, names: Sequence[str], selected: int = 0) -> Adw.ComboRow:
    """A row that drops down.  What is chosen stands below the title: beside it there would be room for one line."""
    return Adw.ComboRow(
        title=title,
        title_lines=3,
        subtitle_lines=3,
        use_subtitle=True,
        use_markup=False,
        model=Gtk.StringList.new(names),
        selected=selected,
    )


def parts_of(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    """It, and all that it is made of."""
    yield widget
    child = widget.get_first_child()
    while child:
        yield from parts_of(child)
        child = child.get_next_sibling()


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


def name_buttons() -> None:
    """In every window of this process, have buttons called by their words, once.

    The toolkit calls them by the label with the underline that marks their key, and then by the words they show.
    """

    def added(windows: Gio.ListModel, position: int, _removed: int, count: int) -> None:
        for number in range(position, position + count):
            windows.get_item(number).connect("map", _name_buttons)

    Gtk.Window.get_toplevels().connect("items-changed", added)


def _name_buttons(window: Gtk.Window) -> None:
    for widget in parts_of(window):
        if isinstance(widget, Gtk.Button | Gtk.CheckButton):
            if widget.get_use_underline():
                _name_button(widget)
                widget.connect("notify::label", _name_button)
            elif not widget.get_label() and (words := widget.get_tooltip_text()):
                name_for_readers(widget, words)


def _name_button(button: Gtk.Button | Gtk.CheckButton, *_: Any) -> None:
    if isinstance(button, Gtk.CheckButton):
        name_for_readers(button, without_mnemonic(button.get_label()))
    else:
        button.reset_property(Gtk.AccessibleProperty.LABEL)  # what it shows is its name in any case


def name_for_readers(widget: Gtk.Widget, name: str) -> None:
    """What a screen reader calls it."""
    widget.update_property([Gtk.AccessibleProperty.LABEL], [name])
