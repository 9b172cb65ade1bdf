"""The main job against a real server: connect, be on the network behind it, and leave no trace."""

import pytest

from tests.lab.server import ANONYMOUS_USER, FILE_SHA256, LAN, PASSWORD, ROUTED, ROUTED_NETWORK, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State


def test_a_person_is_on_the_network_behind_the_server_until_they_disconnect(server: VpnServer, stack: Stack) -> None:
    stack.add()

    connected = stack.done("connect", NAME, "--wait")

    status = stack.status()
    [address] = status["addresses"]
    assert address.startswith("192.168.77.")
    assert address in connected
    nic = server.run(server.cli, "ip", "-4", "-br", "address", "show", "dev", status["interface"]).stdout
    assert address in nic.split()
    routes = server.run(server.cli, "ip", "-4", "route").stdout
    assert f"{ROUTED_NETWORK} via {LAN} dev {status['interface']}" in routes
    assert "default" not in routes
    assert server.ping(LAN)
    assert server.ping(ROUTED)
    assert server.fetch() == FILE_SHA256

    stack.disconnect()

    assert not stack.leftovers()
    wait_for(lambda: not server.carriers(), 30, "the log-off")
    assert not server.ping(LAN, timeout_s=1)


def test_the_status_shows_what_the_server_knows_of_the_session(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.connect()

    status = stack.status()

    known = server.session(status["session_name"])
    assert status["session_name"] in server.sessions()
    assert status["state"] == "Connected"
    assert status["status_text"] == "Connection completed (session established)"
    assert (status["server_name"], status["server_port"]) == (SERVER, 443)
    assert status["server_product"] == known["Server Product Name"]
    assert status["server_version"] == known["Server Version"]
    assert f"Build {status['server_build']}" == known["Server Build"]
    assert status["session_key"].upper() == known["Session Key (160 bit)"].upper()
    assert status["established_count"] == 1
    assert status["started_at"] <= status["first_established_at"] == status["established_at"]
    assert (status["carriers"], status["max_carriers"]) == (1, 1)
    assert known["Number of TCP Connections"] == "1"
    assert status["encrypted"] is ("Enabled" in known["Encryption"])
    assert status["half_duplex"] is known["Half Duplex TCP Connection Mode"].startswith("Yes")
    assert status["compressed"] is known["Use of Compression"].startswith("Yes")
    assert status["dhcp_server"] == LAN
    assert status["tls_version"] == "TLSv1.3"


def test_the_statistics_count_what_went_through(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.connect()
    before = stack.status()

    assert server.fetch() == FILE_SHA256

    after = stack.status()
    grown = {key: after[key] - before[key] for key in after if key.endswith(("_packets", "_octets"))}
    assert 3_000_000 < grown["received_unicast_octets"] < 4_000_000
    assert grown["received_octets"] > grown["received_unicast_octets"]
    assert grown["sent_unicast_packets"] > 10
    assert grown["sent_octets"] > grown["sent_unicast_octets"] > 0


def test_an_anonymous_user_needs_no_password(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--anonymous", user=ANONYMOUS_USER, password=None)

    stack.connect()

    assert server.ping()


@pytest.mark.parametrize("carriers", [2, 8])
def test_more_carriers_share_the_work(server: VpnServer, stack: Stack, carriers: int) -> None:
    stack.add(NAME, "--carriers", str(carriers))
    stack.connect()

    wait_for(lambda: stack.status()["carriers"] == carriers, 20, f"{carriers} carriers")

    assert server.fetch() == FILE_SHA256
    assert server.session(stack.status()["session_name"])["Number of TCP Connections"] == str(carriers)


def test_the_first_sight_of_a_certificate_ends_with_its_fingerprint_to_compare(server: VpnServer, stack: Stack) -> None:
    sessions_before = set(server.sessions())
    stack.add(trusted=False)

    refused = stack.cli("connect", NAME, "--wait")

    assert refused.returncode == 1
    assert f"tsunagu trust {NAME}" in refused.stderr
    assert set(server.sessions()) <= sessions_before
    shown = stack.done("trust", NAME, "--yes")
    assert server.fingerprint() in shown.replace(":", "").lower()
    stack.connect()
    assert server.ping()


def test_without_a_dhcp_server_the_session_stands_and_says_what_to_do(own_server: VpnServer, own_stack: Stack) -> None:
    own_server.stop_dhcp()
    own_stack.add()

    connected = own_stack.cli("connect", NAME, "--wait")

    assert connected.returncode == 0
    assert "DHCP" in connected.stderr
    status = own_stack.status()
    assert status["state"] == "Connected"
    assert status["addresses"] == []
    assert "SecureNAT" in status["error_text"]

    own_server.start_dhcp()

    wait_for(lambda: own_stack.status()["addresses"], 70, "the address from the late DHCP server")
    assert own_server.ping()
    assert own_stack.status()["error_text"] == ""


def test_two_connections_are_up_side_by_side(server: VpnServer, stack: Stack) -> None:
    stack.add("One")
    stack.add("Two", "--anonymous", user=ANONYMOUS_USER, password=None)

    stack.connect("One")
    stack.connect("Two")

    assert server.carriers() == 2
    assert stack.status("One")["interface"] != stack.status("Two")["interface"]
    stack.disconnect("One")
    assert stack.state("Two") is State.UP
    assert server.ping()


def test_a_password_given_later_is_as_good(server: VpnServer, stack: Stack) -> None:
    stack.add(password=None)
    refused = stack.cli("connect", NAME, "--wait")
    assert refused.returncode == 1
    assert f"tsunagu password {NAME}" in refused.stderr

    stack.done("password", NAME, "--stdin", stdin=f"{PASSWORD}\n")

    stack.connect()
    assert server.ping()
