"""From the first octet inside TLS to the data phase: signature, hello, login or joining a session."""

from dataclasses import dataclass, field
from random import Random

from tsunagu.model import ConnectionSettings, Session
from tsunagu_tunnel.softether.auth import Credentials
from tsunagu_tunnel.softether.session import Direction

MAX_REDIRECTS = 4  # hops of one attempt; the reference client has no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a login says and asks for."""

    hub: str
    username: str
    credentials: Credentials
    machine_id: bytes  # 16 octets, stable per machine
    max_carriers: int = 1


def login_for(settings: ConnectionSettings, credentials: Credentials, machine_id: str) -> Login:
    """The login of these settings; ``machine_id`` in hex, as ``Start`` has it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The server has introduced itself; the login (or joining) is ready to send."""

    product: str
    version: int
    build: int


@dataclass(frozen=True, slots=True)
class Welcome:
    """Logged in.  ``session`` lacks what only the socket knows: tls_version, cipher, certificate (``replace`` them)."""

    session: Session
    session_key: bytes = field(repr=False)  # 20 octets, for AdditionalHandshake
    rest: bytes  # the first octets of the data phase, for the carrier's decoder


@dataclass(frozen=True, slots=True)
class Redirected:
    """Another server of the cluster takes the session: send what is left to send, close, connect there, log in anew
    with ``replace(login, credentials=Ticket(ticket))``.  The TLS certificate there must equal ``certificate``.
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


Event = Hello | Welcome | Redirected | Joined


class Handshake:
    """What both kinds share: signature out, hello in, a request out, the answer in.

    Write ``data_to_send()`` after construction and after each ``receive_data``.  After ``Welcome``, ``Redirected`` or
    ``Joined`` the handshake is over; what comes next belongs to the carrier.
    """

    def data_to_send(self) -> bytes:
        """What is to be written now; b"" if nothing."""

    def receive_data(self, data: bytes) -> list[Event]:
        """Take what the socket gave (b"": end of file); return what happened.

        Raises:
            TunnelError: the server refused (its code), is no VPN server (2), broke the protocol (4), cut the line (3).
        """


class LoginHandshake(Handshake):
    """The first connection of a session.  Events: ``Hello``, then ``Welcome`` or ``Redirected``."""

    def __init__(self, login: Login, *, address: str, port: int, random: Random) -> None:
        """``address``, ``port``: of the machine in fact connected."""


class AdditionalHandshake(Handshake):
    """A further connection of a session.  Events: ``Hello``, then ``Joined``."""

    def __init__(self, session_key: bytes, *, address: str, random: Random) -> None:
        """``session_key`` from ``Welcome``; ``address`` of the machine in fact connected."""
