"""What ``use_compress`` makes of the data phase: each frame is a zlib stream of its own, both ways, on all carriers."""

import zlib
from collections.abc import Sequence

from tsunagu_tunnel.softether.carrier import MAX_BLOCK, MAX_FRAME, MIN_FRAME, CarrierDecoder, encode_frames

LEVEL = 1  # zlib's fastest: a frame is too short for the others to find much more


def encode_compressed_frames(frames: Sequence[bytes]) -> bytes:
    """One block of at least one frame, a stream each."""
    return encode_frames([zlib.compress(frame, LEVEL) for frame in frames])


def inflate(streams: Sequence[bytes]) -> list[bytes]:
    """The frames of these streams; what is no stream of one frame is dropped, as the reference does."""
    frames = []
    for stream in streams:
        inflater = zlib.decompressobj()
        try:
            frame = inflater.decompress(stream, MAX_FRAME + 1)
        except zlib.error:
            continue
        if MIN_FRAME <= len(frame) <= MAX_FRAME and inflater.eof:
            frames.append(frame)
    return frames


class CompressedCarrierDecoder(CarrierDecoder):
    """As ``CarrierDecoder``, where the blocks hold streams."""

    smallest, largest = 1, MAX_BLOCK

    def receive_data(self, data: bytes | memoryview) -> list[bytes]:
        """Take what the socket gave; return the frames it completed, inflated."""
        return inflate(super().receive_data(data))
