"""What commands of ``vpncmd`` make of a connection's settings, and how it shows these.  Pure.

One row a command: the options it has to have, those it may have, and the settings after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tsunagu.account_file import foreign_entries
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind, Routing
from tsunagu.setting_text import Entry, serialise
from tsunagu_tray.vpncmd_words import INVALID, UNSUPPORTED, Refused, number, truth

Options = Mapping[str, str]
FOR_EVER = 999  # retries

_PROXY_NAMES: dict[ProxyKind | None, str] = {
    None: "Direct TCP/IP Connection",
    ProxyKind.HTTP: "Connection via HTTP Proxy",
    ProxyKind.SOCKS4: "Connection via SOCKS Proxy",
    ProxyKind.SOCKS5: "Connection via SOCKS5 Proxy",
}
_AUTH_NAMES = {
    AuthType.ANONYMOUS: "Anonymous Authentication",
    AuthType.PASSWORD: "Standard Password Authentication",
    AuthType.PLAIN_PASSWORD: "RADIUS or NT Domain Authentication",
    AuthType.CERTIFICATE: "Client Certificate Authentication",
    AuthType.SMART_CARD: "Smart Card Authentication",
}
_PASSWORD_TYPES = {
    "standard": AuthType.PASSWORD,
    "radius": AuthType.PLAIN_PASSWORD,
    "ntdomain": AuthType.PLAIN_PASSWORD,
}
_NIC = ("ClientOption", "DeviceName")


@dataclass(frozen=True, slots=True)
class Change:
    """One command."""

    apply: Callable[[ConnectionSettings, Options], ConnectionSettings]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    refusal: str = ""  # what ``apply`` says, where it only ever refuses


def _to(**values: Any) -> Change:
    return Change(lambda settings, _options: replace(settings, **values))


def _refused(sentence: str) -> Change:
    def refuse(_settings: ConnectionSettings, _options: Options) -> ConnectionSettings:
        raise Refused(UNSUPPORTED, sentence)

    return Change(refuse, refusal=sentence)


def destination(text: str) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``; a hint for NAT traversal behind a slash is left out."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        host, port = text, "443"
    return host.partition("/")[0].strip("[]"), number(port, 1, 65535)


def created(name: str, options: Options) -> ConnectionSettings:
    """What AccountCreate saves."""
    host, port = destination(options["SERVER"])
    settings = ConnectionSettings(
        name=name,
        host=host,
        port=port,
        hub=options["HUB"],
        username=options["USERNAME"],
        auth=AuthType.ANONYMOUS,
        qos=True,
    )
    return _with_foreign(settings, Entry(_NIC, "string", options["NICNAME"]))


def _set_destination(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    host, port = destination(options["SERVER"])
    return replace(settings, host=host, port=port, hub=options["HUB"])


def _set_password_type(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    kind = options["TYPE"].lower()
    found = [auth for name, auth in _PASSWORD_TYPES.items() if kind and name.startswith(kind)]
    if not found:
        raise Refused(INVALID, "Specify standard or radius as /TYPE.")
    return replace(settings, auth=found[0])


def _set_card(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    certificate, key = options["CERTNAME"], options["KEYNAME"]
    return replace(settings, auth=AuthType.SMART_CARD, card_certificate=certificate, card_key=key)


def _through(kind: ProxyKind) -> Change:
    def apply(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
        host, port = destination(options["SERVER"])
        headers = settings.proxy.headers if settings.proxy and kind is ProxyKind.HTTP else ()
        username = options.get("USERNAME", "")
        return replace(settings, proxy=Proxy(kind=kind, host=host, port=port, username=username, headers=headers))

    return Change(apply, ("SERVER",), ("USERNAME", "PASSWORD"))


def _with_headers(settings: ConnectionSettings, headers: Iterable[tuple[str, str]]) -> ConnectionSettings:
    if settings.proxy is None:
        raise Refused(UNSUPPORTED, "Only a connection through an HTTP proxy has headers; use AccountProxyHttp first.")
    return replace(settings, proxy=replace(settings.proxy, headers=tuple(headers)))


def _headers(settings: ConnectionSettings, but: str = "") -> list[tuple[str, str]]:
    all_ = settings.proxy.headers if settings.proxy else ()
    return [(name, value) for name, value in all_ if name.lower() != but.lower()]


def _add_header(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    name = options["NAME"]
    return _with_headers(settings, [*_headers(settings, name), (name, options["DATA"])])


def _remove_header(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    return _with_headers(settings, _headers(settings, options["NAME"]))


def _set_details(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    return replace(
        settings,
        routing=_routing(settings.routing, left_alone=truth(options["NOTRACK"])),
        carriers=number(options["MAXTCP"], 1, 32),
        carrier_interval_s=number(options["INTERVAL"], 1, 2**32 - 1),
        carrier_lifetime_s=number(options["TTL"], 0, 2**32 - 1),
        half_duplex=truth(options["HALF"]),
        bridge_mode=truth(options["BRIDGE"]),
        monitor_mode=truth(options["MONITOR"]),
        qos=not truth(options["NOQOS"]),
        udp_acceleration=not truth(options.get("DISABLEUDP", "no")),
    )


def _routing(before: Routing, *, left_alone: bool) -> Routing:
    """With "No Adjustment for Routing Table" Tsunagu makes no routes either."""
    if left_alone:
        return Routing.NONE
    return Routing.LAN if before is Routing.NONE else before


def _set_retries(settings: ConnectionSettings, options: Options) -> ConnectionSettings:
    retries = number(options["NUM"], 0, FOR_EVER)
    interval = number(options["INTERVAL"], 5, 300)
    return replace(settings, retry_limit=None if retries == FOR_EVER else retries, retry_interval_s=interval)


_ALWAYS_CHECKED = (
    "Tsunagu always verifies the server's certificate; trust it by 'tsunagu trust' or AccountServerCertSet instead."
)
_DETAILS = ("MAXTCP", "INTERVAL", "TTL", "HALF", "BRIDGE", "MONITOR", "NOTRACK", "NOQOS")

CHANGES: Mapping[str, Change] = {
    "AccountSet": Change(_set_destination, ("SERVER", "HUB")),
    "AccountUsernameSet": Change(lambda settings, o: replace(settings, username=o["USERNAME"]), ("USERNAME",)),
    "AccountAnonymousSet": _to(auth=AuthType.ANONYMOUS),
    "AccountPasswordSet": Change(_set_password_type, ("PASSWORD", "TYPE")),
    "AccountSecureCertSet": Change(_set_card, ("CERTNAME", "KEYNAME")),
    "AccountEncryptEnable": _to(encrypt=True),
    "AccountEncryptDisable": _to(encrypt=False),
    "AccountCompressEnable": _to(compress=True),
    "AccountCompressDisable": _to(compress=False),
    "AccountProxyNone": _to(proxy=None),
    "AccountProxyHttp": _through(ProxyKind.HTTP),
    "AccountProxySocks": _through(ProxyKind.SOCKS4),
    "AccountProxySocks5": _through(ProxyKind.SOCKS5),
    "AccountHttpHeaderAdd": Change(_add_header, ("NAME", "DATA")),
    "AccountHttpHeaderDelete": Change(_remove_header, ("NAME",)),
    "AccountServerCertEnable": _to(),
    "AccountServerCertDisable": _refused(_ALWAYS_CHECKED),
    "AccountServerCertDelete": _to(server_fingerprint=""),
    "AccountRetryOnServerCertEnable": _refused("Tsunagu does not try again while a certificate is not trusted."),
    "AccountRetryOnServerCertDisable": _to(),
    "AccountDefaultCAEnable": _to(),
    "AccountDefaultCADisable": _refused("Tsunagu always trusts the system's certificate authorities too."),
    "AccountDetailSet": Change(_set_details, _DETAILS, ("DISABLEUDP",)),
    "AccountNicSet": Change(
        lambda settings, o: _with_foreign(settings, Entry(_NIC, "string", o["NICNAME"])), ("NICNAME",)
    ),
    "AccountStatusShow": _to(hide_windows=False),
    "AccountStatusHide": _to(hide_windows=True),
    "AccountRetrySet": Change(_set_retries, ("NUM", "INTERVAL")),
    "AccountStartupSet": _to(connect_at_start=True),
    "AccountStartupRemove": _to(connect_at_start=False),
}


def rows(settings: ConnectionSettings) -> Iterator[tuple[str, str]]:
    """What AccountGet shows, in its order."""
    proxy = settings.proxy
    yield "VPN Connection Setting Name", settings.name
    yield "Destination VPN Server Host Name", settings.host
    yield "Destination VPN Server Port Number", str(settings.port)
    yield "Destination VPN Server Virtual Hub Name", settings.hub
    yield "Proxy Server Type", _PROXY_NAMES[proxy.kind if proxy else None]
    if proxy:
        yield "Proxy Server Host Name", proxy.host
        yield "Proxy Server Port Number", str(proxy.port)
        yield "Proxy Server User Name", proxy.username
    yield "Verify Server Certificate", "Enable"
    yield "Device Name Used for Connection", nic_name(settings)
    yield "Authentication Type", _AUTH_NAMES[settings.auth]
    yield "User Name", settings.username
    yield "Number of TCP Connections to Use in VPN Communication", str(settings.carriers)
    yield "Interval between Establishing Each TCP Connection", str(settings.carrier_interval_s)
    yield "Connection Life of Each TCP Connection", str(settings.carrier_lifetime_s or "Infinite")
    for name, value in (
        ("Use Half Duplex Mode", settings.half_duplex),
        ("Encryption by SSL", settings.encrypt),
        ("Data Compression", settings.compress),
        ("Connect by Bridge / Router Mode", settings.bridge_mode),
        ("Connect by Monitoring Mode", settings.monitor_mode),
        ("No Adjustment for Routing Table", settings.routing is Routing.NONE),
        ("Do not Use QoS Control Function", not settings.qos),
        ("Disable UDP Acceleration", not settings.udp_acceleration),
    ):
        yield name, "Enable" if value else "Disable"


def list_row(settings: ConnectionSettings, state: str) -> tuple[str, ...]:
    """One of AccountList."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    way = _PROXY_NAMES[settings.proxy.kind if settings.proxy else None]
    return settings.name, state, f"{host}:{settings.port} ({way})", settings.hub, nic_name(settings)


def nic_name(settings: ConnectionSettings) -> str:
    """The official client's NIC for it; Tsunagu makes one itself, of another name."""
    name = _foreign(settings, _NIC)
    return name if isinstance(name, str) else "VPN"


def _foreign(settings: ConnectionSettings, path: tuple[str, ...]) -> object:
    entry = foreign_entries(settings).get(tuple(part.lower() for part in path))
    return entry.value if entry else None


def _with_foreign(settings: ConnectionSettings, entry: Entry) -> ConnectionSettings:
    """With a value that only the official client has a use for, so that an export has it."""
    entries = foreign_entries(settings) | {entry.key: entry}
    return replace(settings, foreign=serialise(entries.values()).decode())
