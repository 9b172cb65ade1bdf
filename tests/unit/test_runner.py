"""The runner with everything around it in memory: what is decided is done, and what comes of it comes back."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.fakes_helper import LEASE, NOW, SESSION, SETTINGS, FakeNic, FakeWorld, broken_nic, settle
from tsunagu.control import NeedSignature, NotSigned, Progress, Signed
from tsunagu.errors import Cancelled, NoAgent, TunnelError, VpnError
from tsunagu.model import AuthType, Phase, Routing, Secret, Secrets, State, Statistics
from tsunagu_helper import runner
from tsunagu_helper.agents import SecretAnswer
from tsunagu_helper.events import AgentAppeared, ConnectAsked, DisconnectAsked, RemoveAsked, RetryDue, SettingsChanged
from tsunagu_helper.runner import Facts, Runner
from tsunagu_helper.store import StoredConnection

STORED = StoredConnection(
    id="abc",
    settings=SETTINGS,
    owner=1001,
    interface="tsunagu0",
    mac="5e:00:00:00:00:01",
    secrets=Secrets(password=Secret("saved")),
)


class Bench:
    """A runner and its world."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.changes = 0
        self.start(STORED)

    def start(self, stored: StoredConnection) -> None:
        self.world.store.connections[stored.id] = stored
        self.runner = Runner(stored, self.world.surroundings, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def state(self) -> State:
        return self.runner.connection.state

    @property
    def error_code(self) -> int:
        return self.runner.connection.error.code if self.runner.connection.error else 0

    @property
    def nic(self) -> FakeNic:
        [nic] = self.world.nics.open_ones
        return nic

    async def up(self) -> None:
        await self.runner.tell(ConnectAsked())
        self.world.workers.newest.establish()
        self.world.workers.newest.lease()
        await settle()

    async def end(self) -> None:
        await self.runner.tell(RemoveAsked())
        await self.runner.left.wait()
        assert not self.world.nics.open_ones
        assert not self.world.workers.running
        assert not self.world.agents.open_questions


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.end()


async def test_a_connection_comes_up_with_carrier_address_and_routes(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    connecting = bench.state, bench.nic.carrier
    bench.world.workers.newest.progress(Progress(phase=Phase.AUTHENTICATING))
    await settle()
    phase = bench.runner.connection.phase
    bench.world.workers.newest.establish()
    bench.world.workers.newest.lease()
    await settle()

    assert connecting == (State.CONNECTING, False)
    assert phase is Phase.AUTHENTICATING
    assert (bench.state, bench.nic.carrier) == (State.UP, True)
    assert bench.runner.facts == Facts(
        interface="tsunagu0", addresses=("192.168.77.23/24",), routes=("192.168.77.0/24",)
    )
    assert bench.world.told == [
        "Connecting to vpn.example.org:443, virtual hub DEMO",
        "Connected to 203.0.113.5, session SID-ALICE-1",
        "The address is 192.168.77.23/24",
    ]
    assert bench.changes >= 4


async def test_the_worker_is_told_all_it_needs(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())

    start = bench.world.workers.newest.start
    assert (start.settings, start.secrets.password, start.mac) == (SETTINGS, Secret("saved"), STORED.mac)
    assert (start.accepted_fingerprint, start.machine_id, start.previous_address) == ("", "0" * 32, "")


async def test_disconnect_undoes_everything(bench: Bench) -> None:
    await bench.up()

    await bench.runner.tell(DisconnectAsked())
    await bench.runner.settled.wait()

    assert bench.state is State.IDLE
    assert bench.runner.facts == Facts()
    assert not bench.world.nics.open_ones


async def test_a_dropped_session_keeps_nic_and_address_and_comes_back(bench: Bench) -> None:
    await bench.up()
    nic = bench.nic
    bench.world.workers.newest.fail(3)
    await settle()
    waiting = bench.state, nic.carrier, nic.plan is not None
    bench.runner.post(RetryDue(ticket=bench.runner.connection.ticket))
    await settle()
    bench.world.workers.newest.establish()
    await settle()

    assert waiting == (State.WAITING, False, True)
    assert bench.nic is nic
    assert bench.world.workers.newest.start.previous_address == LEASE.address
    assert (bench.state, nic.carrier, bench.runner.connection.established_count) == (State.UP, True, 2)


async def test_the_wait_lasts_as_long_as_the_settings_say_and_disconnect_ends_it(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(1)
    await settle()
    timer = bench.runner._timer
    assert timer is not None
    left_s = timer.when() - asyncio.get_running_loop().time()
    await bench.runner.tell(DisconnectAsked())

    assert 14 < left_s <= 15
    assert timer.cancelled()
    assert bench.state is State.IDLE


async def test_no_dhcp_server_takes_a_stale_address_away(bench: Bench) -> None:
    await bench.up()
    bench.world.workers.newest.miss_lease()
    await settle()

    assert bench.state is State.UP
    assert bench.nic.addresses == ()
    assert bench.runner.facts == Facts(interface="tsunagu0")


async def test_a_lease_that_policy_refuses_is_not_applied_and_not_announced(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish()
    bench.world.workers.newest.lease(replace(LEASE, address="127.0.0.1"))
    await settle()

    assert (bench.state, bench.nic.addresses) == (State.UP, ())
    assert "127.0.0.1" in str(bench.runner.connection.last_error)
    assert not [text for text in bench.world.told if text.startswith("The address is")]


async def test_an_address_that_cannot_be_applied_leaves_the_session_up(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish()
    await settle()
    bench.world.nics.broken = TunnelError(22, "no permission")
    bench.world.workers.newest.lease()
    await settle()

    assert (bench.state, bench.error_code) == (State.UP, 22)


async def test_a_nic_that_somebody_deleted_is_made_again_for_the_next_attempt(bench: Bench) -> None:
    await bench.up()
    deleted = bench.nic
    deleted.is_deleted = True
    bench.world.workers.newest.fail(3)
    await settle()
    await bench.runner.tell(ConnectAsked())

    assert bench.nic is not deleted


async def test_a_session_whose_nic_another_program_has_changed_gives_way_to_one_with_a_new_nic(bench: Bench) -> None:
    await bench.up()
    changed, worker = bench.nic, bench.world.workers.newest
    bench.runner.look_at_nic()
    asked_at_first = worker.has_kept_address

    changed.is_deleted = True
    bench.runner.look_at_nic()
    await settle()

    assert (asked_at_first, worker.has_kept_address) == (None, True)
    assert (bench.state, bench.error_code) == (State.WAITING, 22)
    assert "another program has deleted it" in bench.world.told[-1]
    await bench.up()
    assert bench.nic is not changed
    assert bench.nic.addresses
    assert bench.state is State.UP


async def test_all_traffic_goes_nowhere_while_its_nic_is_replaced(bench: Bench) -> None:
    await bench.runner.tell(SettingsChanged(replace(SETTINGS, routing=Routing.EVERYTHING)))
    await bench.up()
    bench.nic.is_deleted = True
    bench.runner.look_at_nic()
    await settle()

    await bench.runner.tell(ConnectAsked())

    assert bench.state is State.CONNECTING
    assert bench.world.all_traffic.holder == STORED.id


async def test_without_a_nic_there_is_no_worker_and_one_clear_error(bench: Bench) -> None:
    bench.world.nics.broken = broken_nic()

    await bench.runner.tell(ConnectAsked())
    await settle()

    assert (bench.state, bench.error_code) == (State.IDLE, 31)
    assert not bench.world.workers.started


async def test_a_worker_that_cannot_be_started_is_tried_again_later(bench: Bench) -> None:
    bench.world.workers.broken = OSError(11, "Resource temporarily unavailable")

    await bench.runner.tell(ConnectAsked())
    await settle()

    assert (bench.state, bench.error_code) == (State.WAITING, 23)


async def test_a_bug_in_a_command_is_logged_and_does_not_stop_the_connection_from_being_looked_after(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.world.nics.broken = ZeroDivisionError()
    await bench.runner.tell(ConnectAsked())
    await settle()
    failed = bench.state, bench.error_code
    bench.world.nics.broken = None
    await bench.runner.tell(ConnectAsked())

    assert failed == (State.WAITING, 23)
    assert "ZeroDivisionError" in caplog.text
    assert bench.state is State.CONNECTING


async def test_a_bug_in_the_listener_does_not_either(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.runner._on_change = lambda: [][0]

    await bench.runner.tell(ConnectAsked())

    assert bench.state is State.CONNECTING
    assert "IndexError" in caplog.text


async def test_messages_of_an_old_worker_change_nothing(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    old = bench.world.workers.newest
    old.fail(1)
    await settle()
    await bench.runner.tell(ConnectAsked())
    old.establish()
    await settle()

    assert bench.state is State.CONNECTING


async def test_events_are_handled_one_at_a_time(bench: Bench) -> None:
    asked = [bench.runner.tell(event) for _ in range(10) for event in (ConnectAsked(), DisconnectAsked())]

    await asyncio.gather(*asked)
    await bench.runner.settled.wait()
    await settle()

    assert bench.state is State.IDLE
    assert not bench.world.nics.open_ones


# -- questions ---------------------------------------------------------------------------------------------------------


async def test_a_refused_password_is_asked_for_and_the_right_one_saved(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    [question] = bench.world.agents.open_questions
    saved_meanwhile = bench.world.store.connections["abc"].secrets.password
    question.answer.set_result(SecretAnswer(Secret("right"), save=True))
    await settle()
    second = bench.world.workers.newest
    not_yet = bench.world.store.connections["abc"].secrets.password
    second.establish()
    await settle()

    assert (question.owner, question.again) == (1001, True)
    assert question.hints == {
        "name": "Office", "server": "vpn.example.org:443", "hub": "DEMO", "username": "alice", "save_forbidden": False,
        "keyring": True, "auth": "password", "fixed": False,
    }  # fmt: skip
    assert saved_meanwhile is not_yet is None  # nor would it be tried again after a restart
    assert second.start.secrets.password == Secret("right")
    assert bench.world.store.connections["abc"].secrets.password == Secret("right")


async def test_a_smart_card_signs_once_its_owner_lets_it(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    by_card = replace(SETTINGS, auth=AuthType.SMART_CARD, card_certificate="mika's", card_key="her key")
    await bench.runner.tell(SettingsChanged(replace(by_card, card_module="/usr/lib/module.so")))
    await bench.runner.tell(ConnectAsked())
    worker = bench.world.workers.newest
    for _ in range(2):  # one PIN at a time
        worker.say(NeedSignature(digest="ab" * 20))
    await settle()
    [question] = bench.world.agents.open_questions
    question.answer.set_result(Signed(certificate="Q0VSVA==", signature="U0lH"))
    await settle()

    assert question.hints == {
        "name": "Office", "server": "vpn.example.org:443", "hub": "DEMO",
        "module": "/usr/lib/module.so", "certificate": "mika's", "key": "her key", "digest": "ab" * 20,
    }  # fmt: skip
    assert worker.answers == [Signed(certificate="Q0VSVA==", signature="U0lH")]


@pytest.mark.parametrize(("error", "code"), [(TunnelError(25), 25), (Cancelled(""), 6), (NoAgent("nobody"), 24)])
async def test_a_card_that_does_not_sign_ends_the_attempt_by_the_worker(
    bench: Bench, error: VpnError, code: int
) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    worker = bench.world.workers.newest
    worker.say(NeedSignature(digest="ab" * 20))
    await settle()
    bench.world.agents.questions[0].answer.set_exception(error)
    await settle()

    [answer] = worker.answers
    assert isinstance(answer, NotSigned)
    assert answer.code == code


async def test_a_card_is_not_asked_any_longer_when_the_worker_has_gone(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.say(NeedSignature(digest="ab" * 20))
    await settle()
    bench.world.workers.newest.fail(3)
    await settle()

    assert bench.world.agents.questions[0].answer.cancelled()


async def test_a_password_that_cannot_be_saved_does_not_cost_the_session(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    bench.world.agents.questions[0].answer.set_result(SecretAnswer(Secret("right"), save=True))
    await settle()
    bench.world.store.is_full = True
    bench.world.workers.newest.establish()
    await settle()

    assert bench.state is State.UP
    assert "The disk is full" in bench.world.told


async def test_a_cancelled_question_ends_the_run(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    bench.world.agents.questions[0].answer.set_exception(Cancelled("The question was declined"))
    await settle()

    assert (bench.state, bench.error_code) == (State.IDLE, 9)


async def test_disconnect_closes_the_window_that_asks(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    await bench.runner.tell(DisconnectAsked())
    await settle()

    assert bench.state is State.IDLE
    assert bench.world.agents.questions[0].answer.cancelled()


async def test_a_question_that_nobody_could_be_asked_is_asked_when_somebody_comes(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    alone = bench.state, str(bench.runner.connection.last_error)
    bench.world.agents.register(":1.1", 1001, "/agent")
    bench.runner.post(AgentAppeared())
    await settle()

    assert alone == (State.NEEDS_SECRET, "Nobody is there to ask")
    assert len(bench.world.agents.open_questions) == 1


async def test_an_agent_that_breaks_a_question_does_not_block_the_connection(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(9)
    await settle()
    bench.world.agents.questions[0].answer.set_exception(ZeroDivisionError())
    await settle()
    await bench.runner.tell(ConnectAsked())
    await settle()

    assert "ZeroDivisionError" in caplog.text
    assert len(bench.world.agents.open_questions) == 1


@pytest.mark.parametrize(("answer", "pinned"), [("once", False), ("pin", True)])
async def test_a_certificate_is_shown_and_accepted(bench: Bench, answer: str, pinned: bool) -> None:
    fingerprint = hashlib.sha256(b"DER").hexdigest()
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(85, certificate="REVS")
    await settle()
    [question] = bench.world.agents.open_questions
    question.answer.set_result("pin" if answer == "pin" else "once")
    await settle()

    assert {"der": "REVS", "sha256": fingerprint, "code": 85, "changed": False}.items() <= question.hints.items()
    assert bench.world.workers.newest.start.accepted_fingerprint == fingerprint
    assert bench.world.store.connections["abc"].settings.server_fingerprint == (fingerprint if pinned else "")


async def test_a_certificate_that_is_not_trusted_ends_the_run(bench: Bench) -> None:
    bench.world.agents.register(":1.1", 1001, "/agent")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(85, certificate="REVS")
    await settle()
    bench.world.agents.questions[0].answer.set_result("no")
    await settle()

    assert (bench.state, bench.error_code) == (State.IDLE, 85)


async def test_a_server_that_forbids_saving_has_the_password_taken_off_the_disk(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish(replace(SESSION, policy={"NoSavePassword": 1}))
    await settle()

    assert bench.world.store.connections["abc"].secrets.password is None
    assert bench.state is State.UP


# -- the rest ----------------------------------------------------------------------------------------------------------


async def test_statistics_are_the_workers_or_zero(bench: Bench) -> None:
    idle = await bench.runner.statistics()
    await bench.up()
    up = await bench.runner.statistics()
    bench.world.workers.newest.is_stubborn = True
    silent = await bench.runner.statistics()
    bench.world.workers.newest.is_stubborn = False

    assert idle == silent == Statistics()
    assert up == Statistics(carriers=1, wire_sent_octets=100)


async def test_what_has_left_answers_at_once_and_does_nothing(bench: Bench) -> None:
    await bench.up()
    await asyncio.gather(bench.runner.tell(RemoveAsked()), bench.runner.tell(ConnectAsked()))
    await bench.runner.left.wait()
    await settle()
    await bench.runner.tell(ConnectAsked())

    assert bench.state is State.IDLE
    assert len(bench.world.workers.started) == 1


async def test_the_history_knows_time_connection_owner_and_code(bench: Bench) -> None:
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.fail(8)
    await settle()

    entry = bench.world.history.newest(1, owner=1001)[0]
    assert (entry.time, entry.id, entry.connection, entry.level, entry.code) == (NOW, "abc", "Office", "error", 8)
    assert bench.world.history.newest(1, owner=1002) == []


async def test_all_traffic_stays_blocked_while_the_lease_is_gone_and_is_free_after_disconnecting(bench: Bench) -> None:
    await bench.end()
    settings = replace(SETTINGS, routing=Routing.EVERYTHING, allow_lan=False)
    bench.start(replace(STORED, settings=settings))
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish()
    bench.world.workers.newest.lease(replace(LEASE, router=LEASE.server, dns_servers=(LEASE.server,)))
    await settle()
    traffic, names = bench.world.all_traffic, bench.world.resolver.plans
    assert (traffic.holder, traffic.is_blocked, names["tsunagu0"].all_names) == ("abc", False, True)

    bench.world.workers.newest.miss_lease()
    await settle()
    assert (traffic.holder, traffic.is_blocked, names["tsunagu0"].all_names) == ("abc", True, True)

    await bench.runner.tell(DisconnectAsked())
    await settle()
    assert (traffic.holder, traffic.wanted, names) == ("", None, {})


async def test_a_resolver_that_refuses_is_told_and_the_tunnel_stays_up(bench: Bench) -> None:
    bench.world.resolver.broken = VpnError("resolvconf did not take the DNS servers: 3")
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish()
    bench.world.workers.newest.lease(replace(LEASE, dns_servers=(LEASE.server,)))
    await settle()

    assert bench.state is State.UP
    assert "resolvconf did not take the DNS servers: 3" in bench.world.told


async def test_hooks_hear_of_each_session_once_and_what_it_was(bench: Bench) -> None:
    with_dns = replace(LEASE, dns_servers=("192.168.77.1",))
    await bench.runner.tell(ConnectAsked())
    bench.world.workers.newest.establish()
    bench.world.workers.newest.lease(with_dns)
    bench.world.workers.newest.lease(with_dns)  # a renewal
    await settle()
    bench.world.workers.newest.fail(13)
    await settle()
    await bench.up()
    await bench.runner.tell(DisconnectAsked())
    await settle()

    assert bench.world.hooks.events == ["connected", "lost", "connected", "disconnecting", "disconnected"]
    connected, lost, _, disconnecting, disconnected = bench.world.hooks.told
    assert (connected["NIC"], connected["ADDRESS"]) == ("tsunagu0", f"{LEASE.address}/{LEASE.prefix_length}")
    assert connected["DNS"] == "192.168.77.1"
    assert lost["ERROR_CODE"] == "13"
    for told in (lost, disconnecting, disconnected):
        assert (told["NIC"], told["ADDRESS"]) == (connected["NIC"], connected["ADDRESS"])
    assert (connected["CONNECTION"], connected["OWNER"]) == (SETTINGS.name, "1001")


async def test_a_disconnect_waits_for_hooks_but_not_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PARTING_S", 0.1)
    await bench.up()
    bench.world.hooks.hangs = asyncio.create_task(asyncio.sleep(3600))
    ending = asyncio.create_task(bench.runner.tell(DisconnectAsked()))
    await settle()

    assert (bench.state, bench.world.workers.newest.is_running) == (State.STOPPING, True)

    await ending
    await settle()

    assert (bench.state, bench.world.workers.newest.is_running) == (State.IDLE, False)
    assert not bench.world.hooks.hangs.done()
    bench.world.hooks.hangs.cancel()


async def test_a_hook_that_fails_is_told_and_changes_nothing(bench: Bench) -> None:
    bench.world.hooks.failure = VpnError("The hook failed")

    await bench.up()

    assert bench.state is State.UP
    assert "The hook failed" in bench.world.told


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_captive_portal_is_told_after_a_failed_attempt(bench: Bench, is_there: bool) -> None:
    bench.world.portal.is_there = is_there
    await bench.runner.tell(ConnectAsked())

    bench.world.workers.newest.fail(1)
    await settle()

    assert (bench.state, bench.error_code) == (State.WAITING, 1)
    assert ("log in there, then connect again" in str(bench.runner.connection.last_error)) is is_there
    assert ("log in there, then connect again" in bench.world.told[-1]) is is_there


async def test_nobody_is_asked_to_trust_a_captive_portal_in_the_servers_place(bench: Bench) -> None:
    bench.world.portal.is_there = True
    await bench.runner.tell(SettingsChanged(replace(SETTINGS, server_fingerprint="ab" * 32)))
    await bench.runner.tell(ConnectAsked())

    bench.world.workers.newest.fail(149, "REVS")
    await settle()

    assert (bench.state, bench.error_code) == (State.WAITING, 2)


async def test_behind_a_captive_portal_what_it_has_nothing_to_do_with_is_told_as_it_is(bench: Bench) -> None:
    bench.world.portal.is_there = True
    await bench.runner.tell(ConnectAsked())

    bench.world.workers.newest.fail(10)
    await settle()

    assert bench.error_code == 10
    assert "browser" not in str(bench.runner.connection.last_error)
