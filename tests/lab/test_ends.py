"""How a session can end at the server's will, told apart by code, and what the user is told."""

from typing import Any

import pytest

from tests.lab.server import HUB, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.error_table import ERRORS
from tsunagu.model import State


def ends(stack: Stack) -> list[dict[str, Any]]:
    """What the history says of sessions and attempts that ended."""
    return [entry for entry in stack.json("log") if entry["code"]]


def first_end(stack: Stack, timeout_s: float = 60) -> dict[str, Any]:
    [first, *_] = wait_for(lambda: ends(stack), timeout_s, "an end")
    return first


def says(entry: dict[str, Any], code: int) -> bool:
    return entry["code"] == code and ERRORS[code].sentence in entry["text"]


def test_an_administrators_disconnect(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.connect()

    own_server.disconnect_session()

    assert says(first_end(own_stack), 13)
    wait_for(lambda: own_stack.status()["established_count"] == 2, 30, "another session")


def test_a_hub_that_is_taken_offline(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.connect()

    own_server.hub_offline()

    wait_for(lambda: own_stack.status()["error_code"] == 10, 60, "the news that the hub is offline")
    first, second = ends(own_stack)
    assert says(first, 13)
    assert says(second, 10)
    assert "60 seconds" in second["text"]
    own_stack.disconnect()
    own_server.hub_online()


def test_a_server_that_is_shut_down(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_stack.connect()

    own_server.stop()

    assert first_end(own_stack)["code"] in (1, 3, 13)
    wait_for(lambda: own_stack.status()["error_code"] == 1, 60, "the news that nobody is there")
    assert says(ends(own_stack)[-1], 1)
    own_server.start()
    own_stack.wait_for_state(State.UP, timeout_s=60)


def test_a_user_who_is_removed(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add(user=own_server.add_user("bob"))
    own_stack.connect()

    own_server.vpncmd(f"Hub {HUB}", "UserDelete bob")
    own_server.disconnect_session()

    own_stack.wait_for_state(State.NEEDS_SECRET, timeout_s=60)
    assert [entry["code"] for entry in ends(own_stack)[:2]] == [13, 9]


def test_the_time_that_the_policy_allows_is_over(server: VpnServer, stack: Stack) -> None:
    stack.add(user=server.add_user("brief", AutoDisconnect=5))
    stack.connect()

    stack.wait_for_state(State.IDLE, timeout_s=60)

    [end] = ends(stack)
    assert says(end, 126)
    assert stack.status()["error_code"] == 126
    assert stack.status()["established_count"] == 0  # of the run, which is over


def test_a_line_that_is_silent_for_too_long(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add(user=own_server.add_user("quick", TimeOut=5))
    own_stack.connect()

    own_server.swallow()

    assert says(first_end(own_stack), 13)
    assert "nothing came from the server for 5 s" in first_end(own_stack)["text"]
    own_server.deliver()
    own_stack.wait_for_state(State.UP, timeout_s=60)


@pytest.mark.parametrize("policy", [{"NoSavePassword": True}])
def test_a_policy_that_forbids_to_save_the_password(server: VpnServer, stack: Stack, policy: dict[str, bool]) -> None:
    stack.add(user=server.add_user("forgetful", **policy))
    stack.connect()
    stack.disconnect()

    stack.done("connect", NAME)

    stack.wait_for_state(State.NEEDS_SECRET)
