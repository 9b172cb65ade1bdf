"""A small DHCP server for tests: frames in, frames out."""

import ipaddress
import struct

from tsunagu_tunnel.frames import Datagram, decode_datagram, encode_datagram

MAC = b"\x5e\xaa\0\0\0\x01"
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7


def packed(address: str) -> bytes:
    """Four octets."""
    return ipaddress.IPv4Address(address).packed


class DhcpServer:
    """Gives one address to everybody.  Change its attributes at will; call it with each frame."""

    def __init__(self) -> None:
        self.address = "192.168.77.23"
        self.server = "192.168.77.1"
        self.options: dict[int, bytes] = {
            1: packed("255.255.255.0"),
            3: packed("192.168.77.1"),
            6: packed("192.168.77.1") + packed("192.168.77.2"),
            15: b"lab.example",
            51: struct.pack(">I", 3600),
            54: packed(self.server),
        }
        self.answers = {DISCOVER: OFFER, REQUEST: ACK}
        self.heard: list[tuple[int, dict[int, bytes]]] = []

    def __call__(self, frame: bytes) -> list[bytes]:
        datagram = decode_datagram(frame)
        if datagram is None or datagram.destination_port != 67:
            return []
        options = options_of(datagram.payload)
        kind = options[53][0]
        self.heard.append((kind, options))
        return [self.reply(self.answers[kind], datagram.payload)] if kind in self.answers else []

    def reply(self, kind: int, question: bytes) -> bytes:
        """The frame that answers this question."""
        yours = bytes(4) if kind == NAK else packed(self.address)
        payload = b"".join(
            (
                b"\x02\x01\x06\x00",
                question[4:8],
                bytes(8),
                yours,
                bytes(8),
                question[28:44],
                bytes(192),
                bytes((99, 130, 83, 99, 53, 1, kind)),
                *(bytes((code, len(value))) + value for code, value in self.options.items()),
                b"\xff",
            )
        )
        return encode_datagram(
            Datagram(
                source_mac=MAC,
                destination_mac=b"\xff" * 6,
                source=packed(self.server),
                destination=b"\xff" * 4,
                source_port=67,
                destination_port=68,
                payload=payload,
            )
        )


def options_of(payload: bytes) -> dict[int, bytes]:
    """The options of a client's message, which are well formed."""
    options, position = {}, 240
    while payload[position] != 255:
        length = payload[position + 1]
        options[payload[position]] = payload[position + 2 : position + 2 + length]
        position += 2 + length
    return options
