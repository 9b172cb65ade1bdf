"""The typed helper on a private bus with a scripted one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes_bus import FakeHelper, PrivateBus, fake_helper, until
from tsunagu.errors import AlreadyExists, HelperUnavailable, NotAuthorized, TunnelError, VpnError
from tsunagu.model import ConnectionSettings, Secret, State
from tsunagu_dbus import BusError, Interface
from tsunagu_tray.client import HelperClient, vpn_error
from tsunagu_tray.connection_view import ConnectionView


@pytest.fixture
async def client(helper: FakeHelper) -> AsyncIterator[HelperClient]:
    assert helper.bus is not None
    client = HelperClient()
    await client.open()
    await client.activate()
    yield client
    await client.close()


async def test_views_are_complete_after_activation_and_follow_every_signal(helper: FakeHelper) -> None:
    office = helper.add("Office", host="::1")
    changes: list[dict[str, ConnectionView]] = []
    watching = HelperClient(lambda: changes.append(watching.views))
    await watching.open()
    await watching.activate()

    assert watching.views[office.path].server == "[::1]:443"
    office.show(state=State.UP, addresses=["192.168.77.23/24"])
    await until(lambda: watching.views[office.path].address == "192.168.77.23")
    home = helper.add("Home")
    await until(lambda: home.path in watching.views)
    helper.tree.remove(home.path)
    await until(lambda: home.path not in watching.views)

    assert changes[0][office.path].state is State.IDLE, "a snapshot once given never changes"
    await watching.close()


async def test_a_signal_during_the_snapshot_is_not_lost(helper: FakeHelper) -> None:
    office = helper.add("Office")
    client = HelperClient()
    await client.open()
    for state in (State.CONNECTING, State.UP, State.STOPPING, State.IDLE, State.UP):
        office.show(state=state)
        await asyncio.sleep(0)
    await client.activate()

    await until(lambda: client.views[office.path].state is State.UP)
    await client.close()


async def test_other_peoples_connections_can_be_left_out(helper: FakeHelper) -> None:
    mine = helper.add("Mine")
    helper.connections[helper.add("Theirs").path].owner += 1
    watching = HelperClient(only_of=mine.owner)
    await watching.open()
    await watching.activate()

    assert [view.name for view in watching.views.values()] == ["Mine"]
    await watching.close()


async def test_a_stranger_cannot_make_us_believe_anything(bus: PrivateBus, helper: FakeHelper) -> None:
    office = helper.add("Office")
    watching = HelperClient()
    await watching.open()
    await watching.activate()
    stranger = FakeHelper(bus.address)
    fake = stranger.add("Office")
    await stranger.start()

    fake.show(state=State.UP)
    office.show(addresses=["10.0.0.2/8"])
    await until(lambda: watching.views[office.path].addresses)

    assert fake.path == office.path
    assert watching.views[office.path].state is State.IDLE
    await stranger.stop()
    await watching.close()


async def test_settings_go_over_and_come_back(client: HelperClient, helper: FakeHelper) -> None:
    settings = ConnectionSettings(name="Büro 東京", host="192.0.2.1", hub="VPN", username="u", retry_limit=3)

    path = await client.add(settings, {"password": Secret("pass wörd")})

    assert await client.settings(path) == settings
    assert helper.connections[path].secrets["password"] == "pass wörd"
    await client.set_secrets(path, {"password": Secret("")})
    assert helper.connections[path].secrets["password"] == ""
    helper.connections[path].show(state=State.UP)
    assert (await client.status(path))["policy"] == {"MaxMac": 3}


async def test_a_restarted_helper_is_read_again_and_gets_our_agent_again(bus: PrivateBus) -> None:
    async with fake_helper(bus) as first:
        first.add("Old")
        client = HelperClient()
        await client.open()
        await client.activate()
        await client.register_agent("/agent", Interface("org.tsunagu.VPN1.Agent"))
        assert [path for _, path in first.agents] == ["/agent"]
    await until(lambda: not client.owner and not client.views)

    async with fake_helper(bus) as second:
        second.add("New")
        await until(lambda: [view.name for view in client.views.values()] == ["New"])
        await until(lambda: [path for _, path in second.agents] == ["/agent"])
        await client.close()


async def test_a_lost_bus_is_found_again(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsunagu_tray.client.RECONNECT_S", (0.05,))
    client = HelperClient()
    keeping = asyncio.create_task(client.keep())
    async with fake_helper(bus) as helper:
        helper.add("Office")
        await until(lambda: client.views)

        bus.stop()
        await until(lambda: not client.views)
        await helper.stop()
        bus.start()
        await helper.start()
        await until(lambda: client.views)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await client.close()


async def test_no_helper_and_no_bus_say_what_to_do(bus: PrivateBus) -> None:
    client = HelperClient()
    await client.open()
    with pytest.raises(HelperUnavailable, match="installed"):
        await client.activate()
    await client.close()

    bus.stop()
    with pytest.raises(HelperUnavailable, match="bus"):
        await client.open()


async def test_the_bus_starts_a_helper_that_does_not_run(bus: PrivateBus) -> None:
    (bus.services / "org.tsunagu.VPN1.service").write_text(
        "[D-BUS Service]\nName=org.tsunagu.VPN1\nExec=/bin/false\nUser=root\n"
    )
    client = HelperClient()
    await client.open()
    with pytest.raises(HelperUnavailable):
        await client.activate()  # it was started, and was /bin/false
    await client.close()


@pytest.mark.parametrize(
    ("name", "text", "kind", "code"),
    [
        ("org.tsunagu.VPN1.Error.AlreadyExists", "There is one already", AlreadyExists, 0),
        ("org.tsunagu.VPN1.Error.AuthFailed", "User name or password is wrong (error 9)", TunnelError, 9),
        ("org.tsunagu.VPN1.Error.ConnectFailed", str(TunnelError(1, "timed out")), TunnelError, 1),
        ("org.tsunagu.VPN1.Error.SomethingNew", "A new sentence", VpnError, 0),
        ("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message, 1 matched rules", NotAuthorized, 0),
        ("org.freedesktop.DBus.Error.NoReply", "x", HelperUnavailable, 0),
    ],
)
def test_errors_come_back_as_what_they_were(name: str, text: str, kind: type[VpnError], code: int) -> None:
    error = vpn_error(BusError(name, text))

    assert type(error) is kind
    assert error.code == code
    if name.startswith("org.tsunagu"):
        assert str(error) == text
