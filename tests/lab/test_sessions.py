"""All that can be chosen for a session, as a real server grants and sees it."""

import re
import subprocess
import sys
from typing import Any

import pytest

from tests.lab.server import FILE_SHA256, HUB, LAN, PASSWORD, VpnServer, within
from tests.lab.stack import NAME, Stack
from tests.lab.test_protocol import log_in
from tests.lab.waiting import wait_for
from tsunagu.control import Established
from tsunagu.model import AuthType, Session

_LISTEN = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("veth-cli", 0))
wire.settimeout(20)
print("listening", flush=True)
try:
    while bytes.fromhex(sys.argv[1]) not in wire.recv(65536):
        pass
    print("heard")
except TimeoutError:
    print("not heard")
"""


def granted(server: VpnServer, user: str, **wishes: Any) -> Session:
    answer = log_in(server, AuthType.PASSWORD, user=user, secret=PASSWORD, **wishes)
    assert isinstance(answer, Established), answer
    return answer.session


def carriers(stack: Stack, number: int, name: str = NAME, timeout_s: float = 30) -> None:
    wait_for(lambda: stack.status(name)["carriers"] == number, timeout_s, f"{number} carriers")


def wire_carries(server: VpnServer, word: str) -> bool:
    """Whether what the NIC sends can be read on the cable."""
    command = within(server.cli, sys.executable, "-c", _LISTEN, word * 4)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"
        server.run(server.cli, "ping", "-c30", "-i0.05", "-s400", "-p", word, LAN)
        heard = listener.stdout.readline() if listener.poll() is not None else ""
        listener.kill()
    return heard == "heard\n"


def test_without_encryption_the_cable_tells_all_and_everything_passes(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--carriers", "3", encrypt=False, udp_acceleration=False)
    stack.connect()
    carriers(stack, 3)

    assert server.fetch() == FILE_SHA256
    assert wire_carries(server, "7473756e616775")
    status = stack.status()
    assert (status["encrypted"], status["cipher"], status["tls_version"]) == (False, "", "")
    assert server.session(status["session_name"])["Encryption"].startswith("Disabled")

    stack.disconnect()
    stack.done("set", NAME, "encrypt=yes")
    stack.connect()
    assert not wire_carries(server, "7473756e616775")
    assert server.session(stack.status()["session_name"])["Encryption"].startswith("Enabled")


@pytest.mark.parametrize("modes", [{"half_duplex": True}, {"compress": True}, {"half_duplex": True, "compress": True}])
def test_without_encryption_the_other_modes_work_as_well(
    server: VpnServer, stack: Stack, modes: dict[str, Any]
) -> None:
    stack.add(NAME, "--carriers", "4", encrypt=False, udp_acceleration=False, **modes)
    stack.connect()
    carriers(stack, 4)

    assert server.fetch() == FILE_SHA256


def test_compression_saves_what_the_status_says(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, compress=True, udp_acceleration=False)
    stack.connect()

    server.run(server.cli, "ping", "-c50", "-i0.01", "-s1400", "-p", "00", LAN)

    assert 50 < stack.status()["compression_saved_percent"] < 100


def test_with_qos_a_call_does_not_share_its_carrier_with_bulk(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, qos=True, udp_acceleration=False)
    stack.connect()
    carriers(stack, 2)  # though one was asked for
    status = stack.status()
    assert (status["qos"], status["max_carriers"]) == (True, 2)
    assert server.session(status["session_name"])["VoIP / QoS Function"] == "Enabled"

    def gained(*options: str) -> list[bool]:
        """Which of the two, in the order of their ports, brought the server these 100 kB."""
        before = _received(server)
        server.run(server.cli, "ping", "-c100", "-i0.01", "-s1000", *options, LAN)
        after = _received(server)
        return [after[port] - before[port] > 90_000 for port in sorted(after)]

    bulk, call = gained(), gained("-Q", "184")
    assert sorted(bulk) == sorted(call) == [False, True]
    assert bulk != call
    assert server.fetch() == FILE_SHA256


def _received(server: VpnServer) -> dict[str, int]:
    """Octets that the server has received on each of the client's connections, by the client's port."""
    lines = server.run(server.srv, "ss", "-HtniO", "state", "established", "sport = :443").stdout.splitlines()
    found = (re.search(r":443\s+\S+:(\d+)\s.*bytes_received:(\d+)", line) for line in lines)
    return {match[1]: int(match[2]) for match in found if match}


def test_the_policy_limits_carriers_and_qos(server: VpnServer, stack: Stack) -> None:
    user = server.add_user("few", MaxConnection=2, NoQoS=True)
    stack.add(NAME, "--carriers", "8", user=user, qos=True)
    stack.connect()
    carriers(stack, 2)

    status = stack.status()
    assert (status["max_carriers"], status["qos"]) == (2, False)
    assert "error 15" not in stack.helper_log()
    assert server.fetch() == FILE_SHA256


def test_thirty_two_carriers(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--carriers", "32")
    stack.connect()
    carriers(stack, 32, timeout_s=100)

    assert server.session(stack.status()["session_name"])["Number of TCP Connections"] == "32"
    assert server.fetch() == FILE_SHA256


def test_a_monitor_sees_what_others_send(server: VpnServer, stack: Stack) -> None:
    user = server.add_user("watcher", MonitorPort=True)
    stack.add()
    stack.add("Monitor", user=user, monitor_mode=True, addressing="none")
    stack.connect()
    stack.connect("Monitor")
    assert stack.status("Monitor")["monitor_mode"] is True

    before = stack.status("Monitor")["received_unicast_packets"]
    server.run(server.cli, "ping", "-c20", "-i0.05", LAN)

    seen = wait_for(lambda: stack.status("Monitor")["received_unicast_packets"] - before, 10, "others' packets")
    assert seen >= 20


def test_a_bridge_may_have_many_machines_behind_it(server: VpnServer, stack: Stack) -> None:
    """Without bridge mode the server lets three MAC addresses of a session speak."""
    machines = range(1, 6)

    def answered() -> int:
        nic = stack.status()["interface"]
        for number in machines:
            for words in (
                f"link add behind{number} link {nic} address 5e:00:00:00:77:0{number} type macvlan mode bridge",
                f"address add 192.168.77.20{number}/24 dev behind{number}",
                f"link set behind{number} up",
            ):
                server.run(server.cli, "ip", *words.split())
        pings = [
            server.run(server.cli, "ping", "-c3", "-i0.2", "-W2", "-I", f"behind{number}", LAN, check=False)
            for number in machines
        ]
        for number in machines:
            server.run(server.cli, "ip", "link", "delete", f"behind{number}")
        return sum(ping.returncode == 0 for ping in pings)

    stack.add(NAME, addressing="none")
    stack.connect()
    assert not stack.status()["bridge_mode"]
    assert answered() < len(machines)
    stack.disconnect()

    stack.done("set", NAME, "bridge_mode=yes")
    stack.connect()
    assert stack.status()["bridge_mode"]
    assert answered() == len(machines)


def test_the_vlan_of_the_session_is_shown(server: VpnServer) -> None:
    assert granted(server, server.add_user("tagged", VLanId=7)).vlan_id == 7
    table = server.vpncmd(f"Hub {HUB}", "SessionList")
    assert re.search(r"^SID-TAGGED-\d+,7,", table, re.MULTILINE), table


def test_no_bridge_and_no_routing_are_told_as_the_policy_has_them(server: VpnServer) -> None:
    usual = granted(server, server.add_user("usual"))
    asked = granted(server, "usual", bridge_mode=True)
    half = granted(server, server.add_user("half", NoBridge=True), bridge_mode=True)

    assert (usual.policy["NoBridge"], usual.policy["NoRouting"]) == (1, 1)
    assert (asked.policy["NoBridge"], asked.policy["NoRouting"]) == (0, 0)
    assert (half.policy["NoBridge"], half.policy["NoRouting"]) == (1, 0)
