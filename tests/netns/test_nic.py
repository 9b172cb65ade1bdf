"""NICs of ours, in the kernel."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from tests.netns.namespace import in_new_namespace
from tsunagu.errors import TunnelError, VpnError
from tsunagu_helper.lease_policy import AddressPlan, Route
from tsunagu_helper.nic import Nics

MARK = "Tsunagu (tests)"
MAC = "5e:00:11:22:33:44"

NEIGHBOURS = Route(IPv4Network("192.168.77.0/24"))
OFFICE = Route(IPv4Network("10.0.0.0/8"), IPv4Address("192.168.77.1"))
PLAN = AddressPlan(addresses=(IPv4Interface("192.168.77.23/24"),), routes=(NEIGHBOURS, OFFICE), mtu=1400)
NOTHING = AddressPlan(addresses=(), routes=())

CHANGES = 0x01 | 0x10 | 0x40  # linux/rtnetlink.h: links, IPv4 addresses, IPv4 routes

_SIOCSIFHWADDR, _TUNSETPERSIST, _ARPHRD_ETHER = 0x8924, 0x400454CB, 1


def ip(*arguments: str) -> Any:
    """What iproute2 says, an opinion that is not ours.  Runs in the thread's namespace."""
    output = subprocess.run(["ip", "-json", "-details", *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(output) if output.strip() else []


def link(name: str = "tsunagu0") -> dict[str, Any]:
    [found] = ip("link", "show", "dev", name)
    return dict(found)


def names() -> list[str]:
    return [found["ifname"] for found in ip("link", "show")]


def addresses(name: str = "tsunagu0") -> list[str]:
    [found] = ip("-4", "addr", "show", "dev", name) or [{"addr_info": []}]
    return [f"{info['local']}/{info['prefixlen']}" for info in found["addr_info"]]


def router_advertisements_accepted() -> str:
    return Path("/proc/sys/net/ipv6/conf/tsunagu0/accept_ra").read_text().strip()


def routes() -> set[tuple[str, str, str]]:
    return {(route["dst"], route.get("gateway", ""), route["dev"]) for route in ip("-4", "route", "show")}


def start_hanging_helper() -> tuple["subprocess.Popen[str]", int]:
    """With its worker's process id."""
    helper = subprocess.Popen(
        [sys.executable, "-m", "tests.netns.hanging_helper", MARK],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert helper.stdout is not None
    return helper, int(helper.stdout.readline())


@in_new_namespace
async def test_a_new_nic_is_up_without_carrier_address_or_ipv6() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)

    shown = link()
    assert shown["address"] == MAC
    assert "UP" in shown["flags"]
    assert "NO-CARRIER" in shown["flags"]
    assert shown["ifalias"] == MARK
    assert not os.get_blocking(nic.fd)
    nic.set_carrier(True)
    assert ip("addr", "show", "dev", "tsunagu0")[0]["addr_info"] == []
    assert router_advertisements_accepted() == "0"
    await nic.close()


@in_new_namespace
async def test_carrier_goes_on_and_off() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    assert "LOWER_UP" in link()["flags"]
    nic.set_carrier(False)
    assert "NO-CARRIER" in link()["flags"]
    await nic.close()


@in_new_namespace
async def test_a_plan_is_applied_and_taken_back() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    assert addresses() == ["192.168.77.23/24"]
    assert routes() == {("192.168.77.0/24", "", "tsunagu0"), ("10.0.0.0/8", "192.168.77.1", "tsunagu0")}
    assert {route["protocol"] for route in ip("-4", "route", "show")} == {"84"}
    assert link()["mtu"] == 1400

    await nic.apply(NOTHING)
    assert addresses() == []
    assert routes() == set()
    await nic.close()


@in_new_namespace
async def test_frames_flow_both_ways() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    os.write(nic.fd, arp_request("192.168.77.23"))

    answer = await arp_answer(nic.fd)
    assert answer[6:12] == bytes.fromhex(MAC.replace(":", ""))
    await nic.close()


@in_new_namespace
async def test_it_answers_for_its_own_address_alone() -> None:
    ip("address", "add", "192.168.77.99/32", "dev", "lo")
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    os.write(nic.fd, arp_request("192.168.77.99"))  # of this machine, but not of this NIC
    os.write(nic.fd, arp_request("192.168.77.23"))

    answer = await arp_answer(nic.fd)
    assert answer[28:32] == IPv4Address("192.168.77.23").packed
    await nic.close()


def arp_request(address: str) -> bytes:
    """Who has it?  Asked by 192.168.77.1."""
    head = bytes.fromhex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001")
    return head + IPv4Address("192.168.77.1").packed + bytes(6) + IPv4Address(address).packed


async def arp_answer(fd: int) -> bytes:
    """The first one."""
    answer = b""
    while answer[12:14] != b"\x08\x06":
        try:
            answer = os.read(fd, 2000)
        except BlockingIOError:
            await asyncio.sleep(0.01)
    return answer


@in_new_namespace
async def test_a_renewal_touches_nothing_that_stays() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE) as monitor:
        monitor.bind((0, CHANGES))
        await nic.apply(PLAN)
        with pytest.raises(BlockingIOError):
            monitor.recv(65536)
        await nic.apply(NOTHING)
        assert monitor.recv(65536)

    await nic.close()


@in_new_namespace
async def test_another_lease_replaces_what_differs() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    neighbour = AddressPlan(
        addresses=(IPv4Interface("192.168.77.24/24"),),
        routes=(NEIGHBOURS, Route(OFFICE.network, IPv4Address("192.168.77.2"))),
    )
    await nic.apply(neighbour)
    assert addresses() == ["192.168.77.24/24"]
    assert routes() == {("192.168.77.0/24", "", "tsunagu0"), ("10.0.0.0/8", "192.168.77.2", "tsunagu0")}
    assert link()["mtu"] == 1500

    elsewhere = AddressPlan(
        addresses=(IPv4Interface("172.20.1.5/16"),), routes=(Route(IPv4Network("172.20.0.0/16")),), mtu=1500
    )
    await nic.apply(elsewhere)
    assert addresses() == ["172.20.1.5/16"]
    assert routes() == {("172.20.0.0/16", "", "tsunagu0")}
    await nic.close()


@in_new_namespace
async def test_routes_that_were_lost_come_back_with_the_next_renewal() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    ip("link", "set", "tsunagu0", "down")
    ip("link", "set", "tsunagu0", "up")
    assert routes() == set()

    await nic.apply(PLAN)
    assert len(routes()) == 2
    await nic.close()


@in_new_namespace
async def test_what_a_person_adds_to_the_nic_stays() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    ip("addr", "add", "172.20.0.1/24", "dev", "tsunagu0")
    await nic.apply(PLAN)

    assert addresses() == ["192.168.77.23/24", "172.20.0.1/24"]
    await nic.close()


@in_new_namespace
async def test_a_physical_network_of_the_same_numbers_keeps_its_route() -> None:
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    ip("link", "set", "eth0", "up")
    ip("addr", "add", "192.168.77.5/24", "dev", "eth0", "metric", "600")
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)

    assert ip("route", "get", "192.168.77.99")[0]["dev"] == "eth0"
    assert ip("route", "get", "10.1.2.3")[0]["dev"] == "tsunagu0"
    await nic.close()
    assert ("192.168.77.0/24", "", "eth0") in routes()


@in_new_namespace
async def test_two_hubs_of_the_same_numbers_get_along() -> None:
    nics = Nics(MARK)
    first, second = await nics.open("tsunagu0", MAC), await nics.open("tsunagu1", MAC[:-1] + "5")
    for nic in (first, second):
        nic.set_carrier(True)
        await nic.apply(PLAN)

    assert len(routes()) == 4
    await first.close()
    assert {device for _, _, device in routes()} == {"tsunagu1"}
    await second.close()


@in_new_namespace
async def test_close_leaves_nothing_even_if_the_worker_made_the_nic_persistent() -> None:
    before = names(), routes()
    nic = await Nics(MARK).open("tsunagu0", MAC)
    nic.set_carrier(True)
    await nic.apply(PLAN)
    workers = os.dup(nic.fd)
    fcntl.ioctl(workers, _TUNSETPERSIST, 1)
    await nic.close()

    assert (names(), routes()) == before
    os.close(workers)
    assert (names(), routes()) == before


@in_new_namespace
async def test_a_changed_hardware_address_is_put_right_before_a_lease_is_applied() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    request = struct.pack("16sH6s16x", b"tsunagu0", _ARPHRD_ETHER, bytes.fromhex("020000000666"))
    fcntl.ioctl(nic.fd, _SIOCSIFHWADDR, request)
    assert link()["address"] == "02:00:00:00:06:66"

    await nic.apply(PLAN)
    assert link()["address"] == MAC
    await nic.close()


@in_new_namespace
async def test_a_nic_of_that_name_that_is_not_ours_is_not_touched() -> None:
    ip("tuntap", "add", "tsunagu0", "mode", "tap")
    ip("addr", "add", "172.20.0.1/24", "dev", "tsunagu0")
    ip("link", "add", "tsunagu1", "type", "veth", "peer", "name", "eth1")
    before = ip("addr", "show")
    nics = Nics(MARK)
    await nics.clean_leftovers()
    for name in ("tsunagu0", "tsunagu1"):
        with pytest.raises(TunnelError, match=f"{name} belongs to another program") as caught:
            await nics.open(name, MAC)
        assert caught.value.code == 30

    assert ip("addr", "show") == before


@in_new_namespace
async def test_a_nic_that_is_in_use_is_not_opened_twice_and_can_be_opened_again() -> None:
    nics = Nics(MARK)
    nic = await nics.open("tsunagu0", MAC)
    with pytest.raises(TunnelError) as caught:
        await nics.open("tsunagu0", MAC)
    assert caught.value.code == 43
    assert not nic.fault()
    await nic.close()
    await (await nics.open("tsunagu0", MAC)).close()


@in_new_namespace
async def test_a_nic_that_somebody_deleted_is_noticed_and_can_be_made_anew() -> None:
    nics = Nics(MARK)
    nic = await nics.open("tsunagu0", MAC)
    ip("link", "del", "tsunagu0")

    assert nic.fault() == "another program has deleted tsunagu0"
    nic.set_carrier(False)
    with pytest.raises(VpnError, match="tsunagu0 is gone"):
        nic.set_carrier(True)
    with pytest.raises(
        VpnError, match=r"^The network adapter tsunagu0 could not be given the address 192.168.77.23/24: "
    ):
        await nic.apply(PLAN)
    await nic.close()
    await (await nics.open("tsunagu0", MAC)).close()


@in_new_namespace
async def test_a_nic_that_another_program_has_changed_is_noticed_and_can_be_made_anew() -> None:
    nics = Nics(MARK)
    for changes, fault in (
        (["down", "name other0"], "another program has renamed tsunagu0 to other0"),
        (["down", "name \x1b\udcff"], r"another program has renamed tsunagu0 to \x1b\udcff"),
        (["down"], "another program has switched tsunagu0 off"),
        (["mtu 1200", "address 5e:00:11:22:33:99", "down", "up"], ""),  # put right with the next lease
    ):
        nic = await nics.open("tsunagu0", MAC)
        nic.set_carrier(True)
        assert nic.fault() == ""
        for change in changes:
            ip("link", "set", "tsunagu0", *change.split())

        assert nic.fault() == fault
        await nic.close()
        assert names() == ["lo"]


@in_new_namespace
async def test_a_refused_address_is_told_in_a_sentence() -> None:
    nic = await Nics(MARK).open("tsunagu0", MAC)
    unreachable = AddressPlan(addresses=PLAN.addresses, routes=(OFFICE,))
    with pytest.raises(VpnError, match=r"given the address 192.168.77.23/24: Network is unreachable$"):
        await nic.apply(unreachable)
    await nic.close()


@in_new_namespace
async def test_a_name_that_the_kernel_refuses_leaves_nothing() -> None:
    with pytest.raises(TunnelError) as caught:
        await Nics(MARK).open("a/b", MAC)
    assert caught.value.code == 31
    with pytest.raises(TunnelError):
        await Nics(MARK).open("tsunagu0", "01:00:5e:00:00:01")  # multicast
    assert names() == ["lo"]


@in_new_namespace
async def test_after_a_kill_the_next_life_restores_everything() -> None:
    before = names(), routes()
    helper, worker = start_hanging_helper()
    assert addresses() == ["192.168.77.23/24"]
    helper.kill()
    helper.communicate()
    assert "tsunagu0" in names()  # the worker that hangs holds it, and has made it persistent

    another = Nics("Tsunagu (another helper)")
    await another.clean_leftovers()
    assert "tsunagu0" in names()
    await Nics(MARK).clean_leftovers()
    assert (names(), routes()) == before
    os.kill(worker, signal.SIGKILL)
    await (await another.open("tsunagu0", MAC)).close()
