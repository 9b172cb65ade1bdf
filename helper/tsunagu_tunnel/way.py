"""The way to a server: from its name to a TCP connection that leads there, through a proxy if the settings say so."""

import errno
import os
import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import zip_longest

from tsunagu.control import Start
from tsunagu.errors import TunnelError
from tsunagu.model import ProxyKind
from tsunagu_tunnel.dial import READ, Dial, Limits, Wait, closed_on_error, reason
from tsunagu_tunnel.proxy import PROXY_ERROR, PROXY_UNREACHABLE, UNREACHABLE, Target, dialogue_for

MAX_ADDRESSES = 8  # of one name that are tried
HEAD_START_S = 0.25  # of an address before the next one is tried beside it (RFC 8305, section 5)
SOURCE_PORTS = 128  # from the wanted one on: each carrier needs one, and a closed one is not free again for a minute


@dataclass(frozen=True, slots=True)
class Hop:
    """The machine that TCP goes to: the server, or the proxy before it."""

    family: int
    address: str
    port: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.address} port {self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server was reached, to go there again."""

    host: str  # as typed, for TLS
    address: str  # of the server; its name, where a proxy looks that up
    port: int
    hop: Hop


class Way:
    """What all connections of one attempt have in common before TLS."""

    def __init__(self, start: Start, limits: Limits) -> None:
        self._proxy = start.settings.proxy
        self._proxy_password = start.secrets.proxy_password
        self._source = start.settings.source_address
        self._source_port = start.settings.source_port
        self._limits = limits
        self._known_address = start.known_address
        self.first_address = ""  # where the server's name, or the proxy's, has led

    def known(self, host: str, port: int) -> list[Place]:
        """Where the server was reached before, if anywhere: its name may be known only in the tunnel that is down."""
        if not self._known_address or self._proxy:
            return []
        address = self._known_address
        return [Place(host, address, port, Hop(_family(address), address, port))]

    def find(self, host: str, port: int) -> Dial[list[Place]]:
        """All places where that server may be reached, the most promising first.

        Raises:
            TunnelError: 1 or 17, there is none.
        """
        family = _family(self._source)
        if self._proxy is None:
            hops = yield from self._look_up(host, port, family, UNREACHABLE)
            return [Place(host, hop.address, port, hop) for hop in hops]
        hops = yield from self._look_up(self._proxy.host, self._proxy.port, family, PROXY_UNREACHABLE)
        address = host
        if self._proxy.kind is ProxyKind.SOCKS4:  # knows no names
            address = (yield from self._look_up(host, port, socket.AF_INET, UNREACHABLE))[0].address
        return [Place(host, address, port, hop) for hop in hops]

    def connect(self, places: Sequence[Place]) -> Dial[tuple[Place, socket.socket]]:
        """A connection to the server, at the first of these places that answers; the caller's to close.

        Raises:
            TunnelError: 1, 17, 18 or 19, there is no way.
        """
        place, plain = yield from self._race(places)
        if self._proxy:
            with closed_on_error(plain):
                yield from self._ask_proxy(plain, place)
        return place, plain

    # -- names --------------------------------------------------------------------------------------------------------

    def _look_up(self, host: str, port: int, family: int, code: int) -> Dial[list[Hop]]:
        """Addresses of a name; ``code``: the error where there are none.

        The look-up blocks, so a thread does it; one that hangs is left behind.
        """
        ours, theirs = socket.socketpair()
        found: list[Hop] = []
        problems: list[str] = []

        def look_up() -> None:
            with theirs:
                try:
                    for kind, _, _, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
                        found.append(Hop(kind, _with_scope(address), port))
                except (OSError, UnicodeError) as error:
                    problems.append(reason(error))

        with ours:
            threading.Thread(target=look_up, daemon=True).start()
            try:
                yield Wait(ours, select.EPOLLIN, time.monotonic() + self._limits.lookup_s)
            except TimeoutError:
                why = f"within {self._limits.lookup_s:.0f} s"
                raise TunnelError(code, f"the name {host} was not found {why}") from None
        if not found:
            raise TunnelError(code, f"the name {host} was not found ({', '.join(problems)})")
        return interleaved(found)

    # -- TCP ----------------------------------------------------------------------------------------------------------

    def _race(self, places: Sequence[Place]) -> Dial[tuple[Place, socket.socket]]:
        """To all of them, each a little after the one before; the first connection counts (RFC 8305, section 5)."""
        limit_s = self._limits.connect_s
        waiting = list(places)
        racing: dict[int, tuple[Place, socket.socket]] = {}
        problems: list[str] = []
        next_at = until = time.monotonic()
        with closing(select.epoll()) as ready, _all_closed(racing):
            while waiting or racing:
                if waiting and time.monotonic() >= next_at:
                    place = waiting.pop(0)
                    try:
                        plain = self._begin(place.hop)
                    except OSError as error:
                        problems.append(f"{place.hop}: {reason(error)}")
                        continue
                    racing[plain.fileno()] = place, plain
                    ready.register(plain, select.EPOLLOUT)
                    next_at = time.monotonic() + HEAD_START_S
                    until = time.monotonic() + limit_s
                try:
                    yield Wait(ready, select.EPOLLIN, min(next_at, until) if waiting else until)
                except TimeoutError:
                    if waiting:
                        continue
                    silent = [place.hop.address for place, _ in racing.values()]
                    problems.append(f"{', '.join(silent)} did not answer within {limit_s:.0f} s")
                    break
                for fd, _events in ready.poll(0):
                    place, plain = racing.pop(fd)
                    ready.unregister(fd)
                    code = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return place, plain
                    plain.close()
                    problems.append(f"{place.hop}: {os.strerror(code)}")
                    next_at = time.monotonic()
        raise TunnelError(PROXY_UNREACHABLE if self._proxy else UNREACHABLE, "; ".join(problems))

    def _begin(self, hop: Hop) -> socket.socket:
        """A connection on its way.

        Raises:
            OSError: it cannot even begin.
        """
        first = self._source_port
        for port in range(first, min(first + SOURCE_PORTS, 65536)) if first else ():
            try:
                return self._begin_from(port, hop)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):  # by another, or by us a minute ago
                    raise
        return self._begin_from(self._source_port, hop)

    def _begin_from(self, port: int, hop: Hop) -> socket.socket:
        plain = socket.socket(hop.family, socket.SOCK_STREAM)
        with closed_on_error(plain):
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._source or port:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    plain.bind((self._source, port))
                except OSError as error:
                    start = f"{self._source or 'any address'}" + (f" port {port}" if port else "")
                    raise OSError(error.errno, f"cannot start from {start}: {reason(error)}") from error
            code = plain.connect_ex((hop.address, hop.port))
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
        return plain

    # -- the proxy ----------------------------------------------------------------------------------------------------

    def _ask_proxy(self, plain: socket.socket, place: Place) -> Dial[None]:
        """Until the connection leads to the server."""
        assert self._proxy is not None
        dialogue = dialogue_for(self._proxy, self._proxy_password, Target(place.address, place.port))
        limit_s = self._limits.handshake_s
        until = time.monotonic() + limit_s
        is_open = False
        try:
            while not is_open:
                data = dialogue.data_to_send()
                while data:
                    yield Wait(plain, select.EPOLLOUT, until)
                    data = data[plain.send(data) :]
                yield Wait(plain, select.EPOLLIN, until)
                is_open = dialogue.receive_data(plain.recv(READ))
        except TimeoutError as error:
            raise TunnelError(PROXY_ERROR, f"it has not answered within {limit_s:.0f} s") from error
        except OSError as error:
            raise TunnelError(PROXY_ERROR, reason(error)) from error


def interleaved(hops: Sequence[Hop]) -> list[Hop]:
    """The families by turns, beginning with the one that the system prefers (RFC 8305, section 4)."""
    first = [hop for hop in hops if hop.family == hops[0].family]
    others = [hop for hop in hops if hop.family != hops[0].family]
    by_turns = (hop for pair in zip_longest(first, others) for hop in pair if hop)
    return list(by_turns)[:MAX_ADDRESSES]


def _family(address: str) -> int:
    """That of a numeric address; any for none."""
    if not address:
        return socket.AF_UNSPEC
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _with_scope(address: Sequence[object]) -> str:
    """``getaddrinfo``'s address, host first; a link-local one is of no use without its NIC."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else f"{address[0]}"


@contextmanager
def _all_closed(racing: Mapping[int, tuple[Place, socket.socket]]) -> Iterator[None]:
    """Who has not won by the end has lost."""
    try:
        yield
    finally:
        for _, plain in racing.values():
            plain.close()
