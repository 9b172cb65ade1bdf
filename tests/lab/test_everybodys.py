"""Connections for everybody on the machine, from root or from the administrator's directory."""

import json

from tests.lab.server import HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import Stack
from tests.lab.waiting import wait_for
from tsunagu.model import State


def test_what_the_administrator_provides_is_used_by_people_and_changed_by_nobody(
    server: VpnServer, stack: Stack
) -> None:
    directory = stack.folder / "etc" / "connections.d"
    directory.mkdir(parents=True)
    settings = {"name": "Company", "host": SERVER, "hub": HUB, "username": USER, "connect_at_start": True}
    settings["server_fingerprint"] = server.fingerprint()
    (directory / "company.json").write_text(json.dumps(settings))
    (directory / "typo.json").write_text(json.dumps(settings | {"hubb": HUB}))
    stack.stop_helper()
    stack.forget_boot()
    stack.start_helper()
    root = stack.cli("password", "Company", "--stdin", user="root", stdin=f"{PASSWORD}\n")

    assert root.returncode == 0, root.stderr
    wait_for(lambda: stack.state("Company") is State.UP, 30, "the connection that starts with the machine")
    assert server.ping()
    for command in (("set", "Company", "port=992"), ("remove", "Company")):
        refused = stack.cli(*command)
        assert refused.returncode != 0
        assert "provides this connection" in refused.stderr
    told = [entry["text"] for entry in stack.json("log")]
    assert any("typo.json" in text and '"hubb"' in text for text in told)
    found = {finding["key"]: finding for finding in stack.json("doctor")}
    assert "typo.json" in found["connection"]["text"]
    assert "helper" not in found
    stack.disconnect("Company")


def test_what_root_adds_is_everybodys_to_use(server: VpnServer, stack: Stack) -> None:
    add = ("add", "Shared", "--server", f"{SERVER}:443", "--hub", HUB, "--user", USER, "--password-stdin")
    added = stack.cli(*add, "--fingerprint", server.fingerprint(), user="root", stdin=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr

    stack.connect("Shared")

    assert server.ping()
    stack.disconnect("Shared")
