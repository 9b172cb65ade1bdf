"""Logging in and joining: against what a real server said, and against our own one in memory."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.fakes import FakePeer, FakeServer, Fault, RedirectTo, Stage, wait_pack
from tests.unit.softether.recorded import RecordedPack, recorded_pack
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Secret
from tsunagu.sha0 import hash_password
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.auth import Anonymous, StandardPassword, Ticket
from tsunagu_tunnel.softether.carrier import encode_frames
from tsunagu_tunnel.softether.handshake import (
    AdditionalHandshake,
    Event,
    Handshake,
    Hello,
    HubList,
    HubsHandshake,
    Joined,
    Login,
    LoginHandshake,
    NotYet,
    PasswordChanged,
    PasswordHandshake,
    Redirected,
    Welcome,
    login_for,
)
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.session import Direction

ALICE = Login(
    hub="LAB",
    username="alice",
    credentials=StandardPassword(Secret("secret")),
    machine_id=bytes(range(16)),
    max_carriers=8,
)
ANON = replace(ALICE, username="anon", credentials=Anonymous())


def login_handshake(login: Login = ALICE) -> LoginHandshake:
    return LoginHandshake(login, address="10.99.0.1", port=443, random=Random(7))


def additional_handshake(session_key: bytes) -> AdditionalHandshake:
    return AdditionalHandshake(session_key, address="10.99.0.1", random=Random(8))


def talk(client: Handshake, peer: FakePeer) -> list[Event]:
    """Let both speak until neither has anything to say."""
    events: list[Event] = []
    while True:
        if outgoing := client.data_to_send():
            peer.receive_data(outgoing)
        incoming = peer.data_to_send()
        if incoming:
            events += client.receive_data(incoming)
        elif peer.closed:
            events += client.receive_data(b"")
        elif not outgoing:
            return events


def welcome(server: FakeServer, login: Login = ALICE) -> Welcome:
    event = talk(login_handshake(login), server.connect())[-1]
    assert isinstance(event, Welcome)
    return event


def refusal(server: FakeServer, login: Login = ALICE) -> TunnelError:
    with pytest.raises(TunnelError) as caught:
        talk(login_handshake(login), server.connect())
    return caught.value


def octets(*packs: RecordedPack) -> bytes:
    return b"".join(pack.head.encode() + pack.octets for pack in packs)


# -- what a real server said ------------------------------------------------------------------------------------------


def test_a_recorded_login_is_understood() -> None:
    client = login_handshake()
    hello = octets(recorded_pack("password/0/recv", "hello"))
    answer = octets(recorded_pack("password/0/recv", "session_name"))

    events = client.receive_data(hello) + client.receive_data(answer + b"\0\0\0\x01")

    assert isinstance(events[0], Hello)
    assert isinstance(events[1], Welcome)
    assert events[0].product.startswith("SoftEther VPN Server")
    assert (events[0].version, events[0].build) == (501, 9674)
    session = events[1].session
    assert session.session_name.startswith("SID-ALICE-")
    assert session.connection_name.startswith("CID-")
    assert session.timeout_ms == 20000
    assert session.max_carriers == 1
    assert session.policy["NoBridge"] == session.policy["Ver3"] == 1
    assert not session.bridge_mode
    assert session.session_key == events[1].session_key.hex()
    assert events[1].rest == b"\0\0\0\x01"


def test_a_recorded_message_of_the_hub_is_understood() -> None:
    client = login_handshake()

    *_, event = client.receive_data(
        octets(recorded_pack("motd/0/recv", "hello"), recorded_pack("motd/0/recv", "session_name"))
    )

    assert isinstance(event, Welcome)
    assert event.session.message


def test_a_recorded_redirect_is_understood() -> None:
    client = login_handshake()
    client.receive_data(octets(recorded_pack("redirect/0/recv", "hello")))
    client.data_to_send()

    (event,) = client.receive_data(octets(recorded_pack("redirect/0/recv", "Redirect")))

    assert isinstance(event, Redirected)
    assert event.address == "10.99.0.13"
    assert len(event.ticket) == 20
    assert event.certificate.startswith(b"\x30\x82")
    assert client.data_to_send().startswith(b"POST /vpnsvc/vpn.cgi HTTP/1.1\r\n")


@pytest.mark.parametrize(("number", "direction"), [(1, Direction.RECEIVE), (2, Direction.RECEIVE), (3, Direction.SEND)])
def test_recorded_additional_connections_are_understood(number: int, direction: Direction) -> None:
    label = f"half_duplex/{number}/recv"
    client = additional_handshake(bytes(20))

    events = client.receive_data(octets(recorded_pack(label, "hello"), recorded_pack(label, "direction")))

    assert events[1] == Joined(direction, b"")


# -- what we say ------------------------------------------------------------------------------------------------------


def test_a_login_tells_nothing_of_the_machine_it_comes_from() -> None:
    server = FakeServer()
    welcome(server)

    (login,) = server.logins

    assert login.get_str("ClientHostname") == login.get_str("ClientOsVer") == ""
    assert login.get_str("ClientProductName") == "Tsunagu"
    assert login.get_data("UniqueId") == bytes(range(16))
    assert "unique_id" not in login
    assert "ClientIpAddress" not in login
    assert [element.name for element in login if element.name.lower() == "hubname"] == ["hubname"]


def test_a_login_asks_for_encryption_and_nothing_fancy() -> None:
    server = FakeServer()
    welcome(server)

    (login,) = server.logins

    asked = {name: login.get_int(name) for name in ("use_encrypt", "use_compress", "half_connection", "qos")}
    assert asked == {"use_encrypt": 1, "use_compress": 0, "half_connection": 0, "qos": 0}
    assert login.get_int("max_connection") == 8


def test_padding_makes_the_sizes_of_logins_differ() -> None:
    server = FakeServer()
    for seed in range(5):
        talk(LoginHandshake(ALICE, address="::1", port=443, random=Random(seed)), server.connect())

    assert len({len(login.encode()) for login in server.logins}) > 1


def test_the_settings_become_a_login() -> None:
    settings = ConnectionSettings(name="x", host="h", hub="LAB", username="anon", auth=AuthType.ANONYMOUS, carriers=4)

    login = login_for(settings, Anonymous(), "00" * 15 + "ff")

    assert (login.hub, login.username, login.max_carriers) == ("LAB", "anon", 4)
    assert login.machine_id == bytes(15) + b"\xff"
    assert login.encrypt


@pytest.mark.parametrize(
    ("field", "element"),
    [
        ("compress", "use_compress"),
        ("half_duplex", "half_connection"),
        ("qos", "qos"),
        ("bridge_mode", "require_bridge_routing_mode"),
        ("monitor_mode", "require_monitor_mode"),
    ],
)
def test_each_mode_is_asked_for_where_the_settings_have_it(field: str, element: str) -> None:
    mode: dict[str, Any] = {field: True}
    settings = ConnectionSettings(name="x", host="h", hub="LAB", username="anon", **mode)
    server = FakeServer()

    welcome(server, login_for(settings, Anonymous(), "00" * 16))

    asked = {each.name: each.values[0] for each in server.logins[0]}
    assert asked.pop(element) == 1
    others = {"use_compress", "half_connection", "qos", "require_bridge_routing_mode", "require_monitor_mode"}
    assert not any(asked[name] for name in others - {element})


@pytest.mark.parametrize(("half_duplex", "qos", "least"), [(0, 0, 1), (1, 0, 2), (0, 1, 2), (1, 1, 4)])
def test_a_mode_has_the_carriers_that_it_needs(half_duplex: int, qos: int, least: int) -> None:
    server = FakeServer()

    session = welcome(server, replace(ALICE, max_carriers=1, half_duplex=bool(half_duplex), qos=bool(qos))).session

    assert session.max_carriers == server.logins[0].get_int("max_connection") == least
    assert (session.half_duplex, session.qos) == (bool(half_duplex), bool(qos))


@pytest.mark.parametrize("wished", [True, False])
def test_the_servers_word_on_compression_counts(wished: bool) -> None:
    server = FakeServer()
    server.welcome_changes["use_compress"] = int(not wished)

    assert welcome(server, replace(ALICE, compress=wished)).session.compressed is not wished


def test_encryption_may_be_left_out_or_kept() -> None:
    server = FakeServer()
    assert not welcome(server, replace(ALICE, encrypt=False)).session.encrypted

    server.welcome_changes["use_encrypt"] = 1

    assert welcome(server, replace(ALICE, encrypt=False)).session.encrypted


# -- the whole conversation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", [ALICE, ANON, replace(ALICE, username="ALICE", hub="lab")])
def test_a_known_user_is_welcome(login: Login) -> None:
    assert welcome(FakeServer(), login).session.session_name == f"SID-{login.username.upper()}-1"


@pytest.mark.parametrize(
    ("login", "code"),
    [
        (replace(ALICE, hub="OTHER"), 8),
        (replace(ALICE, username="mallory"), 9),
        (replace(ALICE, credentials=StandardPassword(Secret("wrong"))), 9),
        (replace(ALICE, credentials=Anonymous()), 9),
        (replace(ALICE, credentials=Ticket(bytes(20))), 9),
    ],
)
def test_a_refusal_comes_with_the_servers_number(login: Login, code: int) -> None:
    assert refusal(FakeServer(), login).code == code


def test_frames_right_behind_the_welcome_are_handed_on() -> None:
    server = FakeServer()
    client, peer = login_handshake(), server.connect()
    peer.receive_data(client.data_to_send())
    client.receive_data(peer.data_to_send())
    peer.receive_data(client.data_to_send())
    server.send_frames([b"f" * 60])

    (event,) = client.receive_data(peer.data_to_send())

    assert isinstance(event, Welcome)
    assert event.rest == encode_frames([b"f" * 60])


def test_a_second_carrier_joins_the_session() -> None:
    server = FakeServer()
    session_key = welcome(server).session_key

    events = talk(additional_handshake(session_key), server.connect())

    assert events[-1] == Joined(Direction.BOTH, b"")
    assert len(server.carriers) == 2


def test_joining_a_session_that_an_administrator_ended_says_so() -> None:
    server = FakeServer()
    session_key = welcome(server).session_key
    server.end_sessions()

    with pytest.raises(TunnelError) as caught:
        talk(additional_handshake(session_key), server.connect())

    assert caught.value.code == 13


def test_a_redirect_leads_to_the_other_server() -> None:
    controller, member = FakeServer(), FakeServer(users={})
    controller.redirect = RedirectTo("127.0.0.2", (5555, 443), b"DER", member)
    client, peer = login_handshake(), controller.connect()
    for _ in range(2):  # signature and hello, login and redirect
        peer.receive_data(client.data_to_send())
        (redirected,) = client.receive_data(peer.data_to_send())
    peer.receive_data(client.data_to_send())

    assert isinstance(redirected, Redirected)
    assert (redirected.address, redirected.ports, redirected.certificate) == ("127.0.0.2", (5555, 443), b"DER")
    assert controller.redirects_confirmed == 1
    login = replace(ALICE, credentials=Ticket(redirected.ticket))
    assert welcome(member, login).session.session_name == "SID-ALICE-1"
    assert refusal(member, login).code == 9  # a ticket is good for one ride


@pytest.mark.parametrize(("granted", "wished", "result"), [(1, 8, 1), (8, 8, 8), (500, 8, 8), (0, 8, 1), (99, 99, 32)])
def test_as_many_carriers_as_both_sides_want(granted: int, wished: int, result: int) -> None:
    server = FakeServer()
    server.welcome_changes["max_connection"] = granted

    assert welcome(server, replace(ALICE, max_carriers=wished)).session.max_carriers == result


# -- bad servers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.HELLO, Stage.LOGIN])
@pytest.mark.parametrize("keep", [0, 1, 30, 200])
def test_a_line_cut_in_the_handshake_is_told_as_that(stage: Stage, keep: int) -> None:
    server = FakeServer()
    server.faults[stage] = Fault(keep=keep, close=True)

    assert refusal(server).code == 3


@pytest.mark.parametrize("stage", [Stage.HELLO, Stage.LOGIN])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", 2),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", 2),
        (http.answer(b"\xff" * 100), 4),
        (http.answer(b"\0\0\0\0"), 4),  # an empty pack: neither random nor session
    ],
)
def test_nonsense_is_told_as_that(stage: Stage, answer: bytes, code: int) -> None:
    server = FakeServer()
    server.faults[stage] = Fault(replace=answer)

    assert refusal(server).code == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_name", ""),
        ("connection_name", "\x1b\x07"),
        ("session_key", b"short"),
        ("use_encrypt", 0),  # nobody asked for that
        ("session_name", b"data"),
    ],
)
def test_a_welcome_that_makes_no_sense_is_refused(name: str, value: int | str | bytes) -> None:
    server = FakeServer()
    server.welcome_changes[name] = value

    assert refusal(server).code == 4


@pytest.mark.parametrize(("name", "value"), [("Ip", 0), ("Port", 0), ("Port", 70000), ("Ticket", b""), ("Cert", b"")])
def test_a_redirect_to_nowhere_is_refused(name: str, value: int | bytes) -> None:
    pack = Pack()
    for element in Pack.decode(recorded_pack("redirect/0/recv", "Redirect").octets):
        if element.name != name:
            pack.add(element)
    pack.add_data(name, value) if isinstance(value, bytes) else pack.add_int(name, value)
    client = login_handshake()
    client.receive_data(octets(recorded_pack("redirect/0/recv", "hello")))

    with pytest.raises(TunnelError) as caught:
        client.receive_data(http.answer(pack.encode()))

    assert caught.value.code == 4


@pytest.mark.parametrize(("said", "told"), [(5, 5), (4711, 4711), (85, 4), (149, 4)])
def test_a_hello_may_be_a_refusal_but_no_verdict_on_the_servers_certificate(said: int, told: int) -> None:
    pack = Pack()
    pack.add_int("error", said)
    server = FakeServer()
    server.faults[Stage.HELLO] = Fault(replace=http.answer(pack.encode()))

    assert refusal(server).code == told


def test_what_a_server_wants_shown_is_text_of_bounded_length() -> None:
    server = FakeServer()
    server.message = "Hi\x1b[31m\nthere\0" + "語" * 50_000
    server.welcome_changes = {"session_name": "SID\r\n-1" + "x" * 999, "timeout": 0}

    session = welcome(server).session

    assert session.message.startswith("Hi[31m\nthere語")
    assert len(session.message.encode()) <= 32_002  # what was cut in its middle shows as U+FFFD
    assert session.session_name.startswith("SID-1xx")
    assert len(session.session_name) == 255
    assert session.timeout_ms == 1000


def test_no_key_and_no_proof_shows_when_events_are_printed() -> None:
    event = welcome(FakeServer())

    assert event.session.session_key not in repr(event)
    assert repr(event.session_key) not in repr(event)


def test_a_server_may_ask_for_patience_before_it_answers() -> None:
    hello, answer = (recorded_pack("plain_radius/0/recv", having) for having in ("hello", "session_name"))
    client = LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1))

    [_hello] = client.receive_data(octets(hello))
    not_yet = http.answer(wait_pack().encode())
    assert client.receive_data(not_yet) == [NotYet()]
    [_, welcome] = client.receive_data(not_yet + octets(answer))

    assert isinstance(welcome, Welcome)
    assert welcome.rest == b""


def test_patience_has_an_end() -> None:
    client = LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1))
    client.receive_data(octets(recorded_pack("plain_radius/0/recv", "hello")))

    with pytest.raises(TunnelError, match="without end") as caught:
        client.receive_data(http.answer(wait_pack().encode()) * 61)

    assert caught.value.code == 4


# -- which hubs there are ----------------------------------------------------------------------------------------------


def listed(*names: str) -> tuple[str, ...]:
    server = FakeServer()
    server.hub_names = names
    last = talk(HubsHandshake(address="10.99.0.1", random=Random(9)), server.connect())[-1]
    assert isinstance(last, HubList)
    assert not server.sessions
    return last.names


def test_hubs_come_in_the_servers_order_once_each() -> None:
    assert listed("LAB", "STAFF", "LAB") == ("LAB", "STAFF")
    assert listed() == ()


def test_what_cannot_be_the_name_of_a_hub_is_left_out() -> None:
    assert listed("A\nB", "", "\x1b[31mRED", "ハブ", "x" * 300) == ("AB", "[31mRED", "x" * 255)


def test_a_server_with_too_many_hubs_names_the_first() -> None:
    assert len(listed(*(f"HUB{number}" for number in range(1000)))) == 400


# -- changing a password -----------------------------------------------------------------------------------------------


def change(server: FakeServer, username: str = "alice", old: str = "secret", hub: str = "LAB") -> list[Event]:
    known = HashedPassword(hash_password(username, old).hex())
    handshake = PasswordHandshake(
        hub, username, old=known, new=Secret("password"), address="10.99.0.1", random=Random(9)
    )
    return talk(handshake, server.connect())


def test_a_password_is_changed_in_both_forms_that_a_server_keeps() -> None:
    server = FakeServer()

    events = change(server, "Alice")

    assert events[-1] == PasswordChanged()
    hashed, nt_hash = server.changed["alice"]
    assert hashed == hash_password("alice", "password")
    assert nt_hash.hex() == "8846f7eaee8fb117ad06bdd830b7586c"
    assert not server.sessions


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"hub": "OTHER"}, 8), ({"username": "anon"}, 68), ({"old": "wrong"}, 69)],
    ids=lambda it: str(it),
)
def test_why_a_password_is_not_changed_is_told(asked: dict[str, str], code: int) -> None:
    server = FakeServer()

    with pytest.raises(TunnelError) as caught:
        change(server, **asked)

    assert caught.value.code == code
    assert not server.changed


def test_what_forbids_the_change_is_told_by_name() -> None:
    server = FakeServer()
    server.may_not_change.add("alice")

    with pytest.raises(TunnelError, match=r"FixPassword.*deny_change_user_password"):
        change(server)
