"""``tsunagu doctor`` on a machine where one thing after the other is broken on purpose."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.server import VpnServer
from tests.lab.stack import Stack


def examined(stack: Stack, user: str | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and what was found by key."""
    done = stack.cli("doctor", "--json", user=user)
    return done.returncode, {finding["key"]: finding for finding in json.loads(done.stdout)}


@contextmanager
def hidden_from_helper(stack: Stack, *paths: Path) -> Iterator[None]:
    """A helper that sees something else there; it has mounts of its own, so it is started anew."""
    stack.stop_helper()
    for path in paths:
        subprocess.run(["mount", "--bind", "/dev/null", path], check=True)
    try:
        stack.start_helper()
        yield
    finally:
        for path in paths:
            subprocess.run(["umount", path], check=True)


def test_a_machine_that_works_is_called_well(stack: Stack) -> None:
    status, found = examined(stack)

    assert status == 0, found
    assert {key: finding["level"] for key, finding in found.items() if finding["level"] != "info"} == {
        "agent": "warning",  # mika has no desktop here
        "file": "warning",  # nothing is installed here
    }
    assert "limited in system calls and files" in found["worker"]["text"]
    assert found["data_path"]["text"] == "The data path is compiled"
    assert "resolv.conf" in found["resolver"]["text"]
    assert "members of the group tsunagu" in found["polkit"]["text"]
    assert stack.leftovers() == []


def test_whoever_may_not_use_it_is_told_so(stack: Stack) -> None:
    _, found = examined(stack, user="jun")

    assert "members of the group tsunagu may" in found["not_examined"]["text"]
    assert "worker" not in found


def test_a_worker_that_cannot_be_confined_is_an_error_that_says_why(stack: Stack) -> None:
    [library] = Path("/usr/lib").glob("*/libseccomp.so.2")

    with hidden_from_helper(stack, library.resolve()):
        status, found = examined(stack)

    assert (status, found["worker"]["level"]) == (1, "error")
    assert "libseccomp is missing" in found["worker"]["text"]


def test_a_machine_without_virtual_adapters_and_nftables_is_told_what_to_install(stack: Stack) -> None:
    with hidden_from_helper(stack, Path("/dev/net/tun"), Path("/usr/sbin/nft").resolve()):
        status, found = examined(stack)

    assert (status, found["tun"]["level"]) == (1, "error")
    assert "modprobe tun" in found["tun"]["text"]
    for key in ("nftables", "guard"):
        assert found[key]["level"] == "warning"
        assert "takes the package nftables" in found[key]["text"]
        assert "there is no program nft" in found[key]["text"]


def test_what_an_earlier_life_left_behind_is_named(server: VpnServer, stack: Stack) -> None:
    for command in (
        "rule add priority 8410 protocol 84 lookup 8484",
        "route add unreachable default table 8484 proto 84 metric 1",
        "tuntap add tsunagu9 mode tap",
    ):
        server.run(server.cli, "ip", *command.split())
    server.run(server.cli, "ip", "link", "set", "tsunagu9", "alias", f"Tsunagu ({stack.state_folder})")

    done = stack.cli("doctor", "--json")

    left = [found["text"] for found in json.loads(done.stdout) if found["key"] == "leftover"]
    for what in ("rule 8410", "route 0.0.0.0/0 table 8484", "link tsunagu9"):
        assert any(what in text for text in left), left
    stack.stop_helper()
    stack.start_helper()
    assert "leftover" not in examined(stack)[1]


def test_damaged_files_are_told_until_somebody_sees_to_them(stack: Stack) -> None:
    stack.stop_helper()
    (stack.state_folder / "connections").mkdir(mode=0o700, exist_ok=True)
    (stack.state_folder / "connections/abc.json").write_text("{")
    (stack.state_folder / "lockdown.nft").write_text("{")
    stack.start_helper()

    status, found = examined(stack)

    assert "abc.json" in found["connection"]["text"]
    assert (status, found["lockdown"]["level"]) == (1, "error")
    assert "damaged" in found["lockdown"]["text"]

    stack.stop_helper()
    stack.start_helper()
    assert "quarantine/abc.json" in examined(stack)[1]["quarantine"]["text"]
    assert stack.cli("unblock", user="root").returncode == 0
    assert "lockdown" not in examined(stack)[1]


def test_a_kill_switch_for_nobody_is_an_error(server: VpnServer, stack: Stack) -> None:
    server.run(server.cli, "nft", "add", "table", "inet", "tsunagu")

    status, found = examined(stack)

    assert (status, found["lockdown"]["level"]) == (1, "error")
    server.run(server.cli, "nft", "delete", "table", "inet", "tsunagu")


def test_without_the_compiled_data_path_that_is_said(server: VpnServer) -> None:
    with Stack(server, helper_options=["--plain"]) as stack:
        assert "--plain" in examined(stack)[1]["data_path"]["text"]


def test_without_a_helper_that_is_the_error(stack: Stack) -> None:
    stack.stop_helper()

    status, found = examined(stack)

    assert (status, found["helper"]["level"]) == (1, "error")
    stack.start_helper()
