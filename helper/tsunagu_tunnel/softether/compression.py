"""What ``use_compress`` makes of the data phase: each frame is a zlib stream of its own, both ways, on all carriers."""

import zlib
from collections.abc import Sequence

from tsunagu_tunnel.softether.carrier import MAX_BLOCK, MAX_FRAME, MIN_FRAME, CarrierDecoder, encode_frames

LEVEL = 1  # zlib's fastest: a frame is too short for the others to find much more


class Compression:
    """The compression of one session, and what it has saved."""

    def __init__(self) -> None:
        self._packed_octets = self._frame_octets = 0  # of the same frames, with and without it

    @property
    def saved_percent(self) -> int:
        """Of both directions together, 0 to 100; growth counts as nothing saved."""
        packed = self._packed_octets * 100 // self._frame_octets if self._frame_octets else 100
        return max(0, 100 - packed)

    def encode_frames(self, frames: Sequence[bytes]) -> bytes:
        """One block of at least one frame."""
        return encode_frames(self.deflate(frames))

    def deflate(self, frames: Sequence[bytes]) -> list[bytes]:
        """One stream a frame."""
        streams = [zlib.compress(frame, LEVEL) for frame in frames]
        self._count(streams, frames)
        return streams

    def inflate(self, streams: Sequence[bytes]) -> list[bytes]:
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
        self._count(streams, frames)
        return frames

    def _count(self, streams: Sequence[bytes], frames: Sequence[bytes]) -> None:
        self._packed_octets += sum(map(len, streams))
        self._frame_octets += sum(map(len, frames))


class CompressedCarrierDecoder(CarrierDecoder):
    """As ``CarrierDecoder``, where the blocks hold streams."""

    smallest, largest = 1, MAX_BLOCK

    def __init__(self, compression: Compression) -> None:
        super().__init__()
        self._inflate = compression.inflate

    def receive_data(self, data: bytes | memoryview) -> list[bytes]:
        """Take what the socket gave; return the frames it completed, inflated."""
        return self._inflate(super().receive_data(data))
