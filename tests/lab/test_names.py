"""Who is asked for names while a tunnel is up, and that all is as before when it is not."""

from collections.abc import Iterator

import pytest

from tests.lab.conftest import nothing_is_left_of
from tests.lab.name_service import POLICY, RESOLV_CONF, SERVER_NAME, lookup, start_dns, start_resolved
from tests.lab.server import LAN, SERVER, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.units import run_unit
from tests.lab.waiting import wait_for
from tsunagu.model import State

INSIDE, OUTSIDE = "198.51.100.1", "198.51.100.2"  # what the DNS servers behind the hub and before it answer


@pytest.fixture
def named(own_server: VpnServer) -> Iterator[VpnServer]:
    """A lab with a DNS server on either side; DHCP names the inner one, and the domain office.example."""
    server = own_server
    start_dns(server, "dns-outside", server.srv, SERVER, OUTSIDE)
    start_dns(server, "dns-inside", server.lan, LAN, INSIDE)
    server.stop_dhcp()
    server.start_dhcp(f"--dhcp-option=option:dns-server,{LAN}", "--dhcp-option=option:domain-name,office.example")
    before = RESOLV_CONF.read_text()
    yield server
    RESOLV_CONF.write_text(before)


@pytest.fixture
def desktop(named: VpnServer) -> Iterator[Stack]:
    """With systemd-resolved."""
    with Stack(named, policies=(POLICY,)) as stack:
        RESOLV_CONF.write_text("nameserver 127.0.0.53\n")
        start_resolved(stack, outside=SERVER)
        stack.add()
        yield stack
        nothing_is_left_of(stack)


@pytest.fixture
def plain(named: VpnServer) -> Iterator[Stack]:
    """With nothing but the file."""
    with Stack(named) as stack:
        RESOLV_CONF.write_text(f"# mine\nnameserver {SERVER}\n")
        stack.add()
        yield stack
        nothing_is_left_of(stack)


def asked(server: VpnServer, where: str, name: str) -> bool:
    return f"query[A] {name}" in server.log(where)


def test_only_names_behind_the_hub_are_looked_up_there(named: VpnServer, desktop: Stack) -> None:
    assert lookup(named, "files.office.example") == OUTSIDE

    desktop.connect()

    assert lookup(named, "printer.office.example") == INSIDE
    assert lookup(named, "www.example.org") == OUTSIDE
    assert not asked(named, "dns-outside", "printer.office.example")
    assert not asked(named, "dns-inside", "www.example.org")
    desktop.disconnect()
    assert lookup(named, "again.office.example") == OUTSIDE


def test_with_all_traffic_in_the_tunnel_no_name_is_asked_outside(named: VpnServer, desktop: Stack) -> None:
    desktop.done("set", NAME, "routing=everything")
    desktop.connect()

    assert lookup(named, "secret.example.org") == INSIDE
    assert lookup(named, "secret.office.example") == INSIDE

    assert not asked(named, "dns-outside", "secret.")
    desktop.disconnect()
    assert lookup(named, "later.example.org") == OUTSIDE


def test_a_person_may_choose_the_servers_and_the_names(named: VpnServer, desktop: Stack) -> None:
    desktop.done("set", NAME, "dns=manual", f"dns_servers={LAN}", "dns_domains=lab.example")
    desktop.connect()
    assert lookup(named, "a.lab.example") == INSIDE
    assert lookup(named, "a.office.example") == OUTSIDE
    desktop.disconnect()

    desktop.done("set", NAME, "dns=off", "dns_servers=", "dns_domains=")
    desktop.connect()
    assert lookup(named, "b.office.example") == OUTSIDE


def test_after_a_kill_names_are_looked_up_as_before(named: VpnServer, desktop: Stack) -> None:
    desktop.done("set", NAME, "routing=everything")
    desktop.connect()

    desktop.kill_helper()
    desktop.start_helper()

    wait_for(lambda: lookup(named, "killed.example.org") == OUTSIDE, 20, "the DNS server outside")


def test_without_a_resolver_the_file_changes_only_where_all_names_go_through_the_tunnel(
    named: VpnServer, plain: Stack
) -> None:
    mine = RESOLV_CONF.read_text()
    plain.connect()
    assert RESOLV_CONF.read_text() == mine
    assert "that takes systemd-resolved" in plain.done("log", NAME)
    plain.disconnect()

    plain.done("set", NAME, "routing=everything")
    plain.connect()
    assert f"nameserver {LAN}" in RESOLV_CONF.read_text()
    assert lookup(named, "secret.example.org") == INSIDE
    assert not asked(named, "dns-outside", "secret.")
    plain.disconnect()
    assert RESOLV_CONF.read_text() == mine


def test_what_another_program_writes_there_is_used_only_when_the_tunnel_is_down(named: VpnServer, plain: Stack) -> None:
    plain.done("set", NAME, "routing=everything")
    plain.connect()
    theirs = f"# theirs\nnameserver {SERVER}\n"

    RESOLV_CONF.write_text(theirs)

    wait_for(lambda: f"nameserver {LAN}" in RESOLV_CONF.read_text(), 30, "the name server behind the hub")
    assert lookup(named, "secret.example.org") == INSIDE
    plain.disconnect()
    assert RESOLV_CONF.read_text() == theirs


def test_the_file_comes_back_after_a_kill(named: VpnServer, plain: Stack) -> None:
    mine = RESOLV_CONF.read_text()
    plain.done("set", NAME, "routing=everything")
    plain.connect()

    plain.kill_helper()
    assert RESOLV_CONF.read_text() != mine
    plain.start_helper()

    assert RESOLV_CONF.read_text() == mine
    assert lookup(named, "killed.example.org") == OUTSIDE


def test_the_file_comes_back_at_the_machine_s_start_before_any_helper(named: VpnServer, plain: Stack) -> None:
    mine = RESOLV_CONF.read_bytes()
    plain.done("set", NAME, "routing=everything")
    plain.connect()
    plain.kill_helper()
    plain.forget_boot()
    assert RESOLV_CONF.read_bytes() != mine

    assert run_unit(plain, "tsunagu-restore.service")

    assert RESOLV_CONF.read_bytes() == mine
    assert lookup(named, "rebooted.example.org") == OUTSIDE
    assert not plain.leftovers()
    plain.start_helper()


def test_the_file_comes_back_when_the_helper_ends(plain: Stack) -> None:
    mine = RESOLV_CONF.read_text()
    plain.done("set", NAME, "routing=everything")
    plain.connect()

    plain.stop_helper()

    assert RESOLV_CONF.read_text() == mine
    plain.start_helper()


@pytest.mark.parametrize("where", ["desktop", "plain"])
def test_a_tunnel_that_names_are_looked_up_in_comes_back_all_the_same(
    named: VpnServer, where: str, request: pytest.FixtureRequest
) -> None:
    stack: Stack = request.getfixturevalue(where)
    stack.update(NAME, host=SERVER_NAME, routing="everything")
    stack.done("trust", NAME, "--fingerprint", named.fingerprint())
    stack.connect()
    assert asked(named, "dns-outside", SERVER_NAME)

    named.disconnect_session()
    stack.wait_for_state(State.WAITING)
    stack.wait_for_state(State.UP)

    wait_for(lambda: lookup(named, "back.example.org") == INSIDE, 60, "names from behind the hub")
    assert not asked(named, "dns-outside", "back.")
