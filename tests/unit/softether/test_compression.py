"""Frames as zlib streams."""

import zlib

import pytest

from tests.unit.softether.recorded import load
from tsunagu_tunnel.softether.carrier import encode_frames
from tsunagu_tunnel.softether.compression import CompressedCarrierDecoder, encode_compressed_frames

COMPRESSED = [record for record in load("data_blocks.json")["records"] if record["compressed"]]


@pytest.mark.parametrize("record", COMPRESSED, ids=lambda r: f"{r['direction']}-{r['kind']}-{len(r['hex']) // 2}")
def test_recorded_records_give_their_frames(record: dict[str, str]) -> None:
    frames = [bytes.fromhex(frame) for frame in record.get("frames", [])]

    assert CompressedCarrierDecoder().receive_data(bytes.fromhex(record["hex"])) == frames


def test_frames_survive_the_way() -> None:
    frames = [b"a" * 14, bytes(1600), bytes(range(256)) * 5]

    assert CompressedCarrierDecoder().receive_data(encode_compressed_frames(frames)) == frames


@pytest.mark.parametrize(
    "stream",
    [
        b"no stream",
        zlib.compress(bytes(1601)),
        zlib.compress(bytes(3_000_000)),  # 3 kB: a bomb
        zlib.compress(bytes(13)),
        zlib.compress(bytes(60))[:-1],  # its end is missing
        b"\x78",
    ],
)
def test_what_is_no_stream_of_one_frame_is_dropped_and_the_next_one_comes(stream: bytes) -> None:
    octets = encode_frames([stream[:3200], zlib.compress(b"a" * 60)])

    assert CompressedCarrierDecoder().receive_data(octets) == [b"a" * 60]
