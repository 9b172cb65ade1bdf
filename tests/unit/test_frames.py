"""Frames: what is encoded comes out again, and what is damaged does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_tunnel.frames import Datagram, decode_datagram, encode_datagram, ones_sum, parse_mac

DATAGRAM = Datagram(
    source_mac=b"\x5e\0\0\0\0\x01",
    destination_mac=b"\xff" * 6,
    source=bytes((192, 168, 77, 23)),
    destination=bytes((192, 168, 77, 1)),
    source_port=68,
    destination_port=67,
    payload=b"hello",
)


@given(st.binary(max_size=1472), st.integers(0, 65535), st.integers(0, 65535))
def test_a_datagram_survives_its_frame(payload: bytes, source_port: int, destination_port: int) -> None:
    datagram = replace(DATAGRAM, payload=payload, source_port=source_port, destination_port=destination_port)

    assert decode_datagram(encode_datagram(datagram)) == datagram


def test_padding_of_short_frames_is_not_payload() -> None:
    assert decode_datagram(encode_datagram(DATAGRAM).ljust(60, b"\0")) == DATAGRAM


@given(st.integers(14, 46), st.integers(1, 255))
def test_a_changed_octet_of_headers_or_payload_is_noticed(position: int, change: int) -> None:
    frame = bytearray(encode_datagram(DATAGRAM))
    frame[position] ^= change

    decoded = decode_datagram(bytes(frame))

    # Only a checksum that became 0 means that there is none; one octet cannot turn another into that here.
    assert decoded is None


@given(st.binary(max_size=200))
def test_noise_is_no_datagram_and_no_error(noise: bytes) -> None:
    decode_datagram(noise)
    decode_datagram(encode_datagram(DATAGRAM)[:14] + noise)


def test_a_datagram_without_a_checksum_is_taken() -> None:
    frame = bytearray(encode_datagram(DATAGRAM))
    frame[40:42] = bytes(2)

    assert decode_datagram(bytes(frame)) == DATAGRAM


def test_a_checksum_that_was_left_to_the_nic_is_taken() -> None:
    """A DHCP server on the machine whose NIC is bridged into the hub: Linux hands such frames to packet sockets."""
    frame = bytearray(encode_datagram(DATAGRAM))
    size = len(frame) - 34
    pseudo = DATAGRAM.source + DATAGRAM.destination + bytes((0, 17)) + size.to_bytes(2, "big")
    frame[40:42] = ones_sum(pseudo).to_bytes(2, "big")

    assert decode_datagram(bytes(frame)) == DATAGRAM


def test_fragments_are_not_taken() -> None:
    frame = bytearray(encode_datagram(DATAGRAM))
    frame[20] |= 0x20  # more fragments
    frame[24:26] = bytes(2)
    frame[24:26] = (0xFFFF - ones_sum(bytes(frame[14:34]))).to_bytes(2, "big")

    assert decode_datagram(bytes(frame)) is None


@given(st.binary(max_size=99))
def test_the_sum_is_that_of_rfc_1071(data: bytes) -> None:
    total = 0
    for i in range(0, len(data), 2):
        total += int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)

    assert ones_sum(data) == total


def test_a_mac_address_is_six_octets() -> None:
    assert parse_mac("5e:00:00:00:00:01") == b"\x5e\0\0\0\0\x01"
    for wrong in ("", "5e:00", "5e:00:00:00:00:0x"):
        with pytest.raises(ValueError, match=r"."):
            parse_mac(wrong)
