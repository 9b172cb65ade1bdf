"""What of a lease root is willing to apply.  Pure.

A lease comes from whoever runs DHCP in the hub's segment, so it may say anything.  What is nonsense or dangerous makes
the whole lease unacceptable; what is merely not wanted is left out:

* default routes, and routes so broad that they are meant as such: only the networks behind the hub go through the
  tunnel.  (All traffic through the tunnel will be a setting, with rules of its own, never something a lease can ask.)
* routes that would lead the VPN server's own address into the tunnel, which would then carry itself.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from tsunagu.errors import NoAddress
from tsunagu.model import ConnectionSettings, Lease

MAX_ROUTES = 64
BROADEST_PREFIX = 8  # the largest private network is 10.0.0.0/8
DEFAULT_MTU = 1500  # octets; also the most, as a frame in a carrier holds no more
LEAST_MTU = 576  # what every IPv4 host has to take (RFC 791)

_NEVER = tuple(
    IPv4Network(network) for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)  # this host, loopback, link-local, multicast, reserved (RFC 6890)


@dataclass(frozen=True, slots=True)
class Route:
    """A network that is reached through the NIC; ``gateway`` None: its hosts are neighbours."""

    network: IPv4Network
    gateway: IPv4Address | None = None

    def __str__(self) -> str:
        """For people: "192.168.0.0/16 via 192.168.77.1"."""
        return f"{self.network} via {self.gateway}" if self.gateway else f"{self.network}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPlan:
    """What the NIC gets; it has no other address, and the system no other route through it."""

    address: IPv4Interface
    routes: tuple[Route, ...]  # what a gateway is reached by comes first
    mtu: int = DEFAULT_MTU


def plan(lease: Lease, settings: ConnectionSettings, server_address: str = "") -> AddressPlan:
    """What to apply of this lease.  ``server_address`` is what carriers go to.

    Raises:
        NoAddress: nothing of it; the message says what is wrong with it.
    """
    address = _address(lease)
    if len(lease.routes) > MAX_ROUTES:
        raise _unacceptable(f"{len(lease.routes)} routes, more than {MAX_ROUTES}")
    servers = [server for text in (settings.host, server_address) if (server := _parsed(text))]
    if address.ip in servers:
        raise _unacceptable(f"the address {address.ip}, which is the VPN server's own")
    routes = {
        route.network: route
        for route in reversed((Route(address.network), *(_route(*pair, address) for pair in lease.routes)))
        if route.network.prefixlen >= BROADEST_PREFIX and not any(server in route.network for server in servers)
    }  # of two routes to one network the first counts
    if address.network not in routes:
        routes = {network: route for network, route in routes.items() if not route.gateway}
    in_order = sorted(routes.values(), key=lambda route: (route.gateway is not None, route.network))
    return AddressPlan(address=address, routes=tuple(in_order), mtu=_mtu(lease))


def _unacceptable(what: str) -> NoAddress:
    return NoAddress(f"The DHCP server in the hub's segment offered {what}; ask who runs that network")


def _parsed(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def _address(lease: Lease) -> IPv4Interface:
    address = _parsed(lease.address)
    if address is None or any(address in network for network in _NEVER):
        raise _unacceptable(f"{lease.address!r}, which is not an address for a host")
    if not BROADEST_PREFIX <= lease.prefix_length <= 32:
        raise _unacceptable(f"a network of prefix length {lease.prefix_length}, not {BROADEST_PREFIX} to 32")
    interface = IPv4Interface((address, lease.prefix_length))
    if lease.prefix_length < 31 and address in (interface.network[0], interface.network[-1]):
        raise _unacceptable(f"{interface}, which is a network or broadcast address")
    return interface


def _route(destination: str, gateway: str, address: IPv4Interface) -> Route:
    try:
        network, via = IPv4Network(destination, strict=False), IPv4Address(gateway or 0)
    except ValueError:
        raise _unacceptable(f"a route that is none: {destination!r} via {gateway!r}") from None
    if network.prefixlen >= BROADEST_PREFIX and any(network.overlaps(never) for never in _NEVER):
        raise _unacceptable(f"a route to {network}, which is no network of hosts")
    if via == IPv4Address(0):  # RFC 3442: on the link
        return Route(network)
    if via not in address.network or via == address.ip:
        raise _unacceptable(f"a route to {network} via {via}, which is not a neighbour")
    return Route(network, via)


def _mtu(lease: Lease) -> int:
    if lease.mtu and lease.mtu < LEAST_MTU:
        raise _unacceptable(f"an MTU of {lease.mtu}, less than {LEAST_MTU}")
    return min(lease.mtu or DEFAULT_MTU, DEFAULT_MTU)
