"""The policy file that ships, on a real bus with the real bus's rules, tried by an ordinary user's own process."""

import asyncio
import subprocess

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.bus.objects import Probe, ScriptedAgent
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import AGENT, AGENT_PATH, CONNECTION, MANAGER, ROOT_PATH, SERVICE
from tsunagu_dbus import BusError, Message, MessageBus, ObjectTree, call

REFUSED = "org.freedesktop.DBus.Error.AccessDenied"


@pytest.fixture
async def helper(system_bus: SystemBus, connect_as: ConnectAs) -> MessageBus:
    assert system_bus.address
    bus = await connect_as(0)
    await bus.request_name(SERVICE)
    tree = ObjectTree(bus, ROOT_PATH)
    for name in (MANAGER, CONNECTION, "org.tsunagu.VPN1.Other", "org.example.Debug"):
        tree.add(ROOT_PATH, Probe(name))
    return bus


async def _as_user(system_bus: SystemBus, *arguments: str) -> str:
    """What dbus-send says, run by an ordinary user."""
    process = await asyncio.create_subprocess_exec(
        "dbus-send",
        f"--bus={system_bus.address}",
        "--print-reply",
        *arguments,
        user=ORDINARY_USER,
        group=ORDINARY_USER,
        extra_groups=[],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.parametrize(
    "member",
    [
        MANAGER + ".WhoAsksAtOnce",
        CONNECTION + ".WhoAsksAtOnce",
        "org.freedesktop.DBus.ObjectManager.GetManagedObjects",
        "org.freedesktop.DBus.Introspectable.Introspect",
        "org.freedesktop.DBus.Peer.Ping",
    ],
)
@pytest.mark.usefixtures("helper")
async def test_an_ordinary_users_process_reaches_what_it_needs(system_bus: SystemBus, member: str) -> None:
    assert (await _as_user(system_bus, f"--dest={SERVICE}", ROOT_PATH, member)).startswith("method return")


@pytest.mark.usefixtures("helper")
async def test_an_ordinary_users_process_reads_properties_and_sets_none(system_bus: SystemBus) -> None:
    properties = "org.freedesktop.DBus.Properties"
    destination = f"--dest={SERVICE}"
    number = [f"string:{MANAGER}", "string:Number"]

    assert "variant" in await _as_user(system_bus, destination, ROOT_PATH, properties + ".Get", *number)
    assert "Number" in await _as_user(system_bus, destination, ROOT_PATH, properties + ".GetAll", number[0])
    set_it = await _as_user(system_bus, destination, ROOT_PATH, properties + ".Set", *number, "variant:int32:1")
    assert set_it.startswith(f"Error {REFUSED}")


@pytest.mark.parametrize("interface", ["org.tsunagu.VPN1.Other", "org.example.Debug", AGENT])
async def test_an_interface_that_is_not_listed_is_out_of_reach(
    system_bus: SystemBus, helper: MessageBus, interface: str
) -> None:
    for destination in (SERVICE, helper.unique_name):
        answer = await _as_user(system_bus, f"--dest={destination}", ROOT_PATH, interface + ".WhoAsksAtOnce")

        assert answer.startswith(f"Error {REFUSED}")


@pytest.mark.parametrize("name", [SERVICE, SERVICE + ".Manager"])
async def test_nobody_but_root_can_be_tsunagu(system_bus: SystemBus, name: str) -> None:
    request = ["/org/freedesktop/DBus", "org.freedesktop.DBus.RequestName", f"string:{name}", "uint32:0"]

    answer = await _as_user(system_bus, "--dest=org.freedesktop.DBus", *request)

    assert answer.startswith(f"Error {REFUSED}")


async def test_nobody_can_address_a_signal_to_the_helper(helper: MessageBus, connect_as: ConnectAs) -> None:
    forger = await connect_as(ORDINARY_USER)
    heard: list[str] = []
    helper.signal_listeners.append(lambda message: heard.append(message.member))
    forged = Message.new_signal("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep")
    forged.destination = SERVICE

    await forger.send(forged)
    await call(forger, SERVICE, ROOT_PATH, MANAGER, "WhoAsksAtOnce")

    assert "PrepareForSleep" not in heard


async def test_only_root_can_ask_an_agent(helper: MessageBus, connect_as: ConnectAs) -> None:
    tray, other = await connect_as(ORDINARY_USER), await connect_as(ANOTHER_USER)
    agent = ScriptedAgent()
    tray.export(AGENT_PATH, agent)

    async def ask(asker: MessageBus) -> list[object]:
        body: list[object] = ["/a", {}]
        return await call(asker, tray.unique_name, AGENT_PATH, AGENT, "ConfirmCertificate", "oa{sv}", body)

    agent.answer = "once"
    assert await ask(helper) == ["once"]
    with pytest.raises(BusError) as raised:
        await ask(other)
    assert raised.value.name == REFUSED
