"""The kill switch's rules, as nftables takes them."""

import socket
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


def passes(address: str, port: int = 9) -> bool:
    """A datagram to there leaves this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"?", (address, port))
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
