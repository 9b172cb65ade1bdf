"""The NICs of connections, as people choose them."""

import json
from typing import Any

from tests.lab.server import ANONYMOUS_USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_reconnects import application, connected
from tests.lab.waiting import wait_for

MAC = "5e:12:34:56:78:9a"


def nic(server: VpnServer, name: str) -> Any:
    [shown] = json.loads(server.run(server.cli, "ip", "-json", "link", "show", "dev", name).stdout)
    return shown


def test_name_mac_and_mtu_are_as_chosen(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.done("set", NAME, "interface=tsunagu_lab", f"mac={MAC}", "mtu=1300")

    stack.connect()

    shown = nic(server, "tsunagu_lab")
    assert (stack.status()["interface"], shown["address"], shown["mtu"]) == ("tsunagu_lab", MAC, 1300)
    assert server.ping()


def test_a_nic_shared_by_choice_serves_one_connection_at_a_time(server: VpnServer, stack: Stack) -> None:
    stack.add("One")
    stack.add("Two", "--anonymous", user=ANONYMOUS_USER, password=None)
    for name in ("One", "Two"):
        stack.done("set", name, "interface=tsunagu_both")
    stack.connect("One")

    refused = stack.cli("connect", "Two", "--wait")

    assert refused.returncode == 1
    assert "error 43" in refused.stderr
    assert server.ping()
    stack.disconnect("One")
    stack.connect("Two")
    assert server.ping()


def test_a_connection_keeps_its_nic_over_a_restart_of_the_helper(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.connect()
    name = stack.status()["interface"]
    address = nic(server, name)["address"]
    stack.disconnect()

    stack.stop_helper()
    stack.start_helper()
    stack.connect()

    assert stack.status()["interface"] == name
    assert nic(server, name)["address"] == address


def test_a_nic_is_listed_with_its_cable_and_may_be_disabled(server: VpnServer, stack: Stack) -> None:
    stack.add()
    [absent] = stack.json("nic", "list")
    stack.connect()
    [up] = stack.json("nic", "list")
    name = up["name"]

    assert (absent["state"], up["state"], up["connections"]) == ("absent", "up", [NAME])
    assert nic(server, name)["address"] == up["mac"]
    stack.done("nic", "disable", name)
    refused = stack.cli("connect", NAME, "--wait")
    assert refused.returncode == 1
    assert "error 44" in refused.stderr
    stack.done("nic", "enable", name)
    stack.connect()
    assert server.ping()


def test_a_nic_that_another_program_takes_away_is_made_anew(server: VpnServer, stack: Stack) -> None:
    name, address = connected(stack)

    def is_back(count: int) -> bool:
        status = stack.status()
        return (status["established_count"], status["interface"], status["addresses"]) == (count, name, [address])

    with application(server) as talk:
        assert talk.say("before") == "before"

        server.run(server.cli, "ip", "-batch", "-", stdin=f"link set {name} down\nlink set {name} name other0\n")
        wait_for(lambda: is_back(2), 40, "another NIC after it was renamed")
        server.run(server.cli, "ip", "link", "delete", name)
        wait_for(lambda: is_back(3), 40, "another NIC after it was deleted")

        assert talk.say("after") == "after"
    log = stack.done("log", NAME)
    assert f"(error 22): another program has renamed {name} to other0" in log
    assert f"(error 22): another program has deleted {name}" in log
    assert "other0" not in server.run(server.cli, "ip", "link").stdout
