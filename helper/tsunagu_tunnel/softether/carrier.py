"""Framing inside one data carrier, after the handshake.  No I/O, no clock, no threads."""

from collections.abc import Sequence
from random import Random

KEEPALIVE = 0xFFFF_FFFF  # stands where a frame count would
MAX_KEEPALIVE = 512  # octets of padding; more means that the stream has lost its framing
MIN_FRAME = 14  # octets; a shorter frame has no Ethernet header, and no NIC takes it
MAX_FRAME = 1600  # octets; a longer frame is dropped, as the reference client does
MAX_BLOCK = 2 * MAX_FRAME  # octets; longer means that the stream has lost its framing


class CarrierDecoder:
    """Bytes from one TLS stream in, Ethernet frames out.

    Wire form, big-endian u32: ``count, (size, frame) * count``, or ``KEEPALIVE, size, padding``.
    """

    def receive_data(self, data: bytes | memoryview) -> list[bytes]:
        """Take what the socket gave; return the frames it completed, in order, perhaps none.

        ``data`` may be a part of a buffer that is used again: the frames are copies.

        Raises:
            ProtocolError: a frame is over ``MAX_BLOCK``, a keepalive over ``MAX_KEEPALIVE``.  Close the carrier.
        """


def encode_frames(frames: Sequence[bytes]) -> bytes:
    """One block of at least one frame."""


def keepalive(random: Random) -> bytes:
    """What is sent to be heard from: a block of random padding, so that its size tells an onlooker nothing."""
