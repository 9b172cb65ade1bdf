"""Routes and rules: those to the networks behind a hub, and those that lead all traffic into one tunnel.

All traffic is led by two kinds of rules, and by a table of our own::

    8400: to PRIVATE NETWORK lookup main suppress_prefixlength 0    what is on the local network stays there
    8410: not uidrange WORKER lookup 8484                           everybody's traffic but the workers' own

In the table are the tunnel's routes, its default, a ``throw`` for what is excluded, and a last default that leads
nowhere: it counts where the tunnel has none, as for IPv6 as a rule, and where its NIC is deleted or switched off.  So
no route of the physical network can lead traffic past the tunnel (TunnelVision), the carriers never enter it, and none
of this has to change when the physical network does.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any

from pyroute2 import NetlinkError

from tsunagu.errors import VpnError
from tsunagu_helper.lease_policy import Conflict, Everything, Route
from tsunagu_helper.netlink import PROTOCOL, failed, netlink

LOG = logging.getLogger(__name__)

METRIC = 2000  # plus the NIC's number: behind every physical NIC's route to the same network (1024 at most, as a rule)
MAIN = 254  # linux/rtnetlink.h
TABLE = 8484
FIRST, LAST = 1, 0x7FFF_FFFF  # metrics of what leads nowhere: before and behind all that leads into a tunnel
LOCAL_RULE, TUNNEL_RULE = 8400, 8410  # before everybody's "lookup main", which is 32766

PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)  # RFC 1918, 3927, 4193, 4291; other "local" networks may be a trap (TunnelCrack)

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_EVERY = {4: "0.0.0.0/0", 6: "::/0"}
_INVERT = 2  # FIB_RULE_INVERT, linux/fib_rules.h
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EOPNOTSUPP)

Message = dict[str, Any]


async def set_routes(line: Any, index: int, routes: Iterable[Route], table: int = MAIN) -> None:
    """Make our routes through the NIC ``index`` these; a gateway's own route comes before it, and goes after it."""
    wanted = [_route_message(route, index, table) for route in routes]
    for version, family in _FAMILIES.items():
        await _set(
            line,
            "route",
            [message for message in wanted if message["family"] == family],
            [
                _seen_route(message, table)
                async for message in await line.route(
                    "dump", family=family, proto=PROTOCOL, **({"table": table, "oif": index} if version == 4 else {})
                )
                if message.get("table") == table and message.get("oif") == index and message["proto"] == PROTOCOL
            ],
        )


async def conflicts(line: Any, index: int, routes: Iterable[Route]) -> list[Conflict]:
    """Networks behind the hub of whose numbers there are some in a network that this machine is in by another NIC."""
    locals_ = [
        (IPv4Network(f"{message.get('dst')}/{message['dst_len']}"), message.get("oif"))
        async for message in await line.route("dump", family=socket.AF_INET, table=MAIN)
        if message.get("dst") and not message.get("gateway") and message.get("oif") not in (None, index)
    ]
    return [
        Conflict(route.network, local, socket.if_indextoname(nic))
        for route in routes
        for local, nic in locals_
        if isinstance(route.network, IPv4Network) and route.network.overlaps(local)
    ]


@dataclass(frozen=True, slots=True)
class _Guide:
    """Of one family: what keeps traffic from going past the tunnel."""

    dead_ends: list[Message]
    rules: list[Message]


class AllTraffic:
    """The one tunnel that all traffic goes through, if there is one; workers run as ``worker_uid``."""

    def __init__(self, worker_uid: int) -> None:
        self._worker_uid = worker_uid
        self._holder: tuple[str, str] | None = None  # a connection's id and name
        self._guides: dict[int, _Guide] = {}  # by version of IP, while they are to stand
        self._turn = asyncio.Lock()  # for whoever changes them

    def claim(self, connection_id: str, name: str) -> None:
        """This connection is to have all traffic.

        Raises:
            VpnError: another one has it.
        """
        if self._holder and self._holder[0] != connection_id:
            raise VpnError(
                f"All traffic goes through the tunnel of {self._holder[1]} already; "
                f"disconnect {self._holder[1]} first, or let {name} carry only the traffic to its own networks"
            )
        self._holder = connection_id, name

    async def apply(self, connection_id: str, index: int, routes: Iterable[Route], wanted: Everything) -> None:
        """Lead all traffic into the NIC ``index``.

        Raises:
            VpnError: the kernel does not take it.
        """
        assert self._holder
        assert self._holder[0] == connection_id
        async with self._turn, netlink(failed("All traffic could not be led through the tunnel")) as line:
            for version in _FAMILIES:
                excluded = [str(network) for network in wanted.excluded if network.version == version]
                throws = [_dead_end(version, network, "throw") for network in excluded]
                rules = self._rules(version, allow_lan=wanted.allow_lan)
                self._guides[version] = _Guide([*throws, _nowhere(version, LAST)], rules)
            await set_routes(line, index, [*routes, *wanted.defaults], TABLE)
            await self._set_guides(line)

    async def block(self, connection_id: str) -> None:
        """The tunnel cannot carry it any more: until ``release``, or another ``apply``, all of it goes nowhere.

        Raises:
            VpnError: the kernel does not take it.
        """
        if self._guides and self._holder and self._holder[0] == connection_id:
            async with self._turn, netlink(failed("Traffic could not be kept from going past the tunnel")) as line:
                for version, guide in self._guides.items():
                    nowhere = [_nowhere(version, FIRST), _nowhere(version, LAST)]
                    self._guides[version] = _Guide(nowhere, guide.rules)
                await self._set_guides(line)

    async def mend(self) -> str:
        """Put back what another program has taken away or changed; what that was, "": nothing.

        Routes into the tunnel are not among it: without them traffic goes nowhere, until the next ``apply``.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            if not (self._guides and self._holder):
                return ""
            async with netlink(failed("What leads all traffic could not be put back")) as line:
                changed = await self._set_guides(line)
            return f"what leads all traffic into the tunnel of {self._holder[1]}" if changed else ""

    async def release(self, connection_id: str) -> None:
        """All is as it was before.

        Raises:
            VpnError: that is not possible.
        """
        if self._holder and self._holder[0] == connection_id:
            self._holder = None
            async with self._turn:
                if self._guides:
                    self._guides = {}
                    await self.clean_leftovers()

    async def clean_leftovers(self) -> None:
        """Take away all rules of ours, and what is in our table, whoever of us left them.

        Raises:
            VpnError: that is not possible.
        """
        async with netlink(failed("Rules for all traffic could not be taken back")) as line:
            for version, family in _FAMILIES.items():
                await self._set_rules(line, version, [])
                await self._set_dead_ends(line, version, [])
                present = [_seen_route(message, TABLE) for message in await _dump_table(line, family)]
                await _set(line, "route", [], present)

    async def leftovers(self) -> list[str]:
        """Rules and routes of ours, while no connection has all traffic.

        Raises:
            VpnError: the kernel does not say.
        """
        if self._holder:
            return []
        async with netlink(failed("Rules could not be listed")) as line:
            rules = [
                f"rule {message.get('FRA_PRIORITY')}"
                for family in _FAMILIES.values()
                async for message in await line.rule("dump", family=family)
                if message.get("FRA_PROTOCOL") == PROTOCOL
            ]
            routes = [
                f"route {_destination(message)} table {TABLE}"
                for family in _FAMILIES.values()
                for message in await _dump_table(line, family)
            ]
            return rules + routes

    # -- the rules ----------------------------------------------------------------------------------------------------

    def _rules(self, version: int, *, allow_lan: bool) -> list[Message]:
        family = _FAMILIES[version]
        local = [
            {
                "family": family,
                "priority": LOCAL_RULE,
                "table": MAIN,
                "dst": str(network.network_address),
                "dst_len": network.prefixlen,
                "FRA_SUPPRESS_PREFIXLEN": 0,
                "protocol": PROTOCOL,
            }
            for network in PRIVATE
            if allow_lan and network.version == version
        ]
        workers = f"{self._worker_uid}:{self._worker_uid}"
        return [
            {
                "family": family,
                "priority": TUNNEL_RULE,
                "table": TABLE,
                "uid_range": workers,
                "flags": _INVERT,
                "protocol": PROTOCOL,
            },
            *local,
        ]

    async def _set_guides(self, line: Any) -> bool:
        """Whether anything had to be changed."""
        changed = False
        for version, guide in self._guides.items():
            changed |= await self._set_dead_ends(line, version, guide.dead_ends)
            changed |= await self._set_rules(line, version, guide.rules)
        return changed

    async def _set_rules(self, line: Any, version: int, wanted: list[Message]) -> bool:
        family = _FAMILIES[version]
        present = [
            _seen_rule(message, family)
            async for message in await line.rule("dump", family=family)
            if message.get("FRA_PROTOCOL") == PROTOCOL
        ]
        return await _set(line, "rule", wanted, present)

    async def _set_dead_ends(self, line: Any, version: int, wanted: list[Message]) -> bool:
        """What leads into no tunnel."""
        present = [
            _dead_end(version, _destination(message), kind, message.get("priority"))
            for message in await _dump_table(line, _FAMILIES[version])
            if (kind := _KINDS.get(message["type"]))
        ]
        return await _set(line, "route", wanted, present)


# -- messages ---------------------------------------------------------------------------------------------------------

_KINDS = {7: "unreachable", 9: "throw"}  # RTN_UNREACHABLE, RTN_THROW, linux/rtnetlink.h


async def _set(line: Any, kind: str, wanted: list[Message], present: list[Message]) -> bool:
    """Add what is missing, in order; then delete what is too much, what leads to a gateway first.

    Returns whether there was anything of that.
    """
    change = getattr(line, kind)
    missing = [message for message in wanted if message not in present]
    superfluous = [message for message in present if message not in wanted]
    try:
        for message in sorted(superfluous, key=lambda message: "gateway" not in message):
            await change("del", **message)
        for message in missing:
            await change("add", **message)
    except NetlinkError as error:
        if error.code not in _NO_IPV6:
            raise
        return False
    return bool(missing or superfluous)


async def _dump_table(line: Any, family: int) -> list[Any]:
    return [
        message
        async for message in await line.route("dump", family=family, table=TABLE)
        if message.get("table") == TABLE and message["proto"] == PROTOCOL
    ]


def _destination(message: Any) -> str:
    """The kernel leaves out the address of a default route."""
    network = message.get("dst")
    return f"{network}/{message['dst_len']}" if network else _EVERY[4 if message["family"] == socket.AF_INET else 6]


def _nowhere(version: int, priority: int) -> Message:
    return _dead_end(version, _EVERY[version], "unreachable", priority)


def _dead_end(version: int, destination: str, kind: str, priority: int = FIRST) -> Message:
    return {
        "family": _FAMILIES[version],
        "dst": destination,
        "type": kind,
        "table": TABLE,
        "proto": PROTOCOL,
        "priority": priority,
    }


def _route_message(route: Route, index: int, table: int) -> Message:
    family = _FAMILIES[route.network.version]
    message: Message = {
        "family": family,
        "dst": str(route.network),
        "oif": index,
        "proto": PROTOCOL,
        "priority": METRIC + index,
        "table": table,
    }
    if route.gateway:
        message["gateway"] = str(route.gateway)
    elif family == socket.AF_INET:
        message["scope"] = "link"
    return message


def _seen_route(message: Any, table: int) -> Message:
    """What the kernel shows, in the form of ``_route_message``."""
    destination = ip_network(_destination(message))
    gateway = message.get("gateway")
    return _route_message(
        Route(destination, type(destination.network_address)(gateway) if gateway else None), message.get("oif"), table
    )


def _seen_rule(message: Any, family: int) -> Message:
    """What the kernel shows, in the form of ``AllTraffic._rules``."""
    seen: Message = {"family": family, "priority": message.get("FRA_PRIORITY"), "table": message.get("FRA_TABLE")}
    if destination := message.get("FRA_DST"):
        seen |= {"dst": destination, "dst_len": message["dst_len"], "FRA_SUPPRESS_PREFIXLEN": 0}
    if workers := message.get("FRA_UID_RANGE"):
        seen |= {"uid_range": workers, "flags": message["flags"]}
    return seen | {"protocol": PROTOCOL}
