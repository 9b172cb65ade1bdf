"""A lease's whole life, as real DHCP servers behind a real hub have it: renewed, changed, taken back, over."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.conftest import nothing_is_left_of
from tests.lab.name_service import RESOLV_CONF
from tests.lab.server import HUB, LAN, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_addresses import addresses
from tests.lab.waiting import wait_for

OTHER = "192.168.77.2"  # on the LAN
SECURE_NAT = "192.168.77.254"

_TIMES = ("--dhcp-option=option:T1,5", "--dhcp-option=option:T2,10")  # the shortest that count
_SECURE_NAT = f"""\
Hub {HUB}
SecureNatHostSet /MAC:none /IP:{SECURE_NAT} /MASK:255.255.255.0
DhcpSet /START:192.168.77.200 /END:192.168.77.220 /MASK:255.255.255.0 /EXPIRE:15 /GW:{SECURE_NAT} /DNS:{LAN} \
/DNS2:none /DOMAIN:none /LOG:no /PUSHROUTE:none
NatDisable
SecureNatEnable
"""


class Segment:
    """A connection that is up, all its traffic in the tunnel, and who gives addresses there."""

    def __init__(self, server: VpnServer, stack: Stack) -> None:
        self.server = server
        self.stack = stack

    def serve(self, *more: str, **which: Any) -> None:
        """From now on dnsmasq says this; what it has given it knows."""
        self.server.stop_dhcp()
        self.server.start_dhcp(*_TIMES, *more, **which)

    @property
    def address(self) -> str:
        """Without the prefix length; "" for none."""
        return "".join(self.stack.status()["addresses"]).partition("/")[0]

    def way_to(self, address: str) -> tuple[str, str]:
        """Gateway and NIC, as the kernel has it."""
        shown = self.server.run(self.server.cli, "ip", "-json", "route", "get", address).stdout
        [route] = json.loads(shown)
        return route.get("gateway", ""), route["dev"]

    def move_lan(self, before: str, after: str) -> None:
        """The machine there, which is the DHCP server, has another address."""
        for deed, address in (("delete", before), ("add", after)):
            self.server.run(self.server.lan, "ip", "address", deed, f"{address}/24", "dev", "tap_lab")

    def told(self) -> str:
        """What is in the history."""
        return "\n".join(entry["text"] for entry in self.stack.json("log", NAME))


@pytest.fixture(scope="module")
def segment() -> Iterator[Segment]:
    with VpnServer(dhcp=False) as server, Stack(server) as stack:
        segment = Segment(server, stack)
        segment.serve()
        stack.add()
        stack.done("set", NAME, "routing=everything")
        stack.connect()
        yield segment
        nothing_is_left_of(stack)


def test_routes_and_name_servers_follow_what_a_renewal_says(segment: Segment) -> None:
    address, nic = segment.address, segment.stack.status()["interface"]
    assert segment.way_to("192.168.88.9") == (LAN, nic)
    assert segment.way_to("192.0.2.9") == (LAN, nic)

    router, names = f"--dhcp-option=option:router,{OTHER}", "--dhcp-option=option:dns-server,192.168.77.3"
    segment.serve(router, names, routed="192.168.89.0/24")

    wait_for(lambda: segment.way_to("192.168.89.9") == (LAN, nic), 30, "the new route")
    wait_for(lambda: segment.way_to("192.0.2.9") == (OTHER, nic), 10, "the new router")
    wait_for(lambda: "nameserver 192.168.77.3" in RESOLV_CONF.read_text(), 10, "the new name server")
    assert segment.way_to("192.168.88.9") == (OTHER, nic)
    assert segment.address == address


def test_an_address_that_is_taken_back_makes_room_for_another(segment: Segment) -> None:
    first = segment.address
    is_low = int(first.rpartition(".")[2]) < 110

    segment.serve(addresses=(110, 199) if is_low else (20, 109))

    wait_for(lambda: segment.address not in ("", first), 30, "another address")
    status = segment.stack.status()
    assert f"has taken the address {first} back" in segment.told()
    assert addresses(segment.server, status["interface"]) == status["addresses"]
    assert (status["error_text"], status["established_count"]) == ("", 1)
    assert segment.server.ping()


def test_another_server_renews_where_the_first_is_gone(segment: Segment) -> None:
    address = segment.address
    segment.move_lan(LAN, OTHER)

    segment.serve()

    wait_for(lambda: segment.stack.status()["dhcp_server"] == OTHER, 40, "the other server")
    assert segment.address == address
    segment.move_lan(OTHER, LAN)


def test_without_a_renewal_the_address_goes_and_comes_back_with_the_server(segment: Segment) -> None:
    server, stack = segment.server, segment.stack
    stack.disconnect()
    server.stop_dhcp()
    server.vpncmd(*_SECURE_NAT.splitlines())
    stack.connect()
    before = stack.status()
    assert before["dhcp_server"] == SECURE_NAT
    wait_for(lambda: stack.status()["lease_until"] > before["lease_until"] + 1, 30, "a renewal")
    assert stack.status()["addresses"] == before["addresses"]

    server.vpncmd(f"Hub {HUB}", "DhcpDisable")

    wait_for(lambda: not stack.status()["addresses"], 40, "the end of the lease")
    assert addresses(server, before["interface"]) == []
    assert "not renewed the address in time" in stack.status()["error_text"]
    assert stack.status()["error_text"] in segment.told()
    server.vpncmd(f"Hub {HUB}", "DhcpEnable")
    wait_for(lambda: segment.address, 60, "an address")
    assert stack.status()["error_text"] == ""
    assert stack.status()["established_count"] == 1
    server.vpncmd(f"Hub {HUB}", "SecureNatDisable")
