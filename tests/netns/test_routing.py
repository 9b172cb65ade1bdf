"""All traffic through one tunnel, as the kernel decides it."""

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any

import pytest

from tests.lab.waiting import eventually
from tests.netns.namespace import in_new_namespace
from tsunagu.errors import VpnError
from tsunagu_helper import rule_watch
from tsunagu_helper.lease_policy import AddressPlan, Everything, Route
from tsunagu_helper.nic import Nics
from tsunagu_helper.routing import AllTraffic
from tsunagu_helper.rule_watch import Rules, RuleWatch

WORKER = 61337
ME = "a1b2c3d4"
ROUTER = IPv4Address("192.168.77.1")
DEFAULT = Route(IPv4Network("0.0.0.0/0"), ROUTER)
DEFAULT6 = Route(IPv6Network("::/0"), IPv6Address("fd77::1"))
PLAN = AddressPlan(
    addresses=(IPv4Interface("192.168.77.23/24"), IPv6Interface("fd77::23/64")),
    routes=(Route(IPv4Network("192.168.77.0/24")), Route(IPv6Network("fd77::/64"))),
)
SOMEWHERE, SOMEWHERE6 = "198.51.100.9", "2001:db8:9::9"


def ip(*arguments: str) -> Any:
    output = subprocess.run(["ip", "-json", *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(output) if output.strip() else []


def way(address: str, uid: int = 0) -> str:
    """The NIC that traffic of this user to there leaves by; "": it goes nowhere."""
    command = ["ip", "-json", "route", "get", address, "uid", str(uid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return str(json.loads(done.stdout)[0]["dev"]) if done.returncode == 0 else ""


def everything_of_the_kernel() -> list[Any]:
    """All routes and rules, but for what IPv6 adds to NICs by itself."""
    found: list[Any] = []
    for family in ("-4", "-6"):
        found += ip(family, "rule", "show")
        found += [route for route in ip(family, "route", "show", "table", "all") if route.get("protocol") != "kernel"]
    return found


def physical_network() -> None:
    """An office LAN with a way to the internet, IPv4 and IPv6."""
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    for nic in ("lo", "eth0", "eth1"):
        ip("link", "set", nic, "up")
    ip("addr", "add", "192.168.5.2/24", "dev", "eth0")
    ip("addr", "add", "2001:db8:5::2/64", "dev", "eth0", "nodad")
    ip("addr", "add", "203.0.113.2/24", "dev", "eth0")
    ip("route", "add", "default", "via", "192.168.5.1")
    ip("-6", "route", "add", "default", "via", "2001:db8:5::1")


@asynccontextmanager
async def tunnel(wanted: Everything) -> AsyncIterator[AllTraffic]:
    """All traffic goes through tsunagu0 inside ``with``."""
    nic = await Nics("Tsunagu (tests)").open("tsunagu0", "5e:00:11:22:33:44")
    nic.set_carrier(True)
    await nic.apply(PLAN)
    traffic = AllTraffic(WORKER)
    traffic.claim(ME, "Office")
    await traffic.apply(ME, nic.index, PLAN.routes, wanted)
    yield traffic
    await traffic.release(ME)
    await nic.close()


@in_new_namespace
async def test_all_traffic_but_the_workers_goes_through_the_tunnel() -> None:
    physical_network()
    assert (way(SOMEWHERE), way(SOMEWHERE6)) == ("eth0", "eth0")

    async with tunnel(Everything(defaults=(DEFAULT, DEFAULT6))):
        for uid in (0, 1000, WORKER - 1, WORKER + 1):
            assert (way(SOMEWHERE, uid), way(SOMEWHERE6, uid)) == ("tsunagu0", "tsunagu0")
        assert (way(SOMEWHERE, WORKER), way(SOMEWHERE6, WORKER)) == ("eth0", "eth0")


@in_new_namespace
async def test_without_ipv6_in_the_tunnel_there_is_none_rather_than_a_leak() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT,))):
        assert way(SOMEWHERE) == "tsunagu0"
        assert way(SOMEWHERE6) == ""
        assert way(SOMEWHERE6, WORKER) == "eth0"
        with (
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as refused,
            pytest.raises(OSError, match="No route to host"),
        ):
            refused.connect((SOMEWHERE6, 9))


@in_new_namespace
async def test_the_local_network_stays_in_reach_only_where_that_is_allowed() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT,))):
        assert way("192.168.5.9") == "eth0"
        assert way("192.168.77.9") == "tsunagu0"
        assert way("10.1.2.3") == "tsunagu0"  # private, but not where we are
    async with tunnel(Everything(defaults=(DEFAULT,), allow_lan=False)):
        assert way("192.168.5.9") == "tsunagu0"


@in_new_namespace
async def test_no_route_of_the_physical_network_leads_past_the_tunnel() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT,))):
        for route in ("0.0.0.0/1", "198.51.100.0/24", f"{SOMEWHERE}/32"):  # as by its DHCP (TunnelVision)
            ip("route", "add", route, "via", "192.168.5.1")
        assert way(SOMEWHERE) == "tsunagu0"
        assert way("203.0.113.77") == "tsunagu0"  # a "local" network with public numbers (TunnelCrack)


@in_new_namespace
async def test_what_is_excluded_goes_the_ordinary_way() -> None:
    physical_network()
    excluded = (IPv4Network("198.51.100.0/25"), IPv6Network("2001:db8:9::/48"))

    async with tunnel(Everything(defaults=(DEFAULT, DEFAULT6), excluded=excluded)):
        assert (way(SOMEWHERE), way("198.51.100.200")) == ("eth0", "tsunagu0")
        assert (way(SOMEWHERE6), way("2001:db8:8::1")) == ("eth0", "tsunagu0")


@in_new_namespace
async def test_carriers_stay_outside_when_the_physical_network_changes() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT,))):
        ip("link", "del", "eth0")
        assert way(SOMEWHERE, WORKER) == ""
        ip("link", "add", "wlan0", "type", "veth", "peer", "name", "wlan1")
        ip("link", "set", "wlan0", "up")
        ip("addr", "add", "172.20.3.4/16", "dev", "wlan0")
        ip("route", "add", "default", "via", "172.20.0.1")

        assert way(SOMEWHERE, WORKER) == "wlan0"
        assert way(SOMEWHERE) == "tsunagu0"


@in_new_namespace
async def test_nothing_goes_past_the_tunnel_while_somebody_has_switched_off_its_nic() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT, DEFAULT6))):
        ip("link", "set", "tsunagu0", "down")
        assert (way(SOMEWHERE), way(SOMEWHERE6)) == ("", "")
        ip("link", "delete", "tsunagu0")
        assert (way(SOMEWHERE), way(SOMEWHERE6)) == ("", "")
        assert way(SOMEWHERE, WORKER) == "eth0"


@in_new_namespace
async def test_nothing_is_left_afterwards() -> None:
    physical_network()
    before = everything_of_the_kernel()

    async with tunnel(Everything(defaults=(DEFAULT,), excluded=(IPv4Network("198.51.100.0/25"),))):
        ours = [rule for family in ("-4", "-6") for rule in ip(family, "rule", "show") if rule.get("protocol") == "84"]
        assert len(ours) == 8

    assert everything_of_the_kernel() == before


@in_new_namespace
async def test_a_blocked_tunnel_carries_nothing_and_nothing_goes_past_it() -> None:
    physical_network()

    async with tunnel(Everything(defaults=(DEFAULT,))) as traffic:
        await traffic.block(ME)
        assert (way(SOMEWHERE), way(SOMEWHERE6)) == ("", "")
        assert way("192.168.5.9") == "eth0"


@in_new_namespace
async def test_after_a_kill_the_next_life_takes_the_rules_back() -> None:
    physical_network()
    before = everything_of_the_kernel()
    nic = await Nics("Tsunagu (tests)").open("tsunagu0", "5e:00:11:22:33:44")
    await nic.apply(PLAN)
    killed = AllTraffic(WORKER)
    killed.claim(ME, "Office")
    await killed.apply(ME, nic.index, PLAN.routes, Everything(defaults=(DEFAULT,), excluded=(PLAN.routes[0].network,)))
    os.close(nic.fd)

    await AllTraffic(WORKER).clean_leftovers()
    await Nics("Tsunagu (tests)").clean_leftovers()

    assert everything_of_the_kernel() == before


@in_new_namespace
async def test_what_stands_already_is_not_touched_again() -> None:
    physical_network()
    wanted = Everything(defaults=(DEFAULT,), excluded=(IPv4Network("198.51.100.0/25"),))
    async with tunnel(wanted) as traffic:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE) as monitor:
            monitor.bind((0, 0x40 | 0x400 | 0x80 | 0x40000))  # routes and rules of both families
            await traffic.apply(ME, socket.if_nametoindex("tsunagu0"), PLAN.routes, wanted)
            with pytest.raises(BlockingIOError):
                monitor.recv(65536)


@in_new_namespace
async def test_what_another_program_takes_away_is_put_back() -> None:
    physical_network()

    def ours() -> list[str]:
        """In no order: the kernel has none among rules of one priority."""
        dead_ends = ("route", "show", "table", "8484", "type", "unreachable")
        looks = [(family, *looked) for family in ("-4", "-6") for looked in (("rule", "show"), dead_ends)]
        return sorted(str(row) for look in looks for row in ip(*look))

    async with tunnel(Everything(defaults=(DEFAULT, DEFAULT6))) as traffic:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rule_watch, "REST_S", 0.1)
            watch = RuleWatch(Rules.ROUTING, traffic)
            watch.start()
        whole = ours()
        for change in (
            "rule delete priority 8410",
            "-6 rule delete priority 8410",
            "rule delete priority 8400 to 10.0.0.0/8",
            "route delete unreachable default table 8484 metric 2147483647",
            "-6 route delete unreachable default table 8484 metric 2147483647",
            "rule add priority 8409 protocol 84 lookup main",
        ):
            ip(*change.split())
            await eventually(lambda: ours() == whole, 30, change)
        await eventually(lambda: watch._times.total() == 6, 30, "all to be noticed")

        await traffic.block(ME)
        ip("rule", "delete", "priority", "8410")
        await eventually(lambda: way(SOMEWHERE) == "", 30, "nothing past the tunnel")
        await traffic.release(ME)
        assert (way(SOMEWHERE), await traffic.mend()) == ("eth0", "")
        watch.close()


@in_new_namespace
async def test_a_second_connection_that_wants_all_traffic_is_told_who_has_it() -> None:
    traffic = AllTraffic(WORKER)
    traffic.claim(ME, "Office")
    traffic.claim(ME, "Office")

    with pytest.raises(VpnError, match=r"goes through the tunnel of Office already; disconnect Office first"):
        traffic.claim("another", "Home")

    await traffic.release("another")
    await traffic.release(ME)
    traffic.claim("another", "Home")


@in_new_namespace
async def test_a_hub_with_the_numbers_of_the_local_network_is_noticed() -> None:
    physical_network()
    nic = await Nics("Tsunagu (tests)").open("tsunagu0", "5e:00:11:22:33:44")
    assert await nic.apply(PLAN) == []

    [conflict] = await nic.apply(
        AddressPlan(addresses=PLAN.addresses, routes=(*PLAN.routes, Route(IPv4Network("192.168.0.0/16"), ROUTER)))
    )

    assert str(conflict).startswith(
        "The network 192.168.0.0/16 behind the hub has numbers of the network 192.168.5.0/24 at eth0"
    )
    await nic.close()
