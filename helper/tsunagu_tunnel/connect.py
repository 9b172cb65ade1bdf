"""The way to a carrier: look up the name, connect, TLS, trust, handshake.

Each function is a generator that yields what it waits for and returns what it was for; the loop runs as many of them as
it likes in one thread, throws ``TimeoutError`` into those whose time is up, and closes those nobody needs any more.
"""

import errno
import functools
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from tsunagu.control import Start
from tsunagu.errors import TunnelError
from tsunagu.model import ConnectionSettings, Phase, Session
from tsunagu_tunnel.softether.auth import Ticket, credentials_for
from tsunagu_tunnel.softether.handshake import (
    MAX_REDIRECTS,
    AdditionalHandshake,
    Event,
    Handshake,
    Hello,
    Joined,
    LoginHandshake,
    Redirected,
    Welcome,
    login_for,
)
from tsunagu_tunnel.tls import (
    CertificateRefused,
    as_text,
    certificate_of,
    fingerprint,
    refusal_code,
    tls_failure,
    unverified_context,
    verifying_context,
)

MAX_ADDRESSES = 8  # of one name that are tried
READ = 65536  # octets at once: more than a TLS record, so that nothing stays behind in the TLS layer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wait:
    """Until the socket is ready for these epoll events; ``until``, in monotonic seconds, the patience ends."""

    socket: socket.socket
    events: int
    until: float


Dial = Generator[Wait, None, T]
Tell = Callable[[Phase, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long each step may take, in seconds."""

    lookup_s: float = 15
    connect_s: float = 15  # to the only or last address of a name
    next_address_s: float = 4  # to one that has others behind it
    handshake_s: float = 15  # TLS, and everything up to the data phase, each


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server was reached, to go there again."""

    host: str  # as typed, for TLS
    family: int
    address: str
    port: int


_Secured = tuple[Place, ssl.SSLSocket, bytes]  # ..., certificate (DER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session has begun; its first carrier is ``tls``."""

    tls: ssl.SSLSocket
    place: Place
    session: Session
    session_key: bytes = field(repr=False)
    certificate: bytes  # DER
    rest: bytes  # first octets of the data phase


class Dialler:
    """What all ways to a server have in common."""

    def __init__(self, tell: Tell, *, limits: Limits, random: Random) -> None:
        """``tell`` hears of the phases of a login."""
        self._tell = tell
        self._limits = limits
        self._random = random

    def open_session(self, start: Start) -> Dial[Opened]:
        """Log in, going where the server sends us.

        Raises:
            CertificateRefused: nobody vouches for the server; nothing was sent to it beyond TLS.
            TunnelError: what the server said, or what went wrong.
        """
        settings = start.settings
        _refuse_what_is_not_built(settings)
        credentials = credentials_for(
            settings, secret=start.secret, hashed_password=start.hashed_password, private_key=start.private_key
        )
        login = login_for(settings, credentials, start.machine_id)
        place, tls, certificate = yield from self._connect_trusted(settings, start.accepted_fingerprint)
        for _ in range(MAX_REDIRECTS + 1):
            handshake = LoginHandshake(login, address=place.address, port=place.port, random=self._random)
            self._tell(Phase.NEGOTIATING, "")
            event = yield from self._shake_hands(tls, handshake)
            if isinstance(event, Welcome):
                return _opened(place, tls, certificate, event)
            assert isinstance(event, Redirected)
            tls.close()
            self._tell(Phase.REDIRECTED, event.address)
            place, tls, certificate = yield from self._follow(event, place.port)
            login = replace(login, credentials=Ticket(event.ticket))
        tls.close()
        raise TunnelError(4, f"redirected more than {MAX_REDIRECTS} times")

    def open_carrier(self, place: Place, certificate: bytes, session_key: bytes) -> Dial[tuple[ssl.SSLSocket, Joined]]:
        """One more connection for a session that stands.

        Raises:
            TunnelError: what the server said, or what went wrong.
        """
        plain = yield from self._connect(place, self._limits.connect_s)
        tls = yield from self._start_known_tls(plain, place, certificate)
        handshake = AdditionalHandshake(session_key, address=place.address, random=self._random)
        event = yield from self._shake_hands(tls, handshake)
        assert isinstance(event, Joined)
        return tls, event

    # -- name and TCP -------------------------------------------------------------------------------------------------

    def _look_up(self, host: str, port: int) -> Dial[list[Place]]:
        """All addresses of a name.  The look-up blocks, so a thread does it; one that hangs is left behind."""
        ours, theirs = socket.socketpair()
        found: list[Place] = []
        problems: list[str] = []

        def look_up() -> None:
            with theirs:
                try:
                    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                        found.append(Place(host, family, str(address[0]), port))
                except (OSError, UnicodeError) as error:
                    problems.append(_reason(error))

        with ours:
            threading.Thread(target=look_up, daemon=True).start()
            try:
                yield Wait(ours, select.EPOLLIN, time.monotonic() + self._limits.lookup_s)
            except TimeoutError:
                raise TunnelError(1, f"the name {host} was not found within {self._limits.lookup_s:.0f} s") from None
        if not found:
            raise TunnelError(1, f"the name {host} was not found ({', '.join(problems)})")
        return found[:MAX_ADDRESSES]

    def _connect_first(self, places: list[Place]) -> Dial[tuple[Place, socket.socket]]:
        """To the first of these that answers."""
        for place in places[:-1]:
            try:
                return place, (yield from self._connect(place, self._limits.next_address_s))
            except TunnelError:
                continue
        return places[-1], (yield from self._connect(places[-1], self._limits.connect_s))

    def _connect(self, place: Place, limit_s: float) -> Dial[socket.socket]:
        try:
            plain = socket.socket(place.family, socket.SOCK_STREAM)
            with _closed_on_error(plain):
                plain.setblocking(False)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = plain.connect_ex((place.address, place.port))
                if code == errno.EINPROGRESS:
                    yield Wait(plain, select.EPOLLOUT, time.monotonic() + limit_s)
                    code = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
        except TimeoutError as error:  # ours, or the kernel's, which has a number
            raise TunnelError(1, f"{place.address} did not answer within {limit_s:.0f} s") from error
        except OSError as error:
            raise TunnelError(1, f"{place.address} port {place.port}: {_reason(error)}") from error
        return plain

    # -- TLS and trust ------------------------------------------------------------------------------------------------

    def _connect_trusted(self, settings: ConnectionSettings, accepted: str) -> Dial[_Secured]:
        """To a server with the certificate that a person accepted, or one that the system's authorities vouch for.

        The ssl module tells no certificate that it refuses, so looking at one takes another connection.
        """
        self._tell(Phase.RESOLVING, settings.host)
        places = yield from self._look_up(settings.host, settings.port)
        self._tell(Phase.CONNECTING, f"{settings.host}:{settings.port}")
        place, plain = yield from self._connect_first(places)
        self._tell(Phase.VERIFYING, "")
        if accepted:
            tls, certificate = yield from self._start_tls(plain, place, unverified_context())
            if fingerprint(certificate) == accepted:
                return place, tls, certificate
            tls.close()
            plain = yield from self._connect(place, self._limits.connect_s)
        try:
            return place, *(yield from self._start_tls(plain, place, verifying_context()))
        except ssl.SSLCertVerificationError as error:
            refused = error
        plain = yield from self._connect(place, self._limits.connect_s)
        tls, certificate = yield from self._start_tls(plain, place, unverified_context())
        tls.close()
        raise CertificateRefused(refusal_code(refused), certificate) from refused

    def _follow(self, redirected: Redirected, port: int) -> Dial[_Secured]:
        """To the server of the cluster that takes the session; it must show the certificate that was announced."""
        port = port if port in redirected.ports else redirected.ports[0]
        places = yield from self._look_up(redirected.address, port)
        place, plain = yield from self._connect_first(places)
        tls = yield from self._start_known_tls(plain, place, redirected.certificate)
        return place, tls, redirected.certificate

    def _start_known_tls(self, plain: socket.socket, place: Place, certificate: bytes) -> Dial[ssl.SSLSocket]:
        """With a server that has to show exactly this certificate."""
        tls, shown = yield from self._start_tls(plain, place, unverified_context())
        if shown != certificate:
            tls.close()
            raise TunnelError(152, "the server shows another certificate than it should")
        return tls

    def _start_tls(
        self, plain: socket.socket, place: Place, context: ssl.SSLContext
    ) -> Dial[tuple[ssl.SSLSocket, bytes]]:
        """TLS over a connection that this owns from now on, and the server's certificate (DER)."""
        limit_s = self._limits.handshake_s
        until = time.monotonic() + limit_s
        try:
            with _closed_on_error(plain):
                name = place.host.removesuffix(".")
                tls = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
            with _closed_on_error(tls):
                yield from _retried(tls, tls.do_handshake, until)
                return tls, certificate_of(tls)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            raise tls_failure(error) from error
        except TimeoutError as error:
            raise TunnelError(152, f"no answer within {limit_s:.0f} s") from error
        except OSError as error:
            raise TunnelError(3, f"during the TLS handshake: {_reason(error)}") from error

    # -- the protocol's handshake -------------------------------------------------------------------------------------

    def _shake_hands(self, tls: ssl.SSLSocket, handshake: Handshake) -> Dial[Event]:
        """Up to the event that ends it.  Owns the connection until then."""
        limit_s = self._limits.handshake_s
        until = time.monotonic() + limit_s
        waiting_for = "its hello"
        with _closed_on_error(tls):
            try:
                while True:
                    yield from _send_all(tls, handshake.data_to_send(), until)
                    for event in handshake.receive_data((yield from _retried(tls, lambda: tls.recv(READ), until))):
                        if not isinstance(event, Hello):
                            yield from _send_all(tls, handshake.data_to_send(), until)
                            return event
                        waiting_for = "its answer"
                        if isinstance(handshake, LoginHandshake):
                            self._tell(Phase.AUTHENTICATING, "")
            except TimeoutError as error:
                raise TunnelError(3, f"the server has not sent {waiting_for} within {limit_s:.0f} s") from error
            except OSError as error:
                raise TunnelError(3, f"while waiting for {waiting_for}: {_reason(error)}") from error


def _refuse_what_is_not_built(settings: ConnectionSettings) -> None:
    """Nothing that a person has chosen for its privacy is left out in silence."""
    for chosen, what in (
        (settings.proxy, "proxies"),
        (settings.source_address or settings.source_port, "a source address"),
        (not settings.encrypt, "sessions without encryption"),
    ):
        if chosen:
            raise TunnelError(33, what)


def _opened(place: Place, tls: ssl.SSLSocket, certificate: bytes, welcome: Welcome) -> Opened:
    cipher = tls.cipher()
    session = replace(
        welcome.session,
        tls_version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        certificate=as_text(certificate),
    )
    return Opened(
        tls=tls,
        place=place,
        session=session,
        session_key=welcome.session_key,
        certificate=certificate,
        rest=welcome.rest,
    )


def _retried(tls: ssl.SSLSocket, operation: Callable[[], T], until: float) -> Dial[T]:
    """What the operation returns once TLS lets it."""
    while True:
        try:
            return operation()
        except ssl.SSLWantReadError:
            yield Wait(tls, select.EPOLLIN, until)
        except ssl.SSLWantWriteError:
            yield Wait(tls, select.EPOLLOUT, until)


def _send_all(tls: ssl.SSLSocket, data: bytes, until: float) -> Dial[None]:
    while data:
        sent = yield from _retried(tls, functools.partial(tls.send, data), until)
        data = data[sent:]


@contextmanager
def _closed_on_error(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:  # an attempt that is given up, too
        sock.close()
        raise


def _reason(error: Exception) -> str:
    """The system's words for what went wrong."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
