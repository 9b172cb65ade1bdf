"""What goes through the tunnel and what does not, seen from the networks at both ends of it."""

import pytest

from tests.lab.server import LAN, SERVER, SERVER_6, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

INTERNET = "198.51.100.7"  # an address that answers at both ends: behind the client's router, and behind the hub
INTERNET6 = "2001:db8:99::7"  # only behind the client's router


@pytest.fixture
def internet(own_server: VpnServer) -> VpnServer:
    """The server's machine is the client's router too; the same "internet" is behind the hub."""
    server = own_server
    for namespace in (server.srv, server.lan):
        server.run(namespace, "ip", "address", "add", f"{INTERNET}/32", "dev", "lo")
    server.run(server.srv, "ip", "address", "add", f"{INTERNET6}/128", "dev", "lo", "nodad")
    server.run(server.cli, "ip", "route", "add", "default", "via", SERVER)
    server.run(server.cli, "ip", "-6", "route", "add", "default", "via", SERVER_6)
    wait_for(lambda: server.ping(INTERNET) and server.ping(INTERNET6), 20, "the internet")
    return server


def packets(server: VpnServer, namespace: str) -> int:
    """How many echo requests have arrived there so far."""
    table = server.run(namespace, "nstat", "-asz", "IcmpInEchos").stdout
    return int(next(line.split()[1] for line in table.splitlines() if line.startswith("IcmpInEchos")))


def arrives_at(server: VpnServer, address: str) -> str:
    """Whose "internet" answers a ping: "srv", past the tunnel, "lan", through it, or "" for nobody's."""
    before = {namespace: packets(server, namespace) for namespace in (server.srv, server.lan)}
    if not server.ping(address, timeout_s=1):
        return ""
    return "srv" if packets(server, server.srv) > before[server.srv] else "lan"


def test_all_traffic_goes_through_the_tunnel_and_none_past_it(internet: VpnServer, own_stack: Stack) -> None:
    assert arrives_at(internet, INTERNET) == "srv"
    own_stack.add()
    own_stack.done("set", NAME, "routing=everything")

    own_stack.connect()

    assert arrives_at(internet, INTERNET) == "lan"
    assert not internet.ping(INTERNET6, timeout_s=1)
    assert internet.carriers() == 1
    assert internet.ping(SERVER)  # a private network that this machine is in
    assert f"0.0.0.0/0 via {LAN}" in own_stack.status()["routes"]

    own_stack.disconnect()

    assert not own_stack.leftovers()
    assert arrives_at(internet, INTERNET) == "srv"
    assert internet.ping(INTERNET6)


def test_while_the_tunnel_comes_back_nothing_goes_past_it(internet: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.done("set", NAME, "routing=everything")
    own_stack.connect()

    internet.stop()
    own_stack.wait_for_state(State.WAITING)
    assert arrives_at(internet, INTERNET) == ""
    internet.start()
    own_stack.wait_for_state(State.UP, timeout_s=60)

    wait_for(lambda: arrives_at(internet, INTERNET) == "lan", 30, "traffic through the tunnel again")


def test_exclusions_stay_outside_and_extra_networks_go_inside(internet: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.done("set", NAME, "routing=everything", "excluded_networks=198.51.100.0/24")
    own_stack.connect()
    assert arrives_at(internet, INTERNET) == "srv"
    own_stack.disconnect()

    own_stack.done("set", NAME, "routing=lan", "excluded_networks=", "extra_networks=198.51.100.0/24")
    own_stack.connect()
    assert arrives_at(internet, INTERNET) == "lan"


def test_a_second_connection_that_wants_everything_is_refused_by_name(internet: VpnServer, own_stack: Stack) -> None:
    for name in ("One", "Two"):
        own_stack.add(name)
        own_stack.done("set", name, "routing=everything")
    own_stack.connect("One")

    refused = own_stack.cli("connect", "Two", "--wait")

    assert refused.returncode == 1
    assert "All traffic goes through the tunnel of One already; disconnect One first" in refused.stderr
    assert own_stack.state("One") is State.UP
    own_stack.disconnect("One")
    own_stack.connect("Two")
    assert arrives_at(internet, INTERNET) == "lan"


def test_after_a_kill_the_next_helper_takes_the_rules_back(internet: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.done("set", NAME, "routing=everything")
    own_stack.connect()

    own_stack.kill_helper()
    own_stack.start_helper()

    own_stack.wait_for_state(State.UP)  # what was connected is connected again
    assert arrives_at(internet, INTERNET) == "lan"
    own_stack.disconnect()
    assert not own_stack.leftovers()
    assert arrives_at(internet, INTERNET) == "srv"
    assert internet.ping(INTERNET6)


def test_a_hub_with_the_numbers_of_the_local_network_is_told(own_server: VpnServer, own_stack: Stack) -> None:
    address = ("192.168.77.200/25", "dev", "veth-cli")
    own_server.run(own_server.cli, "ip", "address", "add", *address)
    own_stack.add()

    own_stack.connect()

    assert "has numbers of the network 192.168.77.128/25 at veth-cli" in own_stack.done("log", NAME)
    own_server.run(own_server.cli, "ip", "address", "delete", *address)
