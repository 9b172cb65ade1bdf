"""A small VPN server for tests, made of the product's own protocol classes, and a TLS socket around it.

``FakeServer`` is the server's mind and ``FakePeer`` one connection to it, both without I/O; ``FakeServerThread`` puts
them on a loopback port.  ``Fault`` makes them misbehave at a chosen stage.
"""

import datetime as dt
import hashlib
import ipaddress
import random
import selectors
import socket
import ssl
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tsunagu.sha0 import hash_password
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.auth import secure_password
from tsunagu_tunnel.softether.carrier import CarrierDecoder, encode_frames, keepalive
from tsunagu_tunnel.softether.compression import CompressedCarrierDecoder, encode_compressed_frames
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.session import Direction


class Stage(Enum):
    """What the server is about to send."""

    HELLO = "hello"
    LOGIN = "login"  # the answer to it: welcome, redirect or refusal
    JOIN = "join"  # the answer to additional_connect


@dataclass(frozen=True)
class Fault:
    """Instead of the right answer: other octets, only the first ``keep`` of them, and perhaps an end of file.

    Silence is ``Fault(keep=0)``; a line cut in the middle is ``Fault(keep=9, close=True)``.
    """

    replace: bytes | None = None
    keep: int | None = None
    close: bool = False


@dataclass(frozen=True)
class RedirectTo:
    """Logins are sent on to another server."""

    address: str
    ports: tuple[int, ...]
    certificate: bytes  # DER
    member: "FakeServer"  # will know the tickets


@dataclass
class FakeSession:
    """One login and its carriers."""

    name: str
    key: bytes
    encrypted: bool = True
    half_duplex: bool = False
    compressed: bool = False
    peers: list["FakePeer"] = field(default_factory=list)


class FakeServer:
    """Hub, users and sessions.  Change its attributes at will; ``connect`` gives a new connection."""

    def __init__(self, *, hub: str = "LAB", users: dict[str, str | None] | None = None) -> None:
        """``users``: passwords by name, None for anonymous; alice/secret and anon unless given."""
        self.hub = hub
        self.hub_names: tuple[str, ...] = (hub,)  # that are told to whoever asks
        self.users = {"alice": "secret", "anon": None} if users is None else users
        self.max_connection = 32
        self.timeout_ms = 20000
        self.half_duplex = False  # also where nobody asks for it
        self.message = ""
        self.policy = {"Access": 1, "NoBridge": 1, "NoRouting": 1, "MaxConnection": 32, "TimeOut": 20, "Ver3": 1}
        self.welcome_changes: dict[str, int | str | bytes] = {}  # elements to replace or add in the welcome
        self.redirect: RedirectTo | None = None
        self.tickets: set[bytes] = set()
        self.not_yet = 0  # packs that ask for patience before a login is answered, one with each keepalive
        self.waiting: list[FakePeer] = []  # those who are to be patient
        self.faults: dict[Stage, Fault] = {}
        self.on_frame: Callable[[bytes], Sequence[bytes]] = lambda _frame: ()  # what the hub's other hosts answer
        self.random = random.Random(1)

        self.logins: list[Pack] = []  # what came, for tests to look at
        self.may_not_change: set[str] = set()  # names of those whose policy says FixPassword
        self.changed: dict[str, tuple[bytes, bytes]] = {}  # new passwords by name: hashed, and as NT hash
        self.received: list[bytes] = []  # frames, of all sessions
        self.redirects_confirmed = 0
        self.sessions: dict[bytes, FakeSession] = {}

    def connect(self) -> "FakePeer":
        """A client has connected."""
        return FakePeer(self)

    @property
    def carriers(self) -> list["FakePeer"]:
        """The open carriers of all sessions."""
        return [peer for session in self.sessions.values() for peer in session.peers if not peer.closed]

    def send_frames(self, frames: Sequence[bytes]) -> None:
        """From the hub to every session, on the first carrier that may take them."""
        for session in self.sessions.values():
            peer = next((p for p in session.peers if not p.closed and p.direction is not Direction.SEND), None)
            if peer is not None:
                peer.send_frames(frames)

    def send_keepalives(self) -> None:
        """On all carriers that may take them; to those who log in, their answer or a request for patience."""
        patient = self.waiting.copy()
        for peer in patient:
            peer.be_patient()
        for peer in self.carriers:
            if peer not in patient and peer.direction is not Direction.SEND:
                peer.send(keepalive(self.random))

    def cut_carriers(self) -> None:
        """All lines end; the sessions live on and can be joined."""
        for peer in self.carriers:
            peer.closed = True

    def end_sessions(self) -> None:
        """What an administrator's disconnect does: all lines end, and the sessions are unknown from now on."""
        self.cut_carriers()
        self.sessions.clear()


class FakePeer:
    """One connection, seen from the server: ``receive_data`` in, ``data_to_send`` out, until ``closed``."""

    def __init__(self, server: FakeServer) -> None:
        self.closed = False  # once what is left to send is sent
        self.direction = Direction.BOTH
        self.session: FakeSession | None = None
        self._server = server
        self._reader = http.MessageReader()
        self.is_clear = False  # what is sent from now on, and comes, is outside TLS
        self._decoder = CarrierDecoder()
        self._hello_random = b""
        self._redirected = False
        self._outgoing = b""
        self._held = b""  # an answer, while the client has to be patient
        self._not_yet = 0

    def data_to_send(self) -> bytes:
        """What is to be written now."""
        data, self._outgoing = self._outgoing, b""
        return data

    def send(self, data: bytes) -> None:
        """Octets as they are: a block, or nonsense."""
        self._outgoing += data

    def send_frames(self, frames: Sequence[bytes]) -> None:
        """One block, as the session has it."""
        compressed = self.session is not None and self.session.compressed
        self.send(encode_compressed_frames(frames) if compressed else encode_frames(frames))

    def be_patient(self) -> None:
        """Ask the client for patience, or at last give the answer."""
        self.send(http.answer(wait_pack().encode()) if self._not_yet else self._held)
        self._not_yet -= 1
        if self._not_yet < 0:
            self._server.waiting.remove(self)

    def receive_data(self, data: bytes) -> None:
        """Octets from the client; b"" is its end of file."""
        if not data:
            self.closed = True
        elif self.session is not None:
            self._take_frames(data)
        else:
            self._reader.receive_data(data)
            self._take_messages()

    def _take_messages(self) -> None:
        while not self.closed and (message := self._reader.next_message()):
            self._take_message(message)
            if self.session is not None:
                self._take_frames(self._reader.rest())
                break

    def _take_frames(self, data: bytes) -> None:
        frames = self._decoder.receive_data(data)
        self._server.received += frames
        answers = [answer for frame in frames for answer in self._server.on_frame(frame)]
        if answers:
            self._server.send_frames(answers)

    def _take_message(self, message: http.Message) -> None:
        if message.start.startswith(f"POST {http.SIGNATURE_PATH} ") and message.body == b"VPNCONNECT":
            self._answer(Stage.HELLO, self._hello())
        elif not message.start.startswith(f"POST {http.PACK_PATH} ") or not self._hello_random:
            self.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            self.closed = True
        else:
            self._take_pack(Pack.decode(message.body))

    def _take_pack(self, pack: Pack) -> None:
        if self._redirected:
            self._server.redirects_confirmed += 1
            self.closed = True
        elif pack.get_str("method") == "enum_hub":
            listed = Pack()
            listed.add_int("NumHub", len(self._server.hub_names))
            if self._server.hub_names:
                listed.add_str("HubName", *self._server.hub_names)
            self._answer(Stage.LOGIN, listed)
        elif pack.get_str("method") == "password":
            if refusal := self._change(pack):
                self._refuse(Stage.LOGIN, refusal)
            else:
                self._answer(Stage.LOGIN, Pack())
        elif pack.get_str("method") == "login":
            self._server.logins.append(pack)
            refusal = self._judge(pack)
            if refusal:
                self._refuse(Stage.LOGIN, refusal)
            elif self._server.redirect is not None:
                self._answer(Stage.LOGIN, self._redirect(self._server.redirect))
                self._redirected = True
            else:
                self._answer(Stage.LOGIN, self._welcome(pack))
        elif pack.get_str("method") == "additional_connect":
            session = self._server.sessions.get(pack.get_data("session_key"))
            if session is None:
                self._refuse(Stage.JOIN, 13)
            else:
                self._answer(Stage.JOIN, self._joined(session))
        else:
            self._refuse(Stage.LOGIN, 4)

    def _change(self, asked: Pack) -> int:
        """0, or why not."""
        username = asked.get_str("username").lower()
        password = self._server.users.get(username)
        if asked.get_str("hubname").lower() != self._server.hub.lower():
            return 8
        if password is None:
            return 69 if username not in self._server.users else 68
        if username in self._server.may_not_change:
            return 52
        hashed = hash_password(username, password)
        if asked.get_data("secure_old_password") != secure_password(hashed, self._hello_random):
            return 69
        self._server.changed[username] = asked.get_data("new_password"), asked.get_data("new_password_ntlm")
        return 0

    def _judge(self, login: Pack) -> int:
        """0, or why not."""
        server, user = self._server, login.get_str("username").lower()
        if not user or not login.get_str("hubname"):
            return 4
        if login.get_str("hubname").lower() != server.hub.lower():
            return 8
        match login.get_int("authtype"):
            case 0:
                proven = user in server.users and server.users[user] is None
            case 1:
                password = server.users.get(user)
                hashed = hash_password(user, password or "")
                proof = secure_password(hashed, self._hello_random)
                proven = password is not None and login.get_data("secure_password") == proof
            case 99:
                proven = login.get_data("ticket") in server.tickets
                server.tickets.discard(login.get_data("ticket"))
            case _:
                return 7
        return 0 if proven else 9

    def _hello(self) -> Pack:
        self._hello_random = self._server.random.randbytes(20)
        pack = Pack()
        pack.add_str("hello", "SoftEther VPN Server (Fake)")
        pack.add_int("version", 501)
        pack.add_int("build", 9674)
        pack.add_data("random", self._hello_random)
        return pack

    def _welcome(self, login: Pack) -> Pack:
        server = self._server
        number = len(server.sessions) + 1
        session = FakeSession(f"SID-{login.get_str('username').upper()}-{number}", server.random.randbytes(20))
        server.sessions[session.key] = session
        session.encrypted = bool(login.get_int("use_encrypt"))
        session.half_duplex = server.half_duplex or bool(login.get_int("half_connection"))
        session.compressed = bool(login.get_int("use_compress"))
        self._enter(session, Direction.SEND if session.half_duplex else Direction.BOTH, Stage.LOGIN)
        elements: dict[str, int | str | bytes] = {
            "session_name": session.name,
            "connection_name": f"CID-{number}",
            "session_key": session.key,
            "max_connection": min(server.max_connection, login.get_int("max_connection")),
            "use_encrypt": int(session.encrypted),
            "use_compress": int(session.compressed),
            "half_connection": int(session.half_duplex),
            "qos": login.get_int("qos"),
            "timeout": server.timeout_ms,
            "Msg": server.message.encode(),
        }
        elements |= {f"policy:{name}": value for name, value in server.policy.items()}
        pack = Pack()
        for name, value in (elements | server.welcome_changes).items():
            _add(pack, name, value)
        return pack

    def _redirect(self, redirect: RedirectTo) -> Pack:
        ticket = self._server.random.randbytes(20)
        redirect.member.tickets.add(ticket)
        pack = Pack()
        pack.add_int("Redirect", 1)
        pack.add_int("Ip", int.from_bytes(ipaddress.IPv4Address(redirect.address).packed, "little"))
        pack.add_int("Port", *redirect.ports)
        pack.add_data("Ticket", ticket)
        pack.add_data("Cert", redirect.certificate)
        return pack

    def _joined(self, session: FakeSession) -> Pack:
        direction = Direction.BOTH
        if session.half_duplex:
            ways = [peer.direction for peer in session.peers if not peer.closed]
            scarce = ways.count(Direction.RECEIVE) <= ways.count(Direction.SEND)
            direction = Direction.RECEIVE if scarce else Direction.SEND
        self._enter(session, direction, Stage.JOIN)
        pack = Pack()
        pack.add_int("error", 0)
        pack.add_int("direction", direction)
        return pack

    def _refuse(self, stage: Stage, code: int) -> None:
        pack = Pack()
        pack.add_int("error", code)
        self._answer(stage, pack)
        self.closed = True

    def _enter(self, session: FakeSession, direction: Direction, stage: Stage) -> None:
        if stage not in self._server.faults:  # else the client never hears that it is a carrier
            session.peers.append(self)
            self.session, self.direction, self.is_clear = session, direction, not session.encrypted
            if session.compressed:
                self._decoder = CompressedCarrierDecoder()

    def _answer(self, stage: Stage, pack: Pack) -> None:
        pack.add_data("pencore", self._server.random.randbytes(self._server.random.randrange(100)))
        fault = self._server.faults.get(stage, Fault())
        answer = http.answer(pack.encode()) if fault.replace is None else fault.replace
        if stage is Stage.LOGIN and self._server.not_yet:
            self._held, self._not_yet = answer, self._server.not_yet
            self._server.waiting.append(self)
        else:
            self.send(answer[: fault.keep])
        self.closed = self.closed or fault.close


def wait_pack() -> Pack:
    """What servers since 5.02 say whenever RADIUS lets them wait (seen at 5.02.5187)."""
    pack = Pack()
    pack.add_int("error", 0)
    pack.add_int("noop", 2)
    return pack


def _add(pack: Pack, name: str, value: int | str | bytes) -> None:
    match value:
        case int():
            pack.add_int(name, value)
        case str():
            pack.add_str(name, value)
        case bytes():
            pack.add_data(name, value)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key; it is its own authority, so it can be trusted by itself."""

    der: bytes
    pem: bytes
    key_pem: bytes

    @property
    def sha256(self) -> str:
        """The fingerprint, as settings have it."""
        return hashlib.sha256(self.der).hexdigest()


def make_certificate(*hosts: str, expired: bool = False) -> Certificate:
    """A certificate for these names and addresses (127.0.0.1 and localhost unless given)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tsunagu test server")])
    now = dt.datetime.now(dt.UTC)
    until = now - dt.timedelta(days=1) if expired else now + dt.timedelta(days=7)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=7))
        .not_valid_after(until)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in hosts or ("127.0.0.1", "localhost")]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.DER),
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass
class _Line:
    """One accepted socket of ``FakeServerThread``."""

    socket: ssl.SSLSocket | socket.socket
    peer: FakePeer
    greeted: bool = False  # TLS stands
    unsent: bytes = b""


class FakeServerThread:
    """A ``FakeServer`` behind TLS on 127.0.0.1, in a thread of its own; use it as a context manager.

    Touch the server only inside ``with thread.locked() as server``; what that gives to send goes out after it.
    """

    def __init__(
        self,
        server: FakeServer | None = None,
        *,
        certificate: Certificate | None = None,
        port: int = 0,
        keepalive_s: float = 1.0,
        is_old: bool = False,
    ) -> None:
        """``is_old``: it speaks TLS 1.0 and nothing later."""
        self.certificate = certificate or make_certificate()
        self._server = server or FakeServer()
        self._keepalive_s = keepalive_s
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()
        self._wake_in, self._wake_out = socket.socketpair()
        self._lines: list[_Line] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder, "server.pem")
            pem.write_bytes(self.certificate.pem + self.certificate.key_pem)
            if is_old:
                self._context.set_ciphers("DEFAULT:@SECLEVEL=0")
                self._context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                with warnings.catch_warnings(action="ignore"):  # that TLS 1.0 is old
                    self._context.maximum_version = ssl.TLSVersion.TLSv1
            self._context.load_cert_chain(pem)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="fake VPN server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        with self.locked():
            self._stopping = True
        self._thread.join()
        for line in self._lines:
            line.socket.close()
        for end in (self._listener, self._wake_in, self._wake_out):
            end.close()

    @contextmanager
    def locked(self) -> Iterator[FakeServer]:
        """The server, while its thread stands still."""
        with self._lock:
            yield self._server
        self._wake_in.send(b".")

    def peers(self) -> list[tuple[str, int]]:
        """Address and port of all clients, the first one first."""
        with self._lock:
            return [line.socket.getpeername() for line in self._lines]

    def wait_until(self, claim: Callable[[FakeServer], bool], timeout_s: float = 30) -> None:
        """Return once the claim holds.

        Raises:
            AssertionError: it does not, in time.
        """
        end = time.monotonic() + timeout_s
        while True:
            with self._lock:
                if claim(self._server):
                    return
            assert time.monotonic() < end, "the fake server has not seen what was waited for"
            time.sleep(0.01)

    def _run(self) -> None:
        next_keepalive = time.monotonic() + self._keepalive_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_out, selectors.EVENT_READ)
            while not self._stopping:
                ready = selector.select(max(0.0, next_keepalive - time.monotonic()))
                with self._lock:
                    if time.monotonic() >= next_keepalive:
                        next_keepalive = time.monotonic() + self._keepalive_s
                        self._server.send_keepalives()
                    for key, _events in ready:
                        if key.fileobj is self._listener:
                            self._accept(selector)
                        elif key.fileobj is self._wake_out:
                            self._wake_out.recv(4096)
                        else:
                            self._read(key.data)
                    for line in list(self._lines):
                        self._write(selector, line)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        plain, _address = self._listener.accept()
        plain.setblocking(False)
        tls = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        line = _Line(tls, self._server.connect())
        self._lines.append(line)
        selector.register(tls, selectors.EVENT_READ, line)

    def _read(self, line: _Line) -> None:
        try:
            if not line.greeted:
                assert isinstance(line.socket, ssl.SSLSocket)
                line.socket.do_handshake()
                line.greeted = True
            while not line.peer.closed:
                line.peer.receive_data(line.socket.recv(65536))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError:  # the client is gone, or does not like our certificate
            line.peer.closed = True

    def _write(self, selector: selectors.BaseSelector, line: _Line) -> None:
        line.unsent += line.peer.data_to_send()
        try:
            while line.unsent:
                line.unsent = line.unsent[line.socket.send(line.unsent) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError:
            line.peer.closed, line.unsent = True, b""
        if line.peer.closed and not line.unsent:
            selector.unregister(line.socket)
            line.socket.close()
            self._lines.remove(line)
            return
        if line.peer.is_clear and isinstance(line.socket, ssl.SSLSocket) and not line.unsent:
            selector.unregister(line.socket)
            line.socket = socket.socket(fileno=line.socket.detach())
            selector.register(line.socket, selectors.EVENT_READ, line)
        else:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.unsent else 0)
            selector.modify(line.socket, events, line)
