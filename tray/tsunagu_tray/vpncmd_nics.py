"""NICs by the official client's names.

There they are things of their own, which connections name; Tsunagu's belong each to a connection, and come and go with
it.  So a name stands for the NICs of all connections that have it in their settings.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tsunagu import __version__
from tsunagu.model import ConnectionSettings
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.vpncmd_settings import nic_name
from tsunagu_tray.vpncmd_words import INVALID, NIC_EXISTS, NO_OBJECT, UNSUPPORTED, Refused

COLUMNS = ("Virtual Network Adapter Name", "Status", "MAC Address", "Version")

Used = tuple[ConnectionView, ConnectionSettings]


class Nics:
    """What the Nic… commands do."""

    def __init__(self, client: HelperClient, views: Callable[[], Sequence[ConnectionView]]) -> None:
        self._client = client
        self._views = views

    async def rows(self) -> Sequence[tuple[str, str, str, str]]:
        """One a name, in the official order; several connections' by the first of them."""
        macs = {one: str(nic["mac"]) for nic in await self._client.nics() for one in nic["connections"]}
        found: dict[str, tuple[str, str, str, str]] = {}
        async for view, settings in self._all():
            name, status = nic_name(settings), "Enabled" if settings.nic_enabled else "Disabled"
            mac = macs.get(view.id, "").replace(":", "").upper()
            found.setdefault(name, (name, status, mac, f"Version {__version__}"))
        return [found[name] for name in sorted(found)]

    async def row(self, name: str) -> Iterator[tuple[str, str]]:
        """That of one."""
        await self.known(name)
        return zip(COLUMNS, next(row for row in await self.rows() if row[0] == name), strict=True)

    async def known(self, name: str) -> Sequence[Used]:
        """The connections that name it.

        Raises:
            Refused: none does.
        """
        if not (found := [(view, settings) async for view, settings in self._all() if nic_name(settings) == name]):
            raise Refused(NO_OBJECT, "No VPN Connection Setting uses a Virtual Network Adapter of that name.")
        return found

    async def change(self, name: str, **changes: Any) -> None:
        """For all connections that name it."""
        for view, settings in await self.known(name):
            await self._client.update(view.path, replace(settings, **changes))

    async def check_free(self, name: str) -> None:
        """Nothing to do for a new one: the connection that will name it makes it."""
        async for _, settings in self._all():
            if nic_name(settings) == name:
                raise Refused(NIC_EXISTS, "A Virtual Network Adapter with the specified name already exists.")

    async def check_unused(self, name: str) -> None:
        """Nothing to do for one that no connection names any more: it went with the last of them."""
        async for view, settings in self._all():
            if nic_name(settings) == name:
                raise Refused(
                    UNSUPPORTED,
                    f"A Virtual Network Adapter of Tsunagu goes with its connection: AccountDelete {view.name} first.",
                )

    async def _all(self) -> AsyncIterator[Used]:
        for view in self._views():
            yield view, await self._client.settings(view.path)


def mac(text: str) -> str:
    """A MAC address in Tsunagu's form; the official tool takes hyphens, colons and neither.

    Raises:
        Refused: it is none.
    """
    digits = re.sub("[-:]", "", text).lower()
    if not re.fullmatch("[0-9a-f]{12}", digits):
        raise Refused(INVALID, "Specify a MAC address such as 5E-00-01-02-03-04.")
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))
