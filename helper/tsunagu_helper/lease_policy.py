"""What of a lease and of the settings root is willing to apply to the NIC and to the system's routes.  Pure.

A lease comes from whoever runs DHCP in the hub's segment, so it may say anything.  What is nonsense or dangerous makes
the whole lease unacceptable; what is merely not wanted is left out:

* default routes, and routes so broad that they are meant as such: all traffic goes through the tunnel where the
  settings say so, never because a lease asks for it.
* routes that would lead the VPN server's own address into the tunnel, which would then carry itself.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_network,
)

from tsunagu.errors import NoAddress
from tsunagu.model import Addressing, ConnectionSettings, Dns, Ipv6, Lease, Routing

MAX_ROUTES = 64
BROADEST_PREFIX = 8  # the largest private network is 10.0.0.0/8
DEFAULT_MTU = 1500  # octets; also the most, as a frame in a carrier holds no more
LEAST_MTU = 576  # what every IPv4 host has to take (RFC 791)

MAX_DNS = 4  # servers of a lease

# Not a top-level domain: whoever offers "com" wants more than the names of a network.
_DOMAIN = re.compile(
    r"(?=.{3,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

_NEVER = tuple(
    IPv4Network(network) for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)  # this host, loopback, link-local, multicast, reserved (RFC 6890)
_ALL_IPV4, _ALL_IPV6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")

Gateways = tuple[IPv4Address | None, IPv6Address | None]


@dataclass(frozen=True, slots=True)
class Route:
    """A network that is reached through the NIC; ``gateway`` None: its hosts are neighbours."""

    network: Network
    gateway: Address | None = None

    def __str__(self) -> str:
        """For people: "192.168.0.0/16 via 192.168.77.1"."""
        return f"{self.network} via {self.gateway}" if self.gateway else f"{self.network}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """How all traffic goes through the tunnel; a family without a default goes nowhere, rather than past the tunnel."""

    defaults: tuple[Route, ...]
    excluded: tuple[Network, ...] = ()
    allow_lan: bool = True  # the private networks this machine is in stay outside


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsPlan:
    """Who looks names up: ``servers`` those under ``domains``, or all."""

    servers: tuple[str, ...]
    domains: tuple[str, ...] = ()
    all_names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPlan:
    """What the NIC gets; it has no other address of ours, and the system no other route of ours through it."""

    addresses: tuple[Interface, ...]
    routes: tuple[Route, ...]  # what a gateway is reached by comes first
    everything: Everything | None = None
    dns: DnsPlan | None = None  # None: names are looked up as without the tunnel
    ipv6_is_automatic: bool = False  # the kernel listens to router advertisements there
    mtu: int = DEFAULT_MTU


@dataclass(frozen=True, slots=True)
class Conflict:
    """A network behind the hub has numbers of one that this machine is in without the tunnel."""

    network: Network
    local: Network
    local_nic: str

    def __str__(self) -> str:
        """What to tell people."""
        return (
            f"The network {self.network} behind the hub has numbers of the network {self.local} at {self.local_nic}, "
            "so machines of one of the two cannot be reached; ask for other numbers on either side"
        )


def plan(lease: Lease | None, settings: ConnectionSettings, server_address: str = "") -> AddressPlan:
    """What to apply of this lease and of fixed addresses.  ``server_address`` is what carriers go to.

    Raises:
        NoAddress: nothing of it; the message says what is wrong with it.
    """
    if lease is None and settings.addressing is Addressing.STATIC:
        address, router = IPv4Interface(settings.address), _parsed(settings.gateway)
    elif lease is None:
        return without_lease(settings)
    else:
        address, router = _address(lease), None
        router = _router(lease, address)
        if len(lease.routes) > MAX_ROUTES:
            raise _unacceptable(f"{len(lease.routes)} routes, more than {MAX_ROUTES}")
    servers = [server for text in (settings.host, server_address) if (server := _parsed(text))]
    if address.ip in servers:
        raise _unacceptable(f"the address {address.ip}, which is the VPN server's own")
    offered = [Route(address.network), *(_route(*pair, address) for pair in (lease.routes if lease else ()))]
    gateways = (router, _gateway6(settings))
    return AddressPlan(
        addresses=(address, *_fixed6(settings)),
        routes=_routes(settings, [*offered, *_on_link6(settings)], servers, gateways),
        everything=_everything(settings, gateways) if settings.routing is Routing.EVERYTHING else None,
        dns=_dns(lease, settings),
        ipv6_is_automatic=settings.ipv6 is Ipv6.AUTO,
        mtu=settings.mtu or (_mtu(lease) if lease else DEFAULT_MTU),
    )


def without_lease(settings: ConnectionSettings, link_local: IPv4Interface | None = None) -> AddressPlan:
    """What is left where DHCP gives nothing: fixed IPv6, and a link-local address if there is to be one."""
    addresses = ((link_local,) if link_local else ()) + _fixed6(settings)
    offered = ([Route(link_local.network)] if link_local else []) + _on_link6(settings)
    return AddressPlan(
        addresses=addresses,
        routes=_routes(settings, offered, [], (None, _gateway6(settings))) if addresses else (),
        ipv6_is_automatic=settings.ipv6 is Ipv6.AUTO,
        mtu=settings.mtu or DEFAULT_MTU,
    )


def link_local_address(mac: str) -> IPv4Interface:
    """The same for the same NIC each time (RFC 3927, section 2.1)."""
    chosen = int.from_bytes(hashlib.sha256(mac.encode()).digest()[:4], "big") % (254 * 256)
    return IPv4Interface((int(IPv4Address("169.254.1.0")) + chosen, 16))


def _fixed6(settings: ConnectionSettings) -> tuple[IPv6Interface, ...]:
    return (IPv6Interface(settings.ipv6_address),) if settings.ipv6 is Ipv6.STATIC else ()


def _gateway6(settings: ConnectionSettings) -> IPv6Address | None:
    return IPv6Address(settings.ipv6_gateway) if settings.ipv6_gateway else None


def _on_link6(settings: ConnectionSettings) -> list[Route]:
    return [Route(address.network) for address in _fixed6(settings)]


def _routes(
    settings: ConnectionSettings, offered: list[Route], servers: list[IPv4Address], gateways: Gateways
) -> tuple[Route, ...]:
    if settings.routing is Routing.NONE:
        return ()
    return _in_order(
        (route for route in offered if not any(server in route.network for server in servers)),
        _extra(settings, servers, gateways),
        [ip_network(text) for text in settings.excluded_networks],
    )


def without(network: Network, holes: Iterable[Network]) -> list[Network]:
    """What is left of a network when the holes are cut out of it."""
    parts = [network]
    for hole in holes:
        parts = [piece for part in parts for piece in _cut(part, hole)]
    return parts


def _cut(network: Network, hole: Network) -> list[Network]:
    if isinstance(network, IPv4Network) and isinstance(hole, IPv4Network):
        if not network.overlaps(hole):
            return [network]
        return [] if network.subnet_of(hole) else list(network.address_exclude(hole))
    if isinstance(network, IPv6Network) and isinstance(hole, IPv6Network):
        if not network.overlaps(hole):
            return [network]
        return [] if network.subnet_of(hole) else list(network.address_exclude(hole))
    return [network]


def _in_order(offered: Iterable[Route], extra: Iterable[Route], excluded: list[Network]) -> tuple[Route, ...]:
    """What a gateway is reached by first.  Of two routes to one network that of the settings counts, then the first."""
    wanted = [*extra, *(route for route in offered if route.network.prefixlen >= BROADEST_PREFIX)]
    routes: dict[Network, Route] = {}
    for route in wanted:
        for part in without(route.network, excluded):
            routes.setdefault(part, Route(part, route.gateway))
    neighbours = [route.network for route in routes.values() if route.gateway is None]
    reached = (
        route
        for route in routes.values()
        if route.gateway is None or route.gateway.is_link_local or any(route.gateway in one for one in neighbours)
    )
    return tuple(
        sorted(
            reached, key=lambda r: (r.gateway is not None, r.network.version, int(r.network[0]), r.network.prefixlen)
        )
    )


def _extra(settings: ConnectionSettings, servers: list[IPv4Address], gateways: Gateways) -> list[Route]:
    """IPv6 ones only where there is IPv6."""
    around_server = [ip_network(server) for server in servers]
    networks = [ip_network(text) for text in settings.extra_networks]
    return [
        Route(part, gateways[network.version == 6])
        for network in networks
        if network.version == 4 or settings.ipv6 is not Ipv6.OFF
        for part in without(network, around_server)
    ]


def _everything(settings: ConnectionSettings, gateways: Gateways) -> Everything:
    router, router6 = gateways
    if router is None and settings.addressing is Addressing.STATIC:
        raise NoAddress(
            "There is no gateway beside the fixed address, so all traffic cannot go through the tunnel; set one"
        )
    if router is None:
        raise NoAddress(
            "The DHCP server in the hub's segment named no router, so all traffic cannot go through the tunnel; "
            "ask who runs that network, or choose to send only its own traffic through the tunnel"
        )
    return Everything(
        defaults=(Route(_ALL_IPV4, router), *((Route(_ALL_IPV6, router6),) if router6 else ())),
        excluded=tuple(ip_network(text) for text in settings.excluded_networks),
        allow_lan=settings.allow_lan,
    )


def _dns(lease: Lease | None, settings: ConnectionSettings) -> DnsPlan | None:
    """The lease's own domain says only what is looked up there, and never that all names are."""
    domains = [*settings.dns_domains]
    if settings.dns is Dns.OFF:
        return None
    if settings.dns is Dns.MANUAL:
        servers = settings.dns_servers
        all_names = not domains
    else:
        offered = lease.dns_servers[:MAX_DNS] if lease else ()
        usable = (server for text in offered if (server := _parsed(text)))
        servers = tuple(str(server) for server in usable if not any(server in network for network in _NEVER))
        all_names = False
        if lease and _DOMAIN.fullmatch(lease.domain):
            domains.append(lease.domain)
    if not servers:
        return None
    return DnsPlan(
        servers=servers,
        domains=tuple(dict.fromkeys(domain.lower().strip(".") for domain in domains)),
        all_names=all_names or settings.routing is Routing.EVERYTHING,
    )


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


def _router(lease: Lease, address: IPv4Interface) -> IPv4Address | None:
    router = _parsed(lease.router)
    return router if router and router in address.network and router != address.ip else None


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
