"""``python -m tests.desktop.shown_text OUT MODULE …``: runs a program with windows, and keeps OUT up to date.

OUT has a line of JSON for each window: its title, its size, whether it is in front, where its text and its graphs are
(in the toolkit's pixels), which text is cut off, and which has to be scrolled to.
"""

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsunagu_tray.windows.toolkit import GLib, Gtk

LOOK_MS = 200
LINES_TO_READ = 3  # what scrolls is still read if so many are seen at a time


def widgets(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    """All that are to be seen, or would be after scrolling."""
    if not widget.get_mapped() or not widget.get_child_visible():
        return
    yield widget
    child = widget.get_first_child()
    while child:
        yield from widgets(child)
        child = child.get_next_sibling()


def look_at(label: Gtk.Label) -> dict[str, Any]:
    """It is cut off when it ends in an ellipsis, or something has less room than it needs and does not scroll."""
    layout = label.get_layout()
    width, height = layout.get_pixel_size()
    cut_off = layout.is_ellipsized() or width > label.get_width() + 1 or height > label.get_height() + 1
    scrolled = False
    native, around = label.get_native(), label.get_parent()
    left, top, right, bottom = edges(label)
    while around:
        room = edges(around)
        if around is native or around.get_overflow() is Gtk.Overflow.HIDDEN:
            if left < room[0] - 1 or right > room[2] + 1:
                cut_off = True
            if top < room[1] - 1 or bottom > room[3] + 1:
                scrolls = can_be_read_by_scrolling(around, label)
                scrolled, cut_off = scrolled or scrolls, cut_off or not scrolls
                top, bottom = max(top, room[1]), min(bottom, room[3])
        around = around.get_parent() if around is not native else None
    return {
        "text": label.get_text(),
        "cut_off": cut_off,
        "scrolled": scrolled,
        "is_in_window": native is label.get_root(),
        "is_enabled": label.is_sensitive(),
        "place": [left, top, right, bottom],
    }


def is_out_of_sight(widget: Gtk.Widget) -> bool:
    """Not even its middle is seen where it is now."""
    left, top, right, bottom = edges(widget)
    x, y, around = (left + right) / 2, (top + bottom) / 2, widget.get_parent()
    while around:
        room = edges(around)
        if not (room[0] <= x <= room[2] and room[1] <= y <= room[3]):
            return True
        around = around.get_parent() if around is not widget.get_native() else None
    return False


def edges(widget: Gtk.Widget) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, from the corner of the window or popover."""
    _, place = widget.compute_bounds(widget.get_native())
    x, y = place.get_x(), place.get_y()
    return x, y, x + place.get_width(), y + place.get_height()


def can_be_read_by_scrolling(viewport: Gtk.Widget, label: Gtk.Label) -> bool:
    """The window lets people do it, and not through a slit."""
    scrolled = viewport.get_parent()
    if not isinstance(scrolled, Gtk.ScrolledWindow):
        return False
    line = label.get_layout().get_line_readonly(0).get_pixel_extents()[1].height
    policy = scrolled.get_policy()[1]
    return policy is not Gtk.PolicyType.NEVER and viewport.get_height() >= min(
        LINES_TO_READ * line, scrolled.get_vadjustment().get_upper()
    )


def findings() -> Iterator[dict[str, Any]]:
    """Of each window."""
    for window in Gtk.Window.list_toplevels():
        if window.get_mapped():
            shown, focus = [*widgets(window)], window.get_focus()
            yield {
                "title": window.get_title() or "",
                "size": [window.get_width(), window.get_height()],
                "is_active": window.is_active(),
                "focus_is_hidden": focus is not None and is_out_of_sight(focus),
                "corner": [*window.get_surface_transform()],
                "texts": [look_at(each) for each in shown if isinstance(each, Gtk.Label) and each.get_text()],
                "graphs": [edges(each) for each in shown if isinstance(each, Gtk.DrawingArea)],
            }


def main() -> None:
    """Run it."""
    out, module, *words = sys.argv[1:]

    def look() -> bool:
        new = Path(out + ".new")
        new.write_text("".join(json.dumps(finding) + "\n" for finding in findings()))
        new.replace(out)
        return bool(GLib.SOURCE_CONTINUE)

    GLib.timeout_add(LOOK_MS, look)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
