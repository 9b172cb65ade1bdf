"""All ways to a real server: through real proxies, over both families of addresses, from the wanted source."""

import base64
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.name_service import RESOLV_CONF
from tests.lab.proxies import PASSWORD as PROXY_PASSWORD
from tests.lab.proxies import proxy, stranger
from tests.lab.server import BLACK_HOLE_6, CLIENT, CLIENT_6, FILE_SHA256, HIDDEN, PASSWORD, SERVER, SERVER_6, VpnServer
from tests.lab.stack import NAME, Stack
from tests.lab.test_protocol import log_in
from tests.lab.waiting import wait_for
from tsunagu.control import Established, Failed
from tsunagu.model import AuthType, Proxy, ProxyKind, Session

# -- proxies ----------------------------------------------------------------------------------------------------------

KINDS = pytest.mark.parametrize("kind", list(ProxyKind), ids=lambda kind: kind.value)
KINDS_WITH_PASSWORD = pytest.mark.parametrize("kind", [ProxyKind.HTTP, ProxyKind.SOCKS5], ids=lambda kind: kind.value)


def session_of(answer: Established | Failed) -> Session:
    assert isinstance(answer, Established), answer
    return answer.session


def code_of(answer: Established | Failed) -> int:
    assert isinstance(answer, Failed), answer
    return answer.code


@KINDS
@pytest.mark.parametrize("host", ["its address", "its name"])
def test_a_proxy_leads_where_the_client_cannot_go_itself(server: VpnServer, kind: ProxyKind, host: str) -> None:
    host = server.name(HIDDEN) if host == "its name" else HIDDEN

    with proxy(server, kind) as way:
        session = session_of(log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=host, proxy=way))

    assert session.carrier_address == SERVER
    assert session.server_address == (HIDDEN if kind is ProxyKind.SOCKS4 else host)
    assert code_of(log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=host)) == 1
    assert code_of(log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=host, proxy=way)) == 17


@KINDS_WITH_PASSWORD
def test_a_proxy_lets_only_its_user_through(server: VpnServer, kind: ProxyKind) -> None:
    with proxy(server, kind, with_password=True) as way:

        def through(way: Proxy, password: str | None) -> Established | Failed:
            return log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=HIDDEN, proxy=way, proxy_password=password)

        assert session_of(through(way, PROXY_PASSWORD)).carrier_address == SERVER
        assert code_of(through(way, "guess")) == 19
        assert code_of(through(way, None)) == 19
        assert code_of(through(stranger(way), PROXY_PASSWORD)) == 19


def test_a_header_of_the_settings_reaches_the_proxy(server: VpnServer) -> None:
    with proxy(server, ProxyKind.HTTP, with_password=True) as way:
        proof = base64.b64encode(f"{way.username}:{PROXY_PASSWORD}".encode()).decode()
        by_header = replace(way, username="", headers=(("Proxy-Authorization", f"Basic {proof}"),))
        answer = log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=HIDDEN, proxy=by_header)

    assert session_of(answer).carrier_address == SERVER


@KINDS_WITH_PASSWORD
def test_a_password_that_the_proxy_refuses_is_asked_for_and_not_tried_twice(
    server: VpnServer, stack: Stack, kind: ProxyKind
) -> None:
    with proxy(server, kind, with_password=True) as way:
        words = ("--proxy", f"{kind.value}://{way.username}@{way.host}:{way.port}", "--proxy-password-stdin")
        stack.add(NAME, *words, host=HIDDEN, password=f"{PASSWORD}\nguess")

        refused = stack.cli("connect", NAME, "--wait")

        assert refused.returncode == 1
        assert f"tsunagu password --proxy {NAME}" in refused.stderr
        assert [entry["code"] for entry in stack.json("log") if entry["code"]] == [19]
        stack.done("password", "--proxy", NAME, "--stdin", stdin=f"{PROXY_PASSWORD}\n")
        stack.connect()
        assert server.ping()
        stack.disconnect()
        stack.connect()  # with both passwords as they were kept
        stack.disconnect()
        assert PROXY_PASSWORD not in stack.helper_log()


@KINDS
def test_a_proxy_that_does_not_reach_the_server_is_told_as_that(server: VpnServer, kind: ProxyKind) -> None:
    with proxy(server, kind) as way:
        answer = log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=HIDDEN, port=4444, proxy=way)

    assert code_of(answer) in (1, 18)


def test_a_proxy_of_another_kind_is_told_as_that(server: VpnServer) -> None:
    with proxy(server, ProxyKind.SOCKS5) as way:
        other = replace(way, kind=ProxyKind.HTTP)
        answer = log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=HIDDEN, proxy=other)

    assert code_of(answer) == 18


@KINDS
def test_all_carriers_go_through_the_proxy(server: VpnServer, stack: Stack, kind: ProxyKind) -> None:
    with proxy(server, kind) as way:
        stack.add(NAME, "--carriers", "3", "--proxy", f"{kind.value}://{way.host}:{way.port}", host=HIDDEN)
        stack.connect()
        wait_for(lambda: stack.status()["carriers"] == 3, 20, "three carriers")

        assert server.fetch() == FILE_SHA256
        clients = server.run(server.srv, "ss", "-Htn", "state", "established", "sport = :443").stdout.splitlines()
        assert len(clients) == 3
        assert not [line for line in clients if CLIENT in line]
        stack.disconnect()


# -- addresses --------------------------------------------------------------------------------------------------------


def test_a_server_may_have_an_ipv6_address(server: VpnServer, stack: Stack) -> None:
    stack.add(NAME, "--carriers", "2", host=f"[{SERVER_6}]")
    stack.connect()
    wait_for(lambda: stack.status()["carriers"] == 2, 20, "two carriers")

    assert server.fetch() == FILE_SHA256
    assert stack.status()["server_name"] == SERVER_6


def test_the_first_family_that_answers_is_taken(server: VpnServer) -> None:
    both = log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=server.name(SERVER_6, SERVER))
    old = log_in(server, AuthType.PASSWORD, secret=PASSWORD, host=server.name(SERVER))

    assert session_of(both).server_address == SERVER_6
    assert session_of(old).server_address == SERVER


def test_an_ipv6_address_that_leads_nowhere_costs_no_patience(server: VpnServer, stack: Stack) -> None:
    stack.add(host=server.name(BLACK_HOLE_6, SERVER))

    stack.connect()

    status = stack.status()
    assert status["server_name"] == SERVER
    assert status["established_at"] - status["started_at"] < 10  # one address after the other takes at least 15


def test_a_name_server_that_never_answers_about_ipv6_costs_no_patience(server: VpnServer, stack: Stack) -> None:
    usual = RESOLV_CONF.read_text()
    stack.add(host="vpn.example.org")
    names = server.start_program("half_dns", sys.executable, str(Path(__file__).with_name("half_dns.py")), SERVER)
    try:
        wait_for(lambda: f"{SERVER}:53 " in server.run(server.srv, "ss", "-Hlun").stdout, 20, "the name server")
        RESOLV_CONF.write_text(f"nameserver {SERVER}\noptions timeout:30 attempts:1\n")  # we wait for 15 s at most
        stack.connect()
    finally:
        RESOLV_CONF.write_text(usual)
        server.end_program(names)

    assert stack.status()["server_name"] == SERVER
    assert stack.status()["established_count"] == 1
    assert "ended by error" not in stack.helper_log()


@pytest.mark.parametrize(("host", "source"), [(SERVER, CLIENT), (SERVER_6, CLIENT_6)])
def test_carriers_start_from_the_wanted_port(server: VpnServer, stack: Stack, host: str, source: str) -> None:
    host = f"[{host}]" if ":" in host else host
    stack.add(NAME, "--carriers", "2", host=host, source_address=source, source_port=40000)
    stack.connect()
    wait_for(lambda: stack.status()["carriers"] == 2, 20, "two carriers")

    seen = server.run(server.srv, "ss", "-Htn", "state", "established", "sport = :443").stdout
    assert {":40000", ":40001"} == {f":{line.rsplit(':', 1)[1].split()[0]}" for line in seen.splitlines()}


def test_a_source_of_the_wrong_family_or_machine_is_told(server: VpnServer) -> None:
    assert code_of(log_in(server, AuthType.PASSWORD, secret=PASSWORD, source_address=CLIENT_6)) == 1
    assert code_of(log_in(server, AuthType.PASSWORD, secret=PASSWORD, source_address="10.99.0.77")) == 1
