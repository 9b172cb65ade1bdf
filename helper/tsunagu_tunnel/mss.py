"""How long the segments of TCP connections through the tunnel may be, as their first packets (SYN) say.  No I/O.

A frame of full length does not fit into one datagram; fragments are slow, and many a firewall lets none of them pass.
"""

from collections.abc import Sequence

_LONGEST_SYN = 14 + 4 + 60 + 60  # octets: Ethernet with a VLAN tag, IPv4 and TCP with all their options
_IPV4, _IPV6, _VLAN = b"\x08\x00", b"\x86\xdd", b"\x81\x00"
_TCP = 6
_SYN = 0x02
_END, _NOTHING, _MSS = 0, 1, 2  # kinds of options


def clamp(frames: Sequence[bytes], longest: int) -> list[bytes]:
    """These frames, where none asks for segments that need more than ``longest`` octets a frame."""
    return [_clamped(frame, longest) if len(frame) <= _LONGEST_SYN else frame for frame in frames]


def _clamped(frame: bytes, longest: int) -> bytes:
    ip = 18 if frame[12:14] == _VLAN else 14
    kind = frame[ip - 2 : ip]
    if (
        kind == _IPV4
        and len(frame) >= ip + 40
        and frame[ip + 9] == _TCP
        and not (frame[ip + 6] & 0x1F or frame[ip + 7])
    ):
        tcp, headers = ip + 4 * (frame[ip] & 0x0F), 20 + 20
    elif kind == _IPV6 and len(frame) >= ip + 60 and frame[ip + 6] == _TCP:
        tcp, headers = ip + 40, 40 + 20
    else:
        return frame
    if len(frame) < tcp + 20 or not frame[tcp + 13] & _SYN:
        return frame
    at = _find_mss(frame, tcp + 20, min(len(frame), tcp + 4 * (frame[tcp + 12] >> 4)))
    wanted, most = int.from_bytes(frame[at : at + 2], "big"), max(longest - ip - headers, 0)
    if not at or wanted <= most:
        return frame
    changed = bytearray(frame)
    changed[at : at + 2] = most.to_bytes(2, "big")
    # The checksum changes by the difference (RFC 1624); a number at an odd place counts with its octets swapped.
    difference = (wanted - most) * (256 if (at - tcp) % 2 else 1)
    checksum = int.from_bytes(frame[tcp + 16 : tcp + 18], "big")
    changed[tcp + 16 : tcp + 18] = ((checksum + difference) % 0xFFFF).to_bytes(2, "big")
    return bytes(changed)


def _find_mss(frame: bytes, at: int, end: int) -> int:
    """Where the number lies; 0 if there is none."""
    while at + 4 <= end and frame[at] != _END:
        if frame[at] == _NOTHING:
            at += 1
        elif frame[at] == _MSS:
            return at + 2
        else:
            at += max(frame[at + 1], 2)
    return 0
