"""``python -m tests.desktop.files FILE``: a window to drag a file from, as file managers have."""

import sys
from pathlib import Path

from tsunagu_tray.windows.toolkit import Gdk, GLib, Gtk

TITLE = "Files"


def main() -> None:
    """Until it is ended."""
    offered = GLib.Bytes.new(f"{Path(sys.argv[1]).as_uri()}\r\n".encode())
    source = Gtk.DragSource(actions=Gdk.DragAction.COPY)
    source.set_content(Gdk.ContentProvider.new_for_bytes("text/uri-list", offered))
    label = Gtk.Label(label=Path(sys.argv[1]).name)
    label.add_controller(source)
    Gtk.Window(title=TITLE, child=label, default_width=200, default_height=120).present()
    GLib.MainLoop().run()


if __name__ == "__main__":
    Gtk.init()
    main()
