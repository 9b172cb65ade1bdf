"""Who has the keyboard when a window comes up: a person who has gone on working elsewhere meanwhile keeps it there.

Under Wayland the compositor sees to that.  Under X a window says when it was asked for (_NET_WM_USER_TIME), and window
managers make of it what they like; some give a new window the keyboard in the midst of a word, unless it declines.
"""

import time

import gi

from tsunagu_tray.windows.toolkit import Gtk

NEVER = 0.0  # a window that comes unasked

X_TIME = 2**32  # ms; then it begins anew
NOT_NOW = 0  # an X time that says: no keyboard when it appears


def come_up(window: Gtk.Window, wanted_at: float) -> None:
    """Show a window that its person has asked for then (s, monotonic).  present() would insist on the keyboard."""
    window.realize()
    surface = window.get_surface()
    if surface.__gtype__.name.startswith("GdkX11"):
        gi.require_version("GdkX11", "4.0")
        from gi.repository import GdkX11

        uses = _last_uses()
        now = GdkX11.x11_get_server_time(surface)
        wanted_ms_ago = round(1000 * (time.monotonic() - wanted_at))
        is_used = any((now - used) % X_TIME < wanted_ms_ago for used in uses)
        GdkX11.X11Surface.set_user_time(surface, NOT_NOW if is_used else (now - wanted_ms_ago) % X_TIME or 1)
    window.set_visible(True)


def _last_uses() -> list[int]:
    """When somebody has last typed or clicked into the active window, as far as that says so."""
    from Xlib import X  # type: ignore[import-untyped]  # it has none
    from Xlib.display import Display  # type: ignore[import-untyped]  # likewise
    from Xlib.error import ConnectionClosedError, DisplayError, XError  # type: ignore[import-untyped]  # likewise

    def values(window: int, name: str) -> list[int]:
        shown = display.create_resource_object("window", window)
        found = shown.get_full_property(display.get_atom(name), X.AnyPropertyType)
        return [*found.value] if found else []

    try:
        display = Display()
        try:
            active = values(display.screen().root.id, "_NET_ACTIVE_WINDOW")
            tellers = active + [each for window in active for each in values(window, "_NET_WM_USER_TIME_WINDOW")]
            return [used for window in tellers for used in values(window, "_NET_WM_USER_TIME")]
        finally:
            display.close()
    except (DisplayError, ConnectionClosedError, XError, OSError):
        return []
