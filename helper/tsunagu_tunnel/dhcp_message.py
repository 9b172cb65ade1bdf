"""DHCP messages (RFC 2131, 2132, 3442): what the client says, and what a hostile network may answer.  No I/O."""

import ipaddress
import re
import struct
from dataclasses import dataclass
from enum import IntEnum

from tsunagu.model import Lease

FOR_EVER = 0xFFFF_FFFF  # a lifetime

_HEADER = struct.Struct(">BBBBIHH4s4s4s4s16s64s128s4s")
_REQUEST, _REPLY = 1, 2
_ETHERNET = 1
_BROADCAST_FLAG = 0x8000  # "I have no address yet": the answer comes as a broadcast
_COOKIE = bytes((99, 130, 83, 99))
_LEAST_SIZE = 300  # octets; some servers and relays drop less, as BOOTP had no shorter ones

_MIN_LIFETIME_S = 10
_MIN_RENEW_S = _MIN_LIFETIME_S / 2  # of a server's own choice: as often as the shortest lease is renewed
_MIN_PREFIX = 8
_MAX_DNS_SERVERS = 4
_MAX_ROUTES = 64
_MTU = range(576, 1501)
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")


class Kind(IntEnum):
    """Option 53."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7


class Option(IntEnum):
    """Those that the client asks for or looks at."""

    PAD = 0
    SUBNET_MASK = 1
    ROUTER = 3
    DNS_SERVERS = 6
    DOMAIN = 15
    MTU = 26
    BROADCAST = 28
    REQUESTED_ADDRESS = 50
    LIFETIME = 51
    OVERLOAD = 52
    KIND = 53
    SERVER = 54
    WANTED = 55
    MAX_SIZE = 57
    RENEW = 58
    REBIND = 59
    ROUTES = 121
    MICROSOFT_ROUTES = 249
    END = 255


_WANTED = bytes(
    (
        Option.ROUTES,  # before the router, as RFC 3442 asks
        Option.MICROSOFT_ROUTES,
        Option.SUBNET_MASK,
        Option.ROUTER,
        Option.DNS_SERVERS,
        Option.DOMAIN,
        Option.MTU,
        Option.BROADCAST,
        Option.LIFETIME,
        Option.SERVER,
        Option.RENEW,
        Option.REBIND,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An offer, an acknowledgement or a refusal.  Addresses as text, "" where none (or no usable one) was given."""

    kind: Kind
    transaction: int
    address: str
    server: str
    options: dict[int, bytes]


def encode_request(
    kind: Kind, mac: bytes, transaction: int, *, waited_s: int = 0, address: str = "", wish: str = "", server: str = ""
) -> bytes:
    """``address``: the one in use; ``wish``: the one asked for; ``server``: the one chosen.  "" leaves each out."""
    options = {Option.KIND: bytes((kind,))}
    if wish:
        options[Option.REQUESTED_ADDRESS] = ipaddress.IPv4Address(wish).packed
    if server:
        options[Option.SERVER] = ipaddress.IPv4Address(server).packed
    if kind not in (Kind.RELEASE, Kind.DECLINE):
        options |= {Option.MAX_SIZE: (1500).to_bytes(2, "big"), Option.WANTED: _WANTED}
    header = _HEADER.pack(
        _REQUEST,
        _ETHERNET,
        len(mac),
        0,
        transaction,
        min(waited_s, 0xFFFF),
        0 if address else _BROADCAST_FLAG,
        ipaddress.IPv4Address(address or 0).packed,
        bytes(4),
        bytes(4),
        bytes(4),
        mac,
        b"",
        b"",
        _COOKIE,
    )
    body = b"".join(bytes((code, len(value))) + value for code, value in options.items())
    return (header + body + bytes((Option.END,))).ljust(_LEAST_SIZE, b"\0")


def decode_reply(payload: bytes, mac: bytes) -> Reply | None:
    """What a server says to the NIC ``mac``; None if it is nothing of that kind."""
    if len(payload) < _HEADER.size:
        return None
    operation, hardware, length, _, transaction, _, _, _, yours, _, _, client, name, file, cookie = _HEADER.unpack_from(
        payload
    )
    if (operation, hardware, length, client[:6], cookie) != (_REPLY, _ETHERNET, 6, mac, _COOKIE):
        return None
    options: dict[int, bytes] = {}
    _read_options(payload[_HEADER.size :], options)
    overload = options.get(Option.OVERLOAD, b"")
    if overload in (b"\x01", b"\x03"):
        _read_options(file, options)
    if overload in (b"\x02", b"\x03"):
        _read_options(name, options)
    kind = options.get(Option.KIND, b"")
    if kind not in (b"\x02", b"\x05", b"\x06"):
        return None
    return Reply(
        kind=Kind(kind[0]),
        transaction=transaction,
        address=_first_host(yours),
        server=_first_host(options.get(Option.SERVER, b"")),
        options=options,
    )


def _read_options(data: bytes, options: dict[int, bytes]) -> None:
    """Add what is whole; an option that comes again goes on where it ended (RFC 3396)."""
    position = 0
    while position < len(data):
        code = data[position]
        position += 1
        if code == Option.PAD:
            continue
        if code == Option.END or position == len(data):
            return
        end = position + 1 + data[position]
        if end > len(data):
            return
        options[code] = options.get(code, b"") + data[position + 1 : end]
        position = end


def lease_from(reply: Reply) -> Lease | None:
    """The lease, if what the server says holds together; parts that are only useful are left out when they do not."""
    options = reply.options
    lifetime_s = _number(options, Option.LIFETIME)
    prefix_length = _prefix_length(options.get(Option.SUBNET_MASK, b""))
    if not reply.address or not reply.server or prefix_length is None or lifetime_s < _MIN_LIFETIME_S:
        return None
    interface = ipaddress.IPv4Interface(f"{reply.address}/{prefix_length}")
    if prefix_length < 31 and interface.ip in (interface.network[0], interface.network[-1]):
        return None
    routes = _routes(options.get(Option.ROUTES) or options.get(Option.MICROSOFT_ROUTES, b""))
    # RFC 3442 has the router option not count beside routes.  Ours makes no route by itself, so it does no harm, and
    # where a person wants all traffic in the tunnel it is needed: servers that push routes seldom push a default.
    router = next(
        (via for network, via in routes if network == "0.0.0.0/0"), _first_host(options.get(Option.ROUTER, b""))
    )
    mtu = _number(options, Option.MTU, octets=2)
    return Lease(
        address=reply.address,
        prefix_length=prefix_length,
        server=reply.server,
        lifetime_s=lifetime_s,
        router=router if router != reply.address else "",
        dns_servers=_hosts(options.get(Option.DNS_SERVERS, b""))[:_MAX_DNS_SERVERS],
        domain=_domain(options.get(Option.DOMAIN, b"")),
        routes=tuple((network, gateway) for network, gateway in routes if network != "0.0.0.0/0"),
        mtu=mtu if mtu in _MTU else 0,
    )


def renewal_times(reply: Reply, lifetime_s: int) -> tuple[float, float]:
    """T1 and T2 in seconds from the acknowledgement: the server's if they make sense, else those of the RFC."""
    renew, rebind = _number(reply.options, Option.RENEW), _number(reply.options, Option.REBIND)
    if _MIN_RENEW_S <= renew < rebind < lifetime_s:
        return renew, rebind
    return lifetime_s * 0.5, lifetime_s * 0.875


def _number(options: dict[int, bytes], code: Option, octets: int = 4) -> int:
    value = options.get(code, b"")
    return int.from_bytes(value, "big") if len(value) == octets else 0


def _prefix_length(mask: bytes) -> int | None:
    ones = f"{int.from_bytes(mask, 'big'):032b}".rstrip("0")
    return len(ones) if len(mask) == 4 and "0" not in ones and len(ones) >= _MIN_PREFIX else None


def _hosts(data: bytes) -> tuple[str, ...]:
    """The addresses in ``data`` that a machine can have, in order, each once."""
    if len(data) % 4:
        return ()
    addresses = (ipaddress.IPv4Address(data[i : i + 4]) for i in range(0, len(data), 4))
    return tuple(dict.fromkeys(str(address) for address in addresses if _is_host(address)))


def _first_host(data: bytes) -> str:
    return next(iter(_hosts(data)), "")


def _is_host(address: ipaddress.IPv4Address) -> bool:
    return not (
        address.packed[0] == 0
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved  # 240.0.0.0/4, the broadcast address included
    )


def _domain(data: bytes) -> str:
    text = data.rstrip(b"\0").decode("ascii", "replace")
    return text.removesuffix(".") if _DOMAIN.fullmatch(text) else ""


def _routes(data: bytes) -> list[tuple[str, str]]:
    """``(prefix length, its significant octets, gateway) *`` (RFC 3442); none if any of it is wrong or too much."""
    routes: list[tuple[str, str]] = []
    position = 0
    while position < len(data):
        length = data[position]
        octets = (length + 7) // 8
        end = position + 1 + octets + 4
        if length > 32 or end > len(data) or len(routes) == _MAX_ROUTES:
            return []
        destination = data[position + 1 : end - 4].ljust(4, b"\0")
        gateway = ipaddress.IPv4Address(data[end - 4 : end])
        network = ipaddress.ip_network((destination, length), strict=False)
        if not _is_host(gateway) and int(gateway) != 0:  # 0.0.0.0: the network is on the segment itself
            return []
        routes.append((str(network), str(gateway)))
        position = end
    return routes
