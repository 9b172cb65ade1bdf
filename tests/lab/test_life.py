"""The machine sleeps, wakes, changes its network, crashes and starts again; what people want up is up."""

import pwd
from collections.abc import Callable

import pytest

from tests.lab.server import CLIENT, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_reconnects import application, connected, has_carrier
from tests.lab.units import run_stop_post
from tests.lab.waiting import wait_for
from tsunagu.model import State

LONG_S = 300  # a retry interval that no test waits for: what comes back sooner has another reason


def troubles(stack: Stack) -> list[str]:
    """What a person was told that something is wrong."""
    return [entry["text"] for entry in stack.json("log") if entry["level"] != "info"]


def test_a_sleep_is_a_pause_and_no_failure(server: VpnServer, stack: Stack) -> None:
    stack.start_logind()
    nic, address = connected(stack)
    stack.update(NAME, retry_interval_s=LONG_S)
    with application(server) as talk:
        assert talk.say("before") == "before"

        [has_logged_off] = stack.logind("Sleep")
        asleep = stack.state(), stack.status()["error_code"], server.carriers(), has_carrier(stack, nic)
        stack.logind("Wake")
        stack.wait_for_state(State.UP)

        assert has_logged_off
        assert asleep == (State.SLEEPING, 0, 0, False)
        assert talk.say("after") == "after"
    status = stack.status()
    assert (status["interface"], status["addresses"], status["established_count"]) == (nic, [address], 2)
    assert troubles(stack) == []
    wait_for(lambda: stack.logind("Inhibitors") == [1], 20, "the inhibitor for the next sleep")


def test_a_waking_that_nobody_heard_of_is_found_out_when_a_network_comes(server: VpnServer, stack: Stack) -> None:
    def network(deed: str, address: str) -> None:
        server.run(server.cli, "ip", "address", deed, f"{address}/32", "dev", "veth-cli")

    stack.start_logind()
    connected(stack)
    stack.logind("Sleep")
    [looks] = stack.logind("Looks")
    network("add", "10.99.0.71")  # just before it falls asleep
    wait_for(lambda: stack.logind("Looks") > [looks], 20, "a look")
    assert stack.state() is State.SLEEPING

    stack.logind("WakeUnheard")
    network("add", "10.99.0.72")

    stack.wait_for_state(State.UP)
    for address in ("10.99.0.71", "10.99.0.72"):
        network("delete", address)
    assert troubles(stack) == []
    wait_for(lambda: stack.logind("Inhibitors") == [1], 20, "the inhibitor for the next sleep")


def test_a_wait_is_over_when_the_cable_is_back(own_server: VpnServer, own_stack: Stack) -> None:
    nic, address = connected(own_stack)
    own_stack.update(NAME, retry_interval_s=LONG_S)
    with application(own_server) as talk:
        assert talk.say("before") == "before"

        own_server.link_down()
        own_stack.wait_for_state(State.WAITING, timeout_s=60)
        own_server.link_up()
        own_stack.wait_for_state(State.UP)

        assert talk.say("after") == "after"
    assert own_stack.status()["addresses"] == [address]
    assert has_carrier(own_stack, nic)


def test_another_address_below_the_tunnel_is_noticed_at_once(own_server: VpnServer, own_stack: Stack) -> None:
    connected(own_stack)
    own_stack.update(NAME, retry_interval_s=LONG_S)
    with application(own_server) as talk:
        assert talk.say("before") == "before"

        own_server.move_client("10.99.0.77")
        wait_for(lambda: "10.99.0.77" in carriers_from(own_server), 15, "carriers from the new address")

        assert talk.say("after") == "after"
        assert troubles(own_stack) == []  # all in the same session
        own_server.move_client(CLIENT)
        assert talk.say("back") == "back", own_stack.helper_log()


def carriers_from(server: VpnServer) -> str:
    return server.run(server.cli, "ss", "-Htn", "state", "established", "dport = :443").stdout


def test_what_was_up_comes_back_after_a_crash_of_the_helper(server: VpnServer, stack: Stack) -> None:
    _, address = connected(stack)

    stack.kill_helper()
    wait_for(lambda: not stack.workers(), 5, "the worker to go")
    assert run_stop_post(stack)
    assert not stack.leftovers()
    stack.start_helper()

    stack.wait_for_state(State.UP)
    wait_for(lambda: stack.status()["addresses"] == [address], 20, "the same address")
    assert server.ping()


@pytest.mark.parametrize("end", [Stack.stop_helper, Stack.kill_helper])
def test_what_was_disconnected_stays_so(stack: Stack, end: Callable[[Stack], None]) -> None:
    stack.add()
    stack.connect()
    stack.disconnect()

    end(stack)
    stack.start_helper()

    assert stack.state() is State.IDLE


def test_a_reboot_brings_back_only_what_is_to_start_with_the_machine(server: VpnServer, stack: Stack) -> None:
    stack.add("At start", connect_at_start=True)
    stack.add("By hand")
    stack.connect("By hand")
    stack.stop_helper()
    stack.forget_boot()

    stack.start_helper()

    wait_for(server.ping, 30, "the network behind the server, with nobody logged in")
    assert (stack.state("At start"), stack.state("By hand")) == (State.UP, State.IDLE)
    stack.disconnect("At start")
    stack.stop_helper()
    stack.start_helper()
    assert stack.state("At start") is State.IDLE  # it was disconnected since the machine started


def test_a_log_out_ends_what_is_to_end_with_it(stack: Stack) -> None:
    stack.start_logind()
    stack.add("Private", disconnect_at_logout=True)
    stack.add("Lasting")
    stack.connect("Private")
    stack.connect("Lasting")

    stack.logind("RemoveUser", "u", pwd.getpwnam(stack.person).pw_uid + 1)
    stack.logind("RemoveUser", "u", pwd.getpwnam(stack.person).pw_uid)

    stack.wait_for_state(State.IDLE, "Private")
    assert stack.state("Lasting") is State.UP
