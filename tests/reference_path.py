"""What the compiled data path does, slowly and plainly: packets of a NIC with offloads, the frames they stand for."""

import struct
from dataclasses import dataclass

VNET = struct.Struct("=BBHHHH")  # flags, gso type, header length, segment size, checksum's start and place
NEEDS_CHECKSUM = 1
TCPV4, TCPV6, UDP_L4, ECN = 1, 4, 5, 0x80
MIN_FRAME, MAX_FRAME = 14, 1600
FIN, PSH, ACK, CWR = 1, 8, 16, 128


def checksum(data: bytes) -> int:
    """RFC 1071."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pseudo_header(ip: bytes, protocol: int, length: int) -> bytes:
    """What a transport checksum covers beside the segment."""
    if ip[0] >> 4 == 6:
        return ip[8:40] + struct.pack(">IxxxB", length, protocol)
    return ip[12:20] + struct.pack(">xBH", protocol, length)


def layer3_of(frame: bytes) -> int | None:
    """Where the IP header begins, behind VLAN tags."""
    at = 12
    while at + 2 <= len(frame):
        kind = frame[at : at + 2]
        if kind in (b"\x08\x00", b"\x86\xdd"):
            return at + 2
        if kind not in (b"\x81\x00", b"\x88\xa8"):
            return None
        at += 4
    return None


def frames_of(packet: bytes) -> list[bytes]:
    """The frames that one packet of the NIC stands for; none, where it makes no sense."""
    if len(packet) < VNET.size + MIN_FRAME:
        return []
    flags, kind, _, segment_size, start, place = VNET.unpack_from(packet)
    frame = packet[VNET.size :]
    frames = [_completed(frame, flags, start, place)] if kind == 0 else _segments(frame, kind, segment_size, start)
    fitting = []
    for candidate in frames:
        if candidate is None or not MIN_FRAME <= len(candidate) <= MAX_FRAME:
            break
        fitting.append(candidate)
    return fitting


def _completed(frame: bytes, flags: int, start: int, place: int) -> bytes | None:
    if not flags & NEEDS_CHECKSUM:
        return frame
    at = start + place
    if at + 2 > len(frame):
        return None
    value = checksum(frame[start:]) or 0xFFFF
    return frame[:at] + struct.pack(">H", value) + frame[at + 2 :]


def _segments(packet: bytes, kind: int, segment_size: int, start: int) -> list[bytes | None]:
    tcp = kind & ~ECN != UDP_L4
    l3 = layer3_of(packet)
    if l3 is None or segment_size == 0:
        return []
    v6 = packet[l3 - 2 : l3] == b"\x86\xdd"
    smallest = 20 if tcp else 8
    if start < l3 + (40 if v6 else 20) or start + smallest > len(packet):
        return []
    headers = start + ((packet[start + 12] >> 4) * 4 if tcp else 8)
    if headers < start + smallest or headers >= len(packet):
        return []
    frames: list[bytes | None] = []
    for number, at in enumerate(range(headers, len(packet), segment_size)):
        payload = packet[at : at + segment_size]
        last = at + segment_size >= len(packet)
        ip = bytearray(packet[l3:start])
        transport = bytearray(packet[start:headers])
        if v6:
            struct.pack_into(">H", ip, 4, (len(ip) + len(transport) + len(payload) - 40) & 0xFFFF)
        else:
            [identity] = struct.unpack_from(">H", ip, 4)
            struct.pack_into(
                ">HH", ip, 2, (len(ip) + len(transport) + len(payload)) & 0xFFFF, (identity + number) & 0xFFFF
            )
            ip[10:12] = b"\0\0"
            struct.pack_into(">H", ip, 10, checksum(bytes(ip)))
        if tcp:
            [sequence] = struct.unpack_from(">I", transport, 4)
            struct.pack_into(">I", transport, 4, (sequence + at - headers) & 0xFFFF_FFFF)
            transport[13] &= 0xFF if last else ~(FIN | PSH)
            transport[13] &= 0xFF if number == 0 else ~CWR
            place, protocol = 16, 6
        else:
            struct.pack_into(">H", transport, 4, (8 + len(payload)) & 0xFFFF)
            place, protocol = 6, 17
        transport[place : place + 2] = b"\0\0"
        covered = pseudo_header(bytes(ip), protocol, len(transport) + len(payload)) + transport + payload
        value = checksum(covered)
        struct.pack_into(">H", transport, place, value if tcp else value or 0xFFFF)
        frames.append(packet[:l3] + bytes(ip) + bytes(transport) + payload)
    return frames


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP frame as its flow sees it."""

    flow: bytes  # addresses and ports
    sequence: int
    acknowledged: int
    flags: int
    window: int
    options: bytes
    payload: bytes

    @property
    def is_pure_ack(self) -> bool:
        """It acknowledges, and says nothing else."""
        return not self.payload and self.flags == ACK


def segment_of(frame: bytes) -> Segment | None:
    """An intact TCP frame over IPv4 without options, or IPv6 without extension headers; else None."""
    l3 = 14
    if frame[12:14] == b"\x08\x00" and len(frame) >= 54 and frame[14] == 0x45 and frame[23] == 6:
        [length, _, fragment] = struct.unpack_from(">HHH", frame, 16)
        l4, end, addresses = 34, l3 + length, frame[26:34]
        if fragment & 0x3FFF or checksum(frame[14:34]) != 0 or not 54 <= end <= len(frame):
            return None
    elif frame[12:14] == b"\x86\xdd" and len(frame) >= 74 and frame[14] >> 4 == 6 and frame[20] == 6:
        l4, end, addresses = 54, 54 + struct.unpack_from(">H", frame, 18)[0], frame[22:54]
        if end > len(frame):
            return None
    else:
        return None
    tcp = frame[l4:end]
    size = (tcp[12] >> 4) * 4 if len(tcp) >= 20 else 0
    if not 20 <= size <= len(tcp) or checksum(pseudo_header(frame[14:l4], 6, len(tcp)) + tcp) != 0:
        return None
    sequence, acknowledged = struct.unpack_from(">II", tcp, 4)
    [window] = struct.unpack_from(">H", tcp, 14)
    return Segment(addresses + tcp[:4], sequence, acknowledged, tcp[13], window, tcp[20:size], tcp[size:])
