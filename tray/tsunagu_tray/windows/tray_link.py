"""What windows say to the tray program: a question may come up at once for what was clicked here."""

from collections.abc import Callable

from tsunagu_tray.programs import our_program
from tsunagu_tray.session_names import TRAY, TRAY_INTERFACE, TRAY_PATH
from tsunagu_tray.windows.toolkit import Gio, GLib

DBUS, DBUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
TIMEOUT_MS = 1000

Answered = Callable[[Gio.DBusConnection, Gio.AsyncResult], None]


class TrayLink:
    """The tray asks for passwords and tells of changes; so it runs wherever a window does, with or without a panel."""

    def __init__(self, session: Gio.DBusConnection | None) -> None:
        self._session = session  # None: there is no session bus, hence no tray either

    def see_that_it_runs(self) -> None:
        """Start it, unless it is there."""

        def answered(session: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            if not session.call_finish(result).unpack()[0]:
                Gio.Subprocess.new(our_program("tsunagu_tray"), Gio.SubprocessFlags.NONE)

        self._call(DBUS, DBUS_PATH, DBUS, "NameHasOwner", GLib.Variant("(s)", (TRAY,)), answered)

    def expect(self, path: str) -> None:
        """The person has just asked for this connection: a window that follows is no surprise."""
        self._call(TRAY, TRAY_PATH, TRAY_INTERFACE, "Expect", GLib.Variant("(o)", (path,)), None)

    def reload(self) -> None:
        """The preferences are others."""
        self._call(TRAY, TRAY_PATH, TRAY_INTERFACE, "Reload", None, None)

    def _call(
        self, name: str, path: str, interface: str, member: str, body: GLib.Variant | None, then: Answered | None
    ) -> None:
        if self._session is not None:
            flags = Gio.DBusCallFlags.NO_AUTO_START
            self._session.call(name, path, interface, member, body, None, flags, TIMEOUT_MS, None, then)
