"""``python -m tests.desktop.clipped_text OUT …``: the windows' program; on SIGUSR1 it writes into OUT what is cut off.

One line of JSON a window: its title, size, all text on it, and those texts that do not fit the room they have.
"""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsunagu_tray.windows import application
from tsunagu_tray.windows.toolkit import GLib, Gtk


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
    """It ends in an ellipsis, or its text is larger than it is."""
    layout = label.get_layout()
    width, height = layout.get_pixel_size()
    return bool(layout.is_ellipsized() or width > label.get_width() + 1 or height > label.get_height() + 1)


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


def main() -> int:
    """Run it."""
    out = Path(sys.argv[1])

    def look() -> bool:
        new = out.with_suffix(".new")
        new.write_text("".join(json.dumps(finding) + "\n" for finding in findings()))
        new.replace(out)
        return bool(GLib.SOURCE_CONTINUE)

    GLib.unix_signal_add(GLib.PRIORITY_LOW, signal.SIGUSR1, look)
    return application.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
