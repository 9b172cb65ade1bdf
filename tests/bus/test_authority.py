"""Who may do what: a real polkit with our actions, and machines without polkit."""

import asyncio
import grp
import pwd
from dataclasses import replace

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.fakes_helper import SETTINGS, FakeWorld
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import ACTION_CONTROL, ACTION_CONTROL_OTHERS, ACTION_EDIT, MANAGER, ROOT_PATH, SERVICE
from tsunagu.errors import NotAuthorized
from tsunagu.plain import to_plain
from tsunagu_dbus import BusError, MessageBus, call, close, to_variants
from tsunagu_helper import authority as authority_module
from tsunagu_helper.authority import Authority
from tsunagu_helper.bus import Presence
from tsunagu_helper.service import ConnectionService

ORDINARY_GROUP = grp.getgrgid(pwd.getpwuid(ORDINARY_USER).pw_gid).gr_name

POLKIT_RULES = """
polkit.addRule(function(action, subject) {
    if (subject.user == "games" && action.id == "org.tsunagu.vpn1.control") return polkit.Result.YES;
    if (subject.user == "games" && action.id == "org.tsunagu.vpn1.edit") return polkit.Result.AUTH_ADMIN;
    if (subject.user == "backup" && action.id == "org.tsunagu.vpn1.edit") return polkit.Result.YES;
    if (subject.user == "nobody") return polkit.Result.NO;
});
"""


async def _refusal(authority: Authority, caller: MessageBus, action: str, *, interactive: bool = False) -> str:
    with pytest.raises(NotAuthorized) as raised:
        await authority.check(caller.unique_name, action, interactive)
    return str(raised.value)


@pytest.mark.usefixtures("polkit_bus")
async def test_polkit_decides_by_user_and_action(connect_as: ConnectAs) -> None:
    helper, root = await connect_as(0), await connect_as(0)
    allowed, denied = await connect_as(ORDINARY_USER), await connect_as(ANOTHER_USER)
    authority = Authority(helper, ORDINARY_GROUP)

    await authority.check(allowed.unique_name, ACTION_CONTROL)
    for action in (ACTION_CONTROL, ACTION_EDIT, ACTION_CONTROL_OTHERS):
        await authority.check(root.unique_name, action)
        assert "ask an administrator to allow it in polkit" in await _refusal(authority, denied, action)
    assert "a password has to be given first" in await _refusal(authority, allowed, ACTION_EDIT)
    assert "a password has to be given first" in await _refusal(authority, allowed, ACTION_EDIT, interactive=True)
    assert "a password has to be given first" in await _refusal(authority, allowed, ACTION_CONTROL_OTHERS)


@pytest.mark.usefixtures("polkit_bus")
async def test_an_action_that_polkit_does_not_know_is_denied(connect_as: ConnectAs) -> None:
    helper, allowed = await connect_as(0), await connect_as(ORDINARY_USER)

    refusal = await _refusal(Authority(helper, ORDINARY_GROUP), allowed, "org.tsunagu.vpn1.nonsense")

    assert "could not be found out" in refusal


@pytest.mark.usefixtures("polkit_bus")
async def test_a_caller_that_has_left_the_bus_is_denied(connect_as: ConnectAs) -> None:
    helper, caller = await connect_as(0), await connect_as(ORDINARY_USER)
    authority = Authority(helper, ORDINARY_GROUP)

    await close(caller)
    await helper.request_name("org.tsunagu.VPN1")  # a round trip: the bus has seen the caller leave

    assert await _refusal(authority, caller, ACTION_CONTROL) == "The caller is not on the bus any longer"


async def test_a_polkit_that_does_not_answer_is_a_no(
    polkit_bus: SystemBus, connect_as: ConnectAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper, caller = await connect_as(0), await connect_as(ORDINARY_USER)
    monkeypatch.setattr(authority_module, "CHECK_TIMEOUT_S", 0.2)
    authority = Authority(helper, ORDINARY_GROUP)

    with polkit_bus.polkit_stopped():
        refusal = await _refusal(authority, caller, ACTION_CONTROL)

    assert "did not answer CheckAuthorization" in refusal


async def test_a_polkit_that_dies_while_asked_is_a_no(polkit_bus: SystemBus, connect_as: ConnectAs) -> None:
    helper, caller = await connect_as(0), await connect_as(ORDINARY_USER)
    authority = Authority(helper, ORDINARY_GROUP)

    with polkit_bus.polkit_stopped():
        asking = asyncio.create_task(_refusal(authority, caller, ACTION_CONTROL))
        await asyncio.sleep(0.1)
        polkit_bus.kill_polkit()

    assert "could not be found out" in await asking


@pytest.mark.usefixtures("system_bus")
async def test_without_polkit_root_and_the_members_of_the_group_may(connect_as: ConnectAs) -> None:
    helper, root = await connect_as(0), await connect_as(0)
    member, stranger = await connect_as(ORDINARY_USER), await connect_as(ANOTHER_USER)
    authority = Authority(helper, ORDINARY_GROUP)

    await authority.check(root.unique_name, ACTION_CONTROL_OTHERS)
    await authority.check(member.unique_name, ACTION_CONTROL)
    assert await _refusal(authority, stranger, ACTION_CONTROL) == (
        f"Only root and members of the group {ORDINARY_GROUP} may connect or disconnect VPN connections here: "
        "ask an administrator to add you to that group, then log in again"
    )


@pytest.mark.usefixtures("system_bus")
async def test_without_polkit_and_without_the_group_only_root_may(connect_as: ConnectAs) -> None:
    helper, root, other = await connect_as(0), await connect_as(0), await connect_as(ORDINARY_USER)
    authority = Authority(helper, "no-such-group")

    await authority.check(root.unique_name, ACTION_EDIT)
    assert "Only root and members" in await _refusal(authority, other, ACTION_EDIT)


def test_a_member_is_one_by_first_group_or_by_list(monkeypatch: pytest.MonkeyPatch) -> None:
    group = grp.struct_group(("tsunagu", "x", 4711, ["nobody"]))
    monkeypatch.setattr(grp, "getgrnam", lambda name: {"tsunagu": group}[name])

    assert authority_module._is_member(ANOTHER_USER, "tsunagu")
    assert not authority_module._is_member(ORDINARY_USER, "tsunagu")
    assert not authority_module._is_member(61001, "tsunagu")
    assert not authority_module._is_member(ANOTHER_USER, "missing")


@pytest.mark.usefixtures("polkit_bus")
async def test_who_may_edit_may_not_reach_everybody_with_it(connect_as: ConnectAs) -> None:
    helper, root = await connect_as(0), await connect_as(0)
    editor = await connect_as(pwd.getpwnam("backup").pw_uid)
    world, presence = FakeWorld(), Presence()
    service = ConnectionService(replace(world.surroundings, authority=Authority(helper, ORDINARY_GROUP)), presence)
    presence.appear(helper, service)
    await helper.request_name(SERVICE)

    async def add(bus: MessageBus, name: str, **changes: object) -> None:
        settings = to_variants(to_plain(SETTINGS) | {"name": name} | changes)
        await call(bus, SERVICE, ROOT_PATH, MANAGER, "AddConnection", "a{sv}a{sv}", [settings, {}])

    await add(editor, "own")
    for changes in (
        {"routing": "everything"},
        {"routing": "everything", "kill_switch": True},
        {"dns": "manual", "dns_servers": ["192.168.77.1"]},
        {"connect_at_start": True},
    ):
        with pytest.raises(BusError, match="or start with it, a password has to be"):
            await add(editor, "refused", **changes)
    assert [one.settings.name for one in world.store.connections.values()] == ["own"]
    await add(root, "roots", routing="everything", kill_switch=True)
    await service.shutdown()


async def test_the_doctor_hears_whether_polkit_answers_and_knows_our_actions(
    connect_as: ConnectAs, polkit_bus: SystemBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(await connect_as(0), ORDINARY_GROUP)

    assert await authority.state() == (True, "")
    monkeypatch.setitem(authority_module._DEEDS, "org.tsunagu.vpn1.younger", "do something new")
    assert await authority.state() == (True, "it does not know the action org.tsunagu.vpn1.younger")
    monkeypatch.setattr(authority_module, "CHECK_TIMEOUT_S", 0.2)
    with polkit_bus.polkit_stopped():
        has_polkit, why = await authority.state()

    assert has_polkit
    assert why


@pytest.mark.usefixtures("system_bus")
async def test_the_doctor_hears_where_there_is_no_polkit(connect_as: ConnectAs) -> None:
    assert await Authority(await connect_as(0), ORDINARY_GROUP).state() == (False, "")
