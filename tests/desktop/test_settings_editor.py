"""The settings editor on a virtual desktop with a scripted helper: typed into, complained about, saved."""

import base64
from collections.abc import AsyncIterator

import pytest

from tests.desktop.window_rig import Rig, window_rig
from tests.fakes import make_certificate
from tests.fakes_bus import SESSION, until
from tests.lab.waiting import wait_for
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, Proxy, ProxyKind, Routing
from tsunagu_helper.errand import Trial

RED = (192, 28, 40)  # the theme's for what is wrong


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


async def test_a_first_connection_is_made(rig: Rig) -> None:
    await rig.open()
    await rig.said("No connections yet")

    await rig.keys("ctrl+n")
    await rig.said("Name of the connection")
    await rig.front("^New Connection$")
    await rig.type("Office", at="Name of the connection")
    await rig.type("vpn.example.org", at="Server (host name")
    await rig.type("STAFF", at="Virtual hub")
    await rig.type("mika", at="User name")
    await rig.type("geheim", at="Password")
    await rig.keys("ctrl+s")

    await rig.said("Office: Offline")
    [office] = rig.helper.connections.values()
    assert (office.settings.host, office.settings.hub, office.settings.username) == ("vpn.example.org", "STAFF", "mika")
    assert office.secrets == {"password": "geheim"}


async def test_what_is_wrong_is_told_while_typing_and_cannot_be_saved(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.type(" and more", at="Server (host name")
    await rig.said("The server must be a host name such as vpn.example.org, or an IP address")
    await rig.keys("ctrl+s")
    await rig.keys(*["BackSpace"] * len(" and more"))
    await rig.gone("must be a host name")
    await rig.keys("ctrl+s")

    await until(lambda: rig.helper.calls == ["Update Office"])


async def test_advanced_settings_and_secrets_are_saved(rig: Rig) -> None:
    office = rig.helper.add("Office")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.choose("Advanced")
    await rig.type("10.1.0.0/16, 10.2.0.0/16", at="Further networks")
    await rig.choose_from("Proxy", "SOCKS4 proxy", 2)
    await rig.said("Proxy's host name")
    await rig.type("proxy.example.org", at="Proxy's host name")
    await rig.type("pr0xy", at="Proxy's password")
    await rig.keys("ctrl+s")

    await until(lambda: "proxy_password" in office.secrets)
    assert office.secrets == {"proxy_password": "pr0xy"}
    assert office.settings.extra_networks == ("10.1.0.0/16", "10.2.0.0/16")
    assert office.settings.proxy is not None
    assert (office.settings.proxy.kind, office.settings.proxy.host) == (ProxyKind.SOCKS4, "proxy.example.org")
    assert (office.settings.routing, office.settings.auth) == (Routing.LAN, AuthType.PASSWORD)


async def test_headers_for_a_proxy_are_shown_changed_and_complained_about(rig: Rig) -> None:
    proxy = Proxy(kind=ProxyKind.HTTP, host="proxy.example.org", port=8080, headers=(("X-Site", "a, b"),))
    office = rig.helper.add("Office", proxy=proxy)
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.choose("Advanced")
    await rig.choose("HTTP headers for the proxy")
    assert await rig.do(rig.desktop.find_colour, RED) is None
    await rig.keys("ctrl+End", "Return")
    await rig.type("No Name: x")
    await rig.said("The name of a proxy's header must consist of letters, digits and hyphens")
    await rig.do(wait_for, lambda: rig.desktop.find_colour(RED), 20, "the red mark")
    await rig.keys(*["BackSpace"] * len("No Name: x"))
    await rig.type("X-Team: nine")
    await rig.gone("The name of a proxy's header")
    await rig.keys("ctrl+s")

    await until(lambda: rig.helper.calls == ["Update Office"])
    assert office.settings.proxy is not None
    assert office.settings.proxy.headers == (("X-Site", "a, b"), ("X-Team", "nine"))


async def test_the_systems_proxy_is_taken_over(rig: Rig) -> None:
    office = rig.helper.add("Office")
    rig.environment["https_proxy"] = "http://mika:pr0xy@proxy.example.org:3128"
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.choose("Advanced")
    await rig.choose("Take Over")
    await rig.said("Proxy's host name")
    await rig.keys("ctrl+s")

    await until(lambda: "proxy_password" in office.secrets)
    assert office.secrets == {"proxy_password": "pr0xy"}
    assert office.settings.proxy == Proxy(kind=ProxyKind.HTTP, host="proxy.example.org", port=3128, username="mika")


async def test_escape_changes_nothing(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.type("x", at="Virtual hub")
    await rig.keys("Escape")

    assert await rig.do(rig.program.wait, 20) == 0
    assert rig.helper.calls == []


async def test_the_hub_is_chosen_from_the_servers_list(rig: Rig) -> None:
    rig.helper.hubs = ["LAB", "STAFF"]
    rig.helper.add("Office", host="vpn.example.org")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.choose("Virtual hubs of the server")
    await rig.said("STAFF")
    await rig.keys("Down", "Return")
    await rig.keys("ctrl+s")

    await until(lambda: "Update Office" in rig.helper.calls)
    assert rig.helper.calls == ["ListHubs vpn.example.org", "Update Office"]
    [office] = rig.helper.connections.values()
    assert office.settings.hub == "STAFF"


async def test_a_server_that_lists_no_hubs_is_told_where_it_was_asked(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    rig.helper.errand_error = TunnelError(1, "timed out")
    await rig.choose("Virtual hubs of the server")
    await rig.said("The server could not be reached (error 1): timed out")
    await rig.keys("Escape")
    rig.helper.hubs, rig.helper.errand_error = [], None
    await rig.choose("Virtual hubs of the server")

    await rig.said("The server names no virtual hub")


async def test_a_log_in_is_tried_before_anything_is_saved(rig: Rig) -> None:
    await rig.open("--new", title="^New Connection$")
    await rig.type("vpn.example.org", at="Server (host name")
    await rig.type("STAFF", at="Virtual hub")
    await rig.type("mika", at="User name")

    await rig.do(rig.desktop.press, "Test Log-in")
    await rig.said("Password for this test")
    await rig.type("geheim")
    await rig.keys("Return")

    await rig.said("The log-in works")
    await rig.said("SoftEther VPN Server (64 bit) 5.02 (5180)")
    [(settings, secrets, like)] = rig.helper.tried
    assert (settings.host, settings.hub, settings.username) == ("vpn.example.org", "STAFF", "mika")
    assert (secrets, like) == ({"password": "geheim"}, "/")
    assert not rig.helper.connections


async def test_a_log_in_that_does_not_work_says_why_and_what_helps(rig: Rig) -> None:
    office = rig.helper.add("Office", auth=AuthType.ANONYMOUS)
    rig.helper.trial = Trial(error=TunnelError(9))
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.do(rig.desktop.press, "Test Log-in")

    await rig.said("The log-in does not work")
    await rig.said("(error 9)")
    [(_, secrets, like)] = rig.helper.tried
    assert (secrets, like) == ({}, office.path)


async def test_an_unknown_certificate_is_shown_and_the_answer_is_saved_with_the_rest(rig: Rig) -> None:
    certificate = make_certificate()
    office = rig.helper.add("Office", auth=AuthType.ANONYMOUS)
    rig.helper.trial = Trial(error=TunnelError(85), certificate=base64.b64encode(certificate.der).decode())
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.do(rig.desktop.press, "Test Log-in")
    await rig.said("Is this the right server?")
    await rig.said("tsunagu test server")
    rig.helper.trial = Trial(session=SESSION)
    await rig.do(rig.desktop.press, "Trust Always")
    await rig.said("The log-in works")
    await rig.keys("Escape")
    await rig.front("^Properties of Office$")
    await rig.keys("ctrl+s")

    await until(lambda: office.settings.server_fingerprint == certificate.sha256)
    assert [settings.server_fingerprint for settings, _, _ in rig.helper.tried] == ["", certificate.sha256]
