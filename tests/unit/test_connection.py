"""The table of a connection's behaviour: each transition a person relies on, then every pair, then any sequence."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.control import NoLeaseReason
from tsunagu.errors import NoAddress, NoAgent, TunnelError, VpnError
from tsunagu.model import (
    NO_SECRETS,
    Addressing,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Lease,
    Login,
    Phase,
    Proxy,
    ProxyKind,
    Secret,
    SecretKind,
    Secrets,
    SecretsIn,
    Session,
    State,
)
from tsunagu_helper.commands import (
    ApplyLease,
    AskSecret,
    AskTrust,
    CancelQuestion,
    CancelWait,
    CheckCarriers,
    ClearAddresses,
    CloseNic,
    Command,
    ForgetSecret,
    KeepLogin,
    KeepSecrets,
    Leave,
    OfferSecret,
    OpenNic,
    PinCertificate,
    SealLockdown,
    SetCarrier,
    StartWorker,
    StopWorker,
    Tell,
    WaitFor,
)
from tsunagu_helper.connection import NOT_SAVED, Connection, Step, Target, step
from tsunagu_helper.events import (
    AgentAppeared,
    CertificatePinned,
    ConnectAsked,
    DisconnectAsked,
    Event,
    GoingToSleep,
    GotLease,
    LeaseMissing,
    LeaseUnusable,
    NetworkChanged,
    NobodyToAsk,
    Offered,
    Outcome,
    PasswordReplaced,
    PhaseReached,
    QuestionRefused,
    RemoveAsked,
    RetryDue,
    SecretGiven,
    SecretOffered,
    SecretsSet,
    SettingsChanged,
    TrustGiven,
    TunnelUp,
    Woke,
    WorkerEnded,
)
from tsunagu_helper.occasion import Occasion, occasion

NOW = 1000.0
WITH_KEYRING = ConnectionSettings(name="Office", host="vpn.example.org", hub="DEMO", username="alice")
SETTINGS = replace(WITH_KEYRING, secrets_in=SecretsIn.SYSTEM)
SAVED, TYPED, OTHER = Secret("saved"), Secret("typed"), Secret("other")
HASHED = HashedPassword("ab" * 20)
BOTH = frozenset(SecretKind)
KEY = Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
PROXY = Proxy(kind=ProxyKind.HTTP, host="proxy.example.org", port=3128, username="mika")
PIN, OTHER_PIN = "ab" * 32, "cd" * 32
LEASE = Lease(address="192.168.77.23", prefix_length=24, server="192.168.77.1", lifetime_s=600)
SESSION = Session(
    server_address="203.0.113.5",
    server_port=443,
    server_product="Test Server",
    server_version=501,
    server_build=9999,
    session_name="SID-ALICE-1",
    connection_name="CID-1",
    session_key="00" * 20,
    certificate="QUJD",
)
FORBIDS_SAVING = replace(SESSION, policy={"NoSavePassword": 1})

IDLE = Connection(settings=SETTINGS, secrets=Secrets(password=SAVED), ticket=7)
ACTIVE = replace(IDLE, target=Target.UP, started_at=900.0)
CONNECTING = replace(ACTIVE, state=State.CONNECTING, phase=Phase.RESOLVING, tried=IDLE.secrets)
WAITING = replace(ACTIVE, state=State.WAITING, retries=1, error=TunnelError(1), tried=IDLE.secrets, retry_at=1010.0)
UP = replace(
    CONNECTING,
    state=State.UP,
    phase=Phase.ESTABLISHED,
    session=SESSION,
    first_established_at=990.0,
    established_at=990.0,
    established_count=1,
)
LEASED = replace(UP, lease=LEASE, lease_until=1600.0, is_ready=True)
SILENCE = NoLeaseReason.SILENCE
NEEDS_SECRET = replace(
    ACTIVE, state=State.NEEDS_SECRET, secrets=NO_SECRETS, refused=SecretKind.PASSWORD, error=TunnelError(9)
)
NEEDS_TRUST = replace(ACTIVE, state=State.NEEDS_TRUST, certificate="QUJD", error=TunnelError(85))
STOPPING = replace(CONNECTING, state=State.STOPPING, target=Target.DOWN)
SLEEPING = replace(ACTIVE, state=State.SLEEPING, lease=LEASE, first_established_at=910.0, established_count=1)
IN_EACH_STATE = {c.state: c for c in (IDLE, CONNECTING, WAITING, UP, NEEDS_SECRET, NEEDS_TRUST, STOPPING, SLEEPING)}


def ended(code: int, certificate: str = "", ticket: int = 7) -> WorkerEnded:
    return WorkerEnded(ticket=ticket, error=TunnelError(code), certificate=certificate)


def happens(now: Connection, event: Event) -> tuple[Connection, list[Command]]:
    """``step``, without what only goes into the history."""
    after, commands = step(now, event, NOW)
    return after, [command for command in commands if not isinstance(command, Tell)]


def told(now: Connection, event: Event) -> str:
    return " / ".join(command.text for command in step(now, event, NOW)[1] if isinstance(command, Tell))


def attempt(secret: Secret | None = SAVED, accepted: str = "", previous_address: str = "") -> list[Command]:
    return [OpenNic(), StartWorker(8, SETTINGS, Secrets(password=secret), accepted, previous_address)]


# -- connecting --------------------------------------------------------------------------------------------------------


def test_connect_opens_the_nic_and_starts_one_worker() -> None:
    after, commands = happens(IDLE, ConnectAsked())

    assert (after.state, after.started_at) == (State.CONNECTING, NOW)
    assert commands == attempt()


@pytest.mark.parametrize("auth", [AuthType.PASSWORD, AuthType.PLAIN_PASSWORD])
def test_a_connection_without_a_password_asks_before_it_bothers_the_server(auth: AuthType) -> None:
    after, commands = happens(replace(IDLE, settings=replace(SETTINGS, auth=auth), secrets=NO_SECRETS), ConnectAsked())

    assert after.state is State.NEEDS_SECRET
    assert commands == [AskSecret(8, SecretKind.PASSWORD, again=False, stored=False, save_forbidden=False)]


def test_an_anonymous_connection_needs_no_password_and_sends_none() -> None:
    settings = replace(SETTINGS, auth=AuthType.ANONYMOUS)

    after, commands = happens(replace(IDLE, settings=settings), ConnectAsked())

    assert after.state is State.CONNECTING
    assert commands == [OpenNic(), StartWorker(8, settings, NO_SECRETS, "", "")]


def test_the_phase_is_the_workers() -> None:
    after, commands = happens(CONNECTING, PhaseReached(ticket=7, phase=Phase.AUTHENTICATING))

    assert (after.phase, commands) == (Phase.AUTHENTICATING, [])


def test_a_session_plugs_the_cable_in() -> None:
    after, commands = happens(CONNECTING, TunnelUp(ticket=7, session=SESSION))

    assert (after.state, after.phase, after.session) == (State.UP, Phase.ESTABLISHED, SESSION)
    assert (after.first_established_at, after.established_at, after.established_count) == (NOW, NOW, 1)
    assert after.certificate == "QUJD"
    assert commands == [SetCarrier(True), SealLockdown()]


def test_a_reconnect_moves_neither_the_start_nor_the_first_session_and_counts_one_more() -> None:
    lost, _ = happens(UP, ended(3))
    again, _ = happens(lost, RetryDue(ticket=lost.ticket))
    up, commands = happens(again, TunnelUp(ticket=again.ticket, session=SESSION))

    assert (up.started_at, up.first_established_at, up.established_at) == (900.0, 990.0, NOW)
    assert up.established_count == 2
    assert commands == [SetCarrier(True), SealLockdown()]


def test_a_new_run_begins_without_the_errors_of_the_last_one() -> None:
    after, _ = happens(replace(IDLE, error=TunnelError(8)), ConnectAsked())

    assert after.last_error is None


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_a_lease_is_applied_and_its_end_known() -> None:
    after, commands = happens(UP, GotLease(ticket=7, lease=LEASE))

    assert (after.lease, after.lease_until) == (LEASE, NOW + 600)
    assert commands == [ApplyLease(LEASE)]


def test_a_renewal_is_no_news() -> None:
    leased, _ = happens(UP, GotLease(ticket=7, lease=LEASE))

    assert told(UP, GotLease(ticket=7, lease=LEASE)) == "The address is 192.168.77.23/24"
    assert told(leased, GotLease(ticket=7, lease=LEASE)) == ""


def test_no_dhcp_server_leaves_the_session_up_and_says_what_may_help() -> None:
    after, commands = happens(UP, LeaseMissing(ticket=7, reason=SILENCE))

    assert after.state is State.UP
    assert isinstance(after.last_error, NoAddress)
    assert all(remedy in str(after.last_error) for remedy in ("DHCP server", "SecureNAT", "fixed address"))
    assert commands == [ClearAddresses()]
    assert happens(after, LeaseMissing(ticket=7, reason=SILENCE)) == (after, [])  # told once


def test_a_lease_that_was_not_renewed_is_told_as_such() -> None:
    after, commands = happens(LEASED, LeaseMissing(ticket=7, reason=NoLeaseReason.EXPIRED))

    assert (after.lease, after.lease_until) == (None, 0)
    assert isinstance(after.last_error, NoAddress)
    assert "not renewed" in str(after.last_error)
    assert commands == [ClearAddresses()]


@pytest.mark.parametrize("reason", [NoLeaseReason.REFUSED, NoLeaseReason.TAKEN])
def test_an_address_that_gives_way_to_another_is_no_error(reason: NoLeaseReason) -> None:
    lost = LeaseMissing(ticket=7, reason=reason)
    after, commands = happens(LEASED, lost)

    assert (after.lease, after.last_error) == (None, None)
    assert commands == [ClearAddresses()]
    assert LEASE.address in told(LEASED, lost)
    assert happens(after, lost) == (after, [])
    missing, _ = happens(after, LeaseMissing(ticket=7, reason=SILENCE))
    assert isinstance(missing.last_error, NoAddress)


def test_a_late_dhcp_server_mends_it() -> None:
    missing, _ = happens(UP, LeaseMissing(ticket=7, reason=SILENCE))

    after, commands = happens(missing, GotLease(ticket=7, lease=LEASE))

    assert after.last_error is None
    assert commands == [ApplyLease(LEASE)]


def test_an_unacceptable_lease_leaves_the_session_up_without_an_address() -> None:
    error = VpnError("The lease would take over loopback")

    after, commands = happens(replace(UP, lease=LEASE), LeaseUnusable(ticket=7, error=error))

    assert (after.state, after.error, after.lease) == (State.UP, error, None)
    assert commands == [ClearAddresses()]


def test_a_bridge_takes_no_lease_even_if_a_worker_reports_one() -> None:
    bridge = replace(UP, settings=replace(SETTINGS, addressing=Addressing.NONE))

    assert happens(bridge, GotLease(ticket=7, lease=LEASE)) == (bridge, [])


def test_fixed_addresses_are_applied_as_soon_as_the_session_stands() -> None:
    fixed = replace(SETTINGS, addressing=Addressing.STATIC, address="192.168.77.5/24")

    _, commands = happens(replace(CONNECTING, settings=fixed), TunnelUp(ticket=7, session=SESSION))

    assert commands[:3] == [SetCarrier(True), SealLockdown(), ApplyLease(None)]


def test_the_address_outlives_a_reconnect_and_is_asked_for_again() -> None:
    leased, _ = happens(UP, GotLease(ticket=7, lease=LEASE))
    lost, commands = happens(leased, ended(3))
    _, retried = happens(lost, RetryDue(ticket=lost.ticket))

    assert commands == [SetCarrier(False), WaitFor(8, 15)]
    assert [c.previous_address for c in retried if isinstance(c, StartWorker)] == ["192.168.77.23"]


# -- retries -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "seconds"), [(1, 15), (2, 15), (11, 15), (23, 15), (10, 60), (16, 60), (20, 60), (21, 60)]
)
def test_after_a_failed_attempt_comes_a_wait(code: int, seconds: int) -> None:
    after, commands = happens(CONNECTING, ended(code))

    assert (after.state, after.phase, after.retry_at, after.retries) == (
        State.WAITING,
        Phase.RETRYING,
        NOW + seconds,
        1,
    )
    assert after.last_error is not None
    assert commands == [WaitFor(8, seconds)]


def test_after_the_wait_comes_the_next_attempt() -> None:
    after, commands = happens(WAITING, RetryDue(ticket=7))

    assert (after.state, after.retry_at, after.started_at) == (State.CONNECTING, 0, 900.0)
    assert commands == attempt()


def test_connect_while_waiting_means_now() -> None:
    after, commands = happens(WAITING, ConnectAsked())

    assert after.state is State.CONNECTING
    assert commands == [CancelWait(), *attempt()]


@pytest.mark.parametrize(("limit", "retries", "state"), [(0, 0, State.IDLE), (2, 1, State.WAITING), (2, 2, State.IDLE)])
def test_the_number_of_retries_is_honoured(limit: int, retries: int, state: State) -> None:
    limited = replace(CONNECTING, settings=replace(SETTINGS, retry_limit=limit), retries=retries)

    after, _ = happens(limited, ended(1))

    assert after.state is state
    assert after.last_error is not None


def test_attempts_that_established_a_session_do_not_count_as_retries() -> None:
    tried_twice = replace(CONNECTING, retries=2)
    up, _ = happens(tried_twice, TunnelUp(ticket=7, session=SESSION))
    lost, _ = happens(up, ended(3))

    assert (up.retries, lost.retries) == (0, 0)


@pytest.mark.parametrize("code", [3, 13])
def test_a_session_that_stood_has_been_disconnected_and_not_failed_to_connect(code: int) -> None:
    assert told(UP, ended(code)).startswith("The connection has been disconnected: ")
    assert told(CONNECTING, ended(code)).startswith("Could not connect: ")


@pytest.mark.parametrize("code", [4, 8, 12, 31])
def test_what_only_a_person_can_mend_is_not_tried_again(code: int) -> None:
    after, commands = happens(CONNECTING, ended(code))

    assert (after.state, after.error and after.error.code) == (State.IDLE, code)
    assert commands == [CloseNic()]


# -- what the machine does ---------------------------------------------------------------------------------------------


def test_a_session_that_has_stood_is_tried_again_at_once_and_then_by_the_interval() -> None:
    stood = replace(UP, established_at=NOW - 15)

    again, commands = happens(stood, ended(3))
    failed, waiting = happens(again, ended(1, ticket=8))

    assert (again.state, again.error and again.error.code, again.retries) == (State.CONNECTING, 3, 0)
    assert commands == [SetCarrier(False), *attempt()]
    assert (failed.state, failed.retries, waiting) == (State.WAITING, 1, [WaitFor(9, 15)])


def test_a_server_that_throws_out_each_session_is_not_overrun() -> None:
    after, commands = happens(replace(UP, established_at=NOW - 14), ended(3))

    assert (after.state, commands) == (State.WAITING, [SetCarrier(False), WaitFor(8, 15)])


def test_a_session_that_ends_with_its_network_is_tried_again_over_the_new_one_at_once_and_once() -> None:
    disturbed, _ = happens(UP, NetworkChanged(has_gained=True))
    again, _ = happens(disturbed, ended(3))
    up, _ = happens(again, TunnelUp(ticket=8, session=SESSION))

    assert again.state is State.CONNECTING
    assert happens(up, ended(3, ticket=8))[0].state is State.WAITING


def test_no_retries_means_none_at_once_either() -> None:
    stood = replace(UP, established_at=900.0, settings=replace(SETTINGS, retry_limit=0))

    assert happens(stood, ended(3))[0].state is State.IDLE


def test_before_a_sleep_it_logs_off_and_keeps_nic_and_address() -> None:
    up = replace(UP, lease=LEASE)

    going, commands = happens(up, GoingToSleep())
    asleep, none = happens(going, ended(6))

    assert commands == [SetCarrier(False), StopWorker(keep_address=True)]
    assert (asleep.state, asleep.error, asleep.lease, none) == (State.SLEEPING, None, LEASE, [])
    assert (asleep.started_at, asleep.established_count, asleep.retries) == (900.0, 1, 0)


def test_it_comes_back_at_once_when_the_machine_wakes_with_a_network() -> None:
    after, commands = happens(SLEEPING, Woke(is_online=True))

    assert (after.state, after.retries, after.error) == (State.CONNECTING, 0, None)
    assert commands == attempt(previous_address=LEASE.address)


def test_without_a_network_it_waits_for_one_and_counts_no_failure() -> None:
    waiting, commands = happens(SLEEPING, Woke(is_online=False))
    after, further = happens(waiting, NetworkChanged(has_gained=True))

    assert (waiting.state, waiting.retries, waiting.error, commands) == (State.WAITING, 0, None, [WaitFor(8, 30)])
    assert (after.state, [type(command) for command in further]) == (
        State.CONNECTING,
        [CancelWait, OpenNic, StartWorker],
    )


def test_a_sleep_that_is_called_off_while_it_logs_off_is_no_loss() -> None:
    going, _ = happens(replace(UP, lease=LEASE), GoingToSleep())
    awake, none = happens(going, Woke(is_online=True))
    after, commands = happens(awake, ended(6))

    assert (awake.state, none) == (State.STOPPING, [])
    assert (after.state, after.started_at) == (State.CONNECTING, 900.0)
    assert commands == attempt(previous_address=LEASE.address)


def test_a_wait_stops_for_the_sleep_and_is_over_after_it() -> None:
    asleep, commands = happens(WAITING, GoingToSleep())

    assert (asleep.state, asleep.retry_at, commands) == (State.SLEEPING, 0, [CancelWait()])
    assert happens(asleep, Woke(is_online=True))[0].state is State.CONNECTING


def test_disconnect_while_going_to_sleep_is_obeyed() -> None:
    going, _ = happens(UP, GoingToSleep())
    unwanted, _ = happens(going, DisconnectAsked())

    assert happens(unwanted, ended(6))[0].state is State.IDLE


def test_a_network_that_comes_ends_the_wait_and_one_that_goes_does_not() -> None:
    after, commands = happens(WAITING, NetworkChanged(has_gained=True))

    assert (after.state, commands) == (State.CONNECTING, [CancelWait(), *attempt()])
    assert happens(WAITING, NetworkChanged(has_gained=False)) == (WAITING, [])


@pytest.mark.parametrize("has_gained", [True, False])
def test_a_session_looks_at_its_carriers_when_the_network_changes(has_gained: bool) -> None:
    assert happens(UP, NetworkChanged(has_gained)) == (replace(UP, is_disturbed=True), [CheckCarriers()])


def test_what_is_wanted_is_known_in_every_state_and_not_told_when_the_helper_leaves() -> None:
    wanted = {state: now.is_wanted for state, now in IN_EACH_STATE.items()}
    leaving, _ = happens(UP, RemoveAsked())

    assert wanted == {state: state not in (State.IDLE, State.STOPPING) for state in State}
    assert happens(UP, GoingToSleep())[0].is_wanted
    assert leaving.is_wanted is None


# -- passwords ---------------------------------------------------------------------------------------------------------


def test_a_refused_password_asks_for_another_one() -> None:
    after, commands = happens(CONNECTING, ended(9))

    assert (after.state, after.secrets_to_try) == (State.NEEDS_SECRET, NO_SECRETS)
    assert commands == [
        KeepSecrets(NO_SECRETS, frozenset()),
        AskSecret(8, SecretKind.PASSWORD, again=True, stored=False, save_forbidden=False),
    ]


def test_a_refused_password_that_was_typed_leaves_the_saved_one_alone() -> None:
    typed = Secrets(password=OTHER)
    after, commands = happens(replace(CONNECTING, typed=typed, tried=typed), ended(9))

    assert after.secrets == Secrets(password=SAVED)
    assert commands == attempt(SAVED)


def test_a_refused_password_is_not_used_again_by_the_next_click_either() -> None:
    asking, _ = happens(CONNECTING, ended(9))
    idle, _ = happens(asking, QuestionRefused(ticket=asking.ticket))
    after, commands = happens(idle, ConnectAsked())

    assert after.state is State.NEEDS_SECRET
    assert commands == [AskSecret(after.ticket, SecretKind.PASSWORD, again=True, stored=False, save_forbidden=False)]


def test_a_password_replaced_while_the_old_one_was_being_refused_is_tried() -> None:
    replaced, _ = happens(CONNECTING, SecretsSet({"password": OTHER}))

    after, commands = happens(replaced, ended(9))

    assert after.state is State.CONNECTING
    assert commands == attempt(OTHER)


def test_an_anonymous_user_is_not_asked_for_a_password() -> None:
    anonymous = replace(CONNECTING, settings=replace(SETTINGS, auth=AuthType.ANONYMOUS), tried=NO_SECRETS)

    after, commands = happens(anonymous, ended(9))

    assert (after.state, commands) == (State.IDLE, [CloseNic()])


def test_a_typed_password_is_tried_at_once_and_kept_only_when_it_was_right() -> None:
    trying, commands = happens(NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=True))
    up, kept = happens(trying, TunnelUp(ticket=8, session=SESSION))

    assert commands == attempt(TYPED)
    assert kept == [SetCarrier(True), SealLockdown(), KeepSecrets(Secrets(password=TYPED), frozenset())]
    assert (up.secrets.password, up.refused) == (TYPED, None)


def test_a_password_not_to_be_saved_serves_this_run_and_no_other() -> None:
    trying, _ = happens(NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=False))
    up, commands = happens(trying, TunnelUp(ticket=8, session=SESSION))
    lost, _ = happens(up, ended(3, ticket=8))
    again, _ = happens(lost, RetryDue(ticket=lost.ticket))
    stopping, _ = happens(again, DisconnectAsked())
    idle, _ = happens(stopping, ended(6, ticket=stopping.ticket))

    assert commands == [SetCarrier(True), SealLockdown()]
    assert (again.state, again.secrets_to_try.password) == (State.CONNECTING, TYPED)
    assert idle.secrets_to_try == NO_SECRETS


# -- the keyring -------------------------------------------------------------------------------------------------------

ASKING = replace(NEEDS_SECRET, settings=WITH_KEYRING)
PASSWORD = frozenset({SecretKind.PASSWORD})
KEPT_BY_KEYRING = Connection(settings=WITH_KEYRING, in_keyring=PASSWORD, ticket=7)


def trying_the_keyrings(settings: ConnectionSettings = WITH_KEYRING) -> Connection:
    asking, _ = happens(replace(KEPT_BY_KEYRING, settings=settings), ConnectAsked())
    return happens(asking, SecretGiven(ticket=asking.ticket, secret=SAVED, save=True, stored=True))[0]


OFFER = OfferSecret(SecretKind.PASSWORD, TYPED)


def offered(what_came: Offered) -> Step:
    """What follows when a typed password was right and went to the keyring."""
    trying, _ = happens(ASKING, SecretGiven(ticket=7, secret=TYPED, save=True))
    up, commands = happens(trying, TunnelUp(ticket=8, session=SESSION))
    assert commands == [SetCarrier(True), SealLockdown(), OFFER]
    assert up.secrets == NO_SECRETS
    after, kept = happens(up, SecretOffered(SecretKind.PASSWORD, TYPED, what_came))
    assert after.secrets_to_try.password == TYPED  # this run goes on with it
    return after, kept


def test_a_password_is_offered_to_the_keyring_once_it_was_right_and_kept_here_where_there_is_none() -> None:
    assert offered(Offered.TAKEN)[1] == [KeepSecrets(NO_SECRETS, PASSWORD)]
    assert offered(Offered.NO_KEYRING)[1] == [KeepSecrets(Secrets(password=TYPED), frozenset())]


@pytest.mark.parametrize("what_came", NOT_SAVED)
def test_what_was_promised_to_the_keyring_goes_nowhere_else_and_that_is_told(what_came: Offered) -> None:
    after, commands = offered(what_came)

    assert commands == []
    assert told(KEPT_BY_KEYRING, SecretOffered(SecretKind.PASSWORD, TYPED, what_came)) == NOT_SAVED[what_came]
    assert (after.secrets, after.in_keyring) == (NO_SECRETS, frozenset())


@pytest.mark.parametrize("what_came", [Offered.NO_AGENT, Offered.FAILED])
def test_what_could_not_be_saved_is_offered_again_when_an_agent_or_the_session_is_back(what_came: Offered) -> None:
    up, _ = offered(what_came)
    lost, _ = happens(up, ended(3, ticket=up.ticket))
    again, _ = happens(lost, RetryDue(ticket=lost.ticket))
    _, when_back = happens(again, TunnelUp(ticket=again.ticket, session=SESSION))
    after, when_there = happens(up, AgentAppeared())

    assert OFFER in when_back
    assert when_there == [OFFER]
    assert happens(after, AgentAppeared()) == (after, [])  # once
    elsewhere = replace(up, settings=replace(WITH_KEYRING, secrets_in=SecretsIn.SYSTEM))
    assert happens(elsewhere, AgentAppeared())[1] == []


def test_whoever_left_the_keyring_locked_is_not_asked_again_by_itself() -> None:
    up, _ = offered(Offered.LOCKED)

    assert happens(up, AgentAppeared())[1] == []


def test_an_old_password_that_could_not_be_replaced_in_the_keyring_is_not_used() -> None:
    trying = trying_the_keyrings()
    up, _ = happens(trying, TunnelUp(ticket=trying.ticket, session=SESSION))
    changed, _ = happens(up, PasswordReplaced(password=OTHER))

    after, commands = happens(changed, SecretOffered(SecretKind.PASSWORD, OTHER, Offered.LOCKED))

    assert commands[0] == KeepSecrets(NO_SECRETS, frozenset())
    assert after.secrets_to_try.password == OTHER


def test_what_the_keyring_has_is_asked_of_it_and_serves_the_whole_run() -> None:
    asking, asked = happens(KEPT_BY_KEYRING, ConnectAsked())
    trying = trying_the_keyrings()
    up, commands = happens(trying, TunnelUp(ticket=trying.ticket, session=SESSION))
    lost, _ = happens(up, ended(3, ticket=up.ticket))
    again, _ = happens(lost, RetryDue(ticket=lost.ticket))
    _, commands_again = happens(again, TunnelUp(ticket=again.ticket, session=SESSION))

    assert asking.state is State.NEEDS_SECRET
    assert asked == [AskSecret(8, SecretKind.PASSWORD, again=False, stored=True, save_forbidden=False)]
    assert trying.tried.password == SAVED
    assert commands == commands_again == [SetCarrier(True), SealLockdown()]  # it is not offered again
    assert again.state is State.CONNECTING


def test_a_refused_password_of_the_keyring_is_never_used_again_unasked() -> None:
    trying = trying_the_keyrings()
    refused, commands = happens(trying, ended(9, ticket=trying.ticket))
    idle, _ = happens(refused, QuestionRefused(ticket=refused.ticket))
    _, next_time = happens(idle, ConnectAsked())

    ask_anew = AskSecret(refused.ticket, SecretKind.PASSWORD, again=True, stored=False, save_forbidden=False)
    assert commands == [KeepSecrets(NO_SECRETS, frozenset()), ask_anew]  # nor after a restart
    assert next_time == [replace(ask_anew, ticket=idle.ticket + 1)]


def test_do_not_save_takes_what_was_saved_out_of_the_keyring() -> None:
    asking, _ = happens(KEPT_BY_KEYRING, ConnectAsked())  # somebody has removed it there, so the person is asked

    trying, commands = happens(asking, SecretGiven(ticket=asking.ticket, secret=TYPED, save=False))
    up, later = happens(trying, TunnelUp(ticket=trying.ticket, session=SESSION))

    assert commands[:2] == [KeepSecrets(NO_SECRETS, frozenset()), ForgetSecret(SecretKind.PASSWORD)]
    assert later == [SetCarrier(True), SealLockdown()]
    assert (up.in_keyring, up.secrets) == (frozenset(), NO_SECRETS)


def test_a_server_that_forbids_saving_has_the_keyring_forget_too() -> None:
    trying = trying_the_keyrings()

    up, commands = happens(trying, TunnelUp(ticket=trying.ticket, session=FORBIDS_SAVING))

    assert commands == [
        SetCarrier(True),
        SealLockdown(),
        KeepSecrets(NO_SECRETS, frozenset()),
        ForgetSecret(SecretKind.PASSWORD),
    ]
    assert up.secrets_to_try.password == SAVED


@pytest.mark.parametrize("change", [{"secrets_in": SecretsIn.SYSTEM}, {"connect_at_start": True}])
def test_what_is_needed_before_any_log_in_leaves_the_keyring_when_it_is_next_used(change: dict[str, Any]) -> None:
    trying = trying_the_keyrings(replace(WITH_KEYRING, **change))

    up, commands = happens(trying, TunnelUp(ticket=trying.ticket, session=SESSION))

    keep = KeepSecrets(Secrets(password=SAVED), frozenset())
    assert commands == [SetCarrier(True), SealLockdown(), keep, ForgetSecret(SecretKind.PASSWORD)]
    assert up.secrets_to_try.password == SAVED


def test_a_password_changed_on_the_server_is_offered_to_the_keyring_that_has_the_old_one() -> None:
    trying = trying_the_keyrings()
    up, _ = happens(trying, TunnelUp(ticket=trying.ticket, session=SESSION))

    after, commands = happens(up, PasswordReplaced(password=OTHER))

    assert commands == [OfferSecret(SecretKind.PASSWORD, OTHER)]
    assert after.secrets_to_try.password == OTHER


def test_a_password_that_was_set_and_that_the_keyring_has_taken_answers_the_question() -> None:
    after, commands = happens(ASKING, SecretsSet({"password": OTHER}, PASSWORD))
    idle, _ = happens(ASKING, DisconnectAsked())
    later, nothing = happens(idle, SecretsSet({"password": OTHER}, PASSWORD))

    assert commands == [CancelQuestion(), OpenNic(), StartWorker(8, WITH_KEYRING, Secrets(password=OTHER), "", "")]
    assert (after.secrets, after.in_keyring) == (NO_SECRETS, PASSWORD)
    assert (later.typed, later.in_keyring, nothing) == (NO_SECRETS, PASSWORD, [])


def test_a_proxys_password_is_asked_of_the_keyring_before_the_proxy_has_to_refuse() -> None:
    settings, in_keyring = replace(WITH_KEYRING, proxy=PROXY), frozenset({SecretKind.PROXY_PASSWORD})

    _, commands = happens(replace(IDLE, settings=settings, in_keyring=in_keyring), ConnectAsked())

    assert commands == [AskSecret(8, SecretKind.PROXY_PASSWORD, again=False, stored=True, save_forbidden=False)]


def test_an_offer_of_what_was_refused_meanwhile_comes_to_nothing() -> None:
    assert happens(ASKING, SecretOffered(SecretKind.PASSWORD, TYPED, Offered.FAILED)) == (ASKING, [])


# -- who logs in -------------------------------------------------------------------------------------------------------

CHOSEN = Login("mika", AuthType.PLAIN_PASSWORD)
AS_CHOSEN = replace(SETTINGS, username="mika", auth=AuthType.PLAIN_PASSWORD)


def test_a_user_name_chosen_with_the_password_is_tried_and_kept_only_when_it_was_right() -> None:
    trying, commands = happens(NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=True, login=CHOSEN))
    up, kept = happens(trying, TunnelUp(ticket=8, session=SESSION))

    assert commands == [OpenNic(), StartWorker(8, AS_CHOSEN, Secrets(password=TYPED), "", "")]
    assert trying.settings == SETTINGS
    assert kept[2:] == [KeepSecrets(Secrets(password=TYPED), frozenset()), KeepLogin(CHOSEN)]
    assert (up.settings, up.login) == (AS_CHOSEN, None)


@pytest.mark.parametrize(("save", "session"), [(False, SESSION), (True, FORBIDS_SAVING)])
def test_where_nothing_is_saved_another_user_name_serves_this_run_only(save: bool, session: Session) -> None:
    trying, _ = happens(NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=save, login=CHOSEN))
    up, commands = happens(trying, TunnelUp(ticket=8, session=session))
    lost, _ = happens(up, ended(3, ticket=8))
    again, retried = happens(lost, RetryDue(ticket=lost.ticket))
    stopping, _ = happens(again, DisconnectAsked())
    idle, _ = happens(stopping, ended(6, ticket=stopping.ticket))

    assert KeepLogin(CHOSEN) not in commands
    assert retried[-1] == StartWorker(again.ticket, AS_CHOSEN, Secrets(password=TYPED), "", "")
    assert (idle.settings_to_try, idle.login) == (SETTINGS, None)


def test_a_refused_choice_is_what_the_next_question_is_about_until_the_settings_name_another_user() -> None:
    trying, _ = happens(NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=True, login=CHOSEN))
    refused, _ = happens(trying, ended(9, ticket=8))
    changed, _ = happens(refused, SettingsChanged(replace(SETTINGS, username="jun")))

    assert (refused.state, refused.settings_to_try) == (State.NEEDS_SECRET, AS_CHOSEN)
    assert changed.settings_to_try.username == "jun"


# -- other secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [None, TYPED])
def test_a_server_that_forbids_saving_has_the_password_forgotten_but_this_run_goes_on(typed: Secret | None) -> None:
    trying = replace(CONNECTING, typed=Secrets(password=typed), save_typed=BOTH, tried=Secrets(password=typed or SAVED))

    up, commands = happens(trying, TunnelUp(ticket=7, session=FORBIDS_SAVING))

    assert commands == [SetCarrier(True), SealLockdown(), KeepSecrets(NO_SECRETS, frozenset())]
    assert (up.secrets, up.secrets_to_try.password) == (NO_SECRETS, typed or SAVED)
    assert up.save_forbidden


def test_the_hash_of_a_password_serves_as_the_password_until_it_is_refused() -> None:
    trying, commands = happens(replace(IDLE, secrets=Secrets(hashed_password=HASHED)), ConnectAsked())
    after, _ = happens(trying, ended(9, ticket=8))

    assert commands == [OpenNic(), StartWorker(8, SETTINGS, Secrets(hashed_password=HASHED), "", "")]
    assert (after.state, after.secrets) == (State.NEEDS_SECRET, NO_SECRETS)


def test_the_hash_of_a_password_is_no_password_for_radius() -> None:
    radius = replace(SETTINGS, auth=AuthType.PLAIN_PASSWORD)

    after, _ = happens(replace(IDLE, settings=radius, secrets=Secrets(hashed_password=HASHED)), ConnectAsked())

    assert after.state is State.NEEDS_SECRET


@pytest.mark.parametrize(
    ("auth", "needed"),
    [
        (AuthType.ANONYMOUS, NO_SECRETS),
        (AuthType.PASSWORD, Secrets(password=SAVED)),
        (AuthType.PLAIN_PASSWORD, Secrets(password=SAVED)),
        (AuthType.CERTIFICATE, Secrets(private_key=KEY)),
        (AuthType.SMART_CARD, NO_SECRETS),
    ],
)
def test_a_worker_gets_only_the_secrets_that_its_settings_need(auth: AuthType, needed: Secrets) -> None:
    saved = Secrets(password=SAVED, private_key=KEY, proxy_password=OTHER)
    settings = replace(SETTINGS, auth=auth)

    direct = Connection(settings=settings, secrets=saved)
    by_proxy = Connection(settings=replace(settings, proxy=PROXY), secrets=saved)

    assert direct.secrets_to_try == needed
    assert by_proxy.secrets_to_try == replace(needed, proxy_password=OTHER)


def test_a_proxy_that_refuses_has_its_password_asked_for_and_kept_apart_from_the_users() -> None:
    settings = replace(SETTINGS, proxy=PROXY)
    asking, commands = happens(replace(CONNECTING, settings=settings), ended(19))
    trying, _ = happens(asking, SecretGiven(ticket=asking.ticket, secret=TYPED, save=True))
    _, kept = happens(trying, TunnelUp(ticket=trying.ticket, session=FORBIDS_SAVING))

    assert commands == [AskSecret(8, SecretKind.PROXY_PASSWORD, again=True, stored=False, save_forbidden=False)]
    assert trying.tried == Secrets(password=SAVED, proxy_password=TYPED)
    assert kept == [SetCarrier(True), SealLockdown(), KeepSecrets(Secrets(proxy_password=TYPED), frozenset())]


def test_a_proxy_that_wants_a_user_who_is_not_named_is_no_matter_of_passwords() -> None:
    settings = replace(SETTINGS, proxy=replace(PROXY, username=""))

    after, _ = happens(replace(CONNECTING, settings=settings), ended(19))

    assert (after.state, after.error and after.error.code) == (State.IDLE, 19)


def test_a_wrong_pin_is_never_tried_again_by_itself() -> None:
    card = replace(CONNECTING, settings=replace(SETTINGS, auth=AuthType.SMART_CARD))

    after, commands = happens(card, ended(25))

    assert (after.state, commands) == (State.IDLE, [CloseNic()])


def test_the_window_learns_that_saving_is_forbidden() -> None:
    after, commands = happens(replace(CONNECTING, save_forbidden=True), ended(9))

    assert commands[-1] == AskSecret(after.ticket, SecretKind.PASSWORD, again=True, stored=False, save_forbidden=True)


def test_a_password_stored_by_hand_answers_the_question() -> None:
    after, commands = happens(NEEDS_SECRET, SecretsSet({"password": OTHER}))

    assert after.state is State.CONNECTING
    assert commands == [CancelQuestion(), *attempt(OTHER)]


def test_whoever_cancels_the_question_ends_the_run_and_the_reason_stays() -> None:
    after, commands = happens(NEEDS_SECRET, QuestionRefused(ticket=7))

    assert (after.state, after.error and after.error.code) == (State.IDLE, 9)
    assert commands == [CloseNic()]


def test_cancelling_a_question_that_no_refusal_caused_is_a_cancel() -> None:
    asking, _ = happens(replace(IDLE, secrets=NO_SECRETS), ConnectAsked())

    after, _ = happens(asking, QuestionRefused(ticket=asking.ticket))

    assert (after.state, after.error and after.error.code) == (State.IDLE, 6)


@pytest.mark.parametrize("needy", [NEEDS_SECRET, NEEDS_TRUST], ids=["secret", "trust"])
def test_a_question_about_what_is_not_meant_any_more_is_not_answered_but_put_anew(needy: Connection) -> None:
    elsewhere = replace(needy.settings, host="other.example.org")
    after, commands = happens(replace(needy, accepted=PIN), SettingsChanged(elsewhere))

    assert commands[0] == CancelQuestion()
    assert (after.certificate, after.accepted, after.settings) == ("", "", elsewhere)
    assert after.ticket != needy.ticket
    late, commands = happens(after, TrustGiven(ticket=needy.ticket, fingerprint=PIN, pin=True))
    assert (late, commands) == (after, [])

    renamed, commands = happens(needy, SettingsChanged(replace(needy.settings, name="Home")))
    assert (renamed.state, renamed.certificate, commands) == (needy.state, needy.certificate, [])


@pytest.mark.parametrize("needy", [NEEDS_SECRET, NEEDS_TRUST], ids=["secret", "trust"])
@pytest.mark.parametrize("event", [AgentAppeared(), ConnectAsked()], ids=["agent", "connect"])
def test_without_an_agent_the_question_waits_for_one(needy: Connection, event: Event) -> None:
    nobody = NoAgent("Nobody is there")

    waiting, none = happens(needy, NobodyToAsk(ticket=7, error=nobody))
    asked, commands = happens(waiting, event)

    assert (waiting.state, waiting.last_error, none) == (needy.state, nobody, [])
    assert asked.last_error == needy.error
    assert [type(c) for c in commands] == [AskSecret if needy is NEEDS_SECRET else AskTrust]


@pytest.mark.parametrize("needy", [NEEDS_SECRET, NEEDS_TRUST], ids=["secret", "trust"])
def test_another_agent_does_not_double_an_open_question(needy: Connection) -> None:
    assert happens(needy, AgentAppeared()) == (needy, [])


@pytest.mark.parametrize(
    ("needy", "answer"),
    [
        (NEEDS_SECRET, SecretGiven(ticket=7, secret=TYPED, save=True)),
        (NEEDS_SECRET, SecretsSet({"password": OTHER})),
        (NEEDS_TRUST, TrustGiven(ticket=7, fingerprint=PIN, pin=False)),
        (NEEDS_TRUST, TrustGiven(ticket=7, fingerprint=PIN, pin=True)),
    ],
    ids=["secret", "password set", "once", "pin"],
)
def test_a_persons_answer_begins_a_new_series_of_retries(needy: Connection, answer: Event) -> None:
    after, _ = happens(replace(needy, retries=3), answer)

    assert (after.state, after.retries) == (State.CONNECTING, 0)


# -- trust -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [85, 106, 149])
def test_an_unknown_certificate_is_shown_to_a_person(code: int) -> None:
    after, commands = happens(CONNECTING, ended(code, certificate="REVS"))

    assert (after.state, after.certificate) == (State.NEEDS_TRUST, "REVS")
    assert commands == [AskTrust(8, "REVS", code, changed=False)]


def test_a_certificate_other_than_the_pinned_one_is_shown_as_changed() -> None:
    pinned = replace(CONNECTING, settings=replace(SETTINGS, server_fingerprint=PIN))

    _, commands = happens(pinned, ended(85, certificate="REVS"))

    assert commands == [AskTrust(8, "REVS", 85, changed=True)]


def test_a_certificate_error_without_a_certificate_cannot_be_asked_about() -> None:
    after, commands = happens(CONNECTING, ended(85))

    assert (after.state, commands) == (State.IDLE, [CloseNic()])


def test_trust_for_once_serves_this_run_and_writes_nothing() -> None:
    trying, commands = happens(NEEDS_TRUST, TrustGiven(ticket=7, fingerprint=PIN, pin=False))
    idle, _ = happens(trying, ended(8, ticket=8))

    assert commands == attempt(accepted=PIN)
    assert (idle.accepted, idle.settings.server_fingerprint) == ("", "")


def test_trust_for_good_is_pinned() -> None:
    after, commands = happens(NEEDS_TRUST, TrustGiven(ticket=7, fingerprint=PIN, pin=True))

    assert after.settings.server_fingerprint == PIN
    assert commands[0] == PinCertificate(PIN)
    assert [c.accepted_fingerprint for c in commands if isinstance(c, StartWorker)] == [PIN]


def test_a_certificate_pinned_by_hand_answers_the_question() -> None:
    after, commands = happens(NEEDS_TRUST, CertificatePinned(PIN))

    assert after.state is State.CONNECTING
    assert commands[0] == CancelQuestion()
    assert [c.accepted_fingerprint for c in commands if isinstance(c, StartWorker)] == [PIN]


# -- the end -----------------------------------------------------------------------------------------------------------


def test_disconnect_logs_off_and_the_end_of_the_worker_closes_the_nic() -> None:
    stopping, commands = happens(UP, DisconnectAsked())
    idle, closing = happens(stopping, ended(6))

    assert (stopping.state, commands) == (State.STOPPING, [SetCarrier(False), StopWorker()])
    assert (idle.state, idle.error, idle.started_at, closing) == (State.IDLE, None, 0, [CloseNic()])


def test_disconnect_ends_a_wait_at_once() -> None:
    after, commands = happens(WAITING, DisconnectAsked())

    assert (after.state, after.error, commands) == (State.IDLE, None, [CancelWait(), CloseNic()])


@pytest.mark.parametrize("needy", [NEEDS_SECRET, NEEDS_TRUST], ids=["secret", "trust"])
def test_disconnect_closes_the_window_that_asks(needy: Connection) -> None:
    after, commands = happens(needy, DisconnectAsked())

    assert (after.state, commands) == (State.IDLE, [CancelQuestion(), CloseNic()])


@pytest.mark.parametrize("time", [0.0, 1e12], ids=["set back", "set ahead"])
def test_a_clock_that_jumps_holds_nothing_up(time: float) -> None:
    after, commands = step(CONNECTING, ended(1), time)
    assert (after.state, commands[-1]) == (State.WAITING, WaitFor(8, 15))
    assert step(after, RetryDue(ticket=8), time)[0].state is State.CONNECTING

    lost, commands = step(UP, ended(1), time)
    assert lost.state is State.CONNECTING or commands[-1] == WaitFor(8, 15)


def test_a_late_retry_timer_does_not_reconnect_what_was_disconnected() -> None:
    idle, _ = happens(WAITING, DisconnectAsked())

    assert happens(idle, RetryDue(ticket=7)) == (idle, [])


def test_connect_while_stopping_starts_over_when_it_has_stopped() -> None:
    wanted, cleared = happens(replace(STOPPING, lease=LEASE, established_count=3), ConnectAsked())
    after, commands = happens(wanted, ended(6))

    assert (wanted.state, cleared) == (State.STOPPING, [ClearAddresses()])
    assert (after.state, after.started_at, after.established_count) == (State.CONNECTING, NOW, 0)
    assert commands == attempt()


def test_whoever_disconnects_last_wins() -> None:
    wanted, _ = happens(STOPPING, ConnectAsked())
    unwanted, _ = happens(wanted, DisconnectAsked())
    after, _ = happens(unwanted, ended(6))

    assert after.state is State.IDLE


@pytest.mark.parametrize("now", IN_EACH_STATE.values(), ids=lambda now: now.state.value)
def test_what_is_removed_is_disconnected_first_and_then_leaves_for_good(now: Connection) -> None:
    removed, commands = happens(now, RemoveAsked())
    if removed.state is State.STOPPING:
        removed, commands = happens(removed, ended(6))

    assert removed.state is State.IDLE
    assert commands[-1] == Leave()
    assert now is IDLE or CloseNic() in commands
    assert happens(removed, ConnectAsked()) == (removed, [])
    assert happens(removed, RemoveAsked()) == (removed, [])


def test_new_settings_count_from_the_next_attempt_on() -> None:
    settings = replace(SETTINGS, host="other.example.org")

    after, commands = happens(UP, SettingsChanged(settings))

    assert (after, commands) == (replace(UP, settings=settings), [])


# -- every pair --------------------------------------------------------------------------------------------------------

CODES = (1, 3, 4, 6, 8, 9, 10, 13, 19, 23, 25, 85, 9999)
EVERY_EVENT: list[Event] = [
    ConnectAsked(),
    DisconnectAsked(),
    RemoveAsked(),
    SettingsChanged(replace(SETTINGS, retry_limit=1)),
    SecretsSet({"password": OTHER}),
    SecretsSet({"password": Secret("")}),
    SecretsSet({"proxy_password": OTHER}),
    SecretsSet({"password": OTHER}, frozenset({SecretKind.PASSWORD})),
    *(SecretOffered(SecretKind.PASSWORD, OTHER, what_came) for what_came in Offered),
    PasswordReplaced(password=OTHER),
    CertificatePinned(OTHER_PIN),
    AgentAppeared(),
    PhaseReached(ticket=7, phase=Phase.NEGOTIATING),
    TunnelUp(ticket=7, session=SESSION),
    TunnelUp(ticket=7, session=FORBIDS_SAVING),
    GotLease(ticket=7, lease=LEASE),
    *(LeaseMissing(ticket=7, reason=reason) for reason in NoLeaseReason),
    LeaseUnusable(ticket=7, error=VpnError("no")),
    *(ended(code) for code in CODES),
    ended(85, certificate="REVS"),
    WorkerEnded(ticket=7, error=VpnError("no NIC")),
    RetryDue(ticket=7),
    GoingToSleep(),
    Woke(is_online=True),
    Woke(is_online=False),
    NetworkChanged(has_gained=True),
    NetworkChanged(has_gained=False),
    SecretGiven(ticket=7, secret=TYPED, save=True),
    SecretGiven(ticket=7, secret=TYPED, save=False),
    SecretGiven(ticket=7, secret=SAVED, save=True, stored=True),
    SecretGiven(ticket=7, secret=TYPED, save=True, login=Login("mika", AuthType.PLAIN_PASSWORD)),
    TrustGiven(ticket=7, fingerprint=PIN, pin=True),
    TrustGiven(ticket=7, fingerprint=PIN, pin=False),
    QuestionRefused(ticket=7),
    NobodyToAsk(ticket=7, error=NoAgent("Nobody is there")),
]

# Which states an event moves, and where to; in all others it leaves the state as it is.
C, W, U, S, N, T, Z, I = (  # noqa: E741
    State.CONNECTING,
    State.WAITING,
    State.UP,
    State.STOPPING,
    State.NEEDS_SECRET,
    State.NEEDS_TRUST,
    State.SLEEPING,
    State.IDLE,
)
MOVES: dict[type[Event], dict[State, set[State]]] = {
    ConnectAsked: {I: {C}, W: {C}, Z: {C}},
    DisconnectAsked: {C: {S}, U: {S}, W: {I}, N: {I}, T: {I}, Z: {I}},
    RemoveAsked: {C: {S}, U: {S}, W: {I}, N: {I}, T: {I}, Z: {I}},
    GoingToSleep: {C: {S}, U: {S}, W: {Z}},
    Woke: {Z: {C, W}},
    NetworkChanged: {W: {C, W}},
    SettingsChanged: {},
    SecretsSet: {N: {C, N}},
    SecretOffered: {},
    PasswordReplaced: {N: {C, N}},
    CertificatePinned: {T: {C}},
    AgentAppeared: {},
    PhaseReached: {},
    TunnelUp: {C: {U}},
    GotLease: {},
    LeaseMissing: {},
    LeaseUnusable: {},
    WorkerEnded: {C: {W, N, T, I}, U: {W, N, T, I}, S: {I}},
    RetryDue: {W: {C}},
    SecretGiven: {N: {C}},
    TrustGiven: {T: {C}},
    QuestionRefused: {N: {I}, T: {I}},
    NobodyToAsk: {},
}


def test_the_table_of_moves_knows_every_event() -> None:
    assert set(MOVES) == set(Event.__args__) == {type(event) for event in EVERY_EVENT}
    assert set(IN_EACH_STATE) == set(State)


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_every_event_in_every_state_goes_where_the_table_says(state: State, event: Event) -> None:
    after, commands = happens(IN_EACH_STATE[state], event)

    assert after.state in MOVES[type(event)].get(state, {state})
    assert_is_consistent(after)
    if state is not after.state and after.state is State.IDLE:
        assert CloseNic() in commands


@pytest.mark.parametrize("event", [e for e in EVERY_EVENT if isinstance(e, Outcome)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_what_comes_from_something_called_off_changes_nothing(state: State, event: Event) -> None:
    later = replace(IN_EACH_STATE[state], ticket=8)

    assert happens(later, event) == (later, [])


def assert_is_consistent(now: Connection) -> None:
    """What must hold of any connection."""
    assert (now.state is State.UP) == (now.session is not None) == (now.established_at != 0)
    assert (now.state is State.IDLE) == (now.started_at == 0)
    assert (now.state is State.WAITING) == (now.retry_at != 0)
    assert now.state is State.UP or not now.is_ready
    assert now.no_agent is None or now.state in (State.NEEDS_SECRET, State.NEEDS_TRUST)
    assert now.target is not Target.ASLEEP or now.state is State.STOPPING
    assert now.target is Target.UP or now.state in (State.IDLE, State.STOPPING)
    assert now.target is not Target.UP or now.state is not State.IDLE
    if now.state is State.IDLE:
        assert (now.typed, now.accepted, now.lease, now.retries, now.phase) == (NO_SECRETS, "", None, 0, Phase.NONE)


# -- any sequence ------------------------------------------------------------------------------------------------------


class World:
    """Does what the commands say, believes what the events say, and complains about the impossible."""

    def __init__(self, settings: ConnectionSettings, secrets: Secrets) -> None:
        self.connection = Connection(settings=settings, secrets=secrets)
        self.worker = self.timer = self.question = 0  # the tickets of what is under way
        self.nic = self.carrier = self.left = False
        self.is_announced = False  # to hooks
        self.refused: set[tuple[SecretKind, Secret | HashedPassword | None]] = set()
        self.offered: OfferSecret | None = None

    def happen(self, event: Event) -> None:
        if isinstance(event, SecretsSet) or (isinstance(event, SecretGiven) and not event.stored):  # a person insists
            given = [event.secret] if isinstance(event, SecretGiven) else event.changes.values()
            self.refused -= {(kind, secret) for kind in SecretKind for secret in given}
        if isinstance(event, WorkerEnded):
            if event.error.code in (9, 19) and self.connection.state is not State.STOPPING:
                kind = SecretKind.PASSWORD if event.error.code == 9 else SecretKind.PROXY_PASSWORD
                if self.connection.secret_asked_by(event.error):
                    self.refused.add((kind, self.connection.tried.of(kind)))
            self.worker = 0
        elif isinstance(event, RetryDue):
            self.timer = 0
        elif isinstance(event, SecretGiven | TrustGiven | QuestionRefused | NobodyToAsk):
            self.question = 0
        before = self.connection
        self.connection, commands = step(before, event, NOW)
        for command in commands:
            self.carry_out(command)
        self.announce(occasion(before, self.connection))
        self.check()

    def announce(self, what: Occasion | None) -> None:
        if what:
            assert self.is_announced == (what in (Occasion.DISCONNECTED, Occasion.LOST))
            self.is_announced = what is Occasion.CONNECTED

    def carry_out(self, command: Command) -> None:
        match command:
            case OpenNic():
                self.nic = True
            case CloseNic():
                self.nic = self.carrier = False
                assert not self.worker, "a NIC closed under a worker"
            case SetCarrier(up):
                assert self.nic
                self.carrier = up
            case ApplyLease():
                assert self.carrier
            case ClearAddresses():
                assert self.nic
            case CheckCarriers():
                assert self.worker
            case StartWorker(ticket=ticket, secrets=secrets):
                assert self.nic
                assert not any((self.worker, self.timer, self.question))
                for kind in SecretKind:
                    used = secrets.of(kind)
                    assert used is None or (kind, used) not in self.refused, "a refused secret was used again"
                self.worker = ticket
            case StopWorker():
                assert self.worker
            case WaitFor(ticket=ticket):
                assert not any((self.worker, self.timer, self.question))
                self.timer = ticket
            case CancelWait():
                assert self.timer
                self.timer = 0
            case AskSecret(ticket=ticket) | AskTrust(ticket=ticket):
                assert not any((self.worker, self.timer, self.question))
                self.question = ticket
            case CancelQuestion():
                self.question = 0
            case OfferSecret():
                self.offered = command
            case Leave():
                assert not self.left
                self.left = True
            case _:
                pass

    def check(self) -> None:
        now = self.connection
        assert_is_consistent(now)
        assert bool(self.worker) == (now.state in (State.CONNECTING, State.UP, State.STOPPING))
        assert bool(self.timer) == (now.state is State.WAITING)
        asks = now.state in (State.NEEDS_SECRET, State.NEEDS_TRUST)
        assert bool(self.question) == (asks and now.no_agent is None)
        assert self.carrier == (now.state is State.UP)
        assert not (self.nic and now.state is State.IDLE)
        assert self.is_announced == now.is_ready
        for ticket in (self.worker, self.timer, self.question):
            assert ticket in (0, now.ticket)

    def possible(self, event: Event) -> Event | None:
        """The event as it would come from what is under way now; None: nothing could report it."""
        match event:
            case WorkerEnded() | PhaseReached() | TunnelUp() | GotLease() | LeaseMissing() | LeaseUnusable():
                ticket = self.worker
            case RetryDue():
                ticket = self.timer
            case SecretGiven(stored=True) if self.connection.asked not in self.connection.in_keyring:
                return None
            case SecretGiven():
                ticket = self.question if self.connection.state is State.NEEDS_SECRET else 0
            case SecretOffered(what_came=what_came):
                offered, self.offered = self.offered, None
                return SecretOffered(offered.kind, offered.secret, what_came) if offered else None
            case TrustGiven():
                ticket = self.question if self.connection.state is State.NEEDS_TRUST else 0
            case Outcome():
                ticket = self.question
            case _:
                return event
        return replace(event, ticket=ticket) if ticket else None


@given(
    st.lists(st.sampled_from(EVERY_EVENT), max_size=40),
    st.sampled_from([NO_SECRETS, Secrets(password=SAVED), Secrets(hashed_password=HASHED, proxy_password=SAVED)]),
    st.sampled_from(
        [
            SETTINGS,
            WITH_KEYRING,
            replace(WITH_KEYRING, proxy=PROXY),
            replace(SETTINGS, retry_limit=1),
            replace(SETTINGS, auth=AuthType.ANONYMOUS),
            replace(SETTINGS, proxy=PROXY),
            replace(SETTINGS, addressing=Addressing.NONE),
        ]
    ),
)
def test_whatever_happens_nothing_is_doubled_forgotten_or_retried_with_a_refused_secret(
    events: list[Event], secrets: Secrets, settings: ConnectionSettings
) -> None:
    world = World(settings, secrets)

    for event in events:
        possible = world.possible(event)
        if possible:
            world.happen(possible)
        else:
            before = world.connection
            assert step(before, event, NOW) == (before, []) or not isinstance(event, Outcome)

    world.happen(DisconnectAsked())
    if world.worker:
        world.happen(WorkerEnded(ticket=world.worker, error=TunnelError(6)))
    assert world.connection.state is State.IDLE
    assert not any((world.nic, world.worker, world.timer, world.question))
