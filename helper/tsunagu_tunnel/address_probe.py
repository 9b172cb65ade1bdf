"""Asks a segment whether somebody has an address already (RFC 5227, for IPv4 over Ethernet).  No I/O, no clock.

The address is in use meanwhile, so that nobody waits: the questions are ARP probes, which change nothing in anyone's
tables, and an answer that comes in time takes the address back.
"""

import math

from tsunagu_tunnel.frames import BROADCAST_MAC

ARP = b"\x08\x06"  # EtherType

_PROBE_AT_S = (0.0, 0.3, 1.0)  # quicker than RFC 5227 has it, for networks of our day
_LISTEN_S = 2.0  # all in all
_SIZE = 28  # octets of a message
_ETHERNET_IPV4 = bytes.fromhex("0001 0800 06 04")  # which kinds of addresses, and how long each is
_REQUEST = bytes.fromhex("0001")
_NOBODY, _NO_MAC = bytes(4), bytes(6)


class AddressProbe:
    """One address, once."""

    def __init__(self, mac: bytes, address: bytes, now: float) -> None:
        """``address``: 4 octets; ``now``: seconds, monotonic."""
        self._mac = mac
        self._address = address
        self._due = [now + at for at in _PROBE_AT_S]
        self._ends = now + _LISTEN_S

    def next_deadline(self) -> float:
        """When ``tick`` will next have something to do; infinite: never again."""
        return self._due[0] if self._due else self._ends

    def tick(self, now: float) -> list[bytes]:
        """The frames that are due by now."""
        frames = []
        while self._due and self._due[0] <= now:
            del self._due[0]
            frames.append(self._probe())
        if now >= self._ends:
            self._ends = math.inf
        return frames

    @property
    def is_over(self) -> bool:
        """Nobody has answered in time."""
        return self._ends == math.inf

    def finds_conflict(self, frame: bytes) -> bool:
        """Whether this frame is of somebody who has the address, or is about to take it."""
        if frame[12:14] != ARP or len(frame) < 14 + _SIZE:
            return False
        message = frame[14:]
        kinds = message[:6]
        operation, mac, address, target = message[6:8], message[8:14], message[14:18], message[24:28]
        if kinds != _ETHERNET_IPV4 or mac == self._mac:
            return False
        return address == self._address or (operation == _REQUEST and address == _NOBODY and target == self._address)

    def _probe(self) -> bytes:
        message = _ETHERNET_IPV4 + _REQUEST + self._mac + _NOBODY + _NO_MAC + self._address
        return BROADCAST_MAC + self._mac + ARP + message
