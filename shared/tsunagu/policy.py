"""The security policy a server attaches to a session (S46): every value with name, unit and meaning.

Keys and defaults: the reference server's policy items, in its order.  Names and explanations: our own words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

MARKS = frozenset({"Ver3"})  # say how to read the others, and nothing to a person


class Unit(Enum):
    """What a value is; the value is the unit's name in ``policy --json``."""

    SWITCH = "switch"
    COUNT = "count"
    SECONDS = "s"
    BITS = "bit/s"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class PolicyItem:
    """One row.  0 is no limit, or off."""

    key: str  # the server's, without "policy:"
    unit: Unit
    name: str
    meaning: str


# fmt: off
_ROWS = (
    ("Access", Unit.SWITCH, "Access", "The user may connect"),
    ("DHCPFilter", Unit.SWITCH, "No DHCP (IPv4)", "All IPv4 DHCP packets are dropped"),
    ("DHCPNoServer", Unit.SWITCH, "No DHCP server (IPv4)", "This computer may not be an IPv4 DHCP server"),
    ("DHCPForce", Unit.SWITCH, "Addresses from DHCP only (IPv4)", "Only IPv4 addresses that DHCP has given may be used"),
    ("NoBridge", Unit.SWITCH, "No bridge", "No network may be bridged behind this computer"),
    ("NoRouting", Unit.SWITCH, "No router (IPv4)", "No IPv4 network may be routed behind this computer"),
    ("CheckMac", Unit.SWITCH, "Unique MAC addresses", "A MAC address that another session uses may not be used"),
    ("CheckIP", Unit.SWITCH, "Unique IP addresses (IPv4)", "An IPv4 address that another session uses may not be used"),
    ("ArpDhcpOnly", Unit.SWITCH, "Necessary broadcasts only", "Of all broadcasts only ARP, DHCP and ICMPv6 go through"),
    ("PrivacyFilter", Unit.SWITCH, "Privacy filter", "Sessions with this filter cannot reach one another"),
    ("NoServer", Unit.SWITCH, "No TCP server (IPv4)", "Nobody may open IPv4 TCP connections to this computer"),
    ("NoBroadcastLimiter", Unit.SWITCH, "Unlimited broadcasts", "The number of broadcasts is not limited"),
    ("MonitorPort", Unit.SWITCH, "Monitoring mode", "All that goes through the hub may be received"),
    ("MaxConnection", Unit.COUNT, "TCP connections at most", "So many TCP connections a session may have"),
    ("TimeOut", Unit.SECONDS, "Time-out", "A session that is silent for so long ends"),
    ("MaxMac", Unit.COUNT, "MAC addresses at most", "So many MAC addresses a session may use"),
    ("MaxIP", Unit.COUNT, "IPv4 addresses at most", "So many IPv4 addresses a session may use"),
    ("MaxUpload", Unit.BITS, "Upload bandwidth", "The hub takes at most so much from this computer"),
    ("MaxDownload", Unit.BITS, "Download bandwidth", "The hub sends at most so much to this computer"),
    ("FixPassword", Unit.SWITCH, "Password is fixed", "Users may not change their own password"),
    ("MultiLogins", Unit.COUNT, "Logins at the same time", "So many sessions a user may have at the same time"),
    ("NoQoS", Unit.SWITCH, "No VoIP / QoS", "VoIP / QoS cannot be used"),
    ("RSandRAFilter", Unit.SWITCH, "No router search (IPv6)", "IPv6 router solicitations and advertisements are dropped"),
    ("RAFilter", Unit.SWITCH, "No router advertisements (IPv6)", "IPv6 router advertisements are dropped"),
    ("DHCPv6Filter", Unit.SWITCH, "No DHCP (IPv6)", "All IPv6 DHCP packets are dropped"),
    ("DHCPv6NoServer", Unit.SWITCH, "No DHCP server (IPv6)", "This computer may not be an IPv6 DHCP server"),
    ("NoRoutingV6", Unit.SWITCH, "No router (IPv6)", "No IPv6 network may be routed behind this computer"),
    ("CheckIPv6", Unit.SWITCH, "Unique IP addresses (IPv6)", "An IPv6 address that another session uses may not be used"),
    ("NoServerV6", Unit.SWITCH, "No TCP server (IPv6)", "Nobody may open IPv6 TCP connections to this computer"),
    ("MaxIPv6", Unit.COUNT, "IPv6 addresses at most", "So many IPv6 addresses a session may use"),
    ("NoSavePassword", Unit.SWITCH, "Password may not be saved", "The password has to be entered at every connection"),
    ("AutoDisconnect", Unit.SECONDS, "Automatic disconnection", "A session ends after so long and is not connected again"),
    ("FilterIPv4", Unit.SWITCH, "No IPv4", "IPv4 and ARP packets are dropped"),
    ("FilterIPv6", Unit.SWITCH, "No IPv6", "IPv6 packets are dropped"),
    ("FilterNonIP", Unit.SWITCH, "IP only", "Packets other than IP and ARP are dropped"),
    ("NoIPv6DefaultRouterInRA", Unit.SWITCH, "No default router (IPv6)", "Router advertisements arrive without a default router"),
    ("NoIPv6DefaultRouterInRAWhenIPv6", Unit.SWITCH, "No default router if connected by IPv6", "The same, where the VPN connection itself goes by IPv6"),
    ("VLanId", Unit.NUMBER, "VLAN ID", "The hub gives this computer's packets this VLAN tag"),
)
# fmt: on

POLICY = {row[0]: PolicyItem(*row) for row in _ROWS}


def items(policy: Mapping[str, int]) -> Iterator[tuple[PolicyItem, int]]:
    """What a session's policy says, in the table's order; what a newer server may have beyond it comes last."""
    for item in POLICY.values():
        if item.key in policy:
            yield item, policy[item.key]
    for key in policy.keys() - POLICY.keys() - MARKS:
        yield PolicyItem(key, Unit.NUMBER, key, ""), policy[key]
