"""A real cluster: its controller sends the session to a member, and everything of the session goes there."""

from collections.abc import Iterator

import pytest

from tests.lab.cluster import GATEWAY, INSIDE, MEMBER, Member
from tests.lab.proxies import proxy
from tests.lab.server import CLIENT, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.waiting import wait_for
from tsunagu.model import ProxyKind, State


@pytest.fixture
def member(own_server: VpnServer) -> Iterator[Member]:
    with Member(own_server) as member:
        yield member


def test_the_session_lives_at_the_member_and_begins_anew_at_the_controller(
    own_server: VpnServer, member: Member, own_stack: Stack
) -> None:
    own_stack.add(NAME, "--carriers", "3", host=SERVER)
    own_stack.connect()
    wait_for(lambda: own_stack.status()["carriers"] == 3, 20, "three carriers")

    assert own_stack.status()["server_name"] == MEMBER
    assert member.carriers() == 3
    at_controller = own_server.run(own_server.srv, "ss", "-Htn", "state", "established", f"dst {CLIENT}").stdout
    assert not at_controller
    assert own_server.ping(GATEWAY)

    member.kill()
    own_stack.wait_for_state(State.WAITING)
    member.start()
    own_stack.wait_for_state(State.UP, timeout_s=60)

    assert own_stack.status()["server_name"] == MEMBER
    # Each attempt begins at the controller: the first, one at once after the loss, others while the member is down.
    assert own_stack.helper_log().count("redirected") >= 2
    assert own_server.ping(GATEWAY)


def test_the_way_to_the_member_goes_through_the_proxy_too(
    own_server: VpnServer, member: Member, own_stack: Stack
) -> None:
    own_server.run(own_server.srv, "ip", "route", "add", MEMBER, "via", INSIDE)  # to the proxy there
    with proxy(own_server, ProxyKind.SOCKS5) as way:
        own_stack.add(NAME, "--carriers", "2", "--proxy", f"socks5://{way.host}:{way.port}", host=SERVER)

        own_stack.connect()

        wait_for(lambda: own_stack.status()["carriers"] == 2, 20, "two carriers")
        assert own_stack.status()["server_name"] == MEMBER
        assert member.carriers() == 2
        lines = own_server.run(own_server.cli, "ss", "-Htn", "state", "established", f"dst {MEMBER}").stdout
        assert not lines
        assert own_server.ping(GATEWAY)
        own_stack.disconnect()
