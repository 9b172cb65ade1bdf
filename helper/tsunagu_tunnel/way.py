"""The way to a server: from its name to a TCP connection that leads there, through a proxy if the settings say so."""

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import zip_longest

from tsunagu.control import Start
from tsunagu.errors import TunnelError
from tsunagu.model import ProxyKind
from tsunagu_tunnel.dial import READ, Dial, Limits, Wait, closed_on_error, reason
from tsunagu_tunnel.lookup import Address, Lookup
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

    def known(self, host: str, port: int) -> Place | None:
        """Where the server, or the proxy, was reached before: its name may be known only in the tunnel that is down."""
        address, proxy = self._known_address, self._proxy
        if not address:
            return None
        if proxy is None:
            return Place(host, address, port, Hop(_family(address), address, port))
        if proxy.kind is ProxyKind.SOCKS4:  # takes no name, so one has to be looked up anyway
            return None
        return Place(host, host, port, Hop(_family(address), address, proxy.port))

    def find(self, host: str, port: int) -> Dial["Places"]:
        """The places where that server may be reached.

        Raises:
            TunnelError: 1 or 17, there is none.
        """
        family = _family(self._source)
        if (proxy := self._proxy) is None:
            found, lookup = yield from self._look_up(host, family, UNREACHABLE)
            return Places(lambda kind, hop: Place(host, hop, port, Hop(kind, hop, port)), found, lookup)
        found, lookup = yield from self._look_up(proxy.host, family, PROXY_UNREACHABLE)
        address = host
        if proxy.kind is ProxyKind.SOCKS4:  # knows no names
            with closed_on_error(lookup):
                [(_, address), *_], servers = yield from self._look_up(host, socket.AF_INET, UNREACHABLE)
                servers.close()
        return Places(lambda kind, hop: Place(host, address, port, Hop(kind, hop, proxy.port)), found, lookup)

    def connect(self, places: "Places") -> Dial[tuple[Place, socket.socket]]:
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

    def _look_up(self, host: str, family: int, code: int) -> Dial[tuple[list[Address], Lookup]]:
        """The first addresses of a name, and the look-up, to be closed; ``code``: the error where there are none."""
        lookup = Lookup(host, family)
        with closed_on_error(lookup):
            try:
                found = yield from lookup.first(time.monotonic() + self._limits.lookup_s)
            except TimeoutError:
                limit_s = self._limits.lookup_s
                raise TunnelError(code, f"the name {host} was not found within {limit_s:.0f} s") from None
            if not found:
                raise TunnelError(code, f"the name {host} was not found ({', '.join(lookup.problems)})")
        return found, lookup

    # -- TCP ----------------------------------------------------------------------------------------------------------

    def _race(self, places: "Places") -> Dial[tuple[Place, socket.socket]]:
        """To all of them, each a little after the one before; the first connection counts (RFC 8305, section 5)."""
        limit_s = self._limits.connect_s
        racing: dict[int, tuple[Place, socket.socket]] = {}
        problems: list[str] = []
        next_at = until = time.monotonic()
        with closing(places), closing(select.epoll()) as ready, _all_closed(racing):
            if places.may_grow:
                ready.register(places, select.EPOLLIN)
                until += self._limits.lookup_s
            while places.waiting or racing or places.may_grow:
                if places.waiting and time.monotonic() >= next_at:
                    place = places.take_first()
                    try:
                        plain = self._begin(place.hop)
                    except OSError as error:
                        problems.append(f"{place.hop}: {reason(error)}")
                        continue
                    racing[plain.fileno()] = place, plain
                    ready.register(plain, select.EPOLLOUT)
                    next_at = time.monotonic() + HEAD_START_S
                    until = max(until, time.monotonic() + limit_s)
                try:
                    yield Wait(ready, select.EPOLLIN, min(next_at, until) if places.waiting else until)
                except TimeoutError:
                    if places.waiting:
                        continue
                    if silent := [place.hop.address for place, _ in racing.values()]:
                        problems.append(f"{', '.join(silent)} did not answer within {limit_s:.0f} s")
                    break
                for fd, _events in ready.poll(0):
                    if fd not in racing:
                        places.grow()
                        if not places.may_grow:
                            ready.unregister(places)
                        continue
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


class Places:
    """Where a server may be reached, the most promising first; while its name is being looked up, more may come."""

    def __init__(
        self, make: Callable[[int, str], Place], found: Sequence[Address], lookup: Lookup | None = None
    ) -> None:
        """``make`` makes a place of family and address; the look-up, where more may come of it, is owned."""
        self._make = make
        self._lookup = lookup
        self._left = MAX_ADDRESSES
        self.waiting: list[Place] = []  # those that were not taken yet
        self._add(found)

    @classmethod
    def only(cls, place: Place) -> "Places":
        """This one, and no more will come."""
        return cls(lambda _family, _address: place, [(place.hop.family, place.hop.address)])

    @property
    def may_grow(self) -> bool:
        """More may come."""
        return self._lookup is not None and not self._lookup.is_over

    def fileno(self) -> int:
        """Of what becomes ready when more has come."""
        assert self._lookup
        return self._lookup.fileno()

    def grow(self) -> None:
        """Take what has come; it is of the family that was missing, if any was."""
        assert self._lookup
        self._add(self._lookup.take())

    def take_first(self) -> Place:
        """The one that is tried next."""
        self._left -= 1
        return self.waiting.pop(0)

    def close(self) -> None:
        """No more are wanted."""
        if self._lookup:
            self._lookup.close()

    def _add(self, found: Sequence[Address]) -> None:
        places = [*(self._make(family, address) for family, address in found), *self.waiting]
        self.waiting = interleaved(places)[: self._left]


def interleaved(places: Sequence[Place]) -> list[Place]:
    """The families by turns, beginning with the first one's (RFC 8305, section 4)."""
    first = [place for place in places if place.hop.family == places[0].hop.family]
    others = [place for place in places if place.hop.family != places[0].hop.family]
    return [place for pair in zip_longest(first, others) for place in pair if place]


def _family(address: str) -> int:
    """That of a numeric address; any for none."""
    if not address:
        return socket.AF_UNSPEC
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextmanager
def _all_closed(racing: Mapping[int, tuple[Place, socket.socket]]) -> Iterator[None]:
    """Who has not won by the end has lost."""
    try:
        yield
    finally:
        for _, plain in racing.values():
            plain.close()
