"""What else configures networks leaves our NICs alone, because a file of ours says so."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import nothing_is_left_of
from tests.lab.managers import (
    NETWORKD_POLICY,
    NM_POLICY,
    found,
    network_manager,
    networkctl,
    nmcli,
    start_network_manager,
    start_networkd,
)
from tests.lab.name_service import RESOLV_CONF, lookup
from tests.lab.server import LAN, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_names import INSIDE, named
from tests.lab.waiting import wait_for

__all__ = ["named"]  # a fixture

MANAGERS = pytest.mark.parametrize(
    ("start", "policy", "states"),
    [(start_network_manager, NM_POLICY, network_manager), (start_networkd, NETWORKD_POLICY, networkctl)],
    ids=["NetworkManager", "systemd-networkd"],
)
Start = Callable[..., None]
States = Callable[[Stack], dict[str, str]]  # of all NICs


def shown(server: VpnServer, nic: str) -> str:
    """Its addresses and routes."""
    looks = ("-br address show", "route show", "-6 route show")
    return "".join(server.run(server.cli, "ip", *look.split(), "dev", nic).stdout for look in looks)


def ours_of_all_traffic(server: VpnServer) -> str:
    """Rules and dead ends, which no NIC keeps from a manager."""
    looks = ("rule show", "-6 rule show", "route show table 8484", "-6 route show table 8484")
    return "".join(server.run(server.cli, "ip", *look.split()).stdout for look in looks)


@MANAGERS
def test_who_manages_networks_leaves_our_nics_alone(
    server: VpnServer, start: Start, policy: Path, states: States
) -> None:
    with Stack(server, policies=(policy,)) as stack:
        stack.add()
        start(stack)
        nics = [*states(stack)]
        for _ in range(2):
            stack.connect()
            nic = stack.status()["interface"]
            before = shown(server, nic)
            wait_for(lambda: nics != [*states(stack)], 20, "it to be seen")

            assert states(stack)[nic] == "unmanaged"
            assert shown(server, nic) == before
            assert server.ping()
            stack.disconnect()
            wait_for(lambda: nics == [*states(stack)], 20, "it to be seen no more")
        nothing_is_left_of(stack)


@MANAGERS
def test_without_our_file_it_would_take_them_over(
    server: VpnServer, start: Start, policy: Path, states: States
) -> None:
    with Stack(server, policies=(policy,)) as stack:
        stack.add()
        start(stack, with_our_file=False)
        stack.connect()
        nic = stack.status()["interface"]

        wait_for(lambda: states(stack).get(nic, "unmanaged") not in ("unmanaged", "pending"), 30, f"{nic} to be taken")


def test_what_networkd_takes_away_of_all_traffic_is_put_back(server: VpnServer) -> None:
    with Stack(server, policies=(NETWORKD_POLICY,)) as stack:
        stack.add()
        stack.done("set", NAME, "routing=everything")
        stack.connect()
        before = ours_of_all_traffic(server)
        for change in ("add office0 type veth peer name office1", "set office1 up"):
            server.run(server.cli, "ip", "link", *change.split())

        start_networkd(stack)
        wait_for(lambda: networkctl(stack).get("office0") == "configured", 20, "office0 to be configured")
        stack.run_as_root(found("usr/bin/networkctl"), "reconfigure", "office0")

        wait_for(lambda: "removed or changed what leads all traffic" in stack.log("helper"), 20, "that to be noticed")
        wait_for(lambda: sorted(ours_of_all_traffic(server)) == sorted(before), 20, "the rules to be back")
        stack.disconnect()
        server.run(server.cli, "ip", "link", "delete", "office0")
        nothing_is_left_of(stack)


REDIRECT = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Portal(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://login.example/")
        self.end_headers()

HTTPServer(("", 8080), Portal).serve_forever()
"""


def test_behind_a_captive_portal_a_failed_attempt_says_so(own_server: VpnServer) -> None:
    own_server.start_program("portal", "/usr/bin/python3", "-I", "-c", REDIRECT)
    own_server.run(own_server.cli, "ip", "route", "add", "default", "via", SERVER)
    with Stack(own_server, policies=(NM_POLICY,)) as stack:
        stack.add()
        start_network_manager(stack, connectivity=f"uri=http://{SERVER}:8080/check\ninterval=5")
        wait_for(lambda: "portal" in nmcli(stack, "networking", "connectivity", "check"), 30, "the portal to be found")
        stack.update(NAME, port=444)

        stack.cli("connect", NAME)

        wait_for(lambda: "open any web page in a browser" in stack.status()["error_text"], 30, "the hint")
        status = (sys.executable, "-m", "tsunagu_tray.cli", "status", NAME)
        assert "ブラウザ" in stack.run(*status, LANG="ja_JP.UTF-8").stdout
        stack.disconnect()


def test_network_manager_leaves_names_to_us_and_gets_them_back(named: VpnServer) -> None:
    with Stack(named, policies=(NM_POLICY,)) as stack:
        stack.add()
        start_network_manager(stack)
        before = RESOLV_CONF.read_text()
        stack.done("set", NAME, "routing=everything")
        stack.connect()
        nic = stack.status()["interface"]
        wait_for(lambda: network_manager(stack).get(nic) == "unmanaged", 20, "NetworkManager to see it")

        assert f"nameserver {LAN}" in RESOLV_CONF.read_text()
        assert lookup(named, "www.example.org") == INSIDE
        stack.disconnect()
        wait_for(lambda: nic not in network_manager(stack), 20, "NetworkManager to see it go")
        assert RESOLV_CONF.read_text() == before
        nothing_is_left_of(stack)
