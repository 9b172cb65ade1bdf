"""Which frames go first where the server grants QoS, as the reference client has it.  No I/O."""

from collections.abc import Sequence

_TYPE, _IPV4 = slice(12, 14), b"\x08\x00"
_TOS, _PROTOCOL = 15, 23  # octets of a frame with an IPv4 packet
_ICMP = 1
_ORDINARY = (0, 8)  # types of service: nothing special, and "throughput" of RFC 1349, which bulk transfers ask for
_SMALL = range(34, 129)  # octets of a frame: a ping, not a flood


def is_urgent(frame: bytes) -> bool:
    """An IPv4 packet that asks for another service than bulk, or a small ICMP one."""
    if frame[_TYPE] != _IPV4 or len(frame) <= _PROTOCOL:
        return False
    return frame[_TOS] not in _ORDINARY or (frame[_PROTOCOL] == _ICMP and len(frame) in _SMALL)


def by_urgency(frames: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The urgent ones and the others, each in their order."""
    urgent: list[bytes] = []
    others: list[bytes] = []
    for frame in frames:
        (urgent if is_urgent(frame) else others).append(frame)
    return urgent, others
