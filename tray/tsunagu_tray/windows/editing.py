"""What the settings editor has the helper do, for a saved connection or for one that is not there yet."""

from collections.abc import Callable
from typing import Any

from tsunagu.errors import VpnError
from tsunagu.model import ConnectionSettings, Proxy, Secret
from tsunagu_tray.client import NO_CONNECTION
from tsunagu_tray.system_proxy import named_proxy
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.helper_thread import HelperThread

Secrets = dict[str, Secret]
Failed = Callable[[VpnError], None]


class Editing:
    """``path`` of the saved connection; secrets that are not given are those kept for it."""

    def __init__(self, helper: HelperThread, path: str = NO_CONNECTION) -> None:
        self._helper = helper
        self._path = path

    def save(self, settings: ConnectionSettings, secrets: Secrets, then: Callable[[], None], failed: Failed) -> None:
        """Keep them."""
        if self._path == NO_CONNECTION:
            self._helper.ask(lambda client: client.add(settings, secrets), lambda _: then(), failed)
        else:
            self._helper.ask(lambda client: client.change(self._path, settings, secrets), lambda _: then(), failed)

    def list_hubs(
        self, settings: ConnectionSettings, secrets: Secrets, then: Callable[[list[str]], None], failed: Failed
    ) -> None:
        """Of the server of these settings."""
        self._helper.ask(lambda client: client.hubs(settings, secrets, self._path), then, failed)

    def try_log_in(
        self, settings: ConnectionSettings, secrets: Secrets, then: Callable[[dict[str, Any]], None], failed: Failed
    ) -> None:
        """Once, without keeping anything."""
        self._helper.ask(lambda client: client.try_log_in(settings, secrets, self._path), then, failed)

    def find_proxy(
        self, host: str, texts: Texts, then: Callable[[tuple[Proxy | None, Secret | None]], None], failed: Failed
    ) -> None:
        """That the system names for that server."""
        self._helper.ask(lambda _client: named_proxy(host, texts), then, failed)
