"""What is asked of a real server without a NIC and without keeping anything: its hubs, and whether a log-in works."""

import json

import pytest

from tests.lab.relay import bad_line
from tests.lab.server import ANONYMOUS_USER, HUB, PASSWORD, SERVER, USER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.bus_names import MANAGER, ROOT_PATH, connection_path
from tsunagu_dbus import plain, to_variants


def tried(stack: Stack, *, like: str = "/", password: str = "", **settings: object) -> dict[str, object]:
    values = {"name": "-", "host": SERVER, "hub": HUB, "username": USER} | settings
    secrets = {"password": password} if password else {}
    body = (to_variants(values), to_variants(secrets), like)
    [answer] = stack.call(ROOT_PATH, MANAGER, "TryLogIn", "a{sv}a{sv}o", *body)
    return dict(plain(answer))


def test_a_servers_hubs_are_listed_but_not_those_that_hide(server: VpnServer, stack: Stack) -> None:
    server.vpncmd("HubCreate OPEN /PASSWORD:x", "HubCreate HIDDEN /PASSWORD:x", "Hub HIDDEN", "SetEnumDeny")
    try:
        listed = stack.done("hubs", SERVER).split()

        assert {HUB, "OPEN"} <= {*listed}
        assert "HIDDEN" not in listed
        assert json.loads(stack.done("hubs", f"{SERVER}:443", "--json")) == listed
        assert "(error 1)" in stack.cli("hubs", f"{SERVER}:444").stderr
        assert not stack.workers()
    finally:
        server.vpncmd("HubDelete OPEN", "HubDelete HIDDEN")


def test_a_log_in_is_tried_and_leaves_nothing_behind(server: VpnServer, stack: Stack) -> None:
    fingerprint = server.fingerprint()

    good = tried(stack, password=PASSWORD, server_fingerprint=fingerprint)
    wrong = tried(stack, password=f"not {PASSWORD}", server_fingerprint=fingerprint)
    nowhere = tried(stack, password=PASSWORD, server_fingerprint=fingerprint, hub="NOWHERE")

    assert (good["error_code"], good["session_key"]) == (0, "")
    assert "SoftEther" in str(good["server_product"])
    assert (wrong["error_code"], nowhere["error_code"]) == (9, 8)
    wait_for(lambda: not server.sessions(), 30, "the end of the session")
    assert not stack.leftovers()
    assert stack.json("list") == []
    assert PASSWORD not in stack.helper_log()


@pytest.mark.usefixtures("server")
def test_a_server_that_nobody_vouches_for_shows_its_certificate_first(stack: Stack) -> None:
    unknown = tried(stack, password=PASSWORD)

    assert unknown["error_code"] == 85
    assert unknown["server_certificate"]


def test_a_log_in_is_tried_with_the_password_that_is_kept(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME)
    path = connection_path(stack.id_of(NAME))

    kept = tried(stack, like=path, server_fingerprint=server.fingerprint())
    anonymous = tried(stack, server_fingerprint=server.fingerprint(), username=ANONYMOUS_USER, auth="anonymous")

    assert (kept["error_code"], anonymous["error_code"]) == (0, 0)


def test_the_round_trip_is_what_the_line_takes(server: VpnServer, stack: Stack) -> None:
    with bad_line(server, delay_s=0.05) as address:
        stack.add(NAME, host=address)
        stack.connect()

        wait_for(lambda: 90 < stack.status()["round_trip_ms"] < 1000, 30, "a measured round trip")

        stack.disconnect()


@pytest.mark.usefixtures("server")
def test_who_may_not_save_connections_may_not_have_servers_asked(stack: Stack) -> None:
    refused = stack.cli("hubs", SERVER, user="jun")

    assert refused.returncode == 1
    assert "may change VPN connections" in refused.stderr
    assert not stack.workers()
