"""The helper's objects on a bus with the shipped policy, over the real service with everything else in memory."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.fakes_bus import until
from tests.fakes_helper import SETTINGS, UIDS, FakeWorld, settle
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import CONNECTION, ERROR_PREFIX, MANAGER, ROOT_PATH, SERVICE, connection_path
from tsunagu.plain import to_plain
from tsunagu_dbus import BusError, Message, MessageBus, call, close, connect, plain, subscribe, to_variants
from tsunagu_helper.bus import Presence
from tsunagu_helper.service import ConnectionService

PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
MEMBERS = {
    MANAGER: {
        "AddConnection(a{sv},a{sv}) -> o",
        "RegisterAgent(o)",
        "UnregisterAgent()",
        "Unblock()",
        "GetEvents(u) -> aa{sv}",
        "GetNics() -> aa{sv}",
        "Diagnose() -> aa{sv}",
        "ListHubs(a{sv},a{sv},o) -> as",
        "TryLogIn(a{sv},a{sv},o) -> a{sv}",
        "GetAuthorities() -> s",
        "AddAuthorities(s)",
        "RemoveAuthority(s)",
        "Version s",
        "Capabilities as",
        "Locked b",
    },
    CONNECTION: {
        "Connect()",
        "Disconnect()",
        "Remove()",
        "GetSettings() -> a{sv}",
        "Update(a{sv})",
        "SetSecrets(a{sv})",
        "ChangePassword(s,s)",
        "TrustCertificate(s)",
        "GetCertificate() -> s",
        "GetStatus() -> a{sv}",
        "Name s",
        "Server s",
        "Hub s",
        "State s",
        "Phase s",
        "Since x",
        "Addresses as",
        "Interface s",
        "LastError (sxs)",
        "RetryAt d",
        "Attempt u",
        "Owner u",
        "ConnectAtStart b",
        "HideWindows b",
    },
}


@dataclass
class Helper:
    """On the bus; ``client`` is root's connection to it."""

    world: FakeWorld
    presence: Presence
    service: ConnectionService
    bus: MessageBus
    client: MessageBus

    async def ask(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        """Call a method; its only result, without variants."""
        answer = await call(self.client, SERVICE, path, interface, member, signature, list(body))
        return plain(answer[0]) if answer else None

    async def add(self, **changes: Any) -> str:
        """The path of a new connection."""
        settings = to_variants({**to_plain(SETTINGS), **changes})
        return str(await self.ask(ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}", settings, {}))

    async def members(self, path: str, interface: str) -> set[str]:
        """What introspection says."""
        text = await self.ask(path, "org.freedesktop.DBus.Introspectable", "Introspect")
        [node] = [node for node in ET.fromstring(text) if node.get("name") == interface]
        return {_spelled(member) for member in node}

    async def objects(self) -> dict[str, Any]:
        """All below the root, by path."""
        return dict(await self.ask(ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))

    async def fails(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> tuple[str, str]:
        """The error of a call: its name without our prefix, and what it says."""
        with pytest.raises(BusError) as caught:
            await self.ask(path, interface, member, signature, *body)
        return caught.value.name.removeprefix(ERROR_PREFIX), caught.value.text


def _spelled(member: ET.Element) -> str:
    name = member.get("name", "")
    if member.tag == "property":
        assert member.get("access") == "read"
        return f"{name} {member.get('type')}"
    assert member.tag == "method"
    taken = ",".join(argument.get("type", "") for argument in member if argument.get("direction") == "in")
    given = "".join(argument.get("type", "") for argument in member if argument.get("direction") == "out")
    return f"{name}({taken})" + (f" -> {given}" if given else "")


@pytest.fixture
async def helper(system_bus: SystemBus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Helper]:
    assert system_bus
    world, presence = FakeWorld(), Presence()
    service = ConnectionService(world.surroundings, presence)
    bus, client = await connect("system"), await connect("system")
    monkeypatch.setitem(UIDS, client.unique_name, 0)
    presence.appear(bus, service)
    await bus.request_name(SERVICE)
    running = Helper(world, presence, service, bus, client)
    yield running
    await service.shutdown()
    await close(client)
    await close(running.bus)


async def test_the_objects_have_the_members_of_the_contract_and_no_others(helper: Helper) -> None:
    path = await helper.add()

    assert await helper.members(ROOT_PATH, MANAGER) == MEMBERS[MANAGER]
    assert await helper.members(path, CONNECTION) == MEMBERS[CONNECTION]


async def test_a_new_connection_is_among_the_managed_objects_with_all_its_properties(helper: Helper) -> None:
    path = await helper.add(host="2001:db8::1")

    assert await helper.objects() == {
        path: {
            CONNECTION: {
                "Name": "Office",
                "Server": "[2001:db8::1]:443",
                "Hub": "DEMO",
                "State": "idle",
                "Phase": "",
                "Since": 0,
                "Addresses": [],
                "Interface": "",
                "LastError": ["", 0, ""],
                "RetryAt": 0.0,
                "Attempt": 0,
                "Owner": 0,
                "ConnectAtStart": False,
                "HideWindows": False,
            }
        }
    }


async def test_settings_go_over_and_come_back_unchanged(helper: Helper) -> None:
    path = await helper.add(retry_limit=3)
    settings = await helper.ask(path, CONNECTION, "GetSettings")
    set_ones = {name: value for name, value in to_plain(SETTINGS).items() if value is not None}
    assert settings == set_ones | {"retry_limit": 3}

    changed = {name: value for name, value in settings.items() if name != "retry_limit"} | {"name": "Home"}
    await helper.ask(path, CONNECTION, "Update", "a{sv}", to_variants(changed))
    assert await helper.ask(path, CONNECTION, "GetSettings") == changed
    assert (await helper.objects())[path][CONNECTION]["Name"] == "Home"


async def test_a_changed_state_is_signalled_with_what_changed_only(helper: Helper) -> None:
    path = await helper.add(auth="anonymous")
    told: asyncio.Queue[Message] = asyncio.Queue()
    subscribe(helper.client, told.put_nowait, sender=SERVICE, path=path, member="PropertiesChanged")
    await helper.objects()  # asks to be told

    await helper.ask(path, CONNECTION, "Connect")
    interface, news, _ = (await told.get()).body
    assert interface == CONNECTION
    assert plain(news) == {"State": "connecting", "Phase": "resolving", "Since": 1000, "Interface": "tsunagu0"}


async def test_connections_that_come_and_go_are_announced_from_the_root(helper: Helper) -> None:
    told: asyncio.Queue[Message] = asyncio.Queue()
    subscribe(helper.client, told.put_nowait, sender=SERVICE, interface="org.freedesktop.DBus.ObjectManager")
    await helper.objects()  # asks to be told
    path = await helper.add()
    await helper.ask(path, CONNECTION, "Remove")

    added, removed = await told.get(), await told.get()
    assert (added.path, added.member, added.body[0]) == (ROOT_PATH, "InterfacesAdded", path)
    assert plain(added.body[1])[CONNECTION]["Name"] == "Office"
    assert (removed.path, removed.member, removed.body) == (ROOT_PATH, "InterfacesRemoved", [path, [CONNECTION]])
    assert await helper.objects() == {}


async def test_status_and_history_travel(helper: Helper) -> None:
    path = await helper.add(auth="anonymous")
    await helper.ask(path, CONNECTION, "Connect")
    helper.world.workers.newest.establish()
    await settle()

    status = await helper.ask(path, CONNECTION, "GetStatus")
    assert status["state"] == "Connected"
    assert status["server_version"] == "5.01"
    assert status["policy"] == {}
    assert await helper.ask(path, CONNECTION, "GetCertificate") == "QUJD"
    events = await helper.ask(ROOT_PATH, MANAGER, "GetEvents", "u", 1)
    assert events == [
        {
            "time": 1000.0,
            "id": path.rpartition("/")[2],
            "connection": "Office",
            "level": "info",
            "code": 0,
            "text": "Connected to 203.0.113.5, session SID-ALICE-1",
        }
    ]


async def test_errors_have_their_names_and_say_what_is_wrong(helper: Helper) -> None:
    path = await helper.add()
    add = (ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}")
    values = to_plain(SETTINGS)

    assert await helper.fails(*add, to_variants(values), {}) == (
        "AlreadyExists",
        "There is a connection named Office already",
    )
    wrong: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"port": 0}, {}, "port"),
        ({"port": "443"}, {}, "int expected"),
        ({"auth": "magic"}, {}, "'magic' is not a valid AuthType"),
        ({"colour": "red"}, {}, "unknown names: ['colour']"),
        ({"hub": None}, {}, "'hub'"),
        ({"name": "New"}, {"password": 5}, "The secrets must be"),
        ({"name": "New"}, {"pin": "1234"}, "Secrets have the names"),
    ]
    for change, secrets, said in wrong:
        name, text = await helper.fails(*add, to_variants({**values, **change}), to_variants(secrets))
        assert name == "InvalidSettings"
        assert said in text
    assert (await helper.fails(path, CONNECTION, "TrustCertificate", "s", "ab"))[0] == "InvalidSettings"
    helper.world.store.is_full = True
    full = ("StorageFailed", "The disk is full")
    tiger = to_variants({"password": "tiger"})
    assert await helper.fails(path, CONNECTION, "SetSecrets", "a{sv}", tiger) == full


async def test_a_caller_that_nobody_knows_may_do_nothing(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await helper.add()
    monkeypatch.delitem(UIDS, helper.client.unique_name)

    for member in ("Connect", "Disconnect", "Remove", "GetSettings", "GetCertificate", "GetStatus"):
        assert (await helper.fails(path, CONNECTION, member))[0] == "NotAuthorized"
    assert (await helper.fails(path, PROPERTIES, "GetAll", "s", CONNECTION))[0] == "NotAuthorized"
    assert (await helper.fails(ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects"))[0] == "NotAuthorized"
    assert (await helper.fails(ROOT_PATH, MANAGER, "RegisterAgent", "o", "/agent"))[0] == "NotAuthorized"
    assert len(helper.world.store.connections) == 1


def _note(heard: list[Message], message: Message) -> None:
    if message.path.startswith(ROOT_PATH):
        heard.append(message)


async def test_another_users_connections_do_not_exist(
    helper: Helper, connect_as: ConnectAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    mika, jun = await connect_as(ORDINARY_USER), await connect_as(ANOTHER_USER)
    heard: dict[str, list[Message]] = {}
    clients = {}
    for name, bus, uid in (("mika", mika, ORDINARY_USER), ("jun", jun, ANOTHER_USER), ("root", helper.client, 0)):
        monkeypatch.setitem(UIDS, bus.unique_name, uid)
        clients[name] = replace(helper, client=bus)
        heard[name] = []
        bus.signal_listeners.append(partial(_note, heard[name]))
        rule = f"type='signal',path_namespace='{ROOT_PATH}'"  # whatever is broadcast
        await call(bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "AddMatch", "s", [rule])
        await clients[name].objects()
    path = await clients["mika"].add(auth="anonymous")
    missing = connection_path("00000000")

    await clients["mika"].ask(path, CONNECTION, "Connect")
    helper.world.workers.newest.establish()
    await until(lambda: any(plain(message.body)[1].get("State") == "up" for message in heard["mika"]))
    for name in ("mika", "root"):
        assert list(await clients[name].objects()) == [path]
        assert (await clients[name].ask(path, PROPERTIES, "GetAll", "s", CONNECTION))["Name"] == "Office"
        assert {message.member for message in heard[name]} == {"InterfacesAdded", "PropertiesChanged"}
    stranger = clients["jun"]
    assert await stranger.objects() == {}
    for interface, member, signature, body in (
        (PROPERTIES, "GetAll", "s", [CONNECTION]),
        (PROPERTIES, "Get", "ss", [CONNECTION, "Name"]),
        (CONNECTION, "Connect", "", []),
        (CONNECTION, "Disconnect", "", []),
        (CONNECTION, "Remove", "", []),
        (CONNECTION, "GetSettings", "", []),
        (CONNECTION, "Update", "a{sv}", [{}]),
        (CONNECTION, "SetPassword", "s", ["tiger"]),
        (CONNECTION, "GetStatus", "", []),
        ("org.freedesktop.DBus.Introspectable", "Introspect", "", []),
    ):
        refused = await stranger.fails(path, interface, member, signature, *body)
        assert refused == await stranger.fails(missing, interface, member, signature, *body)
        assert refused == ("NotFound", "There is no such connection")
    assert heard["jun"] == []

    await stranger.add()  # the same name: nobody learns from a refusal what others have
    await clients["mika"].ask(path, CONNECTION, "Remove")
    assert [message.member for message in heard["mika"]][-1] == "InterfacesRemoved"
    assert [message.member for message in heard["jun"]] == ["InterfacesAdded"]


async def test_a_password_is_stored_and_in_nothing_that_can_be_read(helper: Helper) -> None:
    settings = to_variants(to_plain(SETTINGS))
    secrets = to_variants({"password": "tiger"})
    path = await helper.ask(ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}", settings, secrets)

    [stored] = helper.world.store.connections.values()
    assert stored.secrets.password is not None
    assert stored.secrets.password.value == "tiger"
    readable = [await helper.objects(), await helper.ask(path, CONNECTION, "GetSettings")]
    readable.append(await helper.ask(path, CONNECTION, "GetStatus"))
    assert "tiger" not in str(readable)


async def test_on_the_next_bus_everything_is_as_it_is_by_then(helper: Helper) -> None:
    first, second = await helper.add(auth="anonymous"), await helper.add(name="Home")
    await close(helper.bus)
    await helper.service.connect(first.rpartition("/")[2], helper.client.unique_name)
    await helper.service.remove(second.rpartition("/")[2], helper.client.unique_name)
    helper.bus = await connect("system")
    helper.presence.appear(helper.bus, helper.service)
    await helper.bus.request_name(SERVICE)

    objects = await helper.objects()
    assert {path: shown[CONNECTION]["State"] for path, shown in objects.items()} == {first: "connecting"}
    assert connection_path(first.rpartition("/")[2]) == first
    await helper.ask(first, CONNECTION, "Disconnect")
    assert (await helper.objects())[first][CONNECTION]["State"] == "idle"


async def test_a_kill_switch_shows_and_is_signalled(helper: Helper) -> None:
    told: asyncio.Queue[Message] = asyncio.Queue()
    subscribe(helper.client, told.put_nowait, sender=SERVICE, path=ROOT_PATH, member="PropertiesChanged")
    await helper.objects()  # asks to be told
    assert await helper.ask(ROOT_PATH, PROPERTIES, "Get", "ss", MANAGER, "Locked") is False
    path = await helper.add(routing="everything", kill_switch=True, auth="anonymous")

    await helper.ask(path, CONNECTION, "Connect")

    assert plain((await told.get()).body) == [MANAGER, {"Locked": True}, []]
    assert await helper.ask(ROOT_PATH, PROPERTIES, "Get", "ss", MANAGER, "Locked") is True
