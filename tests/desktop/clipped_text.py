"""``python -m tests.desktop.clipped_text OUT SCALE MODULE …``: runs a program with windows, and keeps OUT up to date.

SCALE is how large people want their text, as GNOME's text-scaling-factor.

OUT has a line of JSON for each window: its title, its size, all text on it, and those texts that have too little room.
"""

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsunagu_tray.windows.toolkit import GLib, Gtk

LOOK_MS = 200


def labels(widget: Gtk.Widget) -> Iterator[Gtk.Label]:
    """All that are to be seen, or would be after scrolling."""
    if not widget.get_mapped() or not widget.get_child_visible():
        return
    if isinstance(widget, Gtk.Label) and widget.get_text():
        yield widget
    child = widget.get_first_child()
    while child:
        yield from labels(child)
        child = child.get_next_sibling()


def is_cut_off(label: Gtk.Label) -> bool:
    """It ends in an ellipsis, its text is larger than it is, or it reaches over the side of its window."""
    layout = label.get_layout()
    width, height = layout.get_pixel_size()
    if layout.is_ellipsized() or width > label.get_width() + 1 or height > label.get_height() + 1:
        return True
    native = label.get_native()
    _, place = label.compute_bounds(native)
    return bool(place.get_x() < -1 or place.get_x() + place.get_width() > native.get_width() + 1)


def findings() -> Iterator[dict[str, Any]]:
    """Of each window."""
    for window in Gtk.Window.list_toplevels():
        if window.get_mapped():
            found = [*labels(window)]
            yield {
                "title": window.get_title() or "",
                "size": [window.get_width(), window.get_height()],
                "texts": [label.get_text() for label in found],
                "cut_off": [label.get_text() for label in found if is_cut_off(label)],
            }


def main() -> None:
    """Run it."""
    out, scale, module, *words = sys.argv[1:]
    Gtk.init()
    Gtk.Settings.get_default().set_property("gtk-xft-dpi", int(96 * 1024 * float(scale)))

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
