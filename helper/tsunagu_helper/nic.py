"""The virtual NICs: TAPs with their addresses and routes.

All that we do to the system hangs on a NIC and goes with it, but for the rules that guard its addresses.  Ours carry a
mark (the kernel's alias, which "ip link" shows): where a helper was killed, the next one knows by it what to delete.
Whatever has no mark is not ours and is not touched, whatever its name.

The worker has the TAP's descriptor too and can do more with it than read and write: change the hardware address, or
make the NIC stay for good.  So the address is looked at again before a lease is applied, and the NIC is deleted by
netlink rather than by closing the descriptor.

Other programs of root can rename, delete or switch off a NIC of ours: that is its ``fault``, and another one is needed.
Hardware address and MTU are put right with the next lease; udev may have changed the first before we could set ours.
"""

import contextlib
import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyroute2 import NetlinkError

from tsunagu.errors import TunnelError, VpnError
from tsunagu_helper.address_guard import AddressGuard, Guarded
from tsunagu_helper.history import one_line
from tsunagu_helper.lease_policy import AddressPlan, Conflict, Interface
from tsunagu_helper.netlink import failed, netlink
from tsunagu_helper.routing import conflicts, set_routes

LOG = logging.getLogger(__name__)

TUN_DEVICE = Path("/dev/net/tun")

TRIED = "tsunagu_try"  # a NIC for a moment

NAME_TAKEN, NOT_CREATED, IN_USE = 30, 31, 43  # of the error table

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_TUNSETCARRIER = 0x400454E2
_TUNSETOFFLOAD = 0x400454D0
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_TUN_EXCL = 0x0002, 0x1000, 0x4000, 0x8000
_TUN_F_CSUM, _TUN_F_TSO4, _TUN_F_TSO6, _TUN_F_USO4, _TUN_F_USO6 = 0x01, 0x02, 0x04, 0x20, 0x40
_OFFLOADS = (  # the most that the kernel takes; USO came with Linux 6.2
    _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6 | _TUN_F_USO4 | _TUN_F_USO6,
    _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6,
)
_IFREQ = struct.Struct("16sH22x")

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 0x1  # linux/sockios.h, linux/if.h

_IFA_F_NOPREFIXROUTE = 0x200  # linux/if_addr.h: the route to our neighbours is the plan's affair, with our metric

# The hub's other members do not get to configure us.  Where a person wants IPv6 from its routers, that is the addresses
# and the route to our neighbours; a default route would take traffic that is not meant for this tunnel.
_IPV6_OFF = {"accept_ra": "0", "addr_gen_mode": "1"}
_IPV6_AUTO = {
    "accept_ra_defrtr": "0",
    "accept_ra_rt_info_max_plen": "0",
    "accept_redirects": "0",
    "accept_ra": "2",
    "addr_gen_mode": "0",
}


class Nics:
    """Makes NICs; all bear ``mark``, which no other helper in this network namespace may use.

    ``offloads``: the workers' compiled data path is there, which takes and gives packets of many segments.
    """

    def __init__(self, mark: str, *, offloads: bool = False) -> None:
        self._mark = mark
        self._offloads = offloads
        self._open: set[str] = set()
        self.guard = AddressGuard()

    async def open(self, name: str, mac: str) -> "Nic":
        """A new NIC, up, without carrier.

        Raises:
            TunnelError: it cannot be made; 30, if another program has one of that name.
        """
        if name in self._open:
            raise TunnelError(IN_USE, name)
        async with netlink(lambda why: TunnelError(NOT_CREATED, f"{name}: {why}")) as line:
            fd = _create_tap(name, self._offloads) or await self._take_over(line, name)
            try:
                index = socket.if_nametoindex(name)
                fcntl.ioctl(fd, _TUNSETCARRIER, struct.pack("i", False))
                await line.link("set", index=index, address=mac, ifalias=self._mark)
                _answer_for_own_addresses_only(name)
                _switch_ipv6(name, _IPV6_OFF)
                await line.link("set", index=index, state="up")
            except BaseException:
                os.close(fd)
                raise
        self._open.add(name)
        return Nic(name, mac, fd, index, self.guard, on_close=lambda: self._open.discard(name))

    async def clean_leftovers(self) -> None:
        """Delete the NICs that an earlier life of ours left behind.

        Raises:
            VpnError: that is not possible.
        """
        await self.guard.clean_leftovers()
        async with netlink(failed("Network adapters of an earlier run could not be deleted")) as line:
            for name, index in await self._ours(line):
                LOG.warning("%s was left behind by an earlier run; deleted", name)
                await _delete(line, index)

    async def leftovers(self) -> list[str]:
        """Names of NICs with our mark that are no connection's.

        Raises:
            VpnError: the kernel does not say.
        """
        async with netlink(failed("Network adapters could not be listed")) as line:
            return [f"link {name}" for name, _ in await self._ours(line) if name not in self._open]

    def attempt(self) -> tuple[str, bool]:
        """Make a NIC that goes again at once: why that does not work (""), and whether it took offloads."""
        try:
            fd = _create_tap(TRIED, offloads=True)
        except TunnelError as error:
            return error.detail, False
        if fd is None:
            return f"{TRIED} belongs to another program", False
        try:
            return "", _switch_on_offloads(fd)
        finally:
            os.close(fd)

    async def _take_over(self, line: Any, name: str) -> int:
        """The name is taken; if only by something of ours that nobody knows any more, make it free."""
        for ours, index in await self._ours(line):
            if ours == name:
                await _delete(line, index)
        fd = _create_tap(name, self._offloads)
        if fd is None:
            raise TunnelError(NAME_TAKEN, f"{name} belongs to another program")
        return fd

    async def _ours(self, line: Any) -> list[tuple[str, int]]:
        return [
            (link.get("ifname"), link["index"])
            async for link in await line.link("dump")
            if link.get("ifalias") == self._mark
        ]


class Nic:
    """One TAP.  ``fd`` is non-blocking, and for the worker too."""

    def __init__(
        self, name: str, mac: str, fd: int, index: int, guard: AddressGuard, on_close: Callable[[], None]
    ) -> None:
        self.name = name
        self.fd = fd
        self._mac = mac
        self.index = index
        self._guard = guard
        self._on_close = on_close
        self._addresses: tuple[Interface, ...] = ()

    def fault(self) -> str:
        """What another program has done to it; "": it is as it was made."""
        try:
            name, _ = _IFREQ.unpack(fcntl.ioctl(self.fd, _TUNGETIFF, bytes(_IFREQ.size)))
            if (now := os.fsdecode(name.rstrip(b"\0"))) != self.name:
                return f"another program has renamed {self.name} to {one_line(now)}"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                _, flags = _IFREQ.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, name + bytes(_IFREQ.size - len(name))))
        except OSError:
            return f"another program has deleted {self.name}"
        return "" if flags & _IFF_UP else f"another program has switched {self.name} off"

    def set_carrier(self, up: bool) -> None:
        """Plug or unplug the virtual cable; that of a NIC which is gone is unplugged.

        Raises:
            TunnelError: another program has deleted the NIC.
        """
        try:
            fcntl.ioctl(self.fd, _TUNSETCARRIER, struct.pack("i", up))
        except OSError as error:
            if up:
                raise TunnelError(NOT_CREATED, f"{self.name} is gone: {error.strerror}") from error

    async def apply(self, plan: AddressPlan) -> list[Conflict]:
        """Make our addresses and routes those of the plan.  What is so already stays as it is; what others added stays.

        Raises:
            VpnError: the kernel does not take it, or the NIC is gone.
        """
        what = f"given the address {plan.addresses[0]}" if plan.addresses else "rid of its address"
        async with netlink(self._failed(f"could not be {what}")) as line:
            _switch_ipv6(self.name, _IPV6_AUTO if plan.ipv6_is_automatic else _IPV6_OFF)
            await self._set_link(line, plan.mtu)
            await self._guard.guard(self.name, Guarded(plan.addresses, plan.ipv6_is_automatic))
            await self._set_addresses(line, plan.addresses)
            await set_routes(line, self.index, plan.routes)
            return await conflicts(line, self.index, plan.routes)

    async def close(self) -> None:
        """Delete it with all that hangs on it.

        Raises:
            VpnError: that is not possible.
        """
        try:
            async with netlink(self._failed("could not be deleted")) as line:
                await _delete(line, self.index)
            await self._guard.guard(self.name, Guarded())
        finally:
            os.close(self.fd)
            self._on_close()

    async def _set_link(self, line: Any, mtu: int) -> None:
        [link] = await line.link("get", index=self.index)
        if link.get("address") != self._mac:
            LOG.warning("%s had got the hardware address %s; put right", self.name, link.get("address"))
            await line.link("set", index=self.index, address=self._mac)
        if link.get("mtu") != mtu:
            await line.link("set", index=self.index, mtu=mtu)

    async def _set_addresses(self, line: Any, wanted: tuple[Interface, ...]) -> None:
        """The old ones go first: what is added in the network of another goes with that."""
        present = {
            f"{message.get('local') or message.get('address')}/{message['prefixlen']}"
            async for message in await line.addr("dump", index=self.index)
        }
        for address in self._addresses:
            if address not in wanted and str(address) in present:
                await line.addr("del", **self._address_message(address))
        self._addresses = wanted
        for address in wanted:
            if str(address) not in present:
                await line.addr("add", **self._address_message(address), IFA_FLAGS=_IFA_F_NOPREFIXROUTE)

    def _failed(self, what: str) -> Callable[[str], VpnError]:
        return failed(f"The network adapter {self.name} {what}")

    def _address_message(self, address: Interface) -> dict[str, Any]:
        return {"index": self.index, "address": str(address.ip), "prefixlen": address.network.prefixlen}


def _create_tap(name: str, offloads: bool) -> int | None:
    """The descriptor of a new TAP, which goes when the last one is closed; None: there is a NIC of that name."""
    try:
        fd = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TunnelError(NOT_CREATED, f"{TUN_DEVICE}: {error.strerror}") from error
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_TUN_EXCL | (_IFF_VNET_HDR if offloads else 0)
    try:
        fcntl.ioctl(fd, _TUNSETIFF, _IFREQ.pack(name.encode(), flags))
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EBUSY:
            return None
        raise TunnelError(NOT_CREATED, f"{name}: {error.strerror}") from error
    if offloads:
        _switch_on_offloads(fd)
    return fd


def _switch_on_offloads(fd: int) -> bool:
    """Where the kernel knows none of them (False), its packets are frames, and so are ours."""
    for offloads in _OFFLOADS:
        with contextlib.suppress(OSError):
            fcntl.ioctl(fd, _TUNSETOFFLOAD, offloads)
            return True
    return False


def _answer_for_own_addresses_only(name: str) -> None:
    """Without this, Linux tells the hub of all addresses of this machine, those of our other NICs there among them."""
    try:
        Path(f"/proc/sys/net/ipv4/conf/{name}/arp_ignore").write_text("1")
    except OSError as error:
        LOG.warning("%s: it answers for other NICs' addresses, too: %s", name, error.strerror)


def _switch_ipv6(name: str, switches: dict[str, str]) -> None:
    """Set what differs: the kernel starts anew whatever is written."""
    for switch, value in switches.items():
        path = Path(f"/proc/sys/net/ipv6/conf/{name}/{switch}")
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
        except FileNotFoundError:
            return  # no IPv6 on this machine
        except OSError as error:
            LOG.warning("%s: IPv6 stays as it is on this machine: %s: %s", name, switch, error.strerror)


async def _delete(line: Any, index: int) -> None:
    """Delete a NIC; one that is gone already is no matter."""
    try:
        await line.link("del", index=index)
    except NetlinkError as error:
        if error.code != errno.ENODEV:
            raise
