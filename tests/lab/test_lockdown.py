"""The kill switch: nothing leaves past the tunnel while it is wanted, whatever else happens."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_routing import INTERNET, INTERNET6, arrives_at, internet
from tests.lab.waiting import wait_for
from tsunagu.model import State

__all__ = ["internet"]  # a fixture


@pytest.fixture
def guarded(internet: VpnServer, own_stack: Stack) -> Iterator[Stack]:
    """A connection with a kill switch, up."""
    own_stack.add()
    own_stack.done("set", NAME, "routing=everything", "kill_switch=yes")
    own_stack.connect()
    assert arrives_at(internet, INTERNET) == "lan"
    yield own_stack
    own_stack.done("disconnect", NAME)
    own_stack.done("unblock")


def is_blocked(server: VpnServer) -> bool:
    return arrives_at(server, INTERNET) == "" and not server.ping(INTERNET6, timeout_s=1)


def test_nothing_passes_while_the_tunnel_is_down_until_the_person_disconnects(
    internet: VpnServer, guarded: Stack
) -> None:
    internet.stop()
    guarded.wait_for_state(State.WAITING)
    assert is_blocked(internet)
    assert "until" in guarded.status()["blocked"]
    internet.start()
    guarded.wait_for_state(State.UP, timeout_s=60)

    guarded.disconnect()

    assert arrives_at(internet, INTERNET) == "srv"
    assert guarded.status()["blocked"] == ""


def test_an_attempt_that_fails_for_good_stays_blocked_until_unblocked(internet: VpnServer, guarded: Stack) -> None:
    guarded.disconnect()
    guarded.update(NAME, hub="NONE")
    assert guarded.cli("connect", NAME).returncode == 0
    guarded.wait_for_state(State.IDLE)
    assert is_blocked(internet)

    guarded.done("unblock")

    assert arrives_at(internet, INTERNET) == "srv"


def test_it_outlives_the_helper_however_that_ends(internet: VpnServer, guarded: Stack) -> None:
    guarded.kill_helper()
    assert is_blocked(internet)
    guarded.start_helper()
    guarded.stop_helper()
    assert is_blocked(internet)

    done = subprocess.run(
        guarded.cli_command("unblock", user="root"),
        env=guarded.environment | {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert arrives_at(internet, INTERNET) == "srv"
    guarded.start_helper()


def test_unblocking_needs_no_file(internet: VpnServer, guarded: Stack) -> None:
    internet.stop()
    guarded.wait_for_state(State.WAITING)
    guarded.kill_helper()
    (guarded.state_folder / "lockdown.nft").unlink()
    (guarded.folder / "run" / "wanted.json").write_text("[]")
    guarded.start_helper()
    assert is_blocked(internet)

    guarded.done("unblock")

    assert arrives_at(internet, INTERNET) == "srv"
    internet.start()


def test_it_is_back_after_a_reboot_before_the_network_is(internet: VpnServer, guarded: Stack) -> None:
    unit = (CHECKOUT / "packaging/systemd/tsunagu-lockdown.service").read_text()
    [command] = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart=")]
    guarded.kill_helper()
    internet.run(internet.cli, "nft", "delete", "table", "inet", "tsunagu")
    internet.run(internet.cli, "ip", "rule", "flush", "protocol", "84")

    internet.run(internet.cli, *command.replace("/var/lib/tsunagu", str(guarded.state_folder)).split())

    assert is_blocked(internet)
    guarded.start_helper()
    assert is_blocked(internet) or arrives_at(internet, INTERNET) == "lan"


def test_the_local_network_stays_in_reach_only_where_that_is_allowed(internet: VpnServer, guarded: Stack) -> None:
    assert internet.ping(SERVER)
    guarded.disconnect()
    guarded.done("set", NAME, "allow_lan=no")

    guarded.connect()

    assert not internet.ping(SERVER, timeout_s=1)
    assert internet.carriers() == 1
    assert arrives_at(internet, INTERNET) == "lan"
    wait_for(internet.ping, 10, "the network behind the hub")
