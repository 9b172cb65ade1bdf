"""The segments that TCP connections are told to send."""

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_tunnel.frames import ones_sum
from tsunagu_tunnel.mss import clamp

LONGEST = 1375  # octets of a frame, so 1321 of a segment over IPv4 and 1301 over IPv6


def syn(mss: int, *, six: bool = False, vlan: bool = False, before: bytes = b"", flags: int = 2) -> bytes:
    """A TCP packet's frame, checksums right; ``before``: options in front."""
    options = before + struct.pack(">BBH", 2, 4, mss)
    options += bytes(-len(options) % 4)
    tcp = struct.pack(">HHIIBBHHH", 40000, 80, 7, 0, (20 + len(options)) // 4 << 4, flags, 64000, 0, 0) + options
    if six:
        addresses = bytes(range(32))
        ip = struct.pack(">IHBB", 0x60000000, len(tcp), 6, 64) + addresses
    else:
        addresses = bytes(range(8))
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + addresses
    checksum = 0xFFFF - ones_sum(addresses + struct.pack(">HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + checksum.to_bytes(2, "big") + tcp[18:]
    return bytes(12) + (b"\x81\x00\x00\x07" if vlan else b"") + (b"\x86\xdd" if six else b"\x08\x00") + ip + tcp


def is_right(frame: bytes, *, six: bool, vlan: bool) -> bool:
    """Whether TCP's checksum is."""
    ip = 18 if vlan else 14
    tcp = ip + (40 if six else 20)
    addresses = frame[ip + 8 : tcp] if six else frame[ip + 12 : tcp]
    return ones_sum(addresses + struct.pack(">HH", 6, len(frame) - tcp) + frame[tcp:]) == 0xFFFF


@pytest.mark.parametrize("six", [False, True])
@pytest.mark.parametrize("vlan", [False, True])
@pytest.mark.parametrize("before", [b"", b"\1", b"\1\1", b"\3\3\7", b"\4\2\1\1\1"])
@pytest.mark.parametrize("mss", [1460, 1440, 8960, 65535, 1330])
def test_a_connection_that_begins_is_told_what_fits(six: bool, vlan: bool, before: bytes, mss: int) -> None:
    frame = syn(mss, six=six, vlan=vlan, before=before)
    fits = LONGEST - (18 if vlan else 14) - (60 if six else 40)

    [clamped] = clamp([frame], LONGEST)

    assert len(clamped) == len(frame)
    assert is_right(frame, six=six, vlan=vlan)
    assert is_right(clamped, six=six, vlan=vlan)
    assert clamped[:-20].hex() in frame.hex()
    assert fits.to_bytes(2, "big") in clamped[-12:]


@pytest.mark.parametrize("frame", [syn(536), syn(1460, flags=0x10), syn(1460)[:50], bytes(14), bytes(60)])
def test_all_else_passes_as_it_is(frame: bytes) -> None:
    assert clamp([frame], LONGEST) == [frame]


@given(st.booleans(), st.integers(0), st.binary(min_size=1, max_size=4), st.integers(14, 170))
def test_whatever_looks_like_one_keeps_its_length(six: bool, place: int, nonsense: bytes, size: int) -> None:
    frame = bytearray(syn(1460, six=six) + Random(1).randbytes(120))
    place %= 120
    frame[place : place + len(nonsense)] = nonsense

    [clamped] = clamp([bytes(frame[:size])], LONGEST)

    assert len(clamped) == size
