"""From the first octet inside TLS to the data phase: signature, hello, then a login or the joining of a session."""

import ipaddress
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from random import Random

import tsunagu
from tsunagu.errors import TunnelError
from tsunagu.model import ConnectionSettings, HashedPassword, Secret, Session
from tsunagu.sha0 import hash_password
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.auth import ClientCertificate, Credentials, SmartCard, secure_password
from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.md4 import nt_hash
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.session import Direction
from tsunagu_tunnel.softether.udp_acceleration import UdpTerms
from tsunagu_tunnel.softether.udp_offer import UdpOffer

MAX_REDIRECTS = 4  # hops of one attempt; the reference client has no limit
MAX_CARRIERS = 32
MAX_NOT_YET = 60  # in one handshake: a server's own (the reference sends and takes 30), and answers to reminders
MAX_MESSAGE = 32_000  # octets of a hub's message, so that it fits into one control message with the rest
MAX_HUBS = 400  # names of at most 255 octets: they fit into one control message
MAX_POLICY = 128  # entries; a server of 2025 sends 39
TIMEOUT_MS = (1_000, 300_000)  # what is believed of a server's timeout; policies allow 5 s to 60 s

NOT_ENOUGH_RIGHT = 52  # to who may not change the password, and the reasons (Cedar/Protocol.c, ChangePasswordAccept)
FORBIDDEN = "the user's policy FixPassword (Password is fixed) or the hub's option deny_change_user_password forbids it"
OUR_VERDICTS = (85, 106, 149)  # codes about the server's certificate, which the server itself has no say in

PRODUCT = "Tsunagu"  # must contain neither "server" nor "bridge": a server would count us as one
PRODUCT_VERSION = int("".join(f"{int(part):02}" for part in tsunagu.__version__.split(".")[:2]))  # 1.02 is 102
PROTOCOL_VERSION, PROTOCOL_BUILD = 501, 9674  # the reference client whose protocol this is


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a login says and asks for."""

    hub: str
    username: str
    credentials: Credentials
    machine_id: bytes  # 16 octets, stable per machine: sessions of one machine do not count as multiple logins
    max_carriers: int = 1
    encrypt: bool = True  # without it, all that follows the welcome is in the clear
    compress: bool = False
    half_duplex: bool = False
    qos: bool = False
    bridge_mode: bool = False
    monitor_mode: bool = False


def login_for(settings: ConnectionSettings, credentials: Credentials, machine_id: str) -> Login:
    """The login of these settings; ``machine_id`` in hex, as ``Start`` has it."""
    return Login(
        hub=settings.hub,
        username=settings.username,
        credentials=credentials,
        machine_id=bytes.fromhex(machine_id),
        max_carriers=settings.carriers,
        encrypt=settings.encrypt,
        compress=settings.compress,
        half_duplex=settings.half_duplex,
        qos=settings.qos,
        bridge_mode=settings.bridge_mode,
        monitor_mode=settings.monitor_mode,
    )


def least_carriers(*, half_duplex: bool, qos: bool) -> int:
    """What a session of that kind needs at least: a carrier each way, and one for priority frames beside the others."""
    return (2 if half_duplex else 1) * (2 if qos else 1)


@dataclass(frozen=True, slots=True)
class Hello:
    """The server has introduced itself; the login (or joining) is ready to send."""

    product: str
    version: int
    build: int


@dataclass(frozen=True, slots=True)
class NotYet:
    """The server asks for patience (since 5.02, while RADIUS lets it wait), or has heard a reminder."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A smart card has to sign these 20 octets: ``prove`` with what it gave, and ``remind`` while it takes long."""

    random: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """Logged in.  ``session`` lacks what only the socket knows: tls_version, cipher, certificate (``replace`` them).

    What the server granted counts, not what was asked for.  If the session is not ``encrypted``, this connection goes
    on without TLS from here, and without close_notify; so does each that joins, behind ``Joined``.
    """

    session: Session
    session_key: bytes = field(repr=False)  # 20 octets, for AdditionalHandshake
    rest: bytes  # the first octets of the data phase, for the carrier's decoder
    udp_terms: UdpTerms | None  # of the UDP acceleration that was offered


@dataclass(frozen=True, slots=True)
class Redirected:
    """Another server of the cluster takes the session.

    Send what is left to send, close, connect there, log in anew with ``replace(login, credentials=Ticket(ticket))``.
    The TLS certificate there must equal ``certificate``.
    """

    address: str
    ports: tuple[int, ...]  # at least one; take the port used so far if it is among them, else the first
    ticket: bytes = field(repr=False)
    certificate: bytes  # DER


@dataclass(frozen=True, slots=True)
class Joined:
    """This connection is a carrier of the session now."""

    direction: Direction
    rest: bytes  # the first octets of the data phase


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The server knows the user by the new password now."""


@dataclass(frozen=True, slots=True)
class HubList:
    """The hubs that the server names to everybody."""

    names: tuple[str, ...]


Event = Hello | NotYet | Challenge | Welcome | Redirected | Joined | PasswordChanged | HubList


class Handshake(ABC):
    """What all kinds share: signature out, hello in, a request out, the answer in.

    Write ``data_to_send()`` after construction and after each ``receive_data``.  After any other event than ``Hello``,
    ``NotYet`` and ``Challenge`` the handshake is over; what comes next belongs to the carrier.
    """

    def __init__(self, *, address: str, random: Random) -> None:
        self._host = f"[{address}]" if ":" in address else address
        self._random = random
        self._reader = http.AnswerReader()
        self._hello: Hello | None = None
        self._not_yet = 0
        # The body may be these ten octets; the reference client sends a picture.
        self._outgoing = http.request(http.SIGNATURE_PATH, "image/jpeg", self._host, b"VPNCONNECT")

    def data_to_send(self) -> bytes:
        """What is to be written now; b"" if nothing."""
        data, self._outgoing = self._outgoing, b""
        return data

    def receive_data(self, data: bytes) -> list[Event]:
        """Take what the socket gave (b"": end of file); return what happened.

        Raises:
            TunnelError: the server refused (its code), is no VPN server (2), broke the protocol (4), cut the line (3).
        """
        if not data:
            raise TunnelError(3, f"the server cut the line before its {'answer' if self._hello else 'hello'}")
        self._reader.receive_data(data)
        events: list[Event] = []
        while message := self._reader.next_message():
            pack = Pack.decode(message.body)
            if code := pack.get_int("error"):
                raise self._refusal(code)
            if pack.get_int("noop"):
                self._not_yet += 1
                if self._not_yet > MAX_NOT_YET:
                    raise ProtocolError("the server asks for patience without end")
                events.append(NotYet())
                continue
            if self._hello is not None:
                return [*events, self._answered(pack, self._hello)]
            events += self._take_hello(pack)
        return events

    def _take_hello(self, pack: Pack) -> list[Event]:
        random = pack.get_data("random")
        if len(random) != 20:
            raise ProtocolError("the server's hello has no random")
        self._hello = Hello(_line(pack.get_str("hello")), pack.get_int("version"), pack.get_int("build"))
        return [self._hello, *self._greeted(random)]

    def _greeted(self, random: bytes) -> list[Event]:
        self._post(self._request(random))
        return []

    def _post(self, pack: Pack) -> None:
        # Random padding as last element: the sizes of what a user sends tell nothing.
        pack.add_data("pencore", self._random.randbytes(self._random.randrange(1000)))
        self._outgoing += http.request(http.PACK_PATH, http.PACK_TYPE, self._host, pack.encode())

    def _refusal(self, code: int) -> TunnelError:
        return TunnelError(code) if code not in OUR_VERDICTS else ProtocolError(f"the server says error {code}")

    @abstractmethod
    def _request(self, random: bytes) -> Pack:
        """What to ask, now that the server's 20 random octets are known."""

    @abstractmethod
    def _answered(self, pack: Pack, hello: Hello) -> Event:
        """The event in the answer, which is no error."""


class LoginHandshake(Handshake):
    """The first connection of a session.  Events: ``Hello``, ``Challenge``, ``Welcome`` or ``Redirected``."""

    def __init__(
        self, login: Login, *, address: str, port: int, random: Random, udp_offer: UdpOffer | None = None
    ) -> None:
        """``address``, ``port``: of the machine in fact connected.  ``udp_offer``: not through a proxy."""
        super().__init__(address=address, random=random)
        self._login = login
        self._udp_offer = udp_offer
        self._address = address
        self._port = port
        self._challenge = b""

    @property
    def credentials(self) -> Credentials:
        """What it logs in with; a smart card's are here once they are proven."""
        return self._login.credentials

    def prove(self, credentials: ClientCertificate) -> None:
        """The smart card has answered the ``Challenge``."""
        self._login = replace(self._login, credentials=credentials)
        self._post(self._request(self._challenge))

    def remind(self) -> None:
        """Say nothing, so that the server knows that we are still there; it takes 30 of these."""
        pack = Pack()
        pack.add_int("error", 0)
        pack.add_int("noop", 1)
        self._post(pack)

    def _greeted(self, random: bytes) -> list[Event]:
        if not isinstance(self._login.credentials, SmartCard):
            return super()._greeted(random)
        self._challenge = random
        return [Challenge(random)]

    def _request(self, random: bytes) -> Pack:
        login, pack = self._login, Pack()
        assert not isinstance(login.credentials, SmartCard)
        pack.add_str("method", "login")
        pack.add_str("hubname", login.hub)
        pack.add_str("username", login.username)
        login.credentials.add_to(pack, login.username, random)
        _introduce(pack)
        pack.add_str("hello", PRODUCT)
        pack.add_int("version", PROTOCOL_VERSION)
        pack.add_int("build", PROTOCOL_BUILD)
        pack.add_int("client_id", 0)
        pack.add_int("protocol", 0)  # TCP
        least = least_carriers(half_duplex=login.half_duplex, qos=login.qos)
        pack.add_int("max_connection", max(login.max_carriers, least))
        for name, wanted in (
            ("use_encrypt", login.encrypt),
            ("use_compress", login.compress),
            ("half_connection", login.half_duplex),
            ("qos", login.qos),
            ("require_bridge_routing_mode", login.bridge_mode),
            ("require_monitor_mode", login.monitor_mode),
        ):
            pack.add_int(name, wanted)
        pack.add_data("UniqueId", login.machine_id)
        if self._udp_offer is not None:
            self._udp_offer.add_to(pack)
        self._add_node(pack)
        return pack

    def _add_node(self, pack: Pack) -> None:
        """What an administrator sees of this client: the product and what the server knows anyway, nothing of the host.

        Never ``HubName``, which belongs here in the reference: names must be unique, and ``hubname`` is there already.
        """
        pack.add_str("ClientProductName", PRODUCT)
        pack.add_int("ClientProductVer", _swapped(PRODUCT_VERSION))
        pack.add_int("ClientProductBuild", 0)
        pack.add_str("ClientOsName", "Linux")
        pack.add_str("ClientOsVer", "")
        pack.add_str("ClientOsProductId", "")
        pack.add_str("ClientHostname", "")
        pack.add_str("ServerHostname", self._address)
        pack.add_int("ServerPort2", _swapped(self._port))

    def _answered(self, pack: Pack, hello: Hello) -> Event:
        if pack.get_int("Redirect"):
            redirected = _redirected(pack)
            self._post(Pack())
            return redirected
        session_key = pack.get_data("session_key")
        session_name, connection_name = _line(pack.get_str("session_name")), _line(pack.get_str("connection_name"))
        if not session_name or not connection_name or len(session_key) != 20:
            raise ProtocolError("the server's welcome names no session")
        encrypted, half_duplex, qos = (bool(pack.get_int(name)) for name in ("use_encrypt", "half_connection", "qos"))
        if self._login.encrypt and not encrypted:
            raise ProtocolError("the server wants a session without encryption, which nobody asked for")
        wished = min(pack.get_int("max_connection"), self._login.max_carriers, MAX_CARRIERS)
        policy = _policy(pack)
        udp_terms = self._udp_offer.terms_in(pack, encrypted=encrypted) if self._udp_offer else None
        session = Session(
            server_address=self._address,
            server_port=self._port,
            server_product=hello.product,
            server_version=hello.version,
            server_build=hello.build,
            session_name=session_name,
            connection_name=connection_name,
            session_key=session_key.hex(),
            max_carriers=max(wished, least_carriers(half_duplex=half_duplex, qos=qos)),
            half_duplex=half_duplex,
            encrypted=encrypted,
            compressed=bool(pack.get_int("use_compress")),
            bridge_mode=not (policy.get("NoBridge") and policy.get("NoRouting")),
            monitor_mode=bool(policy.get("MonitorPort")),
            qos=qos,
            vlan_id=pack.get_int("vlan_id"),
            timeout_ms=min(max(pack.get_int("timeout"), TIMEOUT_MS[0]), TIMEOUT_MS[1]),
            message=_message(pack),
            policy=policy,
            udp_version=udp_terms.version if udp_terms else 0,
        )
        return Welcome(session, session_key, self._reader.rest(), udp_terms)


class AdditionalHandshake(Handshake):
    """A further connection of a session.  Events: ``Hello``, then ``Joined``."""

    def __init__(self, session_key: bytes, *, address: str, random: Random) -> None:
        """``session_key`` from ``Welcome``; ``address`` of the machine in fact connected."""
        super().__init__(address=address, random=random)
        self._session_key = session_key

    def _request(self, random: bytes) -> Pack:  # noqa: ARG002  # nothing to prove: the key is enough
        pack = Pack()
        pack.add_str("method", "additional_connect")
        pack.add_data("session_key", self._session_key)
        _introduce(pack)
        return pack

    def _answered(self, pack: Pack, hello: Hello) -> Event:  # noqa: ARG002
        try:
            direction = Direction(pack.get_int("direction"))
        except ValueError:
            raise ProtocolError("a carrier of unknown direction") from None
        return Joined(direction, self._reader.rest())


class PasswordHandshake(Handshake):
    """A connection that changes the password of a hub's user, no more.  Events: ``Hello``, ``PasswordChanged``."""

    def __init__(
        self, hub: str, username: str, *, old: HashedPassword, new: Secret, address: str, random: Random
    ) -> None:
        """``old``: the one that the server knows.  ``address`` of the machine in fact connected."""
        super().__init__(address=address, random=random)
        self._hub, self._username = hub, username
        self._old, self._new = old, new

    def _request(self, random: bytes) -> Pack:
        pack = Pack()
        pack.add_str("method", "password")
        pack.add_str("hubname", self._hub)
        pack.add_str("username", self._username)
        pack.add_data("secure_old_password", secure_password(bytes.fromhex(self._old.value), random))
        pack.add_data("new_password", hash_password(self._username, self._new.value))
        pack.add_data("new_password_ntlm", nt_hash(self._new.value))  # without it, L2TP knows the user no more
        _introduce(pack)
        return pack

    def _refusal(self, code: int) -> TunnelError:
        return TunnelError(code, FORBIDDEN) if code == NOT_ENOUGH_RIGHT else super()._refusal(code)

    def _answered(self, pack: Pack, hello: Hello) -> Event:  # noqa: ARG002  # it is no error: that is all there is
        return PasswordChanged()


class HubsHandshake(Handshake):
    """A connection that asks which hubs there are, no more.  Events: ``Hello``, ``HubList``."""

    def _request(self, random: bytes) -> Pack:  # noqa: ARG002  # everybody may ask
        pack = Pack()
        pack.add_str("method", "enum_hub")
        _introduce(pack)
        return pack

    def _answered(self, pack: Pack, hello: Hello) -> Event:  # noqa: ARG002
        names = map(_line, pack.get_strs("HubName"))
        return HubList(tuple(dict.fromkeys(name for name in names if name and name.isascii()))[:MAX_HUBS])


def _introduce(pack: Pack) -> None:
    pack.add_str("client_str", PRODUCT)
    pack.add_int("client_ver", PROTOCOL_VERSION)
    pack.add_int("client_build", PROTOCOL_BUILD)


def _redirected(pack: Pack) -> Redirected:
    address = pack.get_ip("Ip")
    ports = tuple(port for port in pack.get_ints("Port") if 0 < port < 65536)
    ticket, certificate = pack.get_data("Ticket"), pack.get_data("Cert")
    if ipaddress.ip_address(address).is_unspecified or not ports or len(ticket) != 20 or not certificate:
        raise ProtocolError("the server's redirect leads nowhere")
    return Redirected(address, ports, ticket, certificate)


def _policy(pack: Pack) -> dict[str, int]:
    names = [element.name for element in pack if element.name.lower().startswith("policy:")]
    return {_line(name[len("policy:") :]): pack.get_int(name) for name in names[:MAX_POLICY]}


def _message(pack: Pack) -> str:
    text = pack.get_data("Msg")[:MAX_MESSAGE].decode(errors="replace")
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable()).strip()


def _line(text: str) -> str:
    """A name as the server gave it, fit for one line of a list or a log."""
    return "".join(letter for letter in text if letter.isprintable())[:255].strip()


def _swapped(number: int) -> int:
    """Numbers about nodes travel little-endian inside big-endian ints."""
    return int.from_bytes(number.to_bytes(4, "little"), "big")
