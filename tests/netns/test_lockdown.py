"""The kill switch's rules, as nftables takes them."""

import socket
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.netns.namespace import in_new_namespace
from tsunagu_helper.lockdown import Hold, ruleset

CLOSED = Path(__file__).parents[2] / "packaging/nftables/closed.nft"
SOMEWHERE, NEIGHBOUR = "198.51.100.9", "192.168.5.9"


def nft(text: str) -> bool:
    return subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True, check=False).returncode == 0


def physical_network() -> None:
    for command in (
        "link set lo up",
        "link add eth0 type veth peer name eth1",
        "link set eth0 up",
        "link set eth1 up",
        "addr add 192.168.5.2/24 dev eth0",
        "route add default via 192.168.5.1",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def passes(address: str, port: int = 9, data: bytes = b"?") -> bool:
    """A datagram to there leaves this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(data, (address, port))
        except PermissionError:
            return False
        return True


@in_new_namespace
async def test_a_file_cut_short_anywhere_leaves_all_closed() -> None:
    physical_network()
    text = ruleset(1234, [Hold(name="Office", allow_lan=True)])
    assert nft(text)
    assert passes(NEIGHBOUR)
    lines = text.splitlines(keepends=True)
    for end in range(len(lines)):
        assert nft("flush ruleset")
        assert nft(CLOSED.read_text())
        nft("".join(lines[:end]))
        assert not passes(NEIGHBOUR), "".join(lines[:end])
        assert not passes(SOMEWHERE)


@in_new_namespace
async def test_names_pass_until_the_hold_is_sealed() -> None:
    physical_network()
    hold = Hold(name="Office", allow_lan=True)
    assert nft(ruleset(1234, [hold]))
    assert [passes(SOMEWHERE), passes(NEIGHBOUR)] == [False, True]
    assert [passes(SOMEWHERE, 53), passes(NEIGHBOUR, 53)] == [True, True]

    assert nft(ruleset(1234, [replace(hold, is_sealed=True)]))

    assert [passes(SOMEWHERE), passes(NEIGHBOUR)] == [False, True]
    assert [passes(SOMEWHERE, 53), passes(NEIGHBOUR, 53)] == [False, False]
    assert passes("127.0.0.53", 53)


def asks(name: str, questions: int = 1) -> bool:
    """A question for this name leaves this machine."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    header = struct.pack(">6H", 0x1234, 0x0100, questions, 0, 0, 1)
    return passes(SOMEWHERE, 53, header + labels + b"\0" + b"\0\x01\0\x01" + b"\0\0\x29" + bytes(8))


@in_new_namespace
async def test_a_sealed_hold_lets_its_own_servers_name_be_asked_for_and_no_other() -> None:
    physical_network()
    longest = ".".join(["a" * 63, "B-9" * 21, "c" * 63, "d" * 61])
    holds = [
        Hold(name=host[:9], allow_lan=True, is_sealed=True, host=host)
        for host in ("vpn.example.org", "vpn", longest, "203.0.113.5", "fd99::1", "")
    ]
    assert nft(ruleset(1234, holds))

    assert all(asks(name) for name in ("vpn.example.org", "VPN.eXample.ORG", "vpn", longest))
    for other in (
        "vpo.example.org",
        "vpn.example.or",
        "vpn.example.org.example.org",
        "w",
        "vpn.example",
        longest[:-1] + "e",
    ):
        assert not asks(other), other
    assert not asks("vpn", questions=2)
    assert not passes(SOMEWHERE, 53)
    assert not passes(SOMEWHERE, 53, b"\3vpn\0")
