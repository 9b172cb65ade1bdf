"""Whoever shares a network with this machine sends to its address in the tunnel, as if from behind it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from pathlib import Path

import pytest

from tests.lab.waiting import eventually
from tests.netns.namespace import in_new_namespace
from tsunagu_helper import nft as nftables
from tsunagu_helper.address_guard import AddressGuard, Guarded
from tsunagu_helper.lease_policy import AddressPlan, Route
from tsunagu_helper.nic import Nic, Nics

MARK, MAC, PORT = "Tsunagu (tests)", "5e:00:11:22:33:44", 7
LAN, LAN6 = "192.168.5.2", "fd05::2"  # ours
TUNNEL, TUNNEL6, AUTOMATIC = "192.168.77.23", "fd77::23", "fd77::99"
BEHIND, BEHIND6 = "10.1.2.3", "fd10::1"  # whom the neighbour makes itself out to be
PLAN = AddressPlan(
    addresses=(IPv4Interface(f"{TUNNEL}/24"), IPv6Interface(f"{TUNNEL6}/64")),
    routes=(Route(IPv4Network("192.168.77.0/24")), Route(IPv6Network("fd77::/64"))),
)
SEND = (
    "import socket, sys; _, source, to = sys.argv; s = socket.socket(socket.AF_INET6 if ':' in to else socket.AF_INET,"
    f" socket.SOCK_DGRAM); s.bind((source, 0)); s.sendto(to.encode(), (to, {PORT}))"
)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def neighbour() -> Iterator[socket.socket]:
    """At the other end of eth0; a socket that takes what comes to any address of ours.  No filter by way back."""
    name = "neighbour"
    ip("netns", "add", name)
    try:
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1", "netns", name)
        for where, nic, address, address6 in (
            ((), "eth0", LAN, LAN6),
            (("-n", name), "eth1", "192.168.5.1", "fd05::1"),
        ):
            ip(*where, "link", "set", "lo", "up")
            ip(*where, "link", "set", nic, "up")
            ip(*where, "addr", "add", f"{address}/24", "dev", nic)
            ip(*where, "addr", "add", f"{address6}/64", "dev", nic, "nodad")
        for address in (BEHIND, BEHIND6):
            ip("-n", name, "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
        for address, ours in ((TUNNEL, LAN), (TUNNEL6, LAN6), (AUTOMATIC, LAN6)):
            ip("-n", name, "route", "add", address, "via", ours)
        ip("netns", "exec", name, "ping", "-q", "-c1", "-w20", LAN6)  # it knows our hardware address now
        for nic in ("all", "eth0"):
            Path(f"/proc/sys/net/ipv4/conf/{nic}/rp_filter").write_text("0")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("::", PORT))
            receiver.settimeout(20)
            yield receiver
    finally:
        ip("netns", "delete", name)


def arrives(receiver: socket.socket, address: str) -> bool:
    """What the neighbour sends there gets to programs; what it sends to our own address after it always does."""
    for source, to in ((BEHIND6 if ":" in address else BEHIND, address), ("192.168.5.1", LAN)):
        subprocess.run(
            ["ip", "netns", "exec", "neighbour", sys.executable, "-I", "-S", "-c", SEND, source, to], check=True
        )
    first = receiver.recv(100).decode()
    if first == address != LAN:
        assert receiver.recv(100).decode() == LAN
    return first == address


async def up(plan: AddressPlan = PLAN) -> Nic:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(plan)
    await eventually(lambda: not output("ip", "-6", "addr", "show", "tentative"), 20, "its addresses")
    return nic


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def nft(command: str) -> str:
    return output("nft", *command.split())


@in_new_namespace
async def test_the_address_in_the_tunnel_is_not_reached_from_the_local_network() -> None:
    with neighbour() as receiver:
        nic = await up()

        assert not arrives(receiver, TUNNEL)
        assert not arrives(receiver, TUNNEL6)

        nft("flush ruleset")
        assert arrives(receiver, TUNNEL)  # so it was the guard that kept it away
        assert arrives(receiver, TUNNEL6)
        await nic.close()


@in_new_namespace
async def test_nor_is_an_automatic_one_that_programs_use() -> None:
    with neighbour() as receiver:
        nic = await up(AddressPlan(addresses=(), routes=(), ipv6_is_automatic=True))
        ip("addr", "add", f"{AUTOMATIC}/64", "dev", "tsunagu0", "nodad")
        assert arrives(receiver, AUTOMATIC)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as program:
            program.sendto(b"?", ("fd77::1", 9))

        assert not arrives(receiver, AUTOMATIC)
        await nic.close()


@in_new_namespace
async def test_this_machine_itself_reaches_it() -> None:
    with neighbour() as receiver:
        nic = await up()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
            program.sendto(b"mine", (TUNNEL, PORT))

        assert receiver.recv(100) == b"mine"
        await nic.close()


@in_new_namespace
async def test_a_lease_with_the_physical_nic_s_own_address_cuts_nothing_off() -> None:
    with neighbour() as receiver:
        address = IPv4Interface(f"{LAN}/24")
        nic = await up(AddressPlan(addresses=(address,), routes=(Route(address.network),)))

        assert arrives(receiver, LAN)
        await nic.close()


@in_new_namespace
async def test_the_guard_goes_with_the_nic_and_with_what_a_killed_helper_left() -> None:
    nics = Nics(MARK)
    first, second = await nics.open("tsunagu0", MAC), await nics.open("tsunagu1", MAC[:-1] + "5")
    for nic in (first, second):
        await nic.apply(PLAN)
    await first.close()
    assert "tsunagu_addresses" in nft("list tables")
    await second.close()
    assert nft("list tables") == ""

    await up()
    assert "tsunagu_addresses" in nft("list tables")
    await Nics(MARK).clean_leftovers()
    assert nft("list tables") == ""


@in_new_namespace
async def test_the_doctor_is_told_whether_it_could_be_used_and_whether_it_stands() -> None:
    guard = AddressGuard()
    assert (await guard.why_not(), guard.nics, await guard.stands()) == ("", (), False)

    await guard.guard("tsunagu0", Guarded(PLAN.addresses))
    assert (await guard.why_not(), guard.nics, await guard.stands()) == ("", ("tsunagu0",), True)

    nft("flush table inet tsunagu_addresses")
    assert not await guard.stands()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nftables, "PROGRAM", Path("/nonexistent/nft"))
        assert "install the package nftables" in await guard.why_not()
