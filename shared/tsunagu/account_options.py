"""Which value of the official client's setting file is which setting of ours: a table.  Pure."""

import ipaddress
from collections.abc import Callable
from typing import Any, NamedTuple

from tsunagu.model import AuthType, ProxyKind, Routing
from tsunagu.setting_text import Entry, Key, Plain

FOR_EVER = 2**32 - 1  # NumRetry
HASH_SIZE = 20  # octets
PRIVATE_KEY = "RSA PRIVATE KEY"  # PEM label of PKCS#1, the only form the file takes
AUTH_TYPES = (
    AuthType.ANONYMOUS,
    AuthType.PASSWORD,
    AuthType.PLAIN_PASSWORD,
    AuthType.CERTIFICATE,
    AuthType.SMART_CARD,
)
PROXY_KINDS = (None, ProxyKind.HTTP, ProxyKind.SOCKS4, ProxyKind.SOCKS5)


class Option(NamedTuple):
    """A value of ClientOption that is one of our settings."""

    name: str
    ours: str
    missing: str | int | bool  # what a file without it means, as for the official client; the value's type
    read: Callable[[Any], Any] = lambda value: value
    write: Callable[[Any], Any] = lambda value: value
    always: bool = True  # written though it is 0 or empty


def _negated(value: bool) -> bool:
    return not value


def _between(low: int, high: int) -> Callable[[int], int]:
    """What is out of range the official client takes for the nearest value."""
    return lambda value: min(max(value, low), high)


def _limit(retries: int) -> int | None:
    return None if retries == FOR_EVER else retries


def _routing(is_left_alone: bool) -> Routing:
    return Routing.NONE if is_left_alone else Routing.LAN


def _host(text: str) -> str:
    """Without the hint behind a slash, which is one for NAT traversal."""
    return text.partition("/")[0].removeprefix("[").removesuffix("]")


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


OPTIONS = (
    Option("AccountName", "name", ""),
    Option("Hostname", "host", "", _host, _bracketed),
    Option("Port", "port", 0),
    Option("HubName", "hub", ""),
    Option("MaxConnection", "carriers", 0, _between(1, 32)),
    Option("AdditionalConnectionInterval", "carrier_interval_s", 0, _between(1, 2**32 - 1)),
    Option("ConnectionDisconnectSpan", "carrier_lifetime_s", 0),
    Option("RetryInterval", "retry_interval_s", 0, _between(5, 300)),
    Option("NumRetry", "retry_limit", 0, _limit, lambda limit: FOR_EVER if limit is None else limit),
    Option("UseEncrypt", "encrypt", False),
    Option("UseCompress", "compress", False),
    Option("HalfConnection", "half_duplex", False),
    Option("DisableQoS", "qos", False, _negated, _negated),
    Option("NoUdpAcceleration", "udp_acceleration", False, _negated, _negated),
    Option("HideStatusWindow", "hide_windows", False),
    Option("RequireBridgeRoutingMode", "bridge_mode", False),
    Option("RequireMonitorMode", "monitor_mode", False),
    # "No adjustments of the routing table": there is nothing of theirs that we adjust, but routes of our own.
    Option("NoRoutingTracking", "routing", False, _routing, lambda routing: routing is Routing.NONE),
    Option("BindLocalIP", "source_address", "", lambda text: text if text.strip("0.:") else "", always=False),
    Option("BindLocalPort", "source_port", 0, always=False),
)  # fmt: skip
PROXY_OPTIONS = ("ProxyType", "ProxyName", "ProxyPort", "ProxyUsername", "ProxyPassword", "CustomHttpHeader")
OWN: set[Key] = {("clientoption", name.lower()) for name in (*(option.name for option in OPTIONS), *PROXY_OPTIONS)}
OWN.add(("startupaccount",))


def entry_of(path: str, value: Plain) -> Entry:
    """The value at a path with slashes, of the kind that its type has in a file."""
    return Entry(tuple(path.split("/")), {str: "string", int: "uint", bool: "bool", bytes: "byte"}[type(value)], value)


def by_key(*entries: Entry) -> dict[Key, Entry]:
    """As documents have them."""
    return {entry.key: entry for entry in entries}


def key_of(path: tuple[str, ...]) -> Key:
    """Case does not count in names."""
    return tuple(part.lower() for part in path)
