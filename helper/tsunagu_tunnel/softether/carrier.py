"""Framing inside one data carrier, after the handshake.  No I/O, no clock, no threads."""

import struct
from collections.abc import Sequence
from random import Random

from tsunagu_tunnel.softether.errors import ProtocolError

KEEPALIVE = 0xFFFF_FFFF  # stands where a frame count would
MAX_KEEPALIVE = 512  # octets of padding; more means that the stream has lost its framing
MIN_FRAME = 14  # octets; a shorter frame has no Ethernet header, and no NIC takes it
MAX_FRAME = 1600  # octets; a longer frame is dropped, as the reference client does
MAX_BLOCK = 2 * MAX_FRAME  # octets; longer means that the stream has lost its framing

_pack_u32 = struct.Struct(">I").pack
_unpack_u32 = struct.Struct(">I").unpack_from


class CarrierDecoder:
    """Bytes from one TLS stream in, Ethernet frames out.

    Wire form, big-endian u32: ``count, (size, frame) * count``, or ``KEEPALIVE, size, padding``.
    """

    smallest, largest = MIN_FRAME, MAX_FRAME  # what is not within is dropped

    def __init__(self) -> None:
        self._tail = b""  # what came of a number or block that is not complete yet; at most one block long
        self._left = 0  # frames still to come of the announced ones

    def receive_data(self, data: bytes | memoryview) -> list[bytes]:
        """Take what the socket gave; return the frames it completed, in order, perhaps none.

        ``data`` may be a part of a buffer that is used again: the frames are copies.

        Raises:
            ProtocolError: a frame is over ``MAX_BLOCK``, a keepalive over ``MAX_KEEPALIVE``.  Close the carrier.
        """
        # The hot path: one pass, one copy a frame, no call that can be avoided.
        data = self._tail + data
        end = len(data)
        left = self._left
        smallest, largest = self.smallest, self.largest
        frames = []
        position = 0
        while (start := position + 4) <= end:
            (size,) = _unpack_u32(data, position)
            if left:
                stop = start + size
                if stop > end:
                    if size > MAX_BLOCK:
                        raise ProtocolError(f"a frame of {size} octets")
                    break
                if smallest <= size <= largest:
                    frames.append(data[start:stop])
                elif size > MAX_BLOCK:
                    raise ProtocolError(f"a frame of {size} octets")
                left -= 1
                position = stop
            elif size != KEEPALIVE:
                left = size
                position = start
            else:
                if start + 4 > end:
                    break
                (size,) = _unpack_u32(data, start)
                if size > MAX_KEEPALIVE:
                    raise ProtocolError(f"a keepalive of {size} octets")
                if start + 4 + size > end:
                    break
                position = start + 4 + size
        self._left = left
        self._tail = data[position:]
        return frames


def encode_frames(frames: Sequence[bytes]) -> bytes:
    """One block of at least one frame.  (Building it in a buffer that is kept was measured: no gain over ``join``.)"""
    parts = [_pack_u32(len(frames))]
    for frame in frames:
        parts += (_pack_u32(len(frame)), frame)
    return b"".join(parts)


def keepalive(random: Random) -> bytes:
    """What is sent to be heard from: a block of random padding, so that its size tells an onlooker nothing."""
    size = random.randrange(MAX_KEEPALIVE)
    return _pack_u32(KEEPALIVE) + _pack_u32(size) + random.randbytes(size)
