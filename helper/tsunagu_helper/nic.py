"""The virtual NICs: TAPs with their addresses and routes.

All that we do to the system hangs on a NIC and goes with it.  Ours carry a mark (the kernel's alias, which "ip link"
shows): where a helper was killed, the next one knows by it what to delete.  Whatever has no mark is not ours and is not
touched, whatever its name.

The worker has the TAP's descriptor too and can do more with it than read and write: change the hardware address, or
make the NIC stay for good.  So the address is looked at again before a lease is applied, and the NIC is deleted by
netlink rather than by closing the descriptor.
"""

import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from pyroute2 import AsyncIPRoute, NetlinkError

from tsunagu.errors import TunnelError, VpnError
from tsunagu_helper.lease_policy import AddressPlan, Route

LOG = logging.getLogger(__name__)

TUN_DEVICE = Path("/dev/net/tun")
ROUTE_PROTOCOL = 84  # tells in "ip route" that a route is ours; nobody's in iproute2's rt_protos
METRIC = 2000  # plus the NIC's number: behind every physical NIC's route to the same network (1024 at most, as a rule)

NAME_TAKEN, NOT_CREATED, IN_USE = 30, 31, 43  # of the error table

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_TUNSETCARRIER = 0x400454E2
_IFF_TAP, _IFF_NO_PI, _IFF_TUN_EXCL = 0x0002, 0x1000, 0x8000
_IFREQ = struct.Struct("16sH22x")

_IFA_F_NOPREFIXROUTE = 0x200  # linux/if_addr.h: the route to our neighbours is the plan's affair, with our metric
_RT_TABLE_MAIN = 254

# The hub's other members do not get to configure us: no router advertisements, no address of the kernel's own making.
_IPV6_SWITCHES = {"accept_ra": "0", "addr_gen_mode": "1"}

RouteKey = tuple[str, int, str | None]  # network, prefix length, gateway


class Nics:
    """Makes NICs; all bear ``mark``, which no other helper in this network namespace may use."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._open: set[str] = set()

    async def open(self, name: str, mac: str) -> "Nic":
        """A new NIC, up, without carrier.

        Raises:
            TunnelError: it cannot be made; 30, if another program has one of that name.
        """
        if name in self._open:
            raise TunnelError(IN_USE, name)
        async with _netlink(lambda why: TunnelError(NOT_CREATED, f"{name}: {why}")) as netlink:
            fd = _create_tap(name) or await self._take_over(netlink, name)
            try:
                index = socket.if_nametoindex(name)
                fcntl.ioctl(fd, _TUNSETCARRIER, struct.pack("i", False))
                await netlink.link("set", index=index, address=mac, ifalias=self._mark)
                _switch_off_ipv6_autoconfiguration(name)
                await netlink.link("set", index=index, state="up")
            except BaseException:
                os.close(fd)
                raise
        self._open.add(name)
        return Nic(name, mac, fd, index, on_close=lambda: self._open.discard(name))

    async def clean_leftovers(self) -> None:
        """Delete the NICs that an earlier life of ours left behind.

        Raises:
            VpnError: that is not possible.
        """
        async with _netlink(_failed("Network adapters of an earlier run could not be deleted")) as netlink:
            for name, index in await self._ours(netlink):
                LOG.warning("%s was left behind by an earlier run; deleted", name)
                await _delete(netlink, index)

    async def _take_over(self, netlink: Any, name: str) -> int:
        """The name is taken; if only by something of ours that nobody knows any more, make it free."""
        for ours, index in await self._ours(netlink):
            if ours == name:
                await _delete(netlink, index)
        fd = _create_tap(name)
        if fd is None:
            raise TunnelError(NAME_TAKEN, f"{name} belongs to another program")
        return fd

    async def _ours(self, netlink: Any) -> list[tuple[str, int]]:
        return [
            (link.get("ifname"), link["index"])
            async for link in await netlink.link("dump")
            if link.get("ifalias") == self._mark
        ]


class Nic:
    """One TAP.  ``fd`` is non-blocking, and for the worker too."""

    def __init__(self, name: str, mac: str, fd: int, index: int, on_close: Callable[[], None]) -> None:
        self.name = name
        self.fd = fd
        self._mac = mac
        self._index = index
        self._on_close = on_close
        self._address: IPv4Interface | None = None

    def stands(self) -> bool:
        """No other program has deleted it."""
        try:
            fcntl.ioctl(self.fd, _TUNGETIFF, bytes(_IFREQ.size))
        except OSError:
            return False
        return True

    def set_carrier(self, up: bool) -> None:
        """Plug or unplug the virtual cable.

        Raises:
            TunnelError: another program has deleted the NIC.
        """
        try:
            fcntl.ioctl(self.fd, _TUNSETCARRIER, struct.pack("i", up))
        except OSError as error:
            raise TunnelError(NOT_CREATED, f"{self.name} is gone: {error.strerror}") from error

    async def apply(self, plan: AddressPlan) -> None:
        """Make our address and routes those of the plan.  What is so already stays as it is; what others added stays.

        Raises:
            VpnError: the kernel does not take it, or the NIC is gone.
        """
        async with _netlink(self._failed(f"could not be given the address {plan.address}")) as netlink:
            await self._set_link(netlink, plan.mtu)
            await self._set_address(netlink, plan.address)
            await self._set_routes(netlink, plan.routes)

    async def clear_addresses(self) -> None:
        """Take our address and routes from it.

        Raises:
            VpnError: the NIC is gone.
        """
        async with _netlink(self._failed("could not be rid of its address")) as netlink:
            await self._set_routes(netlink, ())
            await self._set_address(netlink, None)

    async def close(self) -> None:
        """Delete it with all that hangs on it.

        Raises:
            VpnError: that is not possible.
        """
        try:
            async with _netlink(self._failed("could not be deleted")) as netlink:
                await _delete(netlink, self._index)
        finally:
            os.close(self.fd)
            self._on_close()

    async def _set_link(self, netlink: Any, mtu: int) -> None:
        [link] = await netlink.link("get", index=self._index)
        if link.get("address") != self._mac:
            LOG.warning("%s had got the hardware address %s; put right", self.name, link.get("address"))
            await netlink.link("set", index=self._index, address=self._mac)
        if link.get("mtu") != mtu:
            await netlink.link("set", index=self._index, mtu=mtu)

    async def _set_address(self, netlink: Any, wanted: IPv4Interface | None) -> None:
        """The old one goes first: what is added in the network of another goes with that."""
        present = {
            (message.get("local"), message["prefixlen"])
            async for message in await netlink.addr("dump", index=self._index, family=socket.AF_INET)
        }
        if self._address and self._address != wanted and _address_key(self._address) in present:
            await netlink.addr("del", **self._address_message(self._address))
        self._address = wanted
        if wanted and _address_key(wanted) not in present:
            await netlink.addr("add", **self._address_message(wanted), IFA_FLAGS=_IFA_F_NOPREFIXROUTE)

    async def _set_routes(self, netlink: Any, routes: tuple[Route, ...]) -> None:
        """What leads to a gateway comes first in the plan, so it is added first, and goes last."""
        present = {
            (message.get("dst"), message["dst_len"], message.get("gateway"))
            async for message in await netlink.route(
                "dump", oif=self._index, proto=ROUTE_PROTOCOL, family=socket.AF_INET
            )
        }
        wanted = [_route_key(route) for route in routes]
        for key in sorted(present.difference(wanted), key=lambda key: key[2] is None):
            await netlink.route("del", **self._route_message(key))
        for key in wanted:
            if key not in present:
                await netlink.route("add", **self._route_message(key))

    def _failed(self, what: str) -> Callable[[str], VpnError]:
        return _failed(f"The network adapter {self.name} {what}")

    def _address_message(self, address: IPv4Interface) -> dict[str, Any]:
        return {"index": self._index, "address": str(address.ip), "prefixlen": address.network.prefixlen}

    def _route_message(self, key: RouteKey) -> dict[str, Any]:
        network, prefix_length, gateway = key
        return {
            "dst": f"{network}/{prefix_length}",
            "oif": self._index,
            "proto": ROUTE_PROTOCOL,
            "priority": METRIC + self._index,
            "table": _RT_TABLE_MAIN,
            **({"gateway": gateway} if gateway else {"scope": "link"}),
        }


def _address_key(address: IPv4Interface) -> tuple[str, int]:
    return str(address.ip), address.network.prefixlen


def _route_key(route: Route) -> RouteKey:
    return str(route.network.network_address), route.network.prefixlen, str(route.gateway) if route.gateway else None


def _create_tap(name: str) -> int | None:
    """The descriptor of a new TAP, which goes when the last one is closed; None: there is a NIC of that name."""
    try:
        fd = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TunnelError(NOT_CREATED, f"{TUN_DEVICE}: {error.strerror}") from error
    try:
        fcntl.ioctl(fd, _TUNSETIFF, _IFREQ.pack(name.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_TUN_EXCL))
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EBUSY:
            return None
        raise TunnelError(NOT_CREATED, f"{name}: {error.strerror}") from error
    return fd


def _switch_off_ipv6_autoconfiguration(name: str) -> None:
    for switch, value in _IPV6_SWITCHES.items():
        try:
            Path(f"/proc/sys/net/ipv6/conf/{name}/{switch}").write_text(value)
        except FileNotFoundError:
            return  # no IPv6 on this machine
        except OSError as error:
            LOG.warning("%s: IPv6 stays as it is on this machine: %s: %s", name, switch, error.strerror)


async def _delete(netlink: Any, index: int) -> None:
    """Delete a NIC; one that is gone already is no matter."""
    try:
        await netlink.link("del", index=index)
    except NetlinkError as error:
        if error.code != errno.ENODEV:
            raise


def _failed(what: str) -> Callable[[str], VpnError]:
    return lambda why: VpnError(f"{what}: {why}")


@asynccontextmanager
async def _netlink(error_for: Callable[[str], VpnError]) -> AsyncIterator[Any]:
    """A line to the kernel; its refusals become errors for people."""
    try:
        async with AsyncIPRoute() as netlink:
            yield netlink
    except NetlinkError as error:
        raise error_for(os.strerror(error.code)) from error
    except OSError as error:
        raise error_for(error.strerror or type(error).__name__) from error
