"""Blocks of frames."""

from random import Random

import pytest

from tests.unit.softether.recorded import load
from tsunagu_tunnel.softether.carrier import MAX_KEEPALIVE, CarrierDecoder, encode_frames, keepalive
from tsunagu_tunnel.softether.errors import ProtocolError

PLAIN = [record for record in load("data_blocks.json")["records"] if not record["compressed"]]


@pytest.mark.parametrize("record", PLAIN, ids=lambda r: f"{r['direction']}-{r['kind']}-{len(r['hex']) // 2}")
def test_recorded_records_give_their_frames(record: dict[str, str]) -> None:
    octets = bytes.fromhex(record["hex"])
    frames = [bytes.fromhex(frame) for frame in record.get("frames", [])]

    assert CarrierDecoder().receive_data(octets) == frames
    if frames:
        assert encode_frames(frames) == octets


def test_frames_outlive_the_buffer_they_were_read_into() -> None:
    buffer = bytearray(encode_frames([b"a" * 60]))

    (frame,) = CarrierDecoder().receive_data(memoryview(buffer))
    buffer[:] = bytes(len(buffer))

    assert frame == b"a" * 60


def test_a_block_need_not_be_whole_before_its_first_frames_come() -> None:
    octets = encode_frames([b"a" * 60, b"b" * 60])
    decoder = CarrierDecoder()

    assert decoder.receive_data(octets[:100]) == [b"a" * 60]
    assert decoder.receive_data(octets[100:]) == [b"b" * 60]


def test_keepalives_and_empty_blocks_between_frames_are_skipped() -> None:
    decoder = CarrierDecoder()
    octets = keepalive(Random(1)) + bytes(4) + encode_frames([b"a" * 60]) + keepalive(Random(2))

    assert decoder.receive_data(octets) == [b"a" * 60]


def test_octets_may_come_one_at_a_time() -> None:
    octets = keepalive(Random(1)) + encode_frames([b"a" * 60, b"b" * 14]) + keepalive(Random(2)) + bytes(4)
    decoder = CarrierDecoder()

    frames = [frame for octet in octets * 2 for frame in decoder.receive_data(bytes([octet]))]

    assert frames == [b"a" * 60, b"b" * 14] * 2


@pytest.mark.parametrize("size", [0, 13, 1601, 3200])
def test_a_frame_of_impossible_size_is_dropped_and_the_next_one_comes(size: int) -> None:
    octets = encode_frames([b"x" * size, b"a" * 60])

    assert CarrierDecoder().receive_data(octets) == [b"a" * 60]


@pytest.mark.parametrize("size", [14, 1600])
def test_the_shortest_and_the_longest_frame_pass(size: int) -> None:
    assert CarrierDecoder().receive_data(encode_frames([b"x" * size])) == [b"x" * size]


@pytest.mark.parametrize(
    "octets",
    [
        bytes.fromhex("00000001 00000c81"),  # known to be wrong before the 3201 octets come
        encode_frames([b"x" * 3201]),
        bytes.fromhex("00000001 ffffffff"),
        bytes.fromhex("ffffffff 00000201"),
        b"HTTP/1.1 400 Bad Request",
    ],
)
def test_a_stream_that_has_lost_its_framing_is_closed(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        CarrierDecoder().receive_data(octets)


def test_keepalives_have_sizes_that_every_server_takes() -> None:
    random = Random(3)

    sizes = {len(keepalive(random)) - 8 for _ in range(2000)}

    assert min(sizes) == 0
    assert 500 < max(sizes) < MAX_KEEPALIVE
