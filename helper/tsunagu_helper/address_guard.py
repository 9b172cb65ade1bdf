"""Keeps the addresses in tunnels from being reached past them.

Linux takes what is for any of its addresses from any NIC.  So whoever shares a network with this machine could find out
which address it has in a tunnel, and send into connections there as if from behind it (CVE-2019-14899).
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from tsunagu.errors import VpnError
from tsunagu_helper import nft
from tsunagu_helper.lease_policy import Interface
from tsunagu_helper.netlink import failed

LOG = logging.getLogger(__name__)

_TABLE = "tsunagu_addresses"
_failed = failed("The addresses in tunnels can be reached from the local network")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a NIC of ours has."""

    addresses: tuple[Interface, ...] = ()
    has_automatic: bool = False  # further IPv6 ones, which the kernel gives it


class AddressGuard:
    """One for all NICs of ours.  A tunnel is of use without it, so where it is not possible that is only logged."""

    def __init__(self) -> None:
        self._nics: dict[str, Guarded] = {}
        self._table = nft.Table(_TABLE, _failed)
        self._turn = asyncio.Lock()  # for whoever changes any of these
        self._is_loaded = False  # or could not be, which is told once

    @property
    def nics(self) -> tuple[str, ...]:
        """Those with addresses to guard."""
        return tuple(self._nics)

    async def guard(self, nic: str, wanted: Guarded) -> None:
        """Let packets for these be taken from this NIC alone."""
        async with self._turn:
            nics = {name: guarded for name, guarded in {**self._nics, nic: wanted}.items() if guarded != Guarded()}
            if nics != self._nics:
                self._nics = nics
                await self._load()

    async def mend(self) -> str:
        """Put the rules back where another program has taken them away or changed them; what that was, "": nothing.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            if not self._is_loaded or await self._table.is_whole():
                return ""
            await self._table.load(ruleset(self._nics))
            return f"what keeps others from the addresses of {', '.join(self._nics)}"

    async def clean_leftovers(self) -> None:
        """Guard nothing, whatever a killed helper has left."""
        if os.access(nft.PROGRAM, os.X_OK):
            async with self._turn:
                await self._load()

    async def stands(self) -> bool:
        """The kernel has the rules as they are to be."""
        async with self._turn:
            return await self._table.is_whole()

    async def why_not(self) -> str:
        """Why it could not be used; "": it could."""
        addresses = IPv4Interface("192.0.2.1/24"), IPv6Interface("2001:db8::1/64")
        return await nft.why_not(ruleset({"tsunagu_try": Guarded(addresses, has_automatic=True)}))

    async def _load(self) -> None:
        self._is_loaded = False
        try:
            if self._nics:
                await self._table.load(ruleset(self._nics))
                self._is_loaded = True
            else:
                await self._table.remove()
        except VpnError as error:
            LOG.warning("%s", error)


def ruleset(nics: Mapping[str, Guarded]) -> str:
    """For "nft -f".

    What the physical NIC has itself passes: nobody in the hub's segment can cut this machine off by a lease with an
    address of its own.  Automatic addresses are known by what leaves from them.
    """
    sets, arriving, leaving = [], [], []
    for nic, guarded in nics.items():
        elsewhere = f'        iifname != {{ "lo", "{nic}" }}'
        drop = "fib daddr . iif type != local drop"
        for version, family in ((4, "ip"), (6, "ip6")):
            if own := ", ".join(str(address.ip) for address in guarded.addresses if address.version == version):
                arriving.append(f"{elsewhere} {family} daddr {{ {own} }} {drop}")
        if guarded.has_automatic:
            sets.append(f"    set {nic} {{ type ipv6_addr; flags dynamic,timeout; timeout 1d; size 1024; }}")
            own = f'oifname "{nic}" ip6 saddr != fe80::/10 fib saddr . oif type local'
            leaving.append(f"        {own} update @{nic} {{ ip6 saddr }}")
            arriving.append(f"{elsewhere} ip6 daddr @{nic} {drop}")
    return "\n".join(
        [
            f"{nft.gone(_TABLE)}table inet {_TABLE} {{",
            *sets,
            "    chain arriving {",
            "        type filter hook prerouting priority raw; policy accept;",
            *arriving,
            "    }",
            "    chain leaving {",
            "        type filter hook output priority filter; policy accept;",
            *leaving,
            "    }",
            "}\n",
        ]
    )
