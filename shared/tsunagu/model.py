"""What all rooms talk about: connections, their states, sessions, leases, statistics.  Frozen, valid once built."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum

from tsunagu.errors import InvalidSettings


class State(Enum):
    """Where a connection is.  The manual's three list states (S15) are ``list_state`` of these."""

    IDLE = "idle"
    CONNECTING = "connecting"
    NEEDS_SECRET = "needs-secret"  # an attempt ended because a person has to give a secret
    NEEDS_TRUST = "needs-trust"  # an attempt ended because a person has to judge the server's certificate
    WAITING = "waiting"  # for the time of the next attempt
    SLEEPING = "sleeping"  # the machine is; the connection comes back when it wakes
    UP = "up"
    STOPPING = "stopping"


class ListState(Enum):
    """The three states of the manual's list (S15-S19)."""

    OFFLINE = "Offline"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"


def list_state(state: State) -> ListState:
    """S19: not active -> Offline, active and not connected -> Connecting, active and connected -> Connected."""
    match state:
        case State.IDLE:
            return ListState.OFFLINE
        case State.UP:
            return ListState.CONNECTED
        case _:
            return ListState.CONNECTING


class Phase(Enum):
    """How far an attempt has come (S5, S23).  The value is what travels on the bus."""

    NONE = ""
    RESOLVING = "resolving"
    CONNECTING = "connecting"
    VERIFYING = "verifying"  # the server's certificate
    NEGOTIATING = "negotiating"
    AUTHENTICATING = "authenticating"
    ESTABLISHING = "establishing"
    REDIRECTED = "redirected"  # on the way to a server of the cluster
    ESTABLISHED = "established"
    RETRYING = "retrying"


class AuthType(Enum):
    """How a user proves who they are (the number on the wire is the protocol's affair)."""

    ANONYMOUS = "anonymous"
    PASSWORD = "password"  # a kind, not a secret
    PLAIN_PASSWORD = "plain-password"  # for RADIUS and NT domains: the server sees the password itself
    CERTIFICATE = "certificate"  # with its private key, in files
    SMART_CARD = "smart-card"  # with its private key, on a card


class ProxyKind(Enum):
    """What the proxy on the way to the server speaks."""

    HTTP = "http"  # CONNECT
    SOCKS4 = "socks4"
    SOCKS5 = "socks5"


class Addressing(Enum):
    """Where the NIC's address comes from."""

    DHCP = "dhcp"
    STATIC = "static"  # the settings have it
    NONE = "none"  # bridges, own tools: Tsunagu leaves the NIC without an address


class Ipv6(Enum):
    """Where the NIC's IPv6 addresses come from."""

    OFF = "off"
    AUTO = "auto"  # routers behind the hub announce the network; their default route only counts where it is in here
    STATIC = "static"  # the settings have it


class Routing(Enum):
    """What goes through the tunnel."""

    LAN = "lan"  # the networks behind the hub
    EVERYTHING = "everything"  # all traffic of this machine, IPv4 and IPv6
    NONE = "none"  # no routes: other tools see to it


class SecretsIn(Enum):
    """Where passwords go that a person wants saved."""

    KEYRING = "keyring"  # the person's own; where none runs: as below
    SYSTEM = "system"  # a file that only root can read; serves before any log-in, too


class Dns(Enum):
    """Which servers look names up."""

    AUTO = "auto"  # those that DHCP names: for the names behind the hub, or with all traffic for all
    MANUAL = "manual"  # those of the settings
    OFF = "off"  # as without the tunnel


_NAME = re.compile(  # no control characters (C0, C1), line ends, turns of the writing direction or half characters
    r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,255}"
)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]{1,15})?")  # ipaddress takes anything for a zone, line ends too
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HASHED_PASSWORD = re.compile(r"[0-9a-f]{40}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,1024}")
_CERTIFICATES = re.compile(
    r"(?:-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+-----END CERTIFICATE-----(?:\n|\Z))+"
)
_MAX_CERTIFICATES = 24576  # characters: with a key and all else they fit into one control message
_MAX_HEADERS = 32
_MAX_NETWORKS = 64
_INTERFACE = re.compile(r"tsunagu[a-z0-9_]{0,8}")  # 15 octets at most; no NIC of others
_MAC = re.compile(r"[0-9a-f][26ae](:[0-9a-f]{2}){5}")  # locally administered, unicast
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (RSA )?PRIVATE KEY-----\n(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+-----END (?(1)RSA )PRIVATE KEY-----\n?"
)
_MAX_PASSWORD = 1024  # characters
_MAX_PRIVATE_KEY = 8192  # characters; an RSA key of 4096 bits has about 3300
_MAX_FOREIGN = 8192  # characters; real files have some hundred, and a certificate
_MAX_DNS = 8


def _text(value: str, what: str, limit: int = 255) -> None:
    if not value or len(value) > limit or not _NAME.fullmatch(value) or value != value.strip():
        raise InvalidSettings(
            f"The {what} must have 1 to {limit} characters, without control characters or blanks at its ends"
        )


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None: it is none."""
    try:
        return ipaddress.ip_address(value) if _ADDRESS.fullmatch(value) else None
    except ValueError:
        return None


def _host(value: str, what: str = "server") -> None:
    if _address(value) is None:
        labels = value.removesuffix(".").split(".")
        if len(value) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
            raise InvalidSettings(f"The {what} must be a host name such as vpn.example.org, or an IP address")


def _number(value: int, low: int, high: int, what: str) -> None:
    if not low <= value <= high:
        raise InvalidSettings(f"The {what} must lie between {low} and {high}")


def _interface(value: str, version: int, what: str) -> None:
    try:
        interface = ipaddress.ip_interface(value) if "%" not in value else None
    except ValueError:
        interface = None
    if interface is None or interface.version != version or "/" not in value:
        example = "192.168.77.5/24" if version == 4 else "2001:db8:5::5/64"
        raise InvalidSettings(f"The {what} must be an address with its prefix length, such as {example}")
    address, network = interface.ip, interface.network
    if network.prefixlen < 8 or address.is_loopback or address.is_multicast or address.is_unspecified:
        raise InvalidSettings(f"The {what} must be one for a host, which {value} is not")
    if version == 4 and network.prefixlen < 31 and address in (network.network_address, network.broadcast_address):
        raise InvalidSettings(f"The {what} must be one for a host, which {value} is not")


def _gateway(value: str, version: int, network: str) -> None:
    """A router's address; IPv6 ones are link-local as a rule."""
    address = _address(value) if "%" not in value else None
    is_neighbour = (
        address is not None
        and address.version == version
        and (
            (address.version == 6 and address.is_link_local)
            or (network and address in ipaddress.ip_interface(network).network)
        )
    )
    if not is_neighbour:
        raise InvalidSettings(f"The gateway must be an address in the network of the fixed one, which {value} is not")


def _networks(values: tuple[str, ...], what: str) -> None:
    if len(values) > _MAX_NETWORKS:
        raise InvalidSettings(f"The {what} must be at most {_MAX_NETWORKS}")
    for value in values:
        try:
            network = ipaddress.ip_network(value) if "%" not in value else None
        except ValueError:
            network = None
        if network is None:
            raise InvalidSettings(
                f"The {what} must be networks such as 192.168.5.0/24 or 2001:db8::/48, which {value} is not"
            )
        if network.prefixlen == 0 or network.is_loopback or network.is_multicast or network.is_link_local:
            raise InvalidSettings(f"The {what} must be networks of hosts, which {value} is not")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """What every carrier goes through to the server.  Its password is a ``Secret``, kept apart.

    Raises:
        InvalidSettings: from the constructor.
    """

    kind: ProxyKind
    host: str
    port: int
    username: str = ""  # "": none is asked for
    headers: tuple[tuple[str, str], ...] = ()  # (name, value), sent with CONNECT; they win over our own

    def __post_init__(self) -> None:
        _host(self.host, "proxy")
        _number(self.port, 1, 65535, "proxy's port")
        if self.username:
            _text(self.username, "user name for the proxy")
        if self.headers and self.kind is not ProxyKind.HTTP:
            raise InvalidSettings("Only an HTTP proxy takes headers")
        if len(self.headers) > _MAX_HEADERS:
            raise InvalidSettings(f"The proxy's headers must be at most {_MAX_HEADERS}")
        for name, value in self.headers:
            if not _HEADER_NAME.fullmatch(name):
                raise InvalidSettings("The name of a proxy's header must consist of letters, digits and hyphens")
            if not _HEADER_VALUE.fullmatch(value) or value != value.strip(" "):
                raise InvalidSettings(
                    f"The proxy's header {name} must have at most 1024 characters, "
                    "without control characters or blanks at its ends"
                )

    def check_username(self) -> None:
        """Refuse what has no form in which it could be sent.  Not in the constructor: files of 0.1 may have it.

        Raises:
            InvalidSettings: an HTTP proxy would take the user name's end for the password's beginning (RFC 7617).
        """
        if self.kind is ProxyKind.HTTP and ":" in self.username:
            raise InvalidSettings("The user name for an HTTP proxy must not have a colon in it")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One saved connection.  Holds no secret: those are apart, or come from the secrets agent when asked.

    Raises:
        InvalidSettings: from the constructor, so that an instance in hand is a valid one.
    """

    name: str  # what people call it
    host: str  # name, IPv4 or IPv6 address (without brackets)
    port: int = 443  # of the server
    hub: str  # the virtual hub on the server
    username: str  # there
    auth: AuthType = AuthType.PASSWORD  # how the user logs in
    carriers: int = 1  # TLS connections opened in parallel, 1 to 32
    addressing: Addressing = Addressing.DHCP  # where the NIC's IPv4 address comes from
    retry_limit: int | None = None  # further attempts after a failed one; None: for ever
    retry_interval_s: int = 15  # 5 to 300 (S61)
    hide_windows: bool = False  # "Hide status and error screens" (S4, S57)
    server_fingerprint: str = ""  # SHA-256 of the certificate (DER) a person accepted, 64 hex digits; "": none yet
    client_certificate: str = ""  # PEM, the user's own first, then its chain; the private key is a secret, kept apart
    card_certificate: str = ""  # the certificate's name on the smart card
    card_key: str = ""  # the private key's name on the smart card; "": the one of the certificate's id
    card_module: str = ""  # path of the card's PKCS#11 module; "": all that the system knows (p11-kit)
    proxy: Proxy | None = None  # on the way to the server: its kind, host, port, username and headers
    encrypt: bool = True  # what the session carries
    compress: bool = False  # what the session carries
    half_duplex: bool = False  # every carrier one way only
    qos: bool = False  # VoIP/QoS: the server sends some frames first
    bridge_mode: bool = False  # bridge/router mode
    monitor_mode: bool = False  # receive all that goes through the hub
    carrier_interval_s: int = 1  # between the establishing of carriers
    carrier_lifetime_s: int = 0  # a carrier is replaced after that; 0: never
    udp_acceleration: bool = True  # where the server offers it and datagrams pass
    old_udp_acceleration: bool = False  # its version 1 (RC4 and SHA-1) too, for servers that have no better one
    source_address: str = ""  # IP address of this machine that carriers start from; "": the system's choice
    source_port: int = 0  # 0: the system's choice
    connect_at_start: bool = False  # when the machine starts, before any log-in
    disconnect_at_logout: bool = False  # when the owner's last session on this machine ends
    secrets_in: SecretsIn = SecretsIn.KEYRING  # where saved passwords go; with connect_at_start it is SYSTEM
    old_tls: bool = False  # TLS 1.0 and 1.1 too, for old servers
    address: str = ""  # with Addressing.STATIC: IPv4, "192.168.77.5/24"
    gateway: str = ""  # with Addressing.STATIC: the router in that network; "": there is none
    link_local: bool = False  # where no DHCP server answers: an address of 169.254.0.0/16, which is no success (S12)
    ipv6: Ipv6 = Ipv6.OFF  # where the NIC's IPv6 addresses come from
    ipv6_address: str = ""  # with Ipv6.STATIC, "2001:db8:5::5/64"
    ipv6_gateway: str = ""  # the router there, "fe80::1"; "": there is none
    interface: str = ""  # name of the NIC, "tsunagu…"; connections may share one, one at a time; "": one of its own
    mac: str = ""  # of the NIC, "5e:…"; "": one of its own
    nic_enabled: bool = True  # False: nothing connects over it
    routing: Routing = Routing.LAN  # what goes through the tunnel
    extra_networks: tuple[str, ...] = ()  # in CIDR form: through the tunnel too
    excluded_networks: tuple[str, ...] = ()  # in CIDR form: never through the tunnel
    kill_switch: bool = False  # with Routing.EVERYTHING: until a person disconnects nothing passes outside the tunnel
    allow_lan: bool = True  # with Routing.EVERYTHING: the private networks this machine is in stay outside the tunnel
    dns: Dns = Dns.AUTO  # who looks names up
    dns_servers: tuple[str, ...] = ()  # with Dns.MANUAL
    dns_domains: tuple[str, ...] = ()  # names under these too are looked up behind the hub; with MANUAL () means: all
    mtu: int = 0  # octets, 576 to 1500; 0: what DHCP says, else 1500
    foreign: str = ""  # what the official client's setting file said that is no setting of ours: for the next export

    def __post_init__(self) -> None:
        _text(self.name, "name of the connection")
        _host(self.host)
        _text(self.hub, "name of the virtual hub")
        _text(self.username, "user name")
        for value, low, high, what in (
            (self.port, 1, 65535, "port"),
            (self.carriers, 1, 32, "number of TCP connections"),
            (self.retry_interval_s, 5, 300, "retry interval in seconds"),
            (0 if self.retry_limit is None else self.retry_limit, 0, 2**32 - 1, "number of retries"),
            (self.carrier_interval_s, 1, 2**32 - 1, "interval between TCP connections in seconds"),
            (self.carrier_lifetime_s, 0, 2**32 - 1, "lifetime of a TCP connection in seconds"),
            (self.source_port, 0, 65535, "source port"),
        ):
            _number(value, low, high, what)
        if self.server_fingerprint and not _FINGERPRINT.fullmatch(self.server_fingerprint):
            raise InvalidSettings("The server's fingerprint must have 64 hexadecimal digits (SHA-256)")
        if self.mtu:
            _number(self.mtu, 576, 1500, "MTU, if it is not 0,")
        _networks(self.extra_networks, "extra networks")
        _networks(self.excluded_networks, "excluded networks")
        if self.kill_switch and self.routing is not Routing.EVERYTHING:
            raise InvalidSettings("A kill switch takes routing everything: all traffic has to go through the tunnel")
        if self.routing is Routing.NONE and (self.extra_networks or self.excluded_networks):
            raise InvalidSettings("Without routes (routing none) there can be no extra or excluded networks")
        if self.interface and not _INTERFACE.fullmatch(self.interface):
            raise InvalidSettings(
                "The network adapter's name must be tsunagu with up to 8 small letters, digits or underlines behind it"
            )
        if self.mac and not _MAC.fullmatch(self.mac):
            raise InvalidSettings(
                "The MAC address must be a locally administered one of 6 octets, such as 5e:00:00:00:00:01"
            )
        self._check_addresses()
        self._check_dns()
        self._check_user_certificate()
        if len(self.foreign) > _MAX_FOREIGN:
            raise InvalidSettings(
                f"What Tsunagu has no setting for in a setting file must be at most {_MAX_FOREIGN} characters"
            )
        if self.source_address and _address(self.source_address) is None:
            raise InvalidSettings("The source address must be an IPv4 or IPv6 address")

    @property
    def uses_keyring(self) -> bool:
        """Saved passwords belong into a keyring: nobody needs them before its owner has logged in."""
        return self.secrets_in is SecretsIn.KEYRING and not self.connect_at_start

    @property
    def has_fixed_addresses(self) -> bool:
        """There is something to set up that does not wait for DHCP."""
        return self.addressing is Addressing.STATIC or self.ipv6 is not Ipv6.OFF

    def _check_addresses(self) -> None:
        for value, version, wanted, what in (
            (self.address, 4, self.addressing is Addressing.STATIC, "fixed address"),
            (self.ipv6_address, 6, self.ipv6 is Ipv6.STATIC, "fixed IPv6 address"),
        ):
            if bool(value) is not wanted:
                raise InvalidSettings(f"A {what} has to be given where addresses are static, and only there")
            if value:
                _interface(value, version, what)
        if self.gateway and self.addressing is not Addressing.STATIC:
            raise InvalidSettings("A gateway can be given only beside a fixed address")
        if self.ipv6_gateway and self.ipv6 is Ipv6.OFF:
            raise InvalidSettings("An IPv6 gateway can be given only where IPv6 is not off")
        for value, version, network in ((self.gateway, 4, self.address), (self.ipv6_gateway, 6, self.ipv6_address)):
            if value:
                _gateway(value, version, network)

    def _check_dns(self) -> None:
        for value in self.dns_servers:
            address = _address(value)
            if address is None:
                raise InvalidSettings(f"The DNS servers must be IP addresses, which {value} is not")
            if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_link_local:
                raise InvalidSettings(f"The DNS servers must be other machines, which {value} is not")
        if max(len(self.dns_servers), len(self.dns_domains)) > _MAX_DNS:
            raise InvalidSettings(f"The DNS servers and DNS domains must be at most {_MAX_DNS}")
        for value in self.dns_domains:
            _host(value, "DNS domains")
        if (self.dns is Dns.MANUAL) is not bool(self.dns_servers):
            raise InvalidSettings("DNS servers have to be given with dns manual, and only with that")

    def _check_user_certificate(self) -> None:
        if len(self.client_certificate) > _MAX_CERTIFICATES:
            raise InvalidSettings(f"The client certificate must have at most {_MAX_CERTIFICATES} characters")
        if self.client_certificate and not _CERTIFICATES.fullmatch(self.client_certificate):
            raise InvalidSettings(
                "The client certificate must be in PEM form, with nothing but BEGIN CERTIFICATE blocks"
            )
        for value, what in (
            (self.card_certificate, "name of the certificate on the smart card"),
            (self.card_key, "name of the private key on the smart card"),
            (self.card_module, "path of the smart card's module"),
        ):
            if value:
                _text(value, what)
        if self.card_module and not self.card_module.startswith("/"):
            raise InvalidSettings("The path of the smart card's module must begin with /")


@dataclass(frozen=True, slots=True)
class Login:
    """As whom a person wants to log in with a password.

    Raises:
        InvalidSettings: from the constructor.
    """

    username: str
    auth: AuthType  # one with a password

    def __post_init__(self) -> None:
        _text(self.username, "user name")
        if self.auth not in (AuthType.PASSWORD, AuthType.PLAIN_PASSWORD):
            raise InvalidSettings("Only a login with a password can be chosen here")


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or private key on its way to where it is used.  Never logged, never shown."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """What a server knows of a standard password, 20 octets: as good as the password there.  Never logged, never shown.

    Official clients and their setting files keep only this.

    Raises:
        InvalidSettings: from the constructor.
    """

    value: str = field(repr=False)  # 40 hex digits

    def __post_init__(self) -> None:
        if not _HASHED_PASSWORD.fullmatch(self.value):
            raise InvalidSettings("A hashed password must have 40 hexadecimal digits")


class SecretKind(Enum):
    """A secret that a person can be asked for.  The value is what travels on the bus."""

    PASSWORD = "password"
    PROXY_PASSWORD = "proxy_password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """All secrets of one connection.  The helper takes and keeps them, and gives them to nobody but its worker.

    Raises:
        InvalidSettings: from the constructor.
    """

    password: Secret | None = None
    hashed_password: HashedPassword | None = None  # instead of ``password``, where only this is known
    private_key: Secret | None = None  # of the client certificate: PEM, without passphrase
    proxy_password: Secret | None = None

    def __post_init__(self) -> None:
        if self.password and self.hashed_password:
            raise InvalidSettings("The secrets may have a password or a hashed password, not both")
        for secret, what in ((self.password, "password"), (self.proxy_password, "proxy's password")):
            if secret and not (0 < len(secret.value) <= _MAX_PASSWORD and "\0" not in secret.value):
                raise InvalidSettings(f"The {what} must have at most {_MAX_PASSWORD} characters, none of them NUL")
        key = self.private_key
        if key and (len(key.value) > _MAX_PRIVATE_KEY or not _PRIVATE_KEY.fullmatch(key.value)):
            raise InvalidSettings(
                "The private key must be in PEM form and without passphrase, with nothing but one BEGIN PRIVATE KEY "
                "or BEGIN RSA PRIVATE KEY block"
            )

    def updated(self, changes: Mapping[str, Secret]) -> "Secrets":
        """With these in the place of those of the same names; an empty one is forgotten.

        Password and hashed password are one secret in two forms: to change one is to forget the other.

        Raises:
            InvalidSettings: a name or a value is not valid.
        """
        names = [secret.name for secret in fields(self)]
        if not changes.keys() <= set(names):
            raise InvalidSettings(f"Secrets have the names {', '.join(names)}, and no others")
        values: dict[str, Secret | HashedPassword | None] = {}
        if changes.keys() & {"password", "hashed_password"}:
            values = {"password": None, "hashed_password": None}
        for name, secret in changes.items():
            made = HashedPassword(secret.value) if name == "hashed_password" and secret.value else secret
            values[name] = made if secret.value else None
        return replace(self, **values)  # type: ignore[arg-type]  # each by its own name

    def of(self, kind: SecretKind) -> Secret | HashedPassword | None:
        """That one, in either form."""
        return self.proxy_password if kind is SecretKind.PROXY_PASSWORD else self.password or self.hashed_password

    def having(self, kind: SecretKind, secret: Secret | HashedPassword | None) -> "Secrets":
        """With that one in its place; None: without."""
        match kind, secret:
            case SecretKind.PROXY_PASSWORD, Secret() | None:
                return replace(self, proxy_password=secret)
            case _, HashedPassword():
                return replace(self, password=None, hashed_password=secret)
            case _:
                return replace(self, password=secret, hashed_password=None)

    def names(self) -> list[str]:
        """Of those that are there."""
        return [secret.name for secret in fields(self) if getattr(self, secret.name)]

    @staticmethod
    def kinds(names: Iterable[str]) -> frozenset[SecretKind]:
        """Which of those that a person can be asked for have these names."""
        of_names = {"hashed_password": SecretKind.PASSWORD} | {kind.value: kind for kind in SecretKind}
        return frozenset(of_names[name] for name in names if name in of_names)


NO_SECRETS = Secrets()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One authenticated stay on a hub, as the server described it (S24-S41)."""

    server_address: str  # of the machine in fact connected, after a redirect too (S24)
    server_port: int
    first_address: str = ""  # the one that the server's (or the proxy's) name had; another than below after a redirect
    carrier_address: str = ""  # what carriers go to by TCP: the server's IP address, or the proxy's
    server_product: str
    server_version: int  # 501 means 5.01
    server_build: int
    session_name: str
    connection_name: str
    session_key: str = field(repr=False)  # 40 hex digits (S39)
    max_carriers: int = 1  # what the server granted (S35)
    half_duplex: bool = False
    encrypted: bool = True
    tls_version: str = ""  # "TLSv1.3" (S36)
    cipher: str = ""
    compressed: bool = False
    bridge_mode: bool = False
    monitor_mode: bool = False
    qos: bool = False
    vlan_id: int = 0
    timeout_ms: int = 20000
    message: str = ""  # of the hub, to be shown once
    policy: dict[str, int] = field(default_factory=dict)  # the server's names without "policy:" (S46)
    udp_version: int = 0  # of UDP acceleration, as the server granted it; 0: none (S45)
    certificate: str = ""  # of the server, DER in base64 (S47)
    client_certificate: str = ""  # shown by us, likewise, where the login was by one (S48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the hub's DHCP server offered.  Comes from the network: check before use."""

    address: str  # IPv4
    prefix_length: int
    server: str
    lifetime_s: int
    router: str = ""
    dns_servers: tuple[str, ...] = ()
    domain: str = ""
    routes: tuple[tuple[str, str], ...] = ()  # (network in CIDR form, gateway)
    mtu: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Frames one way, by kind (S44).  Octets are of Ethernet frames without FCS."""

    unicast_packets: int = 0
    unicast_octets: int = 0
    broadcast_packets: int = 0  # multicast included
    broadcast_octets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counters of one session (S34, S42-S44)."""

    carriers: int = 0
    udp_in_use: bool = False  # frames go by UDP acceleration at this moment
    sending_carriers: int = 0  # of these; in half-duplex mode every one does one of both
    receiving_carriers: int = 0
    sent: Traffic = Traffic()
    received: Traffic = Traffic()
    wire_sent_octets: int = 0  # the VPN protocol's own, about what crossed the physical network
    wire_received_octets: int = 0
    round_trip_us: int = 0  # of the quickest carrier, as TCP has measured it: to the server, or to a proxy; 0: unknown
