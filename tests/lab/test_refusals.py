"""Servers and settings that cannot work: one clear error with its code and what to do, and nothing stays."""

import subprocess

import pytest

from tests.lab.faults import fault
from tests.lab.server import PASSWORD, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.error_table import ERRORS
from tsunagu.model import State


def failed(stack: Stack) -> str:
    """Connect in vain; what the user was told, which is one line and no traceback."""
    result = stack.cli("connect", NAME, "--wait", "--timeout", "30")
    assert result.returncode == 1, result.stdout
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def says(told: str, code: int) -> bool:
    """Whether a person knows now what is wrong, by which number, and what to do."""
    entry = ERRORS[code]
    return f"{entry.sentence} (error {code})" in told and entry.advice in told


def test_a_wrong_password_is_asked_for_again_and_not_tried_twice(server: VpnServer, stack: Stack) -> None:
    stack.add(password="guess")

    told = failed(stack)

    assert f"tsunagu password {NAME}" in told
    assert "error 9" in told
    refused = [entry for entry in stack.json("log") if entry["code"] == 9]
    assert len(refused) == 1
    stack.done("password", NAME, "--stdin", stdin=f"{PASSWORD}\n")
    stack.connect()
    assert server.ping()


def test_an_unknown_user_is_told_like_a_wrong_password(stack: Stack) -> None:
    stack.add(user="nobody-here")

    told = failed(stack)

    assert "error 9" in told


def test_an_unknown_hub_is_told_and_not_tried_again(stack: Stack) -> None:
    stack.add(hub="NOWHERE")

    told = failed(stack)

    assert says(told, 8)
    assert stack.state() is State.IDLE


def test_a_hub_that_is_offline_is_tried_again_later(own_server: VpnServer, own_stack: Stack) -> None:
    own_server.hub_offline()
    own_stack.add()

    own_stack.done("connect", NAME)

    own_stack.wait_for_state(State.WAITING)
    status = own_stack.status()
    assert status["error_code"] == 10
    assert 50 < status["retry_at"] - status["started_at"] < 70
    own_server.hub_online()
    own_stack.connect()  # at once, because a person asks
    assert own_server.ping()


def test_a_name_that_nobody_knows(stack: Stack) -> None:
    stack.add(host="vpn.nowhere.invalid", retry_limit=0)

    told = failed(stack)

    assert says(told, 1)
    assert "vpn.nowhere.invalid" in told


def test_a_closed_port(stack: Stack) -> None:
    stack.add(port=4444, retry_limit=0)

    assert says(failed(stack), 1)


def test_a_server_that_is_switched_off(own_server: VpnServer, own_stack: Stack) -> None:
    own_stack.add()
    own_server.link_down()

    own_stack.done("connect", NAME)

    own_stack.wait_for_state(State.WAITING, timeout_s=25)
    assert own_stack.status()["error_code"] == 1
    own_server.link_up()
    own_stack.wait_for_state(State.UP, timeout_s=25)


@pytest.mark.parametrize(
    ("kind", "codes"),
    [("closing", {3, 152}), ("resetting", {1, 3, 152}), ("ssh", {2}), ("http", {2}), ("tls-garbage", {2, 152})],
)
def test_a_port_that_speaks_something_else(server: VpnServer, stack: Stack, kind: str, codes: set[int]) -> None:
    with fault(server, kind) as port:
        stack.add(port=port, retry_limit=0)

        told = failed(stack)

    assert any(says(told, code) for code in codes), told


def test_a_port_that_says_nothing(server: VpnServer, stack: Stack) -> None:
    with fault(server, "silent") as port:
        stack.add(port=port, retry_limit=0)

        told = failed(stack)

    assert says(told, 152)


@pytest.mark.parametrize("kind", ["https", "garbage"])
def test_a_web_server_instead_of_a_vpn_server(server: VpnServer, stack: Stack, kind: str) -> None:
    with fault(server, kind, 10_000_000) as port:
        stack.add(port=port, trusted=False, retry_limit=0)
        stack.done("trust", NAME, "--yes")  # the hotel's certificate

        told = failed(stack)

    assert says(told, 2) or says(told, 4), told


@pytest.mark.parametrize("octets", [1, 90, 700, 1434, 1600, 2200, 2828, 4000])
def test_a_line_that_is_cut_in_the_middle_of_the_handshake(server: VpnServer, stack: Stack, octets: int) -> None:
    """Debian's server needs 1434 octets for TLS, 158 for tickets; its hello goes to 2828, its welcome to about 5700."""
    with fault(server, "cutting", octets) as port:
        stack.add(port=port, retry_limit=0)

        told = failed(stack)

    assert any(says(told, code) for code in (3, 152)), told
    wait_for(lambda: not server.carriers(), 30, "the end of the attempt")


@pytest.mark.parametrize("octets", [1600, 4000])
def test_a_line_that_falls_silent_in_the_middle_of_the_handshake(server: VpnServer, stack: Stack, octets: int) -> None:
    with fault(server, "stalling", octets) as port:
        stack.add(port=port, retry_limit=0)

        told = failed(stack)

    assert says(told, 3)


def test_who_is_not_in_the_group_may_do_nothing(server: VpnServer, stack: Stack) -> None:
    stack.add()

    for command in (
        ["add", "Mine", "--server", SERVER, "--hub", "LAB", "--user", "jun"],
        ["connect", NAME],
        ["remove", NAME],
    ):
        result = stack.cli(*command, user="jun")
        assert result.returncode == 1, command
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "Traceback" not in result.stderr
    assert stack.state() is State.IDLE
    assert not server.carriers()


def test_two_people_at_once_do_not_confuse_it(server: VpnServer, stack: Stack) -> None:
    stack.add()
    commands = [["connect", NAME, "--wait"], ["connect", NAME], ["status", NAME], ["connect", NAME, "--wait"]]

    running = [
        subprocess.Popen(
            stack.cli_command(*command, user=user), env=stack.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for command in commands for user in ("mika", "root")
    ]  # fmt: skip
    results = [(*process.communicate(timeout=60), process.returncode) for process in running]

    assert [code for *_, code in results] == [0] * len(results), results
    assert server.carriers() == 1
    assert len(stack.workers()) == 1
