"""What the bus classes call, with everything around it in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes_helper import (
    ADMIN,
    ALICE,
    BOB,
    ROOT,
    SESSION,
    SETTINGS,
    UIDS,
    FakeListener,
    FakeWorld,
    settle,
)
from tsunagu.authorities import fingerprint
from tsunagu.bus_names import (
    ACTION_CONTROL,
    ACTION_CONTROL_OTHERS,
    ACTION_EDIT,
    ACTION_EDIT_MACHINE,
    ACTION_EDIT_SYSTEM,
    connection_path,
)
from tsunagu.control import Errand
from tsunagu.errors import (
    AlreadyExists,
    Cancelled,
    InvalidSettings,
    KeyringFailed,
    NotAuthorized,
    NotFound,
    StorageFailed,
    TunnelError,
    VpnError,
)
from tsunagu.finding import Finding
from tsunagu.model import (
    NO_SECRETS,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Login,
    Proxy,
    ProxyKind,
    Routing,
    Secret,
    SecretKind,
    Secrets,
    SecretsIn,
    State,
)
from tsunagu.sha0 import hash_password
from tsunagu_helper import service as service_module
from tsunagu_helper.agents import SecretAnswer
from tsunagu_helper.service import ConnectionService

ANONYMOUS = replace(SETTINGS, auth=AuthType.ANONYMOUS)

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"


class Bench:
    """A service and its world."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.service = ConnectionService(self.world.surroundings, self.world.listener)
        self.world.agents.on_registered = self.service.agent_registered

    async def office(self, caller: str = ALICE) -> str:
        """A connection that needs no password."""
        return await self.service.add(ANONYMOUS, {}, caller)

    async def up(self) -> str:
        office = await self.office()
        await self.service.connect(office, ALICE)
        self.world.workers.newest.establish()
        self.world.workers.newest.lease()
        await settle()
        return office

    def state(self, connection_id: str) -> State:
        return self.world.listener.shown[connection_id][0].state


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.service.shutdown()
    assert not bench.world.nics.open_ones
    assert not bench.world.workers.running


# -- the list ----------------------------------------------------------------------------------------------------------


async def test_what_is_added_is_stored_shown_and_owned_by_the_caller(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("hunter2")}, ALICE)

    stored = bench.world.store.connections[office]
    assert (stored.settings, stored.owner, stored.secrets.password) == (SETTINGS, 1001, Secret("hunter2"))
    assert bench.state(office) is State.IDLE
    assert bench.world.listener.owners[office] == 1001
    assert await bench.service.settings(office, ALICE) == SETTINGS


async def test_each_connection_has_its_own_nic_name_and_a_private_mac(bench: Bench) -> None:
    first = await bench.service.add(SETTINGS, {}, ALICE)
    second = await bench.service.add(replace(SETTINGS, name="Home"), {}, BOB)
    await bench.service.remove(first, ALICE)
    third = await bench.service.add(replace(SETTINGS, name="Lab"), {}, ALICE)

    stored = bench.world.store.connections
    assert [stored[c].interface for c in (second, third)] == ["tsunagu1", "tsunagu0"]
    assert stored[second].mac != stored[third].mac
    assert all(int(stored[c].mac[:2], 16) & 3 == 2 for c in (second, third))  # locally administered, unicast


async def test_a_new_connection_takes_no_nic_name_that_another_has_chosen(bench: Bench) -> None:
    await bench.service.add(replace(SETTINGS, interface="tsunagu1"), {}, ALICE)
    second = await bench.service.add(replace(SETTINGS, name="Home"), {}, BOB)

    assert bench.world.store.connections[second].interface == "tsunagu2"


async def test_names_differ_in_more_than_capitals(bench: Bench) -> None:
    await bench.office()
    home = await bench.service.add(replace(SETTINGS, name="Home"), {}, ALICE)

    with pytest.raises(AlreadyExists):
        await bench.service.add(replace(SETTINGS, name="OFFICE"), {}, ALICE)
    with pytest.raises(AlreadyExists):
        await bench.service.update(home, replace(SETTINGS, name="office"), ALICE)
    await bench.service.update(home, replace(SETTINGS, name="HOME"), ALICE)  # its own name is no obstacle


async def test_there_is_a_limit_to_what_a_user_may_keep_here(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MAX_CONNECTIONS", 1)
    await bench.office()

    with pytest.raises(VpnError, match="remove one first"):
        await bench.service.add(replace(SETTINGS, name="Home"), {}, ALICE)
    await bench.service.add(replace(SETTINGS, name="Home"), {}, BOB)


async def test_connections_on_disk_are_there_after_a_restart(bench: Bench) -> None:
    office = await bench.office()
    again = FakeWorld(store=bench.world.store)
    service = ConnectionService(again.surroundings, again.listener)

    service.load()

    assert list(again.listener.shown) == [office]
    assert await service.settings(office, ALICE) == ANONYMOUS
    await service.shutdown()


async def test_removing_disconnects_first_and_forgets(bench: Bench) -> None:
    office = await bench.up()

    await bench.service.remove(office, ALICE)

    assert (bench.world.store.connections, bench.world.listener.shown) == ({}, {})
    assert not bench.world.workers.running
    with pytest.raises(NotFound):
        await bench.service.connect(office, ALICE)


async def test_two_who_remove_the_same_do_not_get_in_each_others_way(bench: Bench) -> None:
    office = await bench.up()

    await asyncio.gather(bench.service.remove(office, ALICE), bench.service.remove(office, ROOT))

    assert bench.world.listener.shown == {}


async def test_a_full_disk_is_told_and_loses_nothing(bench: Bench) -> None:
    office = await bench.office()
    bench.world.store.is_full = True

    with pytest.raises(StorageFailed):
        await bench.service.add(replace(SETTINGS, name="Home"), {}, ALICE)
    with pytest.raises(StorageFailed):
        await bench.service.update(office, replace(ANONYMOUS, host="other.example.org"), ALICE)
    with pytest.raises(StorageFailed):
        await bench.service.set_secrets(office, {"password": Secret("x")}, ALICE)
    with pytest.raises(StorageFailed):
        await bench.service.remove(office, ALICE)

    assert await bench.service.settings(office, ALICE) == ANONYMOUS
    await bench.service.connect(office, ALICE)
    assert bench.state(office) is State.CONNECTING
    assert bench.world.workers.newest.start.settings == ANONYMOUS


async def test_settings_changed_while_up_count_from_the_next_attempt(bench: Bench) -> None:
    office = await bench.up()

    await bench.service.update(office, replace(ANONYMOUS, host="other.example.org"), ALICE)
    still = bench.state(office)
    await bench.service.disconnect(office, ALICE)
    await bench.service.connect(office, ALICE)

    assert still is State.UP
    assert bench.world.workers.newest.start.settings.host == "other.example.org"


# -- tunnels -----------------------------------------------------------------------------------------------------------


async def test_connect_returns_when_the_attempt_has_begun(bench: Bench) -> None:
    office = await bench.office()

    await bench.service.connect(office, ALICE)

    assert bench.state(office) is State.CONNECTING
    assert len(bench.world.workers.running) == 1


async def test_disconnect_returns_when_nothing_stands_any_more(bench: Bench) -> None:
    office = await bench.up()

    await bench.service.disconnect(office, ALICE)

    assert bench.state(office) is State.IDLE
    assert not bench.world.nics.open_ones


async def test_several_connections_are_up_at_once(bench: Bench) -> None:
    await bench.up()
    home = await bench.service.add(replace(ANONYMOUS, name="Home"), {}, BOB)
    await bench.service.connect(home, BOB)

    assert len(bench.world.workers.running) == 2
    assert {nic.name for nic in bench.world.nics.open_ones} == {"tsunagu0", "tsunagu1"}


async def test_the_helpers_end_logs_off_all_tunnels_but_keeps_the_connections(bench: Bench) -> None:
    office = await bench.up()

    await bench.service.shutdown()

    assert not bench.world.workers.running
    assert not bench.world.nics.open_ones
    assert list(bench.world.store.connections) == [office]


async def test_a_tunnel_that_does_not_end_does_not_hold_up_the_helpers_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "SHUTDOWN_S", 0)
    await bench.up()
    worker = bench.world.workers.newest
    worker.is_stubborn = True

    await bench.service.shutdown()

    worker.fail(6)
    await settle()


async def test_status_has_the_manuals_fields(bench: Bench) -> None:
    office = await bench.up()

    status = await bench.service.status(office, ALICE)

    assert {
        "name": "Office", "state": "Connected", "status_text": "Connection completed (session established)",
        "server_name": "203.0.113.5", "server_version": "5.01", "established_count": 1, "carriers": 1,
        "sent_octets": 100, "interface": "tsunagu0", "addresses": ["192.168.77.23/24"],
        "dhcp_server": "192.168.77.1", "lease_until": 1600.0, "error_code": 0,
    }.items() <= status.items()  # fmt: skip


# -- passwords, certificates, agents -----------------------------------------------------------------------------------


async def test_a_password_is_kept_and_forgotten(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)

    await bench.service.set_secrets(office, {"password": Secret("hunter2")}, ALICE)
    kept = bench.world.store.connections[office].secrets.password
    await bench.service.connect(office, ALICE)
    used = bench.world.workers.newest.start.secrets.password
    await bench.service.set_secrets(office, {"password": Secret("")}, ALICE)

    assert kept == used == Secret("hunter2")
    assert bench.world.store.connections[office].secrets.password is None


async def test_a_password_changed_on_the_server_replaces_the_one_that_is_kept(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("old")}, ALICE)
    pinned = await bench.service.add(replace(SETTINGS, name="Other"), {}, ALICE)

    for connection in (office, pinned):
        await bench.service.change_password(connection, Secret("old"), Secret("new"), ALICE)

    start = bench.world.workers.newest.start
    known = HashedPassword(hash_password(SETTINGS.username, "old").hex())
    assert (start.secrets, start.new_password) == (Secrets(hashed_password=known), Secret("new"))
    assert bench.world.store.connections[office].secrets.password == Secret("new")
    assert bench.world.store.connections[pinned].secrets.password is None
    assert bench.state(office) is State.IDLE


@pytest.mark.parametrize("code", [8, 52, 68, 69])
async def test_a_password_that_the_server_does_not_change_stays_as_it_is(bench: Bench, code: int) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("old")}, ALICE)
    bench.world.workers.errand_refused = code

    with pytest.raises(TunnelError) as told:
        await bench.service.change_password(office, Secret("old"), Secret("new"), ALICE)

    assert told.value.code == code
    assert bench.world.store.connections[office].secrets.password == Secret("old")


async def test_only_one_change_of_a_password_runs_at_a_time(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)

    first, second = await asyncio.gather(
        *(bench.service.change_password(office, Secret("old"), Secret("new"), ALICE) for _ in range(2)),
        return_exceptions=True,
    )

    assert first is None
    assert "already" in str(second)


async def test_the_password_that_the_server_knows_may_be_empty(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)

    await bench.service.change_password(office, Secret(""), Secret("new"), ALICE)

    known = HashedPassword(hash_password(SETTINGS.username, "").hex())
    assert bench.world.workers.newest.start.secrets.hashed_password == known


@pytest.mark.parametrize(("old", "new"), [("x" * 5000, "new"), ("old", ""), ("old", "x" * 5000)])
async def test_what_no_password_can_be_never_reaches_the_server(bench: Bench, old: str, new: str) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)

    with pytest.raises(InvalidSettings):
        await bench.service.change_password(office, Secret(old), Secret(new), ALICE)

    assert not bench.world.workers.started


async def test_a_name_for_an_http_proxy_that_cannot_be_sent_is_refused_when_it_is_given(bench: Bench) -> None:
    proxy = Proxy(kind=ProxyKind.HTTP, host="proxy", port=8080, username="mika:x")
    office = await bench.service.add(SETTINGS, {}, ALICE)

    with pytest.raises(InvalidSettings, match="must not have a colon"):
        await bench.service.add(replace(SETTINGS, name="Other", proxy=proxy), {}, ALICE)
    with pytest.raises(InvalidSettings, match="must not have a colon"):
        await bench.service.update(office, replace(SETTINGS, proxy=proxy), ALICE)
    await bench.service.update(office, replace(SETTINGS, proxy=replace(proxy, kind=ProxyKind.SOCKS5)), ALICE)


async def test_a_log_in_is_tried_and_nothing_is_kept_of_it(bench: Bench) -> None:
    kept = bench.world.store.connections.copy()

    tried = await bench.service.try_log_in(SETTINGS, {"password": Secret("hunter2")}, "", ALICE)

    assert (tried.error, tried.session) == (None, SESSION)
    start = bench.world.workers.newest.start
    assert (start.errand, start.secrets.password) == (Errand.TRIAL, Secret("hunter2"))
    assert bench.world.store.connections == kept
    assert not bench.world.nics.open_ones


async def test_a_log_in_that_fails_tells_the_certificate_that_it_is_about(bench: Bench) -> None:
    bench.world.workers.errand_refused = 85

    tried = await bench.service.try_log_in(SETTINGS, {"password": Secret("hunter2")}, "", ALICE)

    assert tried.error is not None
    assert (tried.error.code, tried.certificate, tried.session) == (85, "REVS", None)


async def test_a_log_in_is_tried_with_what_is_kept_but_no_proxy_gets_another_ones_password(bench: Bench) -> None:
    proxy = Proxy(kind=ProxyKind.HTTP, host="proxy", port=8080, username="mika")
    secrets = {"password": Secret("kept"), "proxy_password": Secret("sesame")}
    office = await bench.service.add(replace(SETTINGS, proxy=proxy), secrets, ALICE)

    used = []
    for host in ("proxy", "another"):
        settings = replace(SETTINGS, proxy=replace(proxy, host=host))
        await bench.service.try_log_in(settings, {}, office, ALICE)
        used.append(bench.world.workers.newest.start.secrets)

    assert [one.password for one in used] == [Secret("kept")] * 2
    assert [one.proxy_password for one in used] == [Secret("sesame"), None]


async def test_a_log_in_with_a_smart_card_is_not_tried(bench: Bench) -> None:
    with pytest.raises(InvalidSettings, match="smart card"):
        await bench.service.try_log_in(replace(SETTINGS, auth=AuthType.SMART_CARD), {}, "", ALICE)


async def test_hubs_are_listed_for_whoever_may_save_a_connection(bench: Bench) -> None:
    assert await bench.service.list_hubs(SETTINGS, {}, "", ALICE) == ["LAB", "STAFF"]

    bench.world.authority.denied.add((ALICE, ACTION_EDIT))
    with pytest.raises(NotAuthorized):
        await bench.service.list_hubs(SETTINGS, {}, "", ALICE)
    with pytest.raises(NotAuthorized):
        await bench.service.try_log_in(SETTINGS, {}, "", ALICE)
    assert len(bench.world.workers.started) == 1


async def test_a_server_that_refuses_the_list_is_told_by_its_number(bench: Bench) -> None:
    bench.world.workers.errand_refused = 2

    with pytest.raises(TunnelError) as told:
        await bench.service.list_hubs(SETTINGS, {}, "", ALICE)

    assert told.value.code == 2


async def test_one_user_has_only_so_many_servers_asked_at_a_time(bench: Bench) -> None:
    asked = await asyncio.gather(
        *(bench.service.list_hubs(SETTINGS, {}, "", ALICE) for _ in range(service_module.MAX_ERRANDS + 1)),
        bench.service.list_hubs(SETTINGS, {}, "", BOB),
        return_exceptions=True,
    )

    assert [isinstance(one, VpnError) for one in asked] == [False] * service_module.MAX_ERRANDS + [True, False]
    assert await bench.service.list_hubs(SETTINGS, {}, "", ALICE)


async def test_a_password_of_absurd_length_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidSettings):
        await bench.service.add(SETTINGS, {"password": Secret("x" * 5000)}, ALICE)


async def test_a_certificate_can_be_read_and_trusted_outside_a_window(bench: Bench) -> None:
    office = await bench.office()
    await bench.service.connect(office, ALICE)
    bench.world.workers.newest.fail(85, certificate="REVS")
    await settle()
    seen = await bench.service.certificate(office, ALICE)

    await bench.service.trust_certificate(office, ":".join(["AB"] * 32), ALICE)

    assert seen == "REVS"
    assert bench.state(office) is State.CONNECTING
    assert bench.world.workers.newest.start.accepted_fingerprint == "ab" * 32
    assert bench.world.store.connections[office].settings.server_fingerprint == "ab" * 32
    with pytest.raises(InvalidSettings):
        await bench.service.trust_certificate(office, "nonsense", ALICE)


async def test_an_agent_that_registers_is_asked_what_is_waiting(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)
    await bench.service.connect(office, ALICE)
    await settle()
    await bench.service.register_agent("/agent", BOB)
    await settle()
    asked_bob = len(bench.world.agents.questions)
    await bench.service.register_agent("/agent", ALICE)
    await settle()
    asked_alice = len(bench.world.agents.questions)
    await bench.service.unregister_agent(BOB)

    assert (asked_bob, asked_alice) == (0, 1)
    assert list(bench.world.agents.registered) == [ALICE]


# -- who may -----------------------------------------------------------------------------------------------------------

Call = Callable[[ConnectionService, str, str], Awaitable[object]]
CALLS: dict[str, tuple[Call, str]] = {
    "connect": (lambda s, c, caller: s.connect(c, caller), ACTION_CONTROL),
    "disconnect": (lambda s, c, caller: s.disconnect(c, caller), ACTION_CONTROL),
    "update": (lambda s, c, caller: s.update(c, replace(ANONYMOUS, port=992), caller), ACTION_EDIT),
    "set_secrets": (lambda s, c, caller: s.set_secrets(c, {"password": Secret("x")}, caller), ACTION_EDIT),
    "change_password": (lambda s, c, caller: s.change_password(c, Secret("a"), Secret("b"), caller), ACTION_EDIT),
    "list_hubs": (lambda s, c, caller: s.list_hubs(ANONYMOUS, {}, c, caller), ACTION_EDIT),
    "try_log_in": (lambda s, c, caller: s.try_log_in(ANONYMOUS, {}, c, caller), ACTION_EDIT),
    "trust_certificate": (lambda s, c, caller: s.trust_certificate(c, "ab" * 32, caller), ACTION_EDIT),
    "remove": (lambda s, c, caller: s.remove(c, caller), ACTION_EDIT),
    "settings": (lambda s, c, caller: s.settings(c, caller), ""),
    "status": (lambda s, c, caller: s.status(c, caller), ""),
    "certificate": (lambda s, c, caller: s.certificate(c, caller), ""),
}


def test_every_call_about_a_connection_is_in_the_table() -> None:
    public = {name for name in vars(ConnectionService) if not name.startswith("_")}

    agents = {"register_agent", "agent_registered", "unregister_agent"}
    authorities = {"authorities", "add_authorities", "remove_authority"}
    machine = {
        "load",
        "shutdown",
        "sleep",
        "wake",
        "network_changed",
        "look_at_nics",
        "user_gone",
    }  # nobody on the bus calls these
    further = {"add", "diagnose", "events", "nics", "sight_of", "unblock"}
    assert public == CALLS.keys() | agents | further | authorities | machine


@pytest.mark.parametrize("name", CALLS)
async def test_the_owner_may_if_the_action_is_allowed(bench: Bench, name: str) -> None:
    call, action = CALLS[name]
    office = await bench.office()
    bench.world.authority.asked.clear()

    await call(bench.service, office, ALICE)

    assert bench.world.authority.asked == ([(ALICE, action)] if action else [])


@pytest.mark.parametrize("name", [name for name, (_, action) in CALLS.items() if action])
async def test_the_owner_may_not_if_the_action_is_not(bench: Bench, name: str) -> None:
    call, action = CALLS[name]
    office = await bench.office()
    before = bench.world.store.connections.copy()
    bench.world.authority.denied.add((ALICE, action))

    with pytest.raises(NotAuthorized):
        await call(bench.service, office, ALICE)

    assert (bench.state(office), bench.world.store.connections) == (State.IDLE, before)


@pytest.mark.parametrize("name", CALLS)
async def test_for_others_it_does_not_exist(bench: Bench, name: str) -> None:
    office = await bench.office()
    before = bench.world.store.connections.copy()

    with pytest.raises(NotFound, match=r"^There is no such connection$"):
        await CALLS[name][0](bench.service, office, BOB)

    assert (bench.state(office), bench.world.store.connections) == (State.IDLE, before)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("caller", [ADMIN, ROOT])
async def test_root_and_whoever_may_control_others_may(bench: Bench, name: str, caller: str) -> None:
    office = await bench.office()
    bench.world.authority.asked.clear()

    await CALLS[name][0](bench.service, office, caller)

    if caller == ADMIN:
        assert bench.world.authority.asked == [(ADMIN, ACTION_CONTROL_OTHERS)]


@pytest.mark.parametrize("name", CALLS)
async def test_nobody_is_asked_for_a_password_about_others_connections(bench: Bench, name: str) -> None:
    office = await bench.office()
    bench.world.authority.has_prompted = False

    await CALLS[name][0](bench.service, office, ADMIN)

    assert not bench.world.authority.has_prompted


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_not_there_is_not_found_and_who_is_not_there_may_nothing(bench: Bench, name: str) -> None:
    office = await bench.office()

    with pytest.raises(NotFound):
        await CALLS[name][0](bench.service, "nothing", ALICE)
    with pytest.raises(NotAuthorized):
        await CALLS[name][0](bench.service, office, ":1.99")


async def test_everyone_sees_their_own_and_root_and_whoever_may_control_others_all(bench: Bench) -> None:
    seen = [await bench.service.sight_of(caller) for caller in (ALICE, BOB, ADMIN, ROOT)]

    assert seen == [UIDS[ALICE], UIDS[BOB], None, None]


async def test_two_users_may_choose_the_same_name(bench: Bench) -> None:
    office = await bench.office()

    assert await bench.service.add(SETTINGS, {}, BOB) != office
    with pytest.raises(AlreadyExists):
        await bench.service.add(SETTINGS, {}, BOB)


async def test_another_host_has_to_show_its_certificate_anew(bench: Bench) -> None:
    office = await bench.office()
    await bench.service.trust_certificate(office, "ab" * 32, ALICE)
    pinned = await bench.service.settings(office, ALICE)

    await bench.service.update(office, replace(pinned, name="Home", port=992), ALICE)
    assert (await bench.service.settings(office, ALICE)).server_fingerprint == "ab" * 32
    await bench.service.update(office, replace(pinned, host="other.example.org"), ALICE)
    assert (await bench.service.settings(office, ALICE)).server_fingerprint == ""
    both = replace(pinned, host="third.example.org", server_fingerprint="cd" * 32)
    await bench.service.update(office, both, ALICE)
    assert (await bench.service.settings(office, ALICE)).server_fingerprint == "cd" * 32


async def test_authorities_vouch_for_the_servers_of_those_who_added_them(bench: Bench) -> None:
    office = await bench.office()
    await bench.service.add_authorities(CERTIFICATE, ALICE)

    await bench.service.connect(office, ALICE)

    assert bench.world.workers.newest.start.authorities == CERTIFICATE
    assert (await bench.service.authorities(BOB)).pem == ""
    with pytest.raises(NotFound):
        await bench.service.remove_authority(fingerprint(CERTIFICATE), BOB)
    await bench.service.remove_authority(fingerprint(CERTIFICATE), ALICE)
    assert (await bench.service.authorities(ALICE)).pem == ""


async def test_who_may_not_edit_may_not_add(bench: Bench) -> None:
    bench.world.authority.denied.add((ALICE, ACTION_EDIT))

    with pytest.raises(NotAuthorized):
        await bench.office()
    with pytest.raises(NotAuthorized):
        await bench.service.add_authorities(CERTIFICATE, ALICE)
    assert bench.world.store.owned_authorities == {}

    assert bench.world.store.connections == {}


async def test_the_machine_is_looked_over_for_those_who_may_connect(bench: Bench) -> None:
    def keys(found: list[Finding]) -> set[str]:
        return {finding.key for finding in found}

    assert "agent" in keys(await bench.service.diagnose(ALICE))
    await bench.service.register_agent("/agent", ALICE)
    assert "agent" not in keys(await bench.service.diagnose(ALICE))
    assert "agent" in keys(await bench.service.diagnose(BOB))
    assert "agent" not in keys(await bench.service.diagnose(ROOT))

    bench.world.authority.denied.add((BOB, ACTION_CONTROL))
    with pytest.raises(NotAuthorized):
        await bench.service.diagnose(BOB)


async def test_everyone_sees_the_history_of_their_own_connections_and_root_sees_all(bench: Bench) -> None:
    office = await bench.office()
    await bench.service.connect(office, ALICE)

    assert [entry.connection for entry in await bench.service.events(10, ALICE)] == ["Office"]
    assert await bench.service.events(10, BOB) == []
    assert len(await bench.service.events(10, ROOT)) == 1


async def test_the_connection_is_looked_up_again_when_asking_took_its_time(bench: Bench) -> None:
    office = await bench.office()

    connecting, removing = await asyncio.gather(
        bench.service.connect(office, ADMIN), bench.service.remove(office, ALICE), return_exceptions=True
    )

    assert removing is None
    assert connecting is None or isinstance(connecting, NotFound)
    assert not bench.world.workers.running


async def test_what_is_removed_while_a_password_is_asked_for_does_not_come_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await bench.office(ADMIN)
    asked, answered = asyncio.Event(), asyncio.Event()
    check = bench.world.authority.check

    async def slowly(caller: str, action: str, interactive: bool = True) -> None:
        if action == ACTION_EDIT_MACHINE:
            asked.set()
            await answered.wait()
        await check(caller, action, interactive)

    monkeypatch.setattr(bench.world.authority, "check", slowly)
    updating = asyncio.create_task(bench.service.update(office, replace(ANONYMOUS, connect_at_start=True), ADMIN))
    await asked.wait()
    await bench.service.remove(office, ADMIN)
    answered.set()

    with pytest.raises(NotFound):
        await updating
    assert not bench.world.store.connections


async def test_the_session_key_is_for_the_owner_alone(bench: Bench) -> None:
    office = await bench.office(ROOT)
    await bench.service.connect(office, ALICE)
    bench.world.workers.newest.establish()
    await settle()

    assert (await bench.service.status(office, ROOT))["session_key"]
    for caller in (ALICE, BOB, ADMIN):
        assert (await bench.service.status(office, caller))["session_key"] == ""


# -- the machine -------------------------------------------------------------------------------------------------------


async def test_the_machine_may_sleep_when_all_have_logged_off(bench: Bench) -> None:
    office = await bench.up()
    bench.world.workers.newest.is_stubborn = True

    going = asyncio.create_task(bench.service.sleep())
    await settle()
    waited = not going.done()
    bench.world.workers.newest.fail(6)
    await going

    assert waited
    assert bench.world.workers.newest.has_kept_address
    assert bench.state(office) is State.SLEEPING
    assert bench.world.nics.open_ones


async def test_all_come_back_when_it_wakes(bench: Bench) -> None:
    office = await bench.up()
    await bench.service.sleep()

    bench.service.wake(is_online=True)
    await settle()

    assert bench.state(office) is State.CONNECTING
    assert len(bench.world.workers.running) == 1


async def test_a_changed_network_makes_workers_look_at_their_carriers(bench: Bench) -> None:
    await bench.up()

    bench.service.network_changed(has_gained=False)
    await settle()

    assert bench.world.workers.newest.checks == 1


async def test_what_was_up_is_up_again_in_the_next_life(bench: Bench) -> None:
    office = await bench.up()
    await bench.service.add(replace(ANONYMOUS, name="home", connect_at_start=True), {}, ADMIN)
    await bench.service.shutdown()
    bench.world.listener.shown.clear()

    bench.service = ConnectionService(bench.world.surroundings, bench.world.listener)
    bench.service.load()
    await settle()

    assert bench.world.wanted.ids == frozenset((office,))
    assert {path: shown[0].state for path, shown in bench.world.listener.shown.items()}[office] is State.CONNECTING
    assert len(bench.world.workers.running) == 1


async def test_the_first_life_since_the_boot_connects_what_is_to_start_with_the_machine(bench: Bench) -> None:
    await bench.office()
    home = await bench.service.add(replace(ANONYMOUS, name="home", connect_at_start=True), {}, ADMIN)
    await bench.service.shutdown()
    bench.world.listener.shown.clear()
    bench.world.wanted.ids = None

    bench.service = ConnectionService(bench.world.surroundings, bench.world.listener)
    bench.service.load()
    await settle()

    assert bench.state(home) is State.CONNECTING
    assert bench.world.wanted.ids == frozenset((home,))


async def test_what_is_removed_is_not_wanted_any_more(bench: Bench) -> None:
    office = await bench.up()

    await bench.service.remove(office, ALICE)

    assert bench.world.wanted.ids == frozenset()


async def test_a_log_out_ends_only_what_is_to_end_with_it(bench: Bench) -> None:
    office = await bench.up()
    runner = bench.service._runners[office]
    bench.service.user_gone(1001)
    await settle()
    lasting = bench.state(office)
    runner.stored = replace(runner.stored, settings=replace(ANONYMOUS, disconnect_at_logout=True))
    bench.service.user_gone(1002)
    await settle()
    of_another = bench.state(office)

    bench.service.user_gone(1001)
    await runner.settled.wait()
    await settle()

    assert (lasting, of_another, bench.state(office)) == (State.UP, State.UP, State.IDLE)


# -- everybody's -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
async def test_what_belongs_to_root_is_used_by_all_and_changed_by_administrators(bench: Bench, name: str) -> None:
    call, action = CALLS[name]
    office = await bench.office(ROOT)
    bench.world.authority.asked.clear()

    if action == ACTION_EDIT:
        with pytest.raises(NotAuthorized):
            await call(bench.service, office, ALICE)
        asked = [(ALICE, ACTION_EDIT_SYSTEM)]
    else:
        await call(bench.service, office, ALICE)
        asked = [(ALICE, action)] if action else []
    assert bench.world.authority.asked == asked
    await call(bench.service, office, ADMIN)


async def test_whoever_connects_what_is_everybodys_is_asked_and_nothing_typed_is_kept(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ROOT)
    for caller in (ALICE, BOB):
        await bench.service.register_agent("/agent", caller)
    await bench.service.connect(office, BOB)
    await settle()
    [question] = bench.world.agents.questions
    question.answer.set_result(SecretAnswer(Secret("typed"), save=True))
    await settle()
    bench.world.workers.newest.establish()
    await settle()

    assert question.owner == 1002
    assert bench.state(office) is State.UP
    assert bench.world.store.connections[office].secrets.password is None


async def test_a_certificate_for_everybody_is_not_judged_by_anybody(bench: Bench) -> None:
    office = await bench.office(ROOT)
    await bench.service.register_agent("/agent", ALICE)
    await bench.service.connect(office, ALICE)
    bench.world.workers.newest.fail(85, certificate="REVS")
    await settle()

    assert bench.world.agents.questions == []
    assert bench.state(office) is State.NEEDS_TRUST


@pytest.mark.parametrize(("caller", "names"), [(ALICE, {"tsunagu0"}), (BOB, set()), (ROOT, {"tsunagu0"})])
async def test_nics_are_shown_to_those_who_may_know_of_their_connections(
    bench: Bench, caller: str, names: set[str]
) -> None:
    await bench.office()

    assert {nic.name for nic in await bench.service.nics(caller)} == names


async def test_a_shared_nic_is_one_with_the_mac_address_of_the_connection_that_uses_it(bench: Bench) -> None:
    shared = replace(ANONYMOUS, interface="tsunagu_both")
    first = await bench.service.add(shared, {}, ALICE)
    second = await bench.service.add(replace(shared, name="second", mac="5e:00:00:00:00:02"), {}, ALICE)
    [before] = await bench.service.nics(ALICE)

    await bench.service.connect(second, ALICE)
    await settle()
    [attempted] = await bench.service.nics(ALICE)
    bench.world.workers.newest.establish()
    await settle()
    [up] = await bench.service.nics(ALICE)

    assert (before.state, attempted.state, up.state) == ("absent", "down", "up")
    assert (up.name, up.mac, up.connections) == ("tsunagu_both", "5e:00:00:00:00:02", (first, second))


async def test_an_own_nic_is_not_called_as_people_have_called_another(bench: Bench) -> None:
    await bench.service.add(replace(ANONYMOUS, interface="tsunagu1"), {}, ALICE)
    second = await bench.service.add(replace(ANONYMOUS, name="second"), {}, BOB)

    assert bench.world.store.connections[second].interface == "tsunagu2"


async def test_a_nic_that_is_disabled_ends_its_connection_and_begins_none(bench: Bench) -> None:
    office = await bench.office()
    await bench.service.update(office, ANONYMOUS, ALICE)
    await bench.service.connect(office, ALICE)
    await settle()
    bench.world.workers.newest.establish()
    await settle()

    await bench.service.update(office, replace(ANONYMOUS, nic_enabled=False), ALICE)
    ended = bench.state(office)
    await bench.service.connect(office, ALICE)
    await settle()

    runner = bench.service._runners[office]
    assert (ended, bench.state(office)) == (State.IDLE, State.IDLE)
    assert runner.connection.last_error is not None
    assert runner.connection.last_error.code == 44
    assert [nic.enabled for nic in await bench.service.nics(ALICE)] == [False]


@pytest.mark.parametrize("changes", [{"connect_at_start": True}, {"routing": Routing.EVERYTHING}])
async def test_only_administrators_let_a_connection_reach_everybody(bench: Bench, changes: dict[str, Any]) -> None:
    everybodys = replace(ANONYMOUS, **changes)
    with pytest.raises(NotAuthorized):
        await bench.service.add(everybodys, {}, ALICE)
    office = await bench.office()
    with pytest.raises(NotAuthorized):
        await bench.service.update(office, everybodys, ALICE)
    await bench.service.update(office, everybodys, ADMIN)

    await bench.service.update(office, replace(everybodys, port=992), ALICE)  # it did before

    assert await bench.service.settings(office, ALICE) == replace(everybodys, port=992)


# -- what the administrator provides -----------------------------------------------------------------------------------


def provide(bench: Bench, **settings: ConnectionSettings | None) -> None:
    """Load, with this in the administrator's directory."""
    bench.world.provided = settings
    bench.world.listener.shown.clear()
    bench.service = ConnectionService(bench.world.surroundings, bench.world.listener)
    bench.service.load()


async def test_what_is_provided_can_be_used_and_not_changed_even_by_root(bench: Bench) -> None:
    provide(bench, office=ANONYMOUS)

    await bench.service.connect("office", ALICE)
    for caller in (ADMIN, ROOT):
        with pytest.raises(NotAuthorized, match="provides this connection"):
            await bench.service.update("office", ANONYMOUS, caller)
        with pytest.raises(NotAuthorized, match="provides this connection"):
            await bench.service.remove("office", caller)

    assert bench.state("office") is State.CONNECTING
    await bench.service.shutdown()


async def test_what_was_added_to_it_stays_and_what_is_provided_anew_wins(bench: Bench) -> None:
    provide(bench, office=SETTINGS)
    await bench.service.set_secrets("office", {"password": Secret("root's")}, ROOT)
    await bench.service.trust_certificate("office", "ab" * 32, ROOT)
    before = bench.world.store.connections["office"]

    provide(bench, office=replace(SETTINGS, port=992))

    after = bench.world.store.connections["office"]
    assert after == replace(before, settings=replace(before.settings, port=992))
    assert after.settings.server_fingerprint == "ab" * 32
    provide(bench, office=replace(SETTINGS, host="other.example.org"))
    assert bench.world.store.connections["office"].settings.server_fingerprint == ""


async def test_what_is_provided_no_more_goes_but_a_faulty_file_takes_nothing_away(bench: Bench) -> None:
    provide(bench, office=ANONYMOUS)
    provide(bench, office=None)
    while_faulty = list(bench.world.listener.shown), list(bench.world.store.connections)

    provide(bench)

    assert while_faulty == ([], ["office"])
    assert bench.world.store.connections == {}


async def test_a_connections_own_nic_is_nobody_elses(bench: Bench) -> None:
    first = await bench.office()
    own = bench.world.store.connections[first].interface
    second = await bench.service.add(replace(ANONYMOUS, interface="tsunagu_mine"), {}, BOB)

    with pytest.raises(AlreadyExists, match=f"{own} is another connection's own"):
        await bench.service.add(replace(ANONYMOUS, name="Third", interface=own), {}, BOB)
    with pytest.raises(AlreadyExists):
        await bench.service.update(second, replace(ANONYMOUS, interface=own), BOB)

    await bench.service.update(first, replace(SETTINGS, interface=own), ALICE)
    await bench.service.update(second, replace(ANONYMOUS, interface="tsunagu_other"), BOB)


async def test_a_provided_connection_takes_nobodys_place(bench: Bench) -> None:
    office = await bench.office()

    provide(bench, **{office: replace(ANONYMOUS, name="Evil")})

    assert (await bench.service.settings(office, ALICE)).name == "Office"
    assert "is taken" in bench.service.problems[0]


async def test_a_nic_that_a_person_has_named_is_shared_by_that_persons_connections_alone(bench: Bench) -> None:
    named = replace(ANONYMOUS, interface="tsunagu_work")
    await bench.service.add(named, {}, ALICE)

    with pytest.raises(AlreadyExists, match="tsunagu_work is another"):
        await bench.service.add(replace(named, name="Bob's"), {}, BOB)
    await bench.service.add(replace(named, name="Shared"), {}, ALICE)


async def test_only_its_owner_says_which_library_a_smart_card_loads(bench: Bench) -> None:
    office = await bench.office()
    card = replace(ANONYMOUS, card_module="/tmp/evil.so")  # it is not opened

    with pytest.raises(NotAuthorized, match="Only its owner"):
        await bench.service.update(office, card, ADMIN)
    await bench.service.update(office, replace(ANONYMOUS, port=992), ADMIN)
    await bench.service.update(office, card, ALICE)
    await bench.service.update(office, replace(card, port=443), ADMIN)

    assert (await bench.service.settings(office, ALICE)).card_module == "/tmp/evil.so"


async def test_a_kill_switch_is_lifted_by_disconnecting_removing_or_unblocking_and_by_nothing_else(
    bench: Bench,
) -> None:
    office = await bench.office()
    blocking = replace(ANONYMOUS, routing=Routing.EVERYTHING, kill_switch=True)
    await bench.service.update(office, blocking, ADMIN)
    holders = bench.world.lockdown.holders
    await bench.service.connect(office, ALICE)
    bench.world.workers.newest.fail(7)
    await settle()
    assert holders == {office: "Office"}
    assert bench.world.listener.locks[-1:] == [True]
    assert "until Office is disconnected" in str((await bench.service.status(office, ALICE))["blocked"])

    with pytest.raises(NotFound):
        await bench.service.unblock(BOB)
    assert holders
    await bench.service.unblock(ALICE)
    assert not holders
    assert bench.world.listener.locks[-1:] == [False]

    await bench.service.connect(office, ALICE)
    await settle()
    assert holders
    await bench.service.disconnect(office, ALICE)
    assert not holders


# -- the keyring -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyring(bench: Bench) -> dict[tuple[str, str], Secret]:
    """Alice has one."""
    bench.world.agents.register(ALICE, UIDS[ALICE], "/agent")
    bench.world.agents.has_keyring = True
    return bench.world.agents.keyring


def password_in(keyring: dict[tuple[str, str], Secret], connection_id: str) -> Secret | None:
    return keyring.get((connection_path(connection_id), "password"))


async def test_a_password_goes_into_its_owners_keyring_and_not_to_the_disk(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("first")}, ALICE)
    added = bench.world.store.connections[office], password_in(keyring, office)
    await bench.service.set_secrets(office, {"password": Secret("second")}, ALICE)

    for stored, password in (added, (bench.world.store.connections[office], password_in(keyring, office))):
        assert (stored.secrets, stored.in_keyring) == (NO_SECRETS, (SecretKind.PASSWORD,))
        assert password in (Secret("first"), Secret("second"))
    status = await bench.service.status(office, ALICE)
    assert (status["password_kept"], status["saved_secrets"]) == ("keyring", ["password"])


async def test_it_is_used_from_there_after_a_restart_without_a_question(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)
    again = ConnectionService(bench.world.surroundings, FakeListener())
    again.load()
    await again.connect(office, ALICE)
    await settle()

    assert keyring
    assert bench.world.workers.newest.start.secrets.password == Secret("tiger")
    assert bench.world.agents.questions == []
    await again.shutdown()


async def test_a_log_in_is_tried_with_what_is_in_the_keyring_by_its_owner_alone(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)

    used = []
    for caller, given in ((ALICE, {}), (ALICE, {"password": Secret("typed")}), (ADMIN, {})):
        await bench.service.try_log_in(SETTINGS, given, office, caller)
        used.append(bench.world.workers.newest.start.secrets.password)

    assert keyring
    assert used == [Secret("tiger"), Secret("typed"), None]
    assert bench.world.agents.questions == []
    assert bench.world.store.connections[office].secrets == NO_SECRETS


async def test_a_log_in_is_tried_with_what_its_owner_types_where_the_keyring_has_lost_it(
    bench: Bench, keyring: dict[tuple[str, str], Secret], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)
    keyring.clear()
    trying = asyncio.ensure_future(bench.service.try_log_in(SETTINGS, {}, office, ALICE))
    await settle()

    [question] = bench.world.agents.open_questions
    assert question.hints["save_forbidden"]
    question.answer.set_result(SecretAnswer(Secret("typed"), save=False))
    await trying
    assert bench.world.workers.newest.start.secrets.password == Secret("typed")

    monkeypatch.setattr("tsunagu_helper.keyring.FIND_S", 0)
    with pytest.raises(Cancelled):
        await bench.service.try_log_in(SETTINGS, {}, office, ALICE)


@pytest.mark.parametrize("change", [{"secrets_in": SecretsIn.SYSTEM}, {"connect_at_start": True}])
async def test_what_has_to_serve_before_any_log_in_stays_with_the_helper(
    bench: Bench, keyring: dict[tuple[str, str], Secret], change: dict[str, Any]
) -> None:
    bench.world.agents.register(ADMIN, UIDS[ADMIN], "/agent")
    settings = replace(SETTINGS, **change)
    office = await bench.service.add(settings, {"password": Secret("tiger")}, ADMIN)

    assert bench.world.store.connections[office].secrets.password == Secret("tiger")
    assert (await bench.service.status(office, ADMIN))["password_kept"] == "system"
    assert keyring == {}


async def test_roots_connections_and_private_keys_and_hashes_are_in_no_keyring(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    bench.world.agents.register(ROOT, 0, "/agent")
    everybodys = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ROOT)
    own = await bench.service.add(replace(SETTINGS, name="Home"), {"hashed_password": Secret("ab" * 20)}, ALICE)

    assert bench.world.store.connections[everybodys].secrets.password == Secret("tiger")
    assert bench.world.store.connections[own].secrets.hashed_password
    assert keyring == {}


async def test_where_the_keyring_stays_locked_nothing_is_saved_and_that_is_said(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("first")}, ALICE)
    bench.world.agents.is_locked = True

    with pytest.raises(Cancelled, match="keyring stayed locked"):
        await bench.service.set_secrets(office, {"password": Secret("second")}, ALICE)
    with pytest.raises(Cancelled, match="keyring stayed locked"):
        await bench.service.add(replace(SETTINGS, name="Home"), {"password": Secret("x")}, ALICE)

    assert password_in(keyring, office) == Secret("first")
    assert [*bench.world.store.connections] == [office]


async def test_where_the_keyring_fails_nothing_is_saved_elsewhere_and_that_is_said(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    bench.world.agents.is_broken = True

    with pytest.raises(KeyringFailed, match="keyring did not answer"):
        await bench.service.add(SETTINGS, {"password": Secret("first")}, ALICE)

    assert keyring == {}
    assert bench.world.store.connections == {}


async def test_without_a_keyring_or_an_agent_the_helper_keeps_it(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    bench.world.agents.has_keyring = False
    without = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)
    bench.world.agents.unregister(ALICE)
    alone = await bench.service.add(replace(SETTINGS, name="Home"), {"password": Secret("tiger")}, ALICE)

    assert keyring == {}
    for office in (without, alone):
        assert (await bench.service.status(office, ALICE))["password_kept"] == "system"


async def test_a_password_that_is_forgotten_is_so_in_the_keyring(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)
    await bench.service.set_secrets(office, {"password": Secret("")}, ALICE)

    assert (keyring, bench.world.store.connections[office].in_keyring) == ({}, ())


async def test_a_hash_in_the_place_of_the_password_takes_that_out_of_the_keyring(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("tiger")}, ALICE)
    await bench.service.set_secrets(office, {"hashed_password": Secret("ab" * 20)}, ALICE)

    assert (keyring, bench.world.store.connections[office].in_keyring) == ({}, ())


async def test_a_connection_that_is_removed_leaves_nothing_in_the_keyring(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a"), "proxy_password": Secret("b")}, ALICE)
    both = len(keyring)
    await bench.service.remove(office, ALICE)

    assert (both, keyring) == (2, {})


async def test_what_a_connection_that_is_removed_has_there_is_taken_out_when_the_agent_is_back(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a")}, ALICE)
    bench.world.agents.unregister(ALICE)
    await bench.service.remove(office, ALICE)
    left = dict(keyring)
    bench.world.agents.register(BOB, UIDS[BOB], "/agent")
    await settle()
    still_left = dict(keyring)
    bench.world.agents.register(ALICE, UIDS[ALICE], "/agent")
    await settle()

    assert len(left) == len(still_left) == 1
    assert keyring == {}
    assert bench.world.to_forget.of(UIDS[ALICE]) == {}


async def test_what_a_locked_keyring_could_not_forget_is_taken_out_when_it_is_next_used(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a")}, ALICE)
    home = await bench.service.add(replace(SETTINGS, name="Home"), {"password": Secret("b")}, ALICE)
    bench.world.agents.is_locked = True
    await bench.service.remove(office, ALICE)
    bench.world.agents.is_locked = False
    await bench.service.connect(home, ALICE)
    await settle()

    assert password_in(keyring, office) is None
    assert password_in(keyring, home) == Secret("b")


async def test_a_crash_before_a_removal_leaves_the_keyring_as_it_was(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a")}, ALICE)
    bench.world.to_forget.note(UIDS[ALICE], office, SecretKind)
    again = ConnectionService(bench.world.surroundings, FakeListener())
    again.load()
    again.agent_registered(UIDS[ALICE])
    await settle()

    assert password_in(keyring, office) == Secret("a")
    await again.shutdown()


async def test_a_connection_that_cannot_be_removed_keeps_its_password(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a")}, ALICE)
    bench.world.store.is_full = True
    with pytest.raises(StorageFailed):
        await bench.service.remove(office, ALICE)
    bench.service.agent_registered(UIDS[ALICE])
    await settle()

    assert password_in(keyring, office) == Secret("a")


async def test_what_the_keyring_has_anew_is_not_taken_out_any_more(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("a")}, ALICE)
    bench.world.agents.is_locked = True
    await bench.service.set_secrets(office, {"password": Secret("")}, ALICE)
    bench.world.agents.is_locked = False
    await bench.service.set_secrets(office, {"password": Secret("b")}, ALICE)
    bench.service.agent_registered(UIDS[ALICE])
    await settle()

    assert password_in(keyring, office) == Secret("b")


async def test_a_typed_password_is_saved_when_the_agent_that_left_is_back(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)
    await bench.service.connect(office, ALICE)
    await settle()
    [question] = bench.world.agents.open_questions
    question.answer.set_result(SecretAnswer(Secret("typed"), save=True))
    await settle()
    bench.world.agents.unregister(ALICE)
    bench.world.workers.newest.establish()
    await settle()
    before = bench.world.store.connections[office]
    bench.world.agents.register(ALICE, UIDS[ALICE], "/agent")
    await settle()

    assert (before.secrets, before.in_keyring) == (NO_SECRETS, ())
    assert any("not in your keyring yet" in told for told in bench.world.told)
    assert password_in(keyring, office) == Secret("typed")
    assert (await bench.service.status(office, ALICE))["password_kept"] == "keyring"


async def test_a_typed_password_is_in_the_keyring_once_the_server_has_taken_it(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)
    await bench.service.connect(office, ALICE)
    await settle()
    [question] = bench.world.agents.open_questions
    question.answer.set_result(SecretAnswer(Secret("typed"), save=True))
    await settle()
    not_yet = dict(keyring)
    bench.world.workers.newest.establish()
    await settle()

    assert not_yet == {}
    assert password_in(keyring, office) == Secret("typed")
    stored = bench.world.store.connections[office]
    assert (stored.secrets, stored.in_keyring) == (NO_SECRETS, (SecretKind.PASSWORD,))


async def test_a_password_changed_on_the_server_is_changed_in_the_keyring(
    bench: Bench, keyring: dict[tuple[str, str], Secret]
) -> None:
    office = await bench.service.add(SETTINGS, {"password": Secret("old")}, ALICE)
    await bench.service.change_password(office, Secret("old"), Secret("new"), ALICE)
    await settle()

    assert password_in(keyring, office) == Secret("new")


async def test_what_a_person_types_for_everybodys_connection_is_not_to_be_saved(bench: Bench) -> None:
    bench.world.agents.register(ALICE, UIDS[ALICE], "/agent")
    office = await bench.service.add(SETTINGS, {}, ROOT)
    await bench.service.connect(office, ALICE)
    await settle()

    [question] = bench.world.agents.open_questions
    assert (question.hints["save_forbidden"], question.hints["keyring"]) == (True, False)


# -- who logs in -------------------------------------------------------------------------------------------------------

MIKA = Login("mika", AuthType.PLAIN_PASSWORD)


async def chosen(bench: Bench, office: str) -> bool:
    """Alice connects and chooses another user name; whether she was told that she may not."""
    bench.world.agents.register(ALICE, UIDS[ALICE], "/agent")
    await bench.service.connect(office, ALICE)
    await settle()
    [question] = bench.world.agents.open_questions
    question.answer.set_result(SecretAnswer(Secret("typed"), save=True, login=MIKA))
    await settle()
    bench.world.workers.newest.establish()
    await settle()
    return bool(question.hints["fixed"])


async def test_another_user_name_is_written_to_the_settings_once_the_server_has_taken_it(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ALICE)

    is_fixed = await chosen(bench, office)

    kept = bench.world.store.connections[office].settings
    assert (is_fixed, kept) == (False, replace(SETTINGS, username="mika", auth=AuthType.PLAIN_PASSWORD))
    assert bench.world.workers.newest.start.settings.username == "mika"


async def test_nobody_but_its_owner_chooses_who_logs_in(bench: Bench) -> None:
    office = await bench.service.add(SETTINGS, {}, ROOT)

    is_fixed = await chosen(bench, office)

    assert is_fixed
    assert bench.world.workers.newest.start.settings.username == SETTINGS.username
    assert bench.world.store.connections[office].settings == SETTINGS
