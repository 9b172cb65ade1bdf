"""Hears from the kernel that the network below our tunnels has changed: a cable, an address, a default route.

What counts is what stands afterwards, and whether it has grown.
"""

import logging
import socket
from collections.abc import Callable

from pyroute2 import AsyncIPRoute, NetlinkError

from tsunagu_helper.watch import Watch

LOG = logging.getLogger(__name__)

QUIET_S = 0.3  # changes come in bursts

# linux/rtnetlink.h: RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_IFF_UP, _IFF_LOOPBACK, _IFF_LOWER_UP = 0x1, 0x8, 0x10000  # linux/if.h
_MAIN_TABLE = 254
_SCOPE_UNIVERSE = 0


class NetworkWatch:
    """Tells what becomes of the network, and of our own NICs."""

    def __init__(self, mark: str, on_change: Callable[[bool], None], on_own: Callable[[], None]) -> None:
        """NICs that bear ``mark`` are ours and no network of the machine's: somebody has changed them, says ``on_own``.

        ``on_change`` gets True when something was gained, False when something was only lost.
        """
        self._mark = mark
        self._on_change, self._on_own = on_change, on_own
        self._stands: frozenset[str] = frozenset()
        self._own: frozenset[str] = frozenset()
        self._watch: Watch | None = None
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )

    @property
    def is_online(self) -> bool:
        """The machine has an address on a cable or radio that is connected."""
        return bool(self._stands)

    async def start(self) -> None:
        """From now on."""
        self._socket.bind((0, _GROUPS))
        await self._look_once()
        self._watch = Watch(self._socket, self._look_once, name="network watch", quiet_s=QUIET_S)

    def close(self) -> None:
        """No more."""
        if self._watch:
            self._watch.close()
        self._socket.close()

    async def _look_once(self) -> bool:
        before, own = self._stands, self._own
        try:
            self._stands, self._own = await self._what_stands()
        except (OSError, NetlinkError) as error:
            LOG.warning("The network could not be looked at: %s", error)
            return False
        if self._stands != before and self._watch:
            self._on_change(bool(self._stands - before))
        if self._own != own and self._watch:
            self._on_own()
        return True

    async def _what_stands(self) -> tuple[frozenset[str], frozenset[str]]:
        """Addresses and default routes of NICs that are connected, without our own; and our own."""
        async with AsyncIPRoute() as netlink:
            links = [link async for link in await netlink.link("dump")]
            own = [
                f"{link['index']} {link.get('ifname')} {link['flags'] & _IFF_UP}"
                for link in links
                if link.get("ifalias") == self._mark
            ]
            names = {
                link["index"]: link.get("ifname")
                for link in links
                if link["flags"] & (_IFF_LOWER_UP | _IFF_LOOPBACK) == _IFF_LOWER_UP
                and link.get("ifalias") != self._mark
            }
            addresses = [
                f"{names[address['index']]} {address.get('address')}"
                async for address in await netlink.addr("dump")
                if address["index"] in names and address["scope"] == _SCOPE_UNIVERSE
            ]
            routes = [
                f"{names[route.get('oif')]} via {route.get('gateway')}"
                for family in (socket.AF_INET, socket.AF_INET6)
                async for route in await netlink.route("dump", family=family)
                if not route["dst_len"] and route.get("table") == _MAIN_TABLE and route.get("oif") in names
            ]
        return frozenset(addresses + routes), frozenset(own)
