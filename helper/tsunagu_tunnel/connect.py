"""From settings to a session and its carriers: the way to the server, TLS, trust, handshake."""

import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from random import Random

from tsunagu.control import Start
from tsunagu.errors import TunnelError
from tsunagu.model import ConnectionSettings, Phase, Routing, Session
from tsunagu_tunnel.card import Card
from tsunagu_tunnel.dataplane import Stream
from tsunagu_tunnel.dial import READ, Dial, Limits, closed_on_error, reason, retried, send_all
from tsunagu_tunnel.softether.auth import ClientCertificate, Ticket, credentials_for
from tsunagu_tunnel.softether.handshake import (
    MAX_REDIRECTS,
    AdditionalHandshake,
    Challenge,
    Event,
    Handshake,
    Hello,
    HubList,
    HubsHandshake,
    Joined,
    LoginHandshake,
    NotYet,
    PasswordHandshake,
    Redirected,
    Welcome,
    login_for,
)
from tsunagu_tunnel.softether.udp_acceleration import UdpTerms, has_version_1
from tsunagu_tunnel.tls import (
    CertificateRefused,
    Contexts,
    as_text,
    certificate_of,
    contexts_for,
    fingerprint,
    refusal_code,
    tls_failure,
)
from tsunagu_tunnel.udp_path import OfferedUdp, open_beside
from tsunagu_tunnel.way import Place, Places, Way

LOG = logging.getLogger(__name__)

Tell = Callable[[Phase, str], None]

_NOT_YET = (8, 9)  # hub or ticket: of no cluster's member, but of one that has just started, or lost its controller

_Secured = tuple[Place, ssl.SSLSocket, bytes]  # ..., certificate (DER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session has begun; ``stream`` is its first carrier."""

    stream: Stream
    way: Way
    contexts: Contexts
    place: Place
    session: Session
    session_key: bytes = field(repr=False)
    certificate: bytes  # DER
    rest: bytes  # first octets of the data phase
    udp: tuple[OfferedUdp, UdpTerms] | None = None


class Dialler:
    """What all ways to a server have in common."""

    def __init__(self, tell: Tell, *, limits: Limits, random: Random, card: Card | None = None) -> None:
        """``tell`` hears of the phases of a login; ``card`` signs where a smart card has to."""
        self._tell = tell
        self._limits = limits
        self._random = random
        self._card = card

    def open_session(self, start: Start) -> Dial[Opened]:
        """Log in, going where the server sends us.

        Raises:
            CertificateRefused: nobody vouches for the server; nothing was sent to it beyond TLS.
            TunnelError: what the server said, or what went wrong.
        """
        settings = start.settings
        login, shown = login_for(settings, credentials_for(settings, start.secrets), start.machine_id), b""
        way, contexts = Way(start, self._limits), contexts_for(settings, start.authorities)
        place, tls, certificate = yield from self._connect_trusted(way, contexts, settings, start.accepted_fingerprint)
        for _ in range(MAX_REDIRECTS + 1):
            self._tell(Phase.NEGOTIATING, "")
            udp = _offered_udp(tls, settings, self._random)
            with ExitStack() as unwanted:
                if udp:
                    unwanted.enter_context(udp.socket)
                handshake = LoginHandshake(
                    login,
                    address=place.address,
                    port=place.port,
                    random=self._random,
                    udp_offer=udp.offer if udp else None,
                )
                try:
                    event = yield from self._shake_hands(tls, handshake)
                except TunnelError as error:
                    if isinstance(login.credentials, Ticket) and error.code in _NOT_YET:
                        raise TunnelError(3, f"the cluster's member {place.address} expects nobody yet") from error
                    raise
                if isinstance(handshake.credentials, ClientCertificate):
                    shown = handshake.credentials.certificate
                if isinstance(event, Welcome):
                    if event.udp_terms:
                        unwanted.pop_all()
                    return _opened(way, contexts, place, tls, certificate, event, udp, shown)
            assert isinstance(event, Redirected)
            tls.close()
            self._tell(Phase.REDIRECTED, event.address)
            place, tls, certificate = yield from self._follow(way, contexts, event, place.port)
            login = replace(login, credentials=Ticket(event.ticket))
        tls.close()
        raise TunnelError(4, f"redirected more than {MAX_REDIRECTS} times")

    def open_carrier(self, opened: Opened) -> Dial[tuple[Stream, Joined]]:
        """One more connection for a session that stands.

        Raises:
            TunnelError: what the server said, or what went wrong.
        """
        place, plain = yield from opened.way.connect(Places.only(opened.place))
        tls = yield from self._start_known_tls(plain, place, opened.contexts, opened.certificate)
        handshake = AdditionalHandshake(opened.session_key, address=place.address, random=self._random)
        event = yield from self._shake_hands(tls, handshake)
        assert isinstance(event, Joined)
        return _stream(tls, opened.session), event

    def change_password(self, start: Start) -> Dial[None]:
        """Have the server know the user by another password; opens no session.

        Raises:
            CertificateRefused: nobody vouches for the server; nothing was sent to it beyond TLS.
            TunnelError: what the server said, or what went wrong.
        """
        settings, old, new = start.settings, start.secrets.hashed_password, start.new_password
        assert old
        assert new
        way, contexts = Way(start, self._limits), contexts_for(settings, start.authorities)
        place, tls, _ = yield from self._connect_trusted(way, contexts, settings, start.accepted_fingerprint)
        self._tell(Phase.NEGOTIATING, "")
        handshake = PasswordHandshake(
            settings.hub, settings.username, old=old, new=new, address=place.address, random=self._random
        )
        yield from self._shake_hands(tls, handshake)
        tls.close()

    def list_hubs(self, start: Start) -> Dial[tuple[str, ...]]:
        """The virtual hubs that the server names to whoever asks.

        It is told nothing, and what it says is only chosen from, so nobody has to vouch for it.

        Raises:
            TunnelError: what the server said, or what went wrong.
        """
        way, contexts = Way(start, self._limits), contexts_for(start.settings, "")
        place, plain = yield from self._reach(way, start.settings)
        tls, _ = yield from self._start_tls(plain, place, contexts.unverified)
        self._tell(Phase.NEGOTIATING, "")
        event = yield from self._shake_hands(tls, HubsHandshake(address=place.address, random=self._random))
        tls.close()
        assert isinstance(event, HubList)
        return event.names

    # -- TLS and trust ------------------------------------------------------------------------------------------------

    def _connect_trusted(
        self, way: Way, contexts: Contexts, settings: ConnectionSettings, accepted: str
    ) -> Dial[_Secured]:
        """To a server with the certificate that a person accepted, or one that an authority vouches for.

        The ssl module tells no certificate that it refuses, so looking at one takes another connection.
        """
        place, plain = yield from self._reach(way, settings)
        way.first_address = place.hop.address
        self._tell(Phase.VERIFYING, "")
        if accepted:
            tls, certificate = yield from self._start_tls(plain, place, contexts.unverified)
            if fingerprint(certificate) == accepted:
                return place, tls, certificate
            tls.close()
            place, plain = yield from way.connect(Places.only(place))
        try:
            return place, *(yield from self._start_tls(plain, place, contexts.verifying))
        except ssl.SSLCertVerificationError as error:
            refused = error
        place, plain = yield from way.connect(Places.only(place))
        tls, certificate = yield from self._start_tls(plain, place, contexts.unverified)
        tls.close()
        raise CertificateRefused(refusal_code(refused), certificate) from refused

    def _reach(self, way: Way, settings: ConnectionSettings) -> Dial[tuple[Place, socket.socket]]:
        first = settings.proxy or settings
        self._tell(Phase.RESOLVING, first.host)
        if known := way.known(settings.host, settings.port):
            self._tell(Phase.CONNECTING, f"{first.host}:{first.port}")
            try:
                return (yield from way.connect(Places.only(known)))
            except TunnelError:
                pass  # it may have moved
        try:
            places = yield from way.find(settings.host, settings.port)
        except TunnelError as error:
            if known and settings.routing is Routing.EVERYTHING:  # who knows names may be behind the tunnel
                why = f"neither does {known.hop.address} answer, nor is the name {first.host} found"
                advice = "if the server has moved, disconnect and connect again"
                raise TunnelError(error.code, f"{why}; {advice}") from error
            raise
        self._tell(Phase.CONNECTING, f"{first.host}:{first.port}")
        return (yield from way.connect(places))

    def _follow(self, way: Way, contexts: Contexts, redirected: Redirected, port: int) -> Dial[_Secured]:
        """To the server of the cluster that takes the session; it must show the certificate that was announced."""
        port = port if port in redirected.ports else redirected.ports[0]
        places = yield from way.find(redirected.address, port)
        place, plain = yield from way.connect(places)
        tls = yield from self._start_known_tls(plain, place, contexts, redirected.certificate)
        return place, tls, redirected.certificate

    def _start_known_tls(
        self, plain: socket.socket, place: Place, contexts: Contexts, certificate: bytes
    ) -> Dial[ssl.SSLSocket]:
        """With a server that has to show exactly this certificate."""
        tls, shown = yield from self._start_tls(plain, place, contexts.unverified)
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
            with closed_on_error(plain):
                plain.getpeername()  # a line that is cut already: wrap_socket would leave it open
                name = place.host.removesuffix(".")
                tls = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
            with closed_on_error(tls):
                yield from retried(tls, tls.do_handshake, until)
                return tls, certificate_of(tls)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            raise tls_failure(error) from error
        except TimeoutError as error:
            raise TunnelError(152, f"no answer within {limit_s:.0f} s") from error
        except OSError as error:
            raise TunnelError(3, f"during the TLS handshake: {reason(error)}") from error

    # -- the protocol's handshake -------------------------------------------------------------------------------------

    def _shake_hands(self, tls: ssl.SSLSocket, handshake: Handshake) -> Dial[Event]:
        """Up to the event that ends it.  Owns the connection until then."""
        limit_s = self._limits.handshake_s
        until = time.monotonic() + limit_s
        waiting_for = "its hello"
        with closed_on_error(tls):
            try:
                while True:
                    yield from send_all(tls, handshake.data_to_send(), until)
                    for event in handshake.receive_data((yield from retried(tls, lambda: tls.recv(READ), until))):
                        if isinstance(event, Challenge) and isinstance(handshake, LoginHandshake):
                            yield from self._prove(tls, handshake, event.random)
                            until = time.monotonic() + limit_s
                            continue
                        if isinstance(event, NotYet):
                            until = time.monotonic() + limit_s
                            continue
                        if not isinstance(event, Hello):
                            yield from send_all(tls, handshake.data_to_send(), until)
                            return event
                        waiting_for = "its answer"
                        if isinstance(handshake, LoginHandshake):
                            self._tell(Phase.AUTHENTICATING, "")
            except TimeoutError as error:
                raise TunnelError(3, f"the server has not sent {waiting_for} within {limit_s:.0f} s") from error
            except OSError as error:
                raise TunnelError(3, f"while waiting for {waiting_for}: {reason(error)}") from error

    def _prove(self, tls: ssl.SSLSocket, handshake: LoginHandshake, random: bytes) -> Dial[None]:
        """Have the smart card sign, however long its owner takes for the PIN."""
        if self._card is None:
            raise TunnelError(33, "smart cards")

        def remind() -> Dial[None]:
            handshake.remind()
            yield from send_all(tls, handshake.data_to_send(), time.monotonic() + self._limits.handshake_s)

        handshake.prove((yield from self._card.prove(random, remind)))


def _offered_udp(tls: ssl.SSLSocket, settings: ConnectionSettings, random: Random) -> OfferedUdp | None:
    """What a login over this connection may offer for UDP acceleration."""
    if not settings.udp_acceleration or settings.proxy is not None:
        return None
    try:
        return open_beside(tls, accepts_version_1=settings.old_udp_acceleration and has_version_1(), random=random)
    except OSError as error:
        LOG.warning("no UDP acceleration: %s", reason(error))
        return None


def _opened(
    way: Way,
    contexts: Contexts,
    place: Place,
    tls: ssl.SSLSocket,
    certificate: bytes,
    welcome: Welcome,
    udp: OfferedUdp | None,
    client_certificate: bytes,
) -> Opened:
    cipher = tls.cipher() if welcome.session.encrypted else None
    session = replace(
        welcome.session,
        first_address=way.first_address,
        carrier_address=place.hop.address,
        tls_version=(tls.version() or "") if cipher else "",
        cipher=cipher[0] if cipher else "",
        certificate=as_text(certificate),
        client_certificate=as_text(client_certificate),
    )
    return Opened(
        stream=_stream(tls, session),
        way=way,
        contexts=contexts,
        place=place,
        session=session,
        session_key=welcome.session_key,
        certificate=certificate,
        rest=welcome.rest,
        udp=(udp, welcome.udp_terms) if udp and welcome.udp_terms else None,
    )


def _stream(tls: ssl.SSLSocket, session: Session) -> Stream:
    """What the data phase goes over: without encryption TLS has ended with the handshake's last octet, unannounced."""
    return tls if session.encrypted else socket.socket(fileno=tls.detach())
