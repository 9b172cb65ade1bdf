"""Where all frames pass: the TAP, the carriers, and what is counted on the way.

Each round moves a batch, and nothing is made for a frame but the octets themselves: this is measured against the
reference client.  A compiled module may take over ``Tap.read_frames`` with ``encode_frames`` (TAP to block), and
``CarrierDecoder.receive_data`` with ``Tap.write_frames`` (block to TAP).
"""

import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Sequence

from tsunagu.errors import TunnelError
from tsunagu.model import Traffic
from tsunagu_tunnel.softether.carrier import MAX_FRAME, CarrierDecoder

BATCH = 64  # frames of the TAP that become one block
FAIR = 131072  # octets of one carrier before the others get their turn
RECORD = 16384  # octets, the most that one read of TLS gives

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


class Tap:
    """The virtual NIC, by a descriptor that belongs to somebody else."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        os.set_blocking(fd, False)

    def read_frames(self) -> list[bytes]:
        """What the NIC wants to send, at most ``BATCH`` frames.

        Raises:
            TunnelError: the NIC is gone.
        """
        read, fd = os.read, self.fd
        frames: list[bytes] = []
        try:
            for _ in range(BATCH):
                frames.append(read(fd, MAX_FRAME))  # noqa: PERF401  # those before an error count
        except BlockingIOError:
            pass
        except OSError as error:
            raise _nic_failed(error) from error
        return frames

    def write_frames(self, frames: Sequence[bytes]) -> None:
        """Give frames to the NIC; what it does not take is lost, as on any wire.

        Raises:
            TunnelError: the NIC is gone.
        """
        write, fd = os.write, self.fd
        for frame in frames:
            try:
                write(fd, frame)
            except OSError as error:
                if error.errno not in _DROPPED:
                    raise _nic_failed(error) from error


def _nic_failed(error: OSError) -> TunnelError:
    return TunnelError(22, error.strerror or "")


_WOULD_BLOCK = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class Carrier:
    """One connection of a session, owned; TLS, or plain in a session without encryption.

    Frames in; blocks out, one at a time: the rest of it is kept.
    """

    sent_octets = received_octets = 0  # inside TLS

    def __init__(self, stream: ssl.SSLSocket | socket.socket, decoder: CarrierDecoder) -> None:
        self._stream = stream
        self._stream.setblocking(False)
        self._decoder = decoder
        self._unsent = memoryview(b"")

    def fileno(self) -> int:
        """Of the connection."""
        return self._stream.fileno()

    @property
    def is_full(self) -> bool:
        """Whether a block is still on its way into the connection, so that no other may follow yet."""
        return bool(self._unsent)

    def take_rest(self, rest: bytes) -> list[bytes]:
        """The frames in what came behind the handshake."""
        return self._decoder.receive_data(rest)

    def receive(self, buffer: memoryview) -> tuple[list[bytes], bool]:
        """What has come, and whether that was all for good.  ``buffer`` has ``FAIR`` octets, for this call only.

        Raises:
            OSError, TunnelError: the connection is of no use any more.
        """
        size, ended = 0, False
        receive = self._stream.recv_into
        try:
            while size <= FAIR - RECORD:
                octets = receive(buffer[size:])
                if not octets:
                    ended = True
                    break
                size += octets
        except _WOULD_BLOCK:
            pass
        self.received_octets += size
        return self._decoder.receive_data(buffer[:size]), ended

    def send(self, block: bytes) -> bool:
        """Write a block, or begin to, when the carrier is not full; whether all of it is written.

        Raises:
            OSError: the connection is of no use any more.
        """
        self._unsent = memoryview(block)
        return self.flush()

    def flush(self) -> bool:
        """Write more of the block that was begun; whether all of it is written.

        Raises:
            OSError: the connection is of no use any more.
        """
        send = self._stream.send
        try:
            while self._unsent:
                octets = send(self._unsent)
                self._unsent = self._unsent[octets:]
                self.sent_octets += octets
        except _WOULD_BLOCK:
            return False
        return True

    def log_off(self, limit_s: float) -> None:
        """Write what is left, tell the server that this is the end, and wait for its own end, but not for long."""
        self._stream.settimeout(max(limit_s, 0.01))
        with contextlib.suppress(OSError):  # it is gone, or slow: all the same now
            self._stream.sendall(self._unsent)
            self._say_the_end()
        self._stream.close()

    def close(self) -> None:
        """At once, but telling the server, if it can be told.

        Servers as recent as 5.01.9674 keep the error of a connection that just ends, and take it for one of the
        session's next connection that has nothing to read, and so on until none is left.
        """
        self._stream.settimeout(0)
        with contextlib.suppress(OSError):
            self._say_the_end()
        self._stream.close()

    def _say_the_end(self) -> None:
        if isinstance(self._stream, ssl.SSLSocket):
            self._stream.unwrap()
        else:
            self._stream.shutdown(socket.SHUT_WR)
