"""The tray on the session's bus, for our windows: names and signatures only."""

from collections.abc import Callable

from tsunagu_dbus import Interface, method
from tsunagu_tray.session_names import TRAY_INTERFACE


class TrayObject(Interface):
    """At ``TRAY_PATH``."""

    def __init__(self, expect: Callable[[str], None], reload: Callable[[], None]) -> None:
        super().__init__(TRAY_INTERFACE)
        self._expect = expect
        self._reload = reload

    @method()
    def Expect(self, connection: "o") -> None:
        self._expect(connection)

    @method()
    def Reload(self) -> None:
        self._reload()
