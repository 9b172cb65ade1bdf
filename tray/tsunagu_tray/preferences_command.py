"""``tsunagu preferences``: what the user has chosen for all connections, as words.  Works without the helper, too."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from tsunagu.errors import HelperUnavailable, InvalidSettings, NotFound
from tsunagu_dbus import BusError, call, close, connect
from tsunagu_tray.autostart import Autostart
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.preferences import Click, IconStyle, Notifications, preferences_file
from tsunagu_tray.report import print_json, print_lines, table
from tsunagu_tray.session_names import TRAY, TRAY_INTERFACE, TRAY_PATH
from tsunagu_tray.settings_text import as_text, truth
from tsunagu_tray.terminal import tell
from tsunagu_tray.texts import Texts

CHOICES: dict[str, type[Enum]] = {"notifications": Notifications, "click": Click, "icon": IconStyle}
KEYS = ("autostart", "notifications", "click", "click_connection", "icon", "connect_at_start")
LAST = "last"  # as the connection of a click: the one used last


class PreferencesCommand:
    """``own`` gives the connections there are, by name."""

    def __init__(self, client: HelperClient, own: Callable[[], Sequence[ConnectionView]], texts: Texts) -> None:
        self._client = client
        self._own = own
        self._texts = texts
        self._file = preferences_file(os.environ)
        self._autostart = Autostart(os.environ)

    async def run(self, key: str | None, value: str | None, *, json: bool) -> None:
        """Show all or one, or change one."""
        with suppress(HelperUnavailable):  # then connections have no names
            await self._client.open()
            await self._client.activate()
        if self._file.problem:
            tell(self._texts("pref_damaged", file=self._file.path))
        if key and value is not None:
            self._change(key, value)
            await tell_tray()
            return
        shown = self._values()
        if json:
            print_json(shown[key] if key else shown)
        elif key:
            print_lines([as_text(shown[key])])
        else:
            print_lines(table([(name, as_text(one)) for name, one in shown.items()]))

    def _values(self) -> dict[str, Any]:
        chosen = self._file.values
        names = {view.id: view.name for view in self._own()}
        return {
            "autostart": self._autostart.is_on,
            "notifications": chosen.notifications.value,
            "click": chosen.click.value,
            "click_connection": names.get(chosen.click_connection, chosen.click_connection) or LAST,
            "icon": chosen.icon.value,
            "connect_at_start": [view.name for view in self._own() if view.connect_at_start],
        }

    def _change(self, key: str, value: str) -> None:
        match key:
            case "autostart":
                self._autostart.switch(self._parsed(truth, key, value, "yes, no"))
            case "click_connection":
                self._file.change(click_connection=self._connection(value))
            case "connect_at_start":
                raise InvalidSettings(self._texts("cli_start_elsewhere"))
            case _:
                options = ", ".join(str(option.value) for option in CHOICES[key])
                self._file.change(**{key: self._parsed(CHOICES[key], key, value, options)})

    def _connection(self, name: str) -> str:
        if name == LAST:
            return ""
        found = next((view.id for view in self._own() if name in (view.name, view.id)), "")
        if not found:
            raise NotFound(self._texts("cli_none_named", name=name))
        return found

    def _parsed(self, parse: Callable[[str], Any], key: str, value: str, expected: str) -> Any:
        try:
            return parse(value)
        except ValueError:
            words = self._texts("cli_bad_preference", preference=key, value=value, expected=expected)
            raise InvalidSettings(words) from None


async def tell_tray() -> None:
    """Have the tray of this session follow, if there is one."""
    with suppress(BusError):
        session = await connect("session")
        try:
            await call(session, TRAY, TRAY_PATH, TRAY_INTERFACE, "Reload", timeout_s=5, autostart=False)
        finally:
            await close(session)
