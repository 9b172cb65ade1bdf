"""What goes first."""

import pytest

from tsunagu_tunnel.softether.qos import by_urgency


def packet(tos: int = 0, protocol: int = 17, size: int = 200, kind: bytes = b"\x08\x00") -> bytes:
    return (bytes(12) + kind + bytes([0x45, tos]) + bytes(7) + bytes([protocol])).ljust(size, b".")[:size]


@pytest.mark.parametrize(
    ("frame", "urgent"),
    [
        (packet(), False),
        (packet(tos=0xB8), True),
        (packet(tos=8), False),
        (packet(protocol=1, size=98), True),
        (packet(protocol=1, size=128), True),
        (packet(protocol=1, size=129), False),
        (packet(protocol=1, size=1000), False),
        (packet(tos=0xB8, kind=b"\x86\xdd"), False),
        (packet(tos=0xB8, size=23), False),
        (bytes(14), False),
    ],
)
def test_calls_and_small_pings_are_urgent(frame: bytes, urgent: bool) -> None:
    assert by_urgency([frame]) == (([frame], []) if urgent else ([], [frame]))


def test_each_kind_keeps_its_order() -> None:
    frames = [packet(size=100 + number, tos=0xB8 * (number % 2)) for number in range(6)]

    assert by_urgency(frames) == (frames[1::2], frames[::2])
