"""Hooks with a real helper and a real server: they hear what happens, and whatever they do, the tunnel stands."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.sandbox import CHECKOUT
from tests.lab.server import HUB, LAN, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State

Put = Callable[[str, str], Path]


@pytest.fixture
def put(stack: Stack) -> Put:
    def put(name: str, script: str) -> Path:
        path = stack.folder / "etc/hooks.d" / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
        return path

    return put


def noting(folder: Path) -> str:
    """A hook that appends what it was told to a file, as JSON."""
    code = (
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k[:8] == 'TSUNAGU_'}), flush=True)"
    )
    return f'#!/bin/sh\n/usr/bin/python3 -I -c "{code}" >>{folder}/noted\n'


def noted(stack: Stack) -> list[dict[str, str]]:
    path = stack.folder / "noted"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def events(stack: Stack) -> list[str]:
    return [told["TSUNAGU_EVENT"] for told in noted(stack)]


def test_hooks_hear_of_every_session_and_of_its_end(server: VpnServer, stack: Stack, put: Put) -> None:
    put("10-note", noting(stack.folder))
    last_words = stack.folder / "last-words"
    put("20-says-good-bye", f"#!/bin/sh\n[ $TSUNAGU_EVENT != disconnecting ] || ping -qc1 -W9 {LAN} >{last_words}\n")
    stack.add()

    stack.connect()
    wait_for(lambda: events(stack) == ["connected"], 30, "the hook")
    status = stack.status()
    stack.kill_workers()
    wait_for(lambda: events(stack) == ["connected", "lost", "connected"], 60, "the hooks of a reconnect")
    assert server.ping()
    stack.disconnect()
    wait_for(lambda: len(noted(stack)) == 5, 30, "the hook")

    first, lost, _, parting, last = noted(stack)
    assert parting["TSUNAGU_EVENT"] == "disconnecting"
    assert "1 received" in last_words.read_text()
    assert first["TSUNAGU_ADDRESS"].split() == status["addresses"]
    assert first["TSUNAGU_NIC"] == last["TSUNAGU_NIC"] == status["interface"]
    assert first["TSUNAGU_CONNECTION"] == NAME
    assert first["TSUNAGU_OWNER"] == str(pwd.getpwnam(stack.person).pw_uid)
    assert first["TSUNAGU_SERVER"] == f"{SERVER}:443"
    assert first["TSUNAGU_HUB"] == HUB
    assert (lost["TSUNAGU_ERROR_CODE"], last["TSUNAGU_EVENT"]) == ("23", "disconnected")
    assert PASSWORD not in json.dumps(noted(stack))


def test_an_attempt_that_is_given_up_is_told_too(stack: Stack, put: Put) -> None:
    put("10-note", noting(stack.folder))
    stack.add(hub="NOWHERE")

    stack.cli("connect", NAME, "--wait")

    wait_for(lambda: events(stack) == ["failed"], 30, "the hook")
    assert noted(stack)[0]["TSUNAGU_ERROR_CODE"] == "8"


def test_a_hook_that_hangs_fails_or_is_not_roots_keeps_nobody_from_connecting(
    server: VpnServer, stack: Stack, put: Put
) -> None:
    put("10-fails", "#!/bin/sh\necho 'no such share'\nexit 32\n")
    theirs, open_to_all = put("20-theirs", noting(stack.folder)), put("30-open", noting(stack.folder))
    os.chown(theirs, pwd.getpwnam("mika").pw_uid, -1)
    open_to_all.chmod(0o757)
    put("40-hangs", "#!/bin/sh\nexec sleep 1234\n")
    stack.add()

    stack.connect()

    assert server.ping()
    wait_for(lambda: _hangs(stack), 30, "the hook that hangs")
    told = [entry["text"] for entry in stack.json("log", NAME)]
    assert [text for text in told if "10-fails failed with exit status 32" in text]
    for path in (theirs, open_to_all):
        assert [text for text in told if f"{path} is not used for hooks" in text]
    assert "hook 10-fails: no such share" in stack.helper_log()
    stack.disconnect()
    assert events(stack) == []


def _hangs(stack: Stack) -> bool:
    lines = (_command_line(number) for number in stack.server.processes_in(stack.server.cli))
    return b"sleep\x001234\x00" in lines


def _command_line(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""


def test_hooks_hear_that_the_service_leaves(stack: Stack, put: Put) -> None:
    put("10-note", noting(stack.folder))
    stack.add()
    stack.connect()

    stack.stop_helper()

    assert events(stack) == ["connected", "disconnected"]
    stack.start_helper()


def test_the_example_keeps_the_hub_out_while_it_is_connected(server: VpnServer, stack: Stack, put: Put) -> None:
    put("50-firewall", (CHECKOUT / "docs/examples/hook-firewall.sh").read_text())
    add = ("add", "office", "--server", f"{SERVER}:443", "--hub", HUB, "--user", USER, "--password-stdin")
    assert stack.cli(*add, "--fingerprint", server.fingerprint(), user="root", stdin=f"{PASSWORD}\n").returncode == 0

    def rules() -> str:
        return server.run(server.cli, "nft", "list", "ruleset").stdout

    stack.connect("office")
    wait_for(lambda: "table inet office" in rules(), 30, "the hook's rules")
    assert f'iifname "{stack.status("office")["interface"]}" drop' in rules()
    assert server.ping()  # what we begin is answered
    stack.disconnect("office")

    wait_for(lambda: "table inet office" not in rules(), 30, "them to go")
    assert stack.state("office") is State.IDLE
    assert not [entry for entry in stack.json("log") if "hook" in entry["text"]]
