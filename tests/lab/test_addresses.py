"""Where the NIC's addresses come from, against a real hub."""

import json

import pytest

from tests.lab.server import LAN, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for


def addresses(server: VpnServer, interface: str) -> list[str]:
    """Of the NIC, as the kernel has them; no link-local IPv6."""
    [shown] = json.loads(server.run(server.cli, "ip", "-json", "address", "show", "dev", interface).stdout)
    return [
        f"{a['local']}/{a['prefixlen']}" for a in shown["addr_info"] if a["scope"] != "link" or a["family"] == "inet"
    ]


def test_the_address_is_in_use_soon_after_the_session_stands(
    server: VpnServer, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add()

    stack.connect()

    told = {event["text"].split()[0]: event["time"] for event in stack.json("log", NAME)}
    assert server.ping()
    with capsys.disabled():
        print(f"\nsession established to address in use: {told['The'] - told['Connected']:.3f} s")


def test_fixed_addresses_of_both_families(server: VpnServer, stack: Stack) -> None:
    server.run(server.lan, "ip", "address", "add", "fd77::1/64", "dev", "tap_lab", "nodad")
    stack.add()
    fixed = ("addressing=static", "address=192.168.77.200/24", "ipv6=static", "ipv6_address=fd77::200/64")
    stack.done("set", NAME, *fixed, f"gateway={LAN}", "extra_networks=192.168.88.0/24")

    stack.connect()

    assert addresses(server, stack.status()["interface"]) == ["192.168.77.200/24", "fd77::200/64"]
    assert stack.status()["addresses"] == ["192.168.77.200/24", "fd77::200/64"]
    assert server.ping()
    assert server.ping("192.168.88.1")
    wait_for(lambda: server.ping("fd77::1", timeout_s=1), 20, "IPv6")
    server.run(server.lan, "ip", "address", "delete", "fd77::1/64", "dev", "tap_lab")


def test_router_advertisements_count_only_where_a_person_wants_them(own_server: VpnServer, own_stack: Stack) -> None:
    server, stack = own_server, own_stack
    server.run(server.lan, "ip", "address", "add", "fd77::1/64", "dev", "tap_lab", "nodad")
    server.stop_dhcp()
    server.start_dhcp("--enable-ra", "--dhcp-range=fd77::,ra-only", "--ra-param=tap_lab,5")
    stack.add()
    stack.connect()
    interface = stack.status()["interface"]
    assert not [address for address in addresses(server, interface) if ":" in address]
    stack.disconnect()

    stack.done("set", NAME, "ipv6=auto")
    stack.connect()

    wait_for(lambda: any(a.startswith("fd77:") for a in addresses(server, interface)), 30, "an address by SLAAC")
    wait_for(lambda: server.ping("fd77::1", timeout_s=1), 20, "IPv6")
    routes = server.run(server.cli, "ip", "-6", "route", "show", "dev", interface).stdout
    assert "fd77::/64" in routes
    assert "default" not in routes


def test_a_link_local_address_is_given_if_wanted_and_is_no_success(own_server: VpnServer, own_stack: Stack) -> None:
    own_server.stop_dhcp()
    own_stack.add()
    own_stack.done("set", NAME, "link_local=yes")

    own_stack.cli("connect", NAME, "--wait")

    wait_for(lambda: own_stack.status()["addresses"], 30, "a link-local address")
    status = own_stack.status()
    assert [address[:8] for address in status["addresses"]] == ["169.254."]
    assert addresses(own_server, status["interface"]) == status["addresses"]
    assert "SecureNAT" in status["error_text"]
    own_server.start_dhcp()
    wait_for(lambda: "192.168.77." in " ".join(own_stack.status()["addresses"]), 90, "the address by DHCP")
    assert own_stack.status()["error_text"] == ""


def test_a_bridge_has_no_address(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.done("set", NAME, "addressing=none")

    stack.connect()

    assert addresses(server, stack.status()["interface"]) == []


def test_an_address_that_somebody_has_already_is_given_back_for_another(
    own_server: VpnServer, own_stack: Stack
) -> None:
    server, stack = own_server, own_stack
    stack.add()
    stack.connect()
    [first] = stack.status()["addresses"]
    taken = first.partition("/")[0]
    stack.disconnect()
    server.run(server.lan, "ip", "address", "add", f"{taken}/24", "dev", "tap_lab")

    stack.done("connect", NAME)

    def has_another() -> bool:
        return any(address != first for address in stack.status()["addresses"])

    wait_for(has_another, 40, "another address")
    assert "DHCPDECLINE" in server.log("dnsmasq")
    assert f"uses the address {taken} already" in stack.done("log", NAME)
    assert stack.status()["error_text"] == ""
    assert server.ping()
