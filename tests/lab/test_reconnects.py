"""What breaks while a connection is up is mended without anyone, and applications notice a pause at most."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.server import ECHO_PORT, FILE_SHA256, LAN, VpnServer, within
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

_TALK = f"""
import socket, sys
with socket.create_connection(({LAN!r}, {ECHO_PORT}), timeout=100) as c:
    f = c.makefile("rw")
    for line in sys.stdin:
        f.write(line); f.flush()
        print(f.readline(), end="", flush=True)
"""


class Application:
    """A program that holds one TCP connection through the tunnel."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, word: str) -> str:
        """What the far end answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def application(server: VpnServer) -> Iterator[Application]:
    command = within(server.cli, "/usr/bin/python3", "-I", "-c", _TALK)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Application(process)
        process.kill()


def connected(stack: Stack) -> tuple[str, str]:
    """Connect; NIC and address."""
    stack.add()
    stack.connect()
    status = stack.status()
    return status["interface"], status["addresses"][0]


def has_carrier(stack: Stack, nic: str) -> bool:
    return stack.server.run(stack.server.cli, "cat", f"/sys/class/net/{nic}/carrier").stdout.strip() == "1"


def test_a_pulled_cable_is_a_pause_and_no_more(own_server: VpnServer, own_stack: Stack) -> None:
    nic, address = connected(own_stack)
    with application(own_server) as talk:
        assert talk.say("before") == "before"

        own_server.link_down()
        own_stack.wait_for_state(State.WAITING, timeout_s=60)
        assert not has_carrier(own_stack, nic)
        own_server.link_up()
        own_stack.wait_for_state(State.UP)

        assert talk.say("after") == "after"
    status = own_stack.status()
    assert (status["interface"], status["addresses"]) == (nic, [address])
    assert status["established_count"] == 2
    assert status["started_at"] <= status["first_established_at"] < status["established_at"]
    assert has_carrier(own_stack, nic)


def test_a_short_break_is_not_even_noticed(own_server: VpnServer, own_stack: Stack) -> None:
    connected(own_stack)
    with application(own_server) as talk:
        assert talk.say("before") == "before"
        own_server.swallow()
        own_server.run(own_server.cli, "ping", "-c1", "-W1", LAN, check=False)
        own_server.deliver()

        assert talk.say("after") == "after"

    assert own_stack.status()["established_count"] == 1, own_stack.helper_log()


def test_a_server_that_crashes_and_comes_back(own_server: VpnServer, own_stack: Stack) -> None:
    connected(own_stack)

    own_server.kill()
    own_stack.wait_for_state(State.WAITING)
    assert own_stack.status()["error_code"] in (1, 3)
    own_server.start()

    own_stack.wait_for_state(State.UP)
    wait_for(own_server.ping, 20, "the network behind the server")
    assert own_server.fetch() == FILE_SHA256


def test_an_administrator_who_throws_us_out_gets_us_back(own_server: VpnServer, own_stack: Stack) -> None:
    connected(own_stack)
    before = own_server.sessions()

    own_server.disconnect_session()

    # Seen from here: servers of other lines hang when they are to list sessions in the moment when one ends.
    wait_for(lambda: own_stack.status()["established_count"] == 2, 30, "another session")
    own_stack.wait_for_state(State.UP)
    assert own_server.sessions() != before
    assert own_server.ping()


def test_a_worker_that_dies_is_replaced(own_server: VpnServer, own_stack: Stack) -> None:
    nic, address = connected(own_stack)
    with application(own_server) as talk:
        assert talk.say("before") == "before"

        [worker] = own_stack.workers()
        own_stack.kill_workers()
        wait_for(lambda: own_stack.workers() not in ([], [worker]), 30, "another worker")
        own_stack.wait_for_state(State.UP)

        assert talk.say("after") == "after"
    status = own_stack.status()
    assert (status["interface"], status["addresses"]) == (nic, [address])


def test_disconnecting_while_it_waits_to_try_again(own_server: VpnServer, own_stack: Stack) -> None:
    connected(own_stack)
    own_server.kill()
    own_stack.wait_for_state(State.WAITING)

    own_stack.disconnect()

    assert not own_stack.leftovers()
    own_server.start()


def test_the_retries_end_where_the_settings_say(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add(retry_limit=1)
    own_server.stop()

    own_stack.done("connect", NAME)

    own_stack.wait_for_state(State.IDLE)
    assert own_stack.status()["error_code"] == 1
    assert len([entry for entry in own_stack.json("log") if entry["code"] == 1]) == 2
    assert not own_stack.leftovers()
