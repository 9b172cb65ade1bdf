"""UDP acceleration with a real server: in use after its 10 s; what becomes of the session where datagrams are lost."""

import json
import sys
from typing import Any

import pytest

from tests.lab.server import FILE, FILE_SHA256, HUB, LAN, PASSWORD, SERVER, SERVER_6, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.control import Start, encode
from tsunagu.model import Addressing, ConnectionSettings, Secret, Secrets

SWITCH_S = 40  # 10 s are the rule, the rest is a busy machine's


def use_udp(server: VpnServer, stack: Stack) -> dict[str, Any]:
    """Wait until UDP acceleration is in use at both ends, which decide that for themselves; the status."""
    wait_for(lambda: stack.status()["udp_acceleration"] == "in use", SWITCH_S, "UDP acceleration to be in use")
    status = stack.status()
    wait_for(lambda: is_active(server, status["session_name"]), SWITCH_S, "the server to use it, too")
    return status


def is_active(server: VpnServer, session: str) -> bool:
    """As the server sees it."""
    return server.session(session)["UDP Acceleration is Active"] == "Yes"


def tcp_octets(server: VpnServer) -> int:
    """What has passed on the client's TCP connections to the VPN server, both ways, keepalives and all."""
    listed = server.run(server.cli, "ss", "-Hti", "dport = :443").stdout
    counters = [word.partition(":") for word in listed.split() if word.startswith(("bytes_sent:", "bytes_received:"))]
    return sum(int(number) for _, _, number in counters)


@pytest.mark.parametrize("host", [SERVER, SERVER_6])
def test_frames_go_by_udp_and_not_by_tcp(server: VpnServer, stack: Stack, host: str) -> None:
    stack.add(NAME, host=f"[{host}]" if ":" in host else host)
    stack.connect()
    status = use_udp(server, stack)
    before = tcp_octets(server)

    assert (status["server_name"], status["udp_acceleration_version"]) == (host, 2)
    assert server.ping()
    assert server.fetch() == FILE_SHA256
    assert tcp_octets(server) - before < len(FILE) / 100
    assert stack.status()["received_octets"] > len(FILE)


def test_behind_a_nat_the_server_finds_out_where_to_send(server: VpnServer, stack: Stack) -> None:
    with server.udp_translated():
        stack.add(NAME)
        stack.connect()
        use_udp(server, stack)
        before = tcp_octets(server)

        assert server.ping()
        assert server.fetch() == FILE_SHA256
        assert tcp_octets(server) - before < len(FILE) / 100


@pytest.mark.parametrize("deaf", ["server", "client"])
def test_where_datagrams_are_lost_the_session_goes_on_by_tcp_until_they_come_again(
    server: VpnServer, stack: Stack, deaf: str
) -> None:
    stack.add(NAME)
    stack.connect()
    session = use_udp(server, stack)["session_name"]

    with server.udp_swallowed(deaf):
        wait_for(lambda: stack.status()["udp_acceleration"] == "supported", 20, "UDP acceleration to be given up")
        wait_for(server.ping, 20, "an answer by TCP")
        assert server.fetch() == FILE_SHA256

    use_udp(server, stack)
    wait_for(server.ping, 5, "an answer by UDP")
    assert server.fetch() == FILE_SHA256
    status = stack.status()
    assert (status["session_name"], status["established_count"]) == (session, 1)


def test_a_session_in_the_clear_has_datagrams_in_the_clear(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, encrypt=False)
    stack.connect()
    status = use_udp(server, stack)

    assert status["encrypted"] is False
    assert server.fetch() == FILE_SHA256


def test_a_compressed_session_has_compressed_datagrams(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, compress=True)
    stack.connect()
    use_udp(server, stack)
    before = stack.status()["sent_octets"]

    assert server.run(server.cli, "ping", "-c20", "-i0.05", "-s1200", LAN).returncode == 0
    assert stack.status()["sent_octets"] - before < 20 * 1200
    assert server.fetch() == FILE_SHA256


def test_an_old_server_is_spoken_to_in_version_1(server: VpnServer) -> None:
    start = Start(
        settings=ConnectionSettings(
            name="x", host=SERVER, hub=HUB, username=USER, addressing=Addressing.NONE, old_udp_acceleration=True
        ),
        secrets=Secrets(password=Secret(PASSWORD)),
        mac="5e:00:00:00:00:01",
        accepted_fingerprint=server.fingerprint(),
        machine_id="00" * 16,
    )

    done = server.run(
        server.cli, sys.executable, "-m", "tests.lab.old_udp", stdin=encode(start).decode(), timeout_s=100
    )

    said = json.loads(done.stdout)
    assert (said["version"], said["answer_of"]) == (1, LAN)
    assert said["udp_octets"] > 0


def test_who_wants_none_gets_none(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, udp_acceleration=False)
    stack.connect()

    status = stack.status()
    assert status["udp_acceleration"] == "unsupported"
    assert server.session(status["session_name"])["UDP Acceleration is Supported"] == "No"
