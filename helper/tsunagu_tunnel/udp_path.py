"""The UDP carrier of a session: a socket, and as many datagrams with one call as the kernel takes."""

import errno
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from tsunagu_tunnel.dataplane import FAIR, Buffer, NicEnd, Train, deliver
from tsunagu_tunnel.softether.carrier import CarrierDecoder
from tsunagu_tunnel.softether.compression import inflate
from tsunagu_tunnel.softether.udp_acceleration import NONCE, UdpAcceleration, UdpTerms
from tsunagu_tunnel.softether.udp_offer import UdpOffer

MAX_DATAGRAM = {socket.AF_INET: 1426, socket.AF_INET6: 1406}  # octets that fit through PPPoE (Cedar/UdpAccel.c)
SOCKET_BUFFER = 1 << 20  # octets, as far as the kernel lets us

_UDP_SEGMENT, _UDP_GRO = 103, 104  # linux/udp.h; Python has no names for them
_TRAIN = 64  # datagrams, and ...
_TRAIN_OCTETS = 65000  # ... that go through the kernel as one (UDP_MAX_SEGMENTS, and the length of an IP packet)
_TURN = 64  # calls before others get their turn
_U16, _INT = struct.Struct("=H"), struct.Struct("=i")
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _DONT = 10, 23, 0  # linux/in.h, in6.h

_NO_TRAINS = {errno.EINVAL, errno.EMSGSIZE, errno.EIO}  # longer than the route's MTU, or the NIC has no checksums


@dataclass(frozen=True, slots=True)
class OfferedUdp:
    """A bound socket, owned, and what is said about it to the server."""

    socket: socket.socket
    peer: str  # address of the server, as the system writes it
    offer: UdpOffer


def open_beside(tcp: socket.socket, *, accepts_version_1: bool, random: Random) -> OfferedUdp:
    """A socket whose datagrams go the way of that TCP connection.

    Raises:
        OSError: there is none to be had.
    """
    here, there = tcp.getsockname(), tcp.getpeername()
    udp = socket.socket(tcp.family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.bind((here[0], 0, *here[2:]))
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        # What is too long goes in fragments, here or on the way: a full frame and what surrounds it always is.
        level, name = (
            (socket.IPPROTO_IP, _IP_MTU_DISCOVER)
            if tcp.family == socket.AF_INET
            else (socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER)
        )
        udp.setsockopt(level, name, _DONT)
    except BaseException:
        udp.close()
        raise
    port = udp.getsockname()[1]
    offer = UdpOffer.of(str(here[0]), port, accepts_version_1=accepts_version_1, random=random)
    return OfferedUdp(udp, str(there[0]), offer)


class UdpPath:
    """Frames in and out by datagrams.  Owns the socket, which is not connected: the peer's port may change.

    Its address is the TCP connection's and stays so: the helper keeps that one address out of the tunnel, and what went
    to another one might go through the tunnel itself, round and round.
    """

    sent_octets = received_octets = 0  # of datagrams

    def __init__(
        self,
        opened: OfferedUdp,
        terms: UdpTerms,
        now: float,
        *,
        nic: NicEnd,
        dhcp: bool,
        compress: bool,
        random: Random,
    ) -> None:
        """``dhcp``: as a feeder's."""
        self._nic, self._dhcp, self._compress = nic, dhcp, compress
        self._our_cookie = terms.our_cookie
        self._socket = opened.socket
        self._peer = opened.peer
        self._packed_peer = ip_address(opened.peer.partition("%")[0]).packed
        self._max_datagram = MAX_DATAGRAM[socket.AddressFamily(self._socket.family)]
        # Compiled, where the NIC's end is, and for the version that is in use today.
        self._seal, self._unseal, self._feeder = None, None, nic.feeder(dhcp=dhcp)
        if terms.version == 2 and terms.encrypted:
            self._seal, self._unseal = (
                nic.datagram_seal(key[:32], random.randbytes(NONCE)) for key in (terms.our_key, terms.their_key)
            )
        self._acceleration = UdpAcceleration(
            terms,
            now,
            compress=compress,
            max_datagram=self._max_datagram,
            random=random,
            seals=(self._seal, self._unseal) if self._seal and self._unseal else None,
        )
        self.largest_frame = self._acceleration.largest_frame  # octets; a longer one is sent in fragments
        self._unsent: list[Train] = []
        self._sends_trains = self._has(_UDP_SEGMENT)
        if self._has(_UDP_GRO):
            self._socket.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, 1)

    def fileno(self) -> int:
        """Of the socket."""
        return self._socket.fileno()

    @property
    def is_full(self) -> bool:
        """Whether datagrams wait for room in the socket, so that no others may follow yet."""
        return bool(self._unsent)

    def is_usable(self, now: float) -> bool:
        """Whether frames arrive by it."""
        return self._acceleration.is_usable(now)

    def next_deadline(self) -> float:
        """When ``send_keepalive`` will next have something to do."""
        return self._acceleration.next_deadline()

    def close(self) -> None:
        """At once."""
        self._socket.close()

    def send_frames(self, frames: Sequence[bytes], now: float) -> bool:
        """Send, or begin to, when the path is not full; whether nothing is left to be sent."""
        self._unsent = self._trains(self._acceleration.encode(frames, now))
        return self.flush()

    def forward(self, now: float) -> bool:
        """Send what the NIC wants to send, when the path is not full; whether nothing is left to be sent."""
        if self._seal is None or self._compress:
            frames = self._nic.read_frames()
            return not frames or self.send_frames(frames, now)
        block = self._nic.read_block()
        if not block:
            return True
        trains = self._seal.seal_block(
            block,
            self._acceleration.head(now),
            room=self.largest_frame,
            padding=self._acceleration.padding(),
            train=_TRAIN_OCTETS if self._sends_trains else 0,
            longest=self._max_datagram,
        )
        if trains is None:
            return self.send_frames(CarrierDecoder().receive_data(block), now)
        self._unsent = trains
        return self.flush()

    def send_keepalive(self, now: float) -> bool:
        """If it is due, and there is room for it; whether nothing is left to be sent."""
        keepalives = self._acceleration.tick(now)
        if self.is_full:
            return False
        self._unsent = self._trains(keepalives)
        return self.flush()

    def flush(self) -> bool:
        """Send more of the datagrams that wait; whether nothing is left to be sent.

        Where nothing can be sent, for want of a route, say, they are lost, and the path is not usable.
        """
        unsent, self._unsent = self._unsent, []
        done = 0
        try:
            for train in unsent:
                self._send_train(*train)
                done += 1
        except OSError as error:
            if error.errno == errno.EAGAIN:
                self._unsent = unsent[done:]
            elif error.errno != errno.ENOBUFS:  # the NIC's queue drops, as queues do
                self._acceleration.fail()
        return not self._unsent

    def take_in(self, buffer: memoryview, now: float) -> list[bytes]:
        """Give the NIC what has come; return the frames that are the worker's own.  ``buffer``: see ``receive``."""
        if self._unseal is None:
            return deliver(self._nic, self.receive(buffer, now), dhcp=self._dhcp)
        octets, port, tick, echo, own, compressed = self._unseal.receive(
            self.fileno(), self._packed_peer, self._our_cookie, self._acceleration.oldest, self._feeder
        )
        self.received_octets += octets
        if tick:
            self._acceleration.hear(tick, echo, port, now)
        return own + deliver(self._nic, inflate(compressed), dhcp=self._dhcp) if compressed else own

    def receive(self, buffer: memoryview, now: float) -> list[bytes]:
        """The frames in what has come.  ``buffer`` has ``FAIR`` octets, for this call only."""
        frames: list[bytes] = []
        for octets, step, port in self._arrivals(buffer):
            datagrams = [buffer[at : min(at + step, octets)] for at in range(0, octets, step)]
            frames += self._acceleration.receive(datagrams, port, now)
        return frames

    def _arrivals(self, buffer: memoryview) -> Iterator[tuple[int, int, int]]:
        """Trains from the peer: octets in ``buffer``, those of each datagram but the last, the peer's port."""
        size = 0
        for _ in range(_TURN):
            if size > FAIR:
                break
            try:
                octets, extra, _, source = self._socket.recvmsg_into([buffer], 64)
            except BlockingIOError:
                break
            except OSError:  # one that the kernel had kept from a datagram sent before: shows by the missing echo
                continue
            if source[0] == self._peer and octets:
                size += octets
                self.received_octets += octets
                # There is no other ancillary data.
                yield octets, _INT.unpack(extra[0][2])[0] if extra else octets, source[1]

    def _has(self, option: int) -> bool:
        try:
            self._socket.getsockopt(socket.IPPROTO_UDP, option)
        except OSError:
            return False
        return True

    def _trains(self, datagrams: list[bytes]) -> list[Train]:
        """Runs of datagrams of one length, of which the last may be shorter."""
        trains: list[Train] = []
        start, count = 0, len(datagrams)
        while start < count:
            length = len(datagrams[start])
            stop = start + 1
            if self._sends_trains and length <= self._max_datagram:
                limit = min(count, start + min(_TRAIN, _TRAIN_OCTETS // length))
                while stop < limit and len(datagrams[stop]) == length:
                    stop += 1
                if stop < limit and len(datagrams[stop]) < length:
                    stop += 1
            trains.append((datagrams[start:stop], length))
            start = stop
        return trains

    def _send_train(self, octets: Sequence[Buffer], length: int) -> None:
        to = self._peer, self._acceleration.port
        if self._sends_trains and sum(map(len, octets)) > length:
            try:
                self.sent_octets += self._socket.sendmsg(
                    octets, [(socket.IPPROTO_UDP, _UDP_SEGMENT, _U16.pack(length))], 0, to
                )
            except OSError as error:
                if error.errno not in _NO_TRAINS:
                    raise
                self._sends_trains = False
            else:
                return
        for part in octets:
            for at in range(0, len(part), length):
                self.sent_octets += self._socket.sendto(part[at : at + length], to)
