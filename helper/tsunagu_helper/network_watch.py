"""Hears from the kernel that the network below our tunnels has changed: a cable, an address, a default route.

The messages themselves are only a knock: what counts is what stands afterwards, and whether it has grown.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from pyroute2 import AsyncIPRoute, NetlinkError

LOG = logging.getLogger(__name__)

QUIET_S = 0.3  # changes come in bursts
FAILED_S = 5.0  # before another look, when the kernel gave no answer

# linux/rtnetlink.h: RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_IFF_LOOPBACK, _IFF_LOWER_UP = 0x8, 0x10000  # linux/if.h
_MAIN_TABLE = 254
_SCOPE_UNIVERSE = 0


class NetworkWatch:
    """Calls back with True when something was gained, with False when something was only lost."""

    def __init__(self, mark: str, on_change: Callable[[bool], None]) -> None:
        """NICs that bear ``mark`` are ours and no network of the machine's."""
        self._mark = mark
        self._on_change = on_change
        self._stands: frozenset[str] = frozenset()
        self._look: asyncio.Task[None] | None = None
        self._knocked = asyncio.Event()
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
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._knock)
        await self._look_once()
        self._look = loop.create_task(self._look_on(), name="network watch")

    def close(self) -> None:
        """No more."""
        if self._look:
            self._look.cancel()
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _knock(self) -> None:
        with contextlib.suppress(OSError):  # that was all, or more came than fits: all the more reason to look
            while self._socket.recv(65536):
                pass
        self._knocked.set()

    async def _look_on(self) -> None:
        while True:
            await self._knocked.wait()
            await asyncio.sleep(QUIET_S)
            self._knocked.clear()
            if not await self._look_once():
                await asyncio.sleep(FAILED_S)
                self._knocked.set()

    async def _look_once(self) -> bool:
        before = self._stands
        try:
            self._stands = await self._what_stands()
        except (OSError, NetlinkError) as error:
            LOG.warning("The network could not be looked at: %s", error)
            return False
        if self._stands != before and self._look:
            self._on_change(bool(self._stands - before))
        return True

    async def _what_stands(self) -> frozenset[str]:
        """Addresses and default routes of NICs that are connected, without our own."""
        async with AsyncIPRoute() as netlink:
            names = {
                link["index"]: link.get("ifname")
                async for link in await netlink.link("dump")
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
        return frozenset(addresses + routes)
