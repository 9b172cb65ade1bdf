"""The settings editor on a virtual desktop with a scripted helper: typed into, complained about, saved."""

from collections.abc import AsyncIterator

import pytest

from tests.desktop.window_rig import Rig, window_rig
from tests.fakes_bus import until
from tsunagu.model import AuthType, ProxyKind, Routing


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


async def test_escape_changes_nothing(rig: Rig) -> None:
    rig.helper.add("Office")
    await rig.open("--settings", "Office", title="^Properties of Office$")

    await rig.type("x", at="Virtual hub")
    await rig.keys("Escape")

    assert await rig.do(rig.program.wait, 20) == 0
    assert rig.helper.calls == []
