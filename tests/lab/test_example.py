"""The examples in the documentation work against a real server, as they are shown there; test_hooks has the hook."""

import re
import sys

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tsunagu.model import State


def test_the_example_logs_in_and_prints_the_welcome(server: VpnServer) -> None:
    document = (CHECKOUT / "docs/protocol.md").read_text()
    shown = re.findall(r"```sh\n(openssl s_client .*?welcome\.py .*?)```", document, re.DOTALL)
    [lines] = shown
    (server.folder / "password.txt").write_text(f"{PASSWORD}\n")
    for word, meant in (
        ("vpn.example.org", SERVER),
        ("OFFICE", HUB),
        ("mika", USER),
        ("server.pem", f"{server.folder}/server.pem"),
        ("password.txt", f"{server.folder}/password.txt"),
    ):
        lines = lines.replace(word, meant)

    said = server.run(server.cli, "sh", "-ec", f"cd {CHECKOUT}\n{lines}").stdout.splitlines()

    assert " build " in said[0]
    assert said[1].startswith(f"SID-{USER.upper()}-")
    assert len((CHECKOUT / "docs/examples/welcome.py").read_text().splitlines()) <= 30


def test_a_program_connects_and_prints_the_address(server: VpnServer, stack: Stack) -> None:
    stack.add()
    example = (sys.executable, str(CHECKOUT / "docs/examples/connect.py"))

    done = stack.run(*example, NAME)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [address.partition("/")[0] for address in stack.status()["addresses"]]
    assert server.ping()
    stack.disconnect()
    stack.update(NAME, hub="NOWHERE")
    failed = stack.run(*example, NAME)
    assert failed.returncode == 1
    assert "(error 8)" in failed.stderr
    assert stack.state() is State.IDLE


def test_networkmanager_connects_on_foreign_networks_and_disconnects_at_home(stack: Stack) -> None:
    stack.cli("add", "office", "--server", SERVER, "--hub", HUB, "--user", USER, "--password-stdin", user="root",
              stdin=f"{PASSWORD}\n")  # fmt: skip
    stack.cli("trust", "office", "--yes", user="root")
    programs = stack.folder / "programs"
    programs.mkdir()
    (programs / "tsunagu").write_text(f'#!/bin/sh\nexec {sys.executable} -m tsunagu_tray.cli "$@"\n')
    (programs / "tsunagu").chmod(0o755)
    hook = str(CHECKOUT / "docs/examples/networkmanager-dispatcher.sh")
    path = f"{programs}:/usr/bin:/bin"

    stack.run(hook, "wlan0", "up", user="root", PATH=path, CONNECTION_ID="Café")
    stack.wait_for_state(State.UP, "office")
    stack.run(hook, "wlan0", "up", user="root", PATH=path, CONNECTION_ID="Office LAN")

    stack.wait_for_state(State.IDLE, "office")
