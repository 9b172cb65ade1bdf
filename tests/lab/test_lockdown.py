"""The kill switch: nothing leaves past the tunnel while it is wanted, whatever else happens."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.name_service import RESOLVED, RESOLVED_PATH, SERVER_NAME, link_dns, lookup, start_dns
from tests.lab.server import SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_names import INSIDE, OUTSIDE, asked, desktop, named
from tests.lab.test_routing import INTERNET, INTERNET6, arrives_at, internet
from tests.lab.units import run_unit
from tests.lab.waiting import wait_for
from tsunagu.model import State

__all__ = ["desktop", "internet", "named"]  # fixtures

LOCKDOWN = "tsunagu-lockdown.service"
MOVED = "10.99.0.9"


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


def lose_power(server: VpnServer, stack: Stack) -> None:
    """What lies on the disk alone is left."""
    stack.kill_helper()
    stack.forget_boot()
    server.run(server.cli, "nft", "flush", "ruleset")
    for family in ("-4", "-6"):
        server.run(server.cli, "ip", family, "rule", "flush", "protocol", "84")


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


def test_another_program_that_flushes_all_rules_opens_it_for_a_moment_only(internet: VpnServer, guarded: Stack) -> None:
    internet.stop()
    guarded.wait_for_state(State.WAITING)

    internet.run(internet.cli, "nft", "flush", "ruleset")

    wait_for(lambda: is_blocked(internet), 30, "the kill switch")
    assert guarded.helper_log().count("removed or changed the kill switch of Office; put back") == 1
    internet.start()


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
    lose_power(internet, guarded)

    assert run_unit(guarded, LOCKDOWN)

    assert is_blocked(internet)
    guarded.start_helper()
    assert is_blocked(internet) or arrives_at(internet, INTERNET) == "lan"


def test_where_its_file_is_damaged_all_stays_closed_after_a_reboot(internet: VpnServer, guarded: Stack) -> None:
    file = guarded.state_folder / "lockdown.nft"
    whole = file.read_text()
    lose_power(internet, guarded)
    for damaged in ("", whole[: len(whole) // 2], "\n".join(whole.splitlines()[:3]), "# 5\nno rules\n"):
        file.write_text(damaged)
        run_unit(guarded, LOCKDOWN)
        assert is_blocked(internet), damaged
    assert not run_unit(guarded, LOCKDOWN)

    guarded.start_helper()

    assert is_blocked(internet)
    assert "tsunagu unblock' lifts it" in guarded.status()["blocked"]
    assert "The kill switch's file is damaged" in guarded.cli("doctor").stdout
    guarded.done("unblock")
    assert arrives_at(internet, INTERNET) == "srv"


def test_once_the_server_is_found_no_name_is_asked_outside_any_more_not_after_a_reboot_either(
    named: VpnServer, desktop: Stack
) -> None:
    desktop.update(NAME, host=SERVER_NAME, routing="everything", kill_switch=True)
    desktop.done("trust", NAME, "--fingerprint", named.fingerprint())
    desktop.connect()
    assert asked(named, "dns-outside", SERVER_NAME)
    lose_power(named, desktop)
    desktop.call(RESOLVED_PATH, f"{RESOLVED}.Manager", "FlushCaches", destination=RESOLVED)
    assert run_unit(desktop, LOCKDOWN)
    before = named.log("dns-outside")

    assert lookup(named, "early.example.org") == ""  # and the server with the answer is on the local network
    desktop.start_helper()
    desktop.connect()

    assert lookup(named, "late.example.org") == INSIDE
    assert named.log("dns-outside") == before
    desktop.disconnect()
    assert lookup(named, "later.example.org") == OUTSIDE


def test_a_server_that_has_moved_is_found_though_no_other_name_is(named: VpnServer, desktop: Stack) -> None:
    desktop.update(NAME, host=SERVER_NAME, routing="everything", kill_switch=True)
    desktop.done("trust", NAME, "--fingerprint", named.fingerprint())
    desktop.connect()

    named.run(named.srv, "ip", "address", "add", f"{MOVED}/24", "dev", "veth-srv")
    gone = f"chain gone {{ type filter hook input priority 0; ip daddr {SERVER} tcp dport 443 reject with tcp reset; }}"
    named.run(named.srv, "nft", f"table ip lab {{ {gone}; }}")
    desktop.wait_for_state(State.WAITING)
    assert lookup(named, "early.example.org") == ""
    start_dns(named, "dns-moved", named.srv, MOVED, OUTSIDE, vpn_server=MOVED)
    link_dns(desktop, MOVED)

    desktop.wait_for_state(State.UP, timeout_s=60)

    assert f"{MOVED}:443" in named.run(named.cli, "ss", "-Htn").stdout
    assert asked(named, "dns-moved", SERVER_NAME)
    assert not asked(named, "dns-moved", "early.")
    desktop.disconnect()


def test_the_local_network_stays_in_reach_only_where_that_is_allowed(internet: VpnServer, guarded: Stack) -> None:
    assert internet.ping(SERVER)
    guarded.disconnect()
    guarded.done("set", NAME, "allow_lan=no")

    guarded.connect()

    assert not internet.ping(SERVER, timeout_s=1)
    assert internet.carriers() == 1
    assert arrives_at(internet, INTERNET) == "lan"
    wait_for(internet.ping, 10, "the network behind the hub")
