"""Ethernet, IPv4 and UDP headers, as far as the DHCP client needs them.  No I/O."""

import struct
from dataclasses import dataclass

BROADCAST_MAC = b"\xff" * 6
ETHERNET = 14  # octets of the header

_IPV4 = b"\x08\x00"  # EtherType
_UDP = 17  # IP protocol
_IP_HEADER = struct.Struct(">BBHHHBBH4s4s")  # version and length, TOS, size, id, fragment, TTL, protocol, checksum, ...
_UDP_HEADER = struct.Struct(">HHHH")  # source port, destination port, size, checksum
_FRAGMENT = 0x3FFF  # more fragments, and the offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One UDP datagram with what its headers say; addresses are 6 and 4 octets."""

    source_mac: bytes
    destination_mac: bytes
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    payload: bytes


def parse_mac(text: str) -> bytes:
    """``5e:01:…`` -> 6 octets.

    Raises:
        ValueError: that is no MAC address.
    """
    mac = bytes.fromhex(text.replace(":", " "))
    if len(mac) != 6:
        raise ValueError("a MAC address has 6 octets")
    return mac


def ones_sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words (RFC 1071): 0xFFFF over data that contains its own right checksum."""
    if len(data) % 2:
        data += b"\0"
    # 0x10000 is 1 modulo 0xFFFF, so the remainder of the whole number is the sum with its carries folded in.
    return int.from_bytes(data, "big") % 0xFFFF or (0xFFFF if any(data) else 0)


def encode_datagram(datagram: Datagram) -> bytes:
    """The whole frame, without FCS, unfragmented, checksums filled in."""
    size = _UDP_HEADER.size + len(datagram.payload)
    pseudo = datagram.source + datagram.destination + struct.pack(">HH", _UDP, size)
    udp = _UDP_HEADER.pack(datagram.source_port, datagram.destination_port, size, 0) + datagram.payload
    checksum = (0xFFFF - ones_sum(pseudo + udp)) or 0xFFFF  # 0 would mean: none

    def ip_header(checksum: int) -> bytes:
        total = _IP_HEADER.size + size
        return _IP_HEADER.pack(0x45, 0, total, 0, 0, 64, _UDP, checksum, datagram.source, datagram.destination)

    return b"".join(
        (
            datagram.destination_mac,
            datagram.source_mac,
            _IPV4,
            ip_header(0xFFFF - ones_sum(ip_header(0))),
            udp[:6],
            checksum.to_bytes(2, "big"),
            datagram.payload,
        )
    )


def decode_datagram(frame: bytes) -> Datagram | None:
    """The UDP datagram in a frame; None if it has none, is damaged, or has only a part of one.

    Frames with IP options or a VLAN tag have none either: no DHCP server sends such.
    """
    ip_end = ETHERNET + _IP_HEADER.size
    payload_start = ip_end + _UDP_HEADER.size
    if len(frame) < payload_start or frame[12:14] != _IPV4:
        return None
    version, _, total, _, fragment, _, protocol, _, source, destination = _IP_HEADER.unpack_from(frame, ETHERNET)
    source_port, destination_port, size, checksum = _UDP_HEADER.unpack_from(frame, ip_end)
    if (
        version != 0x45
        or protocol != _UDP
        or fragment & _FRAGMENT
        or size < _UDP_HEADER.size
        or total != _IP_HEADER.size + size
        or len(frame) < ETHERNET + total  # more is padding
        or ones_sum(frame[ETHERNET:ip_end]) != 0xFFFF
    ):
        return None
    pseudo = source + destination + struct.pack(">HH", _UDP, size)
    udp = frame[ip_end : ip_end + size]
    # A DHCP server on the machine that bridges into the hub may leave the checksum to a NIC that the frame never
    # reaches; then the sum of the pseudo header stands in its place (Linux, CHECKSUM_PARTIAL).
    if checksum not in (0, ones_sum(pseudo)) and ones_sum(pseudo + udp) != 0xFFFF:
        return None
    return Datagram(
        source_mac=frame[6:12],
        destination_mac=frame[:6],
        source=source,
        destination=destination,
        source_port=source_port,
        destination_port=destination_port,
        payload=udp[_UDP_HEADER.size :],
    )
