"""The traffic test with the official tools, as client and as server, beside a tunnel and through one."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.screens import VirtualScreen
from tests.lab.server import LAN, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu_tray.traffic import PORT

OFFICIAL = ("sh", "-c", f"tail -f /dev/null | exec vpncmd /TOOLS /CMD TrafficServer {PORT}")  # Enter would end it
OURS = (sys.executable, "-m", "tsunagu_tray.cli", "speed-server")


@contextmanager
def traffic_server(server: VpnServer, *command: str) -> Iterator[None]:
    """One at the VPN server and one behind it."""
    programs = []
    try:
        for namespace in (server.srv, server.lan):
            programs.append(server.start_program_at(namespace, "traffic", *command))
            wait_for(lambda: f":{PORT} " in server.run(namespace, "ss", "-Hltn").stdout, 30, "the traffic server")  # noqa: B023
        yield
    finally:
        for program in programs:
            server.end_program(program)


@pytest.fixture
def official(server: VpnServer) -> Iterator[None]:
    """The official one."""
    with traffic_server(server, *OFFICIAL):
        yield


@pytest.mark.usefixtures("official")
def test_a_user_measures_with_the_official_server_without_the_helper(stack: Stack) -> None:
    def speed(*words: str) -> str:
        command = (sys.executable, "-m", "tsunagu_tray.cli", "speed", *words)
        said = stack.run(*command, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
        assert said.returncode == 0, said.stderr
        return said.stdout

    both = json.loads(speed(SERVER, "--seconds", "2", "--connections", "4", "--json"))
    up = json.loads(speed(SERVER, "--seconds", "1", "--direction", "up", "--connections", "1", "--json"))
    down = speed(f"{SERVER}:{PORT}", "--seconds", "1", "--direction", "down")

    assert both["connections"] == 4
    assert both["seconds"] >= 2
    assert both["sent_octets"] > 1_000_000
    assert both["received_octets"] > 1_000_000
    assert both["sent_bits_per_second"] == pytest.approx(both["sent_octets"] * 8 / both["seconds"], rel=0.01)
    assert both["latency_ms"] > 0
    assert (up["connections"], up["received_octets"]) == (1, 0)
    assert up["sent_octets"] > 1_000_000
    assert "Download throughput" in down
    assert "Upload" not in down


@pytest.mark.usefixtures("official")
def test_a_connection_is_measured_through_its_own_nic(stack: Stack) -> None:
    stack.add()
    early = stack.cli("speed", LAN, "--through", NAME)
    stack.connect()
    before = stack.status()

    told = json.loads(stack.done("speed", LAN, "--through", NAME, "--seconds", "2", "--connections", "2", "--json"))

    assert early.returncode == 1
    assert f"tsunagu connect {NAME}" in early.stderr
    assert told["sent_octets"] > 100_000
    assert told["received_octets"] > 100_000
    wait_for(lambda: stack.status()["sent_octets"] - before["sent_octets"] > told["sent_octets"], 20, "the counters")
    outside = stack.cli("speed", SERVER, "--through", NAME, "--seconds", "1")
    assert outside.returncode == 1  # it is not behind the hub
    assert "(error 1)" in outside.stderr


@pytest.mark.usefixtures("official")
def test_a_connection_is_measured_from_its_status_window(stack: Stack) -> None:
    stack.add()
    stack.done("connect", NAME, "--wait")
    before = stack.status()
    with VirtualScreen() as screen:
        bus = {"DBUS_SYSTEM_BUS_ADDRESS": stack.bus.address}
        window = ("python", "-m", "tsunagu_tray.windows.application", "--details", NAME)
        screen.start("window", *stack.command(*window, user=screen.user), environment=bus, user=0)
        screen.activate(f"^{NAME}: Status$", 20)
        screen.wait_until_said("Session name: ")

        screen.press("Measure…")
        screen.wait_until_said("Measure This Connection")
        screen.type(LAN)
        screen.key("Return")
        screen.wait_until_said("Stop Measuring")
        screen.wait_until_said("Download throughput", 40)

        assert stack.status()["sent_octets"] - before["sent_octets"] > 100_000
        said = screen.said()
        assert any(name.startswith("Latency") for name in said)
        assert any("bit/s" in name for name in said)
        screen.wait_until_said("Measure…")
        assert "Traceback" not in screen.log("window")


@pytest.mark.parametrize("kind", ["full", "download", "upload"])
def test_the_official_client_measures_with_ours(server: VpnServer, stack: Stack, kind: str) -> None:
    with traffic_server(server, *OURS):
        words = ("TrafficClient", f"{SERVER}:{PORT}", "/NUMTCP:4", f"/TYPE:{kind}", "/SPAN:2", "/RAW:yes")

        said = stack.run("vpncmd", "/TOOLS", "/CMD", *words)

        assert said.returncode == 0, said.stdout
        measured = {
            way: int(octets.replace(",", ""))
            for way, octets in re.findall(
                r"Communication Data Volume in (\w+) Direction\s*\|\s*([0-9,]+) Bytes", said.stdout
            )
        }
        assert measured, said.stdout
        assert (measured["Download"] > 1_000_000) is (kind != "upload"), said.stdout
        assert (measured["Upload"] > 1_000_000) is (kind != "download"), said.stdout
    assert "Connection from" in server.log("traffic")


@pytest.mark.usefixtures("server")
def test_what_is_no_traffic_server_is_told(stack: Stack) -> None:
    nobody = stack.cli("speed", SERVER)
    another = stack.cli("speed", f"{SERVER}:443", "--seconds", "1")

    assert nobody.returncode == another.returncode == 1
    assert "(error 1)" in nobody.stderr
    assert "is not a traffic server" in another.stderr
