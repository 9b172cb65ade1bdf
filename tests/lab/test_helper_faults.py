"""The helper killed, its bus gone, its disk full, its files spoilt: nothing is lost and nothing stays behind."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.lab.conftest import nothing_is_left_of
from tests.lab.server import SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.units import run_stop_post
from tests.lab.waiting import wait_for
from tsunagu.model import State


def test_a_killed_helper_takes_all_down_with_it(stack: Stack) -> None:
    stack.add()
    stack.connect()

    stack.kill_helper()

    wait_for(lambda: not stack.workers(), 30, "the worker to go")
    assert run_stop_post(stack)
    assert not stack.leftovers()
    stack.start_helper()


def test_a_helper_that_ends_logs_off(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.connect()

    stack.stop_helper()

    assert not stack.leftovers()
    wait_for(lambda: not server.carriers(), 3, "the log-off")
    stack.start_helper()


def test_without_a_helper_the_commands_say_so(stack: Stack) -> None:
    stack.stop_helper()

    for command in (["list"], ["status"], ["connect", NAME]):
        result = stack.cli(*command)
        assert result.returncode == 1
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "Traceback" not in result.stderr
    stack.start_helper()


def test_tunnels_outlive_a_restart_of_the_bus(server: VpnServer, stack: Stack) -> None:
    stack.add()
    stack.connect()

    stack.restart_bus()

    wait_for(stack.helper_answers, 20, "the helper to be on the bus again")
    assert stack.state() is State.UP
    assert stack.status()["established_count"] == 1
    assert server.ping()
    stack.disconnect()
    assert not stack.leftovers()


def test_settings_that_cannot_be_written_are_refused_whole(full_disk: Stack) -> None:
    stack = full_disk
    stack.add()
    stack.connect()
    stack.disconnect()
    ballast = stack.state_folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass

    result = stack.cli("add", "Another", "--server", SERVER, "--hub", "LAB", "--user", "x")

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert [entry["name"] for entry in stack.json("list")] == [NAME]
    stack.connect()  # what was saved before still works
    stack.disconnect()
    ballast.unlink()
    stack.done("add", "Another", "--server", SERVER, "--hub", "LAB", "--user", "x")
    stack.stop_helper()
    stack.start_helper()
    assert {entry["name"] for entry in stack.json("list")} == {NAME, "Another"}


@pytest.fixture
def full_disk(own_server: VpnServer) -> Iterator[Stack]:
    """With settings on a disk of their own, a small one."""
    with Stack(own_server) as stack:
        stack.stop_helper()
        options = ["-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs"]
        subprocess.run(["mount", *options, str(stack.state_folder)], check=True)
        try:
            stack.start_helper()
            yield stack
            nothing_is_left_of(stack)
        finally:
            subprocess.run(["umount", "--lazy", str(stack.state_folder)], check=True)


def test_a_file_spoilt_by_hand_costs_that_connection_only(server: VpnServer, stack: Stack) -> None:
    stack.add("Spoilt")
    stack.add()
    stack.stop_helper()
    spoilt = [path for path in stack.state_folder.rglob("*") if path.is_file() and b"Spoilt" in path.read_bytes()]
    assert len(spoilt) == 1
    spoilt[0].write_bytes(spoilt[0].read_bytes()[:-20] + b"\xff\x00}")
    content = spoilt[0].read_bytes()

    stack.start_helper()

    assert [entry["name"] for entry in stack.json("list")] == [NAME]
    assert str(spoilt[0].name) in stack.helper_log()
    kept = [path.read_bytes() for path in stack.state_folder.rglob("*") if path.is_file()]
    assert content in kept  # for the person who can mend it
    stack.connect()
    assert server.ping()


def test_secrets_lie_in_files_for_root_only_and_in_no_log(stack: Stack) -> None:
    stack.add(password="secret")
    stack.connect()

    for path in [stack.state_folder, *stack.state_folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert "secret" not in stack.helper_log().replace("secrets", "")
    assert "secret" not in stack.done("log")
