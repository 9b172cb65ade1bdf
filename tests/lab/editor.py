"""A window of somebody else's program: a line to type into.  Prints what is in it after each change."""

import gi

gi.require_version("Gtk", "4.0")

from gi.repository import Gtk  # noqa: E402  # versions come first


def activate(application: Gtk.Application) -> None:
    """Show it, with the focus in the line."""
    line = Gtk.Entry()
    line.connect("changed", lambda _: print(line.get_text(), flush=True))
    window = Gtk.ApplicationWindow(application=application, title="Letter", child=line, default_width=600)
    window.present()


if __name__ == "__main__":
    program = Gtk.Application(application_id="org.example.Letter")
    program.connect("activate", activate)
    program.run([])
