"""Where all frames pass: the TAP, the carriers, and what is counted on the way.

Each round moves a batch, and nothing is made for a frame but the octets themselves: this is measured against the
reference client.  ``NicEnd`` and ``Feeder`` are the narrow place through which frames pass between the NIC and blocks.
The classes here are the plain ones; those of ``fastpath``, compiled, do the same on a NIC with offloads.
"""

import contextlib
import errno
import fcntl
import os
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from tsunagu.errors import TunnelError
from tsunagu.model import Traffic
from tsunagu_tunnel.address_probe import ARP
from tsunagu_tunnel.dhcp import CLIENT_PORT
from tsunagu_tunnel.mss import clamp
from tsunagu_tunnel.softether.carrier import MAX_FRAME, CarrierDecoder, encode_frames

BATCH = 64  # frames of the TAP that become one block
FAIR = 131072  # octets of one carrier before the others get their turn
RECORD = 16384  # octets, the most that one read of TLS gives

Buffer = bytes | memoryview
Stream = ssl.SSLSocket | socket.socket
Train = tuple[Sequence[Buffer], int]  # datagrams: their octets, and how many each but the last has

_DHCP = CLIENT_PORT.to_bytes(2, "big")
_PORT = slice(36, 38)  # of a frame: UDP's destination port, if it is UDP, where there are no IP options
_UDP = 17
_TUNGETIFF, _IFF_VNET_HDR = 0x800454D2, 0x4000  # linux/if_tun.h

_DROPPED = {
    errno.EAGAIN,  # the NIC's queue is full
    errno.EIO,  # the NIC is down
    errno.EINVAL,  # what the hub sent is no frame
    errno.ENOBUFS,
    errno.ENOMEM,
}


class Counter:
    """Frames one way, by kind."""

    def __init__(self) -> None:
        self._packets = self._octets = self._broadcast_packets = self._broadcast_octets = 0

    def add(self, frames: Sequence[bytes]) -> None:
        """Frames have passed; each has a header."""
        broadcasts = [len(frame) for frame in frames if frame[0] & 1]  # the first octet's low bit: a group address
        if broadcasts:
            self._broadcast_packets += len(broadcasts)
            self._broadcast_octets += sum(broadcasts)
        self._packets += len(frames)
        self._octets += sum(map(len, frames))

    def traffic(self) -> Traffic:
        """All so far."""
        return Traffic(
            unicast_packets=self._packets - self._broadcast_packets,
            unicast_octets=self._octets - self._broadcast_octets,
            broadcast_packets=self._broadcast_packets,
            broadcast_octets=self._broadcast_octets,
        )


class NicEnd(Protocol):
    """The virtual NIC, by a descriptor that belongs to somebody else.  What is gone raises TunnelError."""

    fd: int
    largest_frame: int  # octets: what TCP connections hear of how long their frames may be, if less than they ask for
    shows_arp: bool  # feeders give the worker copies of ARP frames
    thins: bool  # may leave out TCP acknowledgements that the next one makes superfluous

    @property
    def sent(self) -> Traffic:
        """Frames from the NIC to the hub, our own with them."""

    @property
    def received(self) -> Traffic:
        """Frames from the hub to the NIC, our own with them."""

    def read_block(self) -> Buffer:
        """One block of what the NIC wants to send; empty: nothing."""

    def feeder(self, *, dhcp: bool) -> "Feeder":
        """For one carrier.  ``dhcp``: frames for a DHCP client are given to the caller, not to the NIC."""

    def read_frames(self) -> Sequence[bytes]:
        """What the NIC wants to send, not as a block: for compressed sessions and datagrams."""

    def write_frames(self, frames: Sequence[bytes]) -> None:
        """Give frames to the NIC; what it does not take is lost, as on any wire."""

    def datagram_seal(self, key: bytes, nonce: bytes) -> "DatagramSeal | None":
        """For one direction of UDP acceleration, on blocks and feeders of this class, where there is one."""

    def count(self, *, sent: Sequence[bytes] = (), received: Sequence[bytes] = ()) -> None:
        """Frames that passed neither through ``read_block`` and ``read_frames`` nor through a feeder of this class."""


class Feeder(Protocol):
    """The way from one carrier to the NIC."""

    def feed(self, data: Buffer) -> list[bytes]:
        """Take what the carrier brought; return the frames that are the worker's own.

        Raises:
            ProtocolError: it is no block stream any more.  Close the carrier.
            TunnelError: the NIC is gone.
        """

    def join(self, stream: Stream) -> "Link | None":
        """A link between this connection and the NIC that does without the interpreter, where that can be."""


class DatagramSeal(Protocol):
    """ChaCha20-Poly1305 under one key for whole batches of UDP acceleration's datagrams."""

    overhead: int

    def seal(self, inner: bytes) -> bytes: ...

    def unseal(self, datagram: Buffer) -> bytes: ...

    def seal_block(
        self, block: Buffer, head: bytes, *, room: int, padding: int, train: int, longest: int
    ) -> list[Train] | None:
        """A datagram for each frame of a block.

        ``head``: cookie, tick and echo.  A train has ``train`` octets at most, in 64 datagrams no longer than
        ``longest``.  None: the block is too much for one call.
        """

    def receive(
        self, fd: int, peer: bytes, cookie: int, oldest: int, feeder: "Feeder"
    ) -> tuple[int, int, int, int, list[bytes], list[bytes]]:
        """What has come by that socket from that address, as ``inet_pton`` has it, to the NIC.

        Returns how many octets that were, the port, the tick and the latest echo of the newest datagram, 0 if none was
        right, then the frames that are the worker's own, and what is compressed.
        """


class Link(Protocol):
    """Between one connection, which belongs to somebody else, and the NIC.  Blocks in and out.

    One block is on its way into the connection at a time: the rest of it is kept.  All methods but ``unsent`` raise
    OSError where the connection is of no use any more.
    """

    has_ended: bool  # nothing more will come
    sent_octets: int  # inside TLS
    received_octets: int

    @property
    def unsent(self) -> Buffer:
        """What is still to be written of the block."""

    @property
    def is_full(self) -> bool:
        """Whether there is any, so that no other block may follow yet."""

    def exchange(self, *, readable: bool, sends: bool) -> list[bytes]:
        """Give the NIC what has come, and send, if wanted, what it wants to send; return what is the worker's own.

        ``readable``: surely something has come.

        Raises:
            ProtocolError: it is no block stream any more.  Close the carrier.
            TunnelError: the NIC is gone.
        """

    def send(self, block: Buffer, /) -> bool:
        """Write a block, or begin to, when none is on its way; whether all of it is written."""

    def flush(self) -> bool:
        """Write more of the block that was begun; whether all of it is written."""


def nic_end(fd: int) -> NicEnd:
    """The one that fits: the helper makes NICs with offloads where the compiled module is there to use them."""
    os.set_blocking(fd, False)
    if _has_offloads(fd):
        from tsunagu_tunnel import fastpath  # only built where there was a compiler

        return fastpath.Tap(fd)
    return Tap(fd)


class Tap:
    """A NIC without offloads: one frame a system call."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.largest_frame = MAX_FRAME
        self.shows_arp = False
        self.thins = False  # frame by frame there is nothing to gain
        self._sent, self._received = Counter(), Counter()

    @property
    def sent(self) -> Traffic:
        """See ``NicEnd``."""
        return self._sent.traffic()

    @property
    def received(self) -> Traffic:
        """See ``NicEnd``."""
        return self._received.traffic()

    def read_block(self) -> bytes:
        """See ``NicEnd``."""
        frames = self.read_frames()
        return encode_frames(frames) if frames else b""

    def feeder(self, *, dhcp: bool) -> Feeder:
        """See ``NicEnd``."""
        return FrameFeeder(self, CarrierDecoder(), dhcp=dhcp)

    def datagram_seal(self, key: bytes, nonce: bytes) -> None:
        """See ``NicEnd``: there is none."""

    def read_frames(self) -> Sequence[bytes]:
        """See ``NicEnd``; at most ``BATCH`` frames."""
        read, fd = os.read, self.fd
        frames: list[bytes] = []
        try:
            for _ in range(BATCH):
                frames.append(read(fd, MAX_FRAME))  # noqa: PERF401  # those before an error count
        except BlockingIOError:
            pass
        except OSError as error:
            raise _nic_failed(error) from error
        if frames:
            self._sent.add(frames)
        return self._clamped(frames)

    def write_frames(self, frames: Sequence[bytes]) -> None:
        """See ``NicEnd``."""
        write, fd = os.write, self.fd
        for frame in self._clamped(frames):
            try:
                write(fd, frame)
            except OSError as error:
                if error.errno not in _DROPPED:
                    raise _nic_failed(error) from error

    def count(self, *, sent: Sequence[bytes] = (), received: Sequence[bytes] = ()) -> None:
        """See ``NicEnd``."""
        self._sent.add(sent)
        self._received.add(received)

    def _clamped(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        return frames if self.largest_frame == MAX_FRAME else clamp(frames, self.largest_frame)


class FrameFeeder:
    """Frame by frame, for any kind of decoder."""

    def __init__(self, nic: NicEnd, decoder: CarrierDecoder, *, dhcp: bool) -> None:
        self._nic = nic
        self._decoder = decoder
        self._dhcp = dhcp

    def feed(self, data: Buffer) -> list[bytes]:
        """See ``Feeder``."""
        return deliver(self._nic, self._decoder.receive_data(data), dhcp=self._dhcp)

    def join(self, stream: Stream) -> None:
        """See ``Feeder``: with none but a ``FrameLink``."""


def deliver(nic: NicEnd, frames: Sequence[bytes], *, dhcp: bool) -> list[bytes]:
    """Frames of the hub to the NIC; returned are those for a DHCP client, if ``dhcp``, and copies of ARP frames."""
    ours: list[bytes] = []
    if frames:
        nic.count(received=frames)
        if nic.shows_arp:
            ours += [frame for frame in frames if is_arp(frame)]
        if dhcp and _DHCP in [frame[_PORT] for frame in frames]:
            ours += [frame for frame in frames if _is_for_dhcp_client(frame)]
            frames = [frame for frame in frames if not _is_for_dhcp_client(frame)]
        nic.write_frames(frames)
    return ours


def is_arp(frame: bytes) -> bool:
    """Whether a feeder has given this to the NIC as well."""
    return frame[12:14] == ARP


def _is_for_dhcp_client(frame: bytes) -> bool:
    """IPv4, UDP, to port 68; where there are no IP options."""
    return frame[_PORT] == _DHCP and frame[12:14] == b"\x08\x00" and frame[23] == _UDP and len(frame) >= 42


def _has_offloads(fd: int) -> bool:
    request = struct.Struct("16sH22x")
    try:
        _, flags = request.unpack(fcntl.ioctl(fd, _TUNGETIFF, bytes(request.size)))
    except OSError:  # it is no TAP at all
        return False
    return bool(flags & _IFF_VNET_HDR)


def _nic_failed(error: OSError) -> TunnelError:
    return TunnelError(22, error.strerror or "")


_ROUND_TRIP = struct.Struct("=68xI")  # tcpi_rtt in struct tcp_info, linux/tcp.h
_WOULD_BLOCK = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class FrameLink:
    """A link of any kind of feeder."""

    has_ended = False
    sent_octets = received_octets = 0

    def __init__(self, stream: Stream, feeder: Feeder, read_block: Callable[[], Buffer], buffer: memoryview) -> None:
        """``buffer`` has ``FAIR`` octets and is used within ``exchange`` alone."""
        self._stream = stream
        self._feeder = feeder
        self._read_block = read_block
        self._buffer = buffer
        self.unsent: Buffer = b""

    @property
    def is_full(self) -> bool:
        """See ``Link``."""
        return bool(self.unsent)

    def exchange(self, *, readable: bool, sends: bool) -> list[bytes]:
        """See ``Link``."""
        own = self._feeder.feed(self._receive()) if readable else []
        if sends and not self.unsent and (block := self._read_block()):
            self.send(block)
        return own

    def send(self, block: Buffer) -> bool:
        """See ``Link``."""
        self.unsent = block
        return self.flush()

    def flush(self) -> bool:
        """See ``Link``."""
        rest = self.unsent
        try:
            while rest:
                octets = self._stream.send(rest)
                self.sent_octets += octets
                rest = rest[octets:]
        except _WOULD_BLOCK:
            return False
        finally:
            self.unsent = rest
        return True

    def _receive(self) -> memoryview:
        size, buffer, receive = 0, self._buffer, self._stream.recv_into
        try:
            while size <= FAIR - RECORD:
                octets = receive(buffer[size:])
                if not octets:
                    self.has_ended = True
                    break
                size += octets
        except _WOULD_BLOCK:
            pass
        self.received_octets += size
        return buffer[:size]


class Carrier:
    """One connection of a session, owned; TLS, or plain in a session without encryption."""

    waits_for_room = False  # whether the loop watches for that

    def __init__(self, stream: Stream, feeder: Feeder, read_block: Callable[[], Buffer], buffer: memoryview) -> None:
        """``read_block`` and ``buffer``: see ``FrameLink``."""
        stream.setblocking(False)
        self._stream = stream
        self.feeder = feeder
        self.link: Link = feeder.join(stream) or FrameLink(stream, feeder, read_block, buffer)

    def fileno(self) -> int:
        """Of the connection."""
        return self._stream.fileno()

    def has_source(self) -> bool:
        """This machine still has the address that the connection starts from: another socket can be bound to it."""
        try:
            address, _, *scope = self._stream.getsockname()
            with socket.socket(self._stream.family, socket.SOCK_DGRAM) as probe:
                probe.bind((address, 0, *scope))
        except OSError:
            return False
        return True

    def round_trip_us(self) -> int:
        """What TCP has measured lately, smoothed; 0: nothing yet."""
        try:
            return int(
                _ROUND_TRIP.unpack(self._stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ROUND_TRIP.size))[0]
            )
        except (OSError, struct.error):  # the connection has gone
            return 0

    def log_off(self, limit_s: float) -> None:
        """Write what is left, tell the server that this is the end, and wait for its own end, but not for long."""
        log_off(self._stream, limit_s, self.link.unsent)

    def close(self) -> None:
        """At once, but telling the server, if it can be told.

        Servers as recent as 5.01.9674 keep the error of a connection that just ends, and take it for one of the
        session's next connection that has nothing to read, and so on until none is left.
        """
        self._stream.settimeout(0)
        with contextlib.suppress(OSError):
            _say_the_end(self._stream)
        self._stream.close()


def log_off(stream: ssl.SSLSocket | socket.socket, limit_s: float, unsent: Buffer = b"") -> None:
    """Write what is left, tell the server that this is the end, wait for its own end, but not for long; close it."""
    stream.settimeout(max(limit_s, 0.01))
    with contextlib.suppress(OSError):  # it is gone, or slow: all the same now
        stream.sendall(unsent)
        _say_the_end(stream)
    stream.close()


def _say_the_end(stream: ssl.SSLSocket | socket.socket) -> None:
    if isinstance(stream, ssl.SSLSocket):
        stream.unwrap()
    else:
        stream.shutdown(socket.SHUT_WR)
