"""``python -m tests.lab.old_udp``: a worker's session in which the server is led to speak UDP acceleration's version 1.

A ``Start`` on standard input.  The offer says that 1 is all we have, so a server of today answers as an old one does.
When UDP is in use, the LAN host is asked for its MAC address; prints the version, what came by then, and who answered.
"""

import json
import socket
import struct
import sys
import threading
import time
from random import SystemRandom

from tests.lab.server import LAN
from tsunagu.control import MAX_MESSAGE, Established, Failed, ReportStatistics, Start, StatisticsReport, decode, encode
from tsunagu.model import Session
from tsunagu_tunnel.softether.pack import Element, Kind, Pack
from tsunagu_tunnel.softether.udp_offer import UdpOffer
from tsunagu_tunnel.worker import Worker

PATIENCE_S = 40


def main() -> None:
    """Log in, wait, ask, print, leave."""
    start = decode(sys.stdin.buffer.read())
    assert isinstance(start, Start)
    _say_version_1_only()
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    nic, tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in (control, nic):
        end.settimeout(PATIENCE_S)
    threading.Thread(target=Worker(theirs, tap.fileno(), random=SystemRandom()).run).start()
    with control, nic, tap:
        control.send(encode(start))
        session = _session(control)
        before = _wait_until_in_use(control)
        nic.send(_who_has(start.mac, LAN))
        while (answer := nic.recv(1600))[28:32] != socket.inet_aton(LAN):
            pass  # the hub itself asks around, too
        after = _report(control)
        print(
            json.dumps(
                {
                    "version": session.udp_version,
                    "udp_octets": after.statistics.wire_received_octets - before.statistics.wire_received_octets,
                    "answer_of": socket.inet_ntoa(answer[28:32]),
                }
            )
        )


def _say_version_1_only() -> None:
    whole = UdpOffer.add_to

    def add_to(offer: UdpOffer, login: Pack) -> None:
        said = Pack()
        whole(offer, said)
        for element in said:
            old = element.name == "udp_acceleration_max_version"
            login.add(Element(element.name, Kind.INT, (1,)) if old else element)

    UdpOffer.add_to = add_to  # type: ignore[assignment,method-assign]  # what the program is for


def _session(control: socket.socket) -> Session:
    while True:
        message = decode(control.recv(MAX_MESSAGE))
        assert not isinstance(message, Failed), message
        if isinstance(message, Established):
            return message.session


def _wait_until_in_use(control: socket.socket) -> StatisticsReport:
    ends = time.monotonic() + PATIENCE_S
    while not (report := _report(control)).statistics.udp_in_use:
        assert time.monotonic() < ends, "UDP acceleration has not come into use"
        time.sleep(0.2)
    return report


def _report(control: socket.socket) -> StatisticsReport:
    control.send(encode(ReportStatistics()))
    while True:
        message = decode(control.recv(MAX_MESSAGE))
        if isinstance(message, StatisticsReport):
            return message


def _who_has(mac: str, address: str) -> bytes:
    """An ARP request from nobody's address (a probe, RFC 5227)."""
    ours = bytes.fromhex(mac.replace(":", ""))
    return (
        b"\xff" * 6
        + ours
        + struct.pack(">HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
        + ours
        + bytes(4)
        + bytes(6)
        + socket.inet_aton(address)
    )


if __name__ == "__main__":
    main()
