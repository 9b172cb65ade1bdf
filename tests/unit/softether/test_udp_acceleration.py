"""UDP acceleration, both ends in memory, and against datagrams that crossed a wire."""

from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from tests.unit.softether.recorded import load
from tests.unit.softether.udp_pair import CLIENT_PORT, FRAME, SERVER_PORT, Pair, offer, terms, welcome_for
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.udp_acceleration import (
    UdpAcceleration,
    UdpTerms,
    _ChaCha20Poly1305,
    _Rc4,
    has_version_1,
)

MODES = [(2, True), (1, True), (2, False)]


def acceleration(end: UdpTerms, now: float = 0, *, compress: bool = False) -> UdpAcceleration:
    return UdpAcceleration(end, now, compress=compress, max_datagram=1426, random=Random(1))


# -- recorded ---------------------------------------------------------------------------------------------------------

RECORDED = [session for session in load("udp_accel.json")["sessions"] if "version" in session]
PACKETS = [(session, packet) for session in RECORDED for packet in session["packets"]]


def recorded_terms(session: dict[str, Any], way: str) -> UdpTerms:
    """Of the end that received what went that way."""
    version, recv = session["version"], way == "recv"
    sender, receiver = ("server", "client") if recv else ("client", "server")
    return UdpTerms(
        version=version,
        encrypted=True,
        fast=False,
        our_key=bytes.fromhex(session[f"{receiver}_key_v{version}"]),
        their_key=bytes.fromhex(session[f"{sender}_key_v{version}"]),
        our_cookie=session[f"{receiver}_cookie"],
        their_cookie=session[f"{sender}_cookie"],
        port=1,
    )


@pytest.mark.parametrize(("session", "packet"), PACKETS, ids=[f"{s['label']} {p['dir']}" for s, p in PACKETS])
def test_a_recorded_datagram_gives_its_frame(session: dict[str, Any], packet: dict[str, Any]) -> None:
    end = acceleration(recorded_terms(session, packet["dir"]))
    datagram, decoded = bytes.fromhex(packet["hex"]), packet["decoded"]

    frames = end.receive([datagram], 1, 0)

    if decoded["flag"]:
        assert [len(frame) for frame in frames] == [98]  # a ping, inflated
    else:
        assert frames == ([bytes.fromhex(decoded["data"])] if decoded["data"] else [])
    assert end.receive([datagram[:-1] + bytes([datagram[-1] ^ 1])], 1, 0) == []


WHOLE = [(session, packet) for session, packet in PACKETS if packet["decoded"]["inner"]]


@pytest.mark.parametrize(("session", "packet"), WHOLE, ids=[session["label"] for session, _ in WHOLE])
def test_sealing_what_was_recorded_gives_the_recorded_datagram(session: dict[str, Any], packet: dict[str, Any]) -> None:
    datagram, inner = bytes.fromhex(packet["hex"]), bytes.fromhex(packet["decoded"]["inner"])
    kind, size = (_Rc4, 20) if session["version"] == 1 else (_ChaCha20Poly1305, 12)
    if session["version"] == 1:
        inner = inner[:-20]  # the zeros that a receiver looks for
    random = Mock(getrandbits=lambda _bits: int.from_bytes(datagram[:size], "big"))

    assert kind(recorded_terms(session, "recv").their_key, random).seal(inner) == datagram


def test_a_recorded_clear_datagram_is_a_keepalive() -> None:
    [session] = [session for session in load("udp_accel.json")["sessions"] if "version" not in session]
    ours, _ = terms(encrypted=False)
    for packet in session["packets"]:
        datagram = bytes.fromhex(packet["hex"])
        end = acceleration(replace(ours, our_cookie=int.from_bytes(datagram[:4], "big")))

        assert end.receive([datagram], 7, 0) == []
        assert end.port == 7


# -- frames -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "encrypted"), MODES)
@pytest.mark.parametrize("compress", [False, True])
def test_frames_pass_both_ways(version: int, encrypted: bool, compress: bool) -> None:
    ours, theirs = terms(version, encrypted=encrypted)
    client, server = acceleration(ours, compress=compress), acceleration(theirs, compress=compress)
    frames = [FRAME, Random(1).randbytes(1514), bytes(1600), bytes(14)]

    assert server.receive(client.encode(frames, 1), CLIENT_PORT, 1) == frames
    assert client.receive(server.encode(frames, 1), SERVER_PORT, 1) == frames


def test_frames_of_one_length_become_datagrams_of_one_length_and_full_ones_have_no_padding() -> None:
    client = acceleration(terms()[0])
    small = client.encode([FRAME, FRAME, FRAME], 0)
    [full] = client.encode([bytes(client.largest_frame)], 0)

    assert len({len(datagram) for datagram in small}) == 1
    assert len(full) == 1426
    assert len(set(small)) == 3


def test_what_is_no_frame_is_dropped() -> None:
    ours, theirs = terms()
    client, server = acceleration(ours), acceleration(theirs)

    assert server.receive(client.encode([bytes(13), bytes(1601)], 0), 1, 0) == []


@pytest.mark.parametrize(("version", "encrypted"), MODES)
def test_another_cookie_or_key_is_not_believed(version: int, encrypted: bool) -> None:
    ours, theirs = terms(version, encrypted=encrypted)
    client = acceleration(ours)
    datagrams = client.encode([FRAME], 0)

    assert acceleration(replace(theirs, our_cookie=23)).receive(datagrams, 1, 0) == []
    if encrypted:
        stranger = acceleration(replace(theirs, their_key=bytes(len(theirs.their_key))))
        assert stranger.receive(datagrams, 1, 0) == []
        assert stranger.port == CLIENT_PORT


def test_what_is_half_a_minute_older_than_the_newest_is_dropped() -> None:
    ours, theirs = terms()
    client, server = acceleration(ours), acceleration(theirs)
    old, recent, new = (client.encode([FRAME], now) for now in (1, 3, 32))

    assert server.receive(new, 1, 32) == [FRAME]
    assert server.receive(recent, 1, 32) == [FRAME]
    assert server.receive(old, 1, 32) == []


def test_no_two_datagrams_are_sealed_with_one_nonce() -> None:
    client = acceleration(terms()[0])

    assert len({datagram[:12] for datagram in client.encode([FRAME] * 1000, 0)}) == 1000


# -- whether it works -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("delay_s", [0.001, 0.3])
def test_it_is_usable_after_ten_seconds_of_echoes_and_stays_so(fast: bool, delay_s: float) -> None:
    pair = Pair(fast=fast, delay_s=delay_s)

    pair.run(10)
    assert pair.usable == (False, False)
    pair.run(6)
    assert pair.usable == (True, True)
    for _ in range(600):
        pair.run(1)
        assert pair.usable == (True, True)


@pytest.mark.parametrize(("fast", "within_s"), [(False, 9), (True, 2.1)])
def test_a_cut_is_found_out_within_the_rule_and_ten_seconds_after_its_end_it_is_usable_again(
    fast: bool, within_s: float
) -> None:
    pair = Pair(fast=fast)
    pair.run(20)
    pair.up = pair.down = False

    pair.run(within_s + 0.1)
    assert pair.usable == (False, False)
    pair.run(60)
    pair.up = pair.down = True
    pair.run(9)
    assert pair.usable == (False, False)
    pair.run(7)
    assert pair.usable == (True, True)


@pytest.mark.parametrize("cut", ["up", "down"])
@pytest.mark.parametrize(("fast", "within_s"), [(False, 30), (True, 7)])
def test_both_ends_find_out_that_one_way_is_cut(cut: str, fast: bool, within_s: float) -> None:
    pair = Pair(fast=fast)
    pair.run(20)
    setattr(pair, cut, False)

    pair.run(within_s)
    assert pair.usable == (False, False)
    setattr(pair, cut, True)
    pair.run(35)
    assert pair.usable == (True, True)


@pytest.mark.parametrize(("fast", "within_s"), [(False, 28), (True, 7)])
def test_a_peer_that_goes_on_sending_but_hears_nothing_is_found_out(fast: bool, within_s: int) -> None:
    pair = Pair(fast=fast)
    pair.run(20)

    for _ in range(2 * within_s):
        pair.now += 0.5
        pair.client.receive(pair.server.encode([FRAME], pair.now), SERVER_PORT, pair.now)

    assert not pair.client.is_usable(pair.now)


def test_a_way_that_never_was_is_never_usable() -> None:
    pair = Pair(up=False)

    pair.run(300)

    assert pair.usable == (False, False)


def test_sending_that_fails_ends_it_at_once_until_it_is_stable_again() -> None:
    pair = Pair()
    pair.run(20)

    pair.client.fail()
    assert not pair.client.is_usable(pair.now)
    pair.run(8)
    assert not pair.client.is_usable(pair.now)
    pair.run(8)
    assert pair.client.is_usable(pair.now)


def test_the_peers_port_follows_what_comes_from_it_but_not_what_is_late() -> None:
    pair = Pair()
    pair.run(20)
    pair.client_port = 61_000
    late = pair.client.encode([FRAME], pair.now)
    pair.run(2)
    assert pair.server.port == 61_000

    assert pair.server.receive(late, 9, pair.now) == [FRAME]
    assert pair.server.port == 61_000
    assert pair.usable == (True, True)


@pytest.mark.parametrize(("fast", "most"), [(False, 60), (True, 120)])
def test_keepalives_are_few(fast: bool, most: int) -> None:
    pair = Pair(fast=fast)

    pair.run(60)

    assert 2 * 60 / 3 / 2 < pair.sent / 2 <= most


# -- terms ------------------------------------------------------------------------------------------------------------


def login(**how: Any) -> Pack:
    pack = Pack()
    offer(**how).add_to(pack)
    return pack


def test_an_offer_says_what_the_official_client_says() -> None:
    [official] = [m for m in load("official_client_login.json")["messages"] if "use_udp_acceleration" in str(m)][:1]
    theirs = {e["name"]: e for e in official["decoded"] if "udp_accel" in e["name"]}

    ours = {element.name: element for element in login()}

    assert ours.keys() == theirs.keys()
    for name, element in theirs.items():
        if element["type"] == "int" and "port" not in name:
            assert list(ours[name].values) == element["values"], name


@pytest.mark.parametrize("address", ["10.99.0.2", "fd99::2"])
def test_an_offer_names_its_address(address: str) -> None:
    assert login(address=address).get_ip("udp_acceleration_client_ip") == address


@pytest.mark.parametrize(("address", "told"), [("127.0.0.1", "0.0.0.0"), ("::1", "::")])
def test_loopback_is_no_address_to_tell(address: str, told: str) -> None:
    assert login(address=address).get_ip("udp_acceleration_client_ip") == told


def test_the_terms_of_a_recorded_welcome() -> None:
    [official] = [m for m in load("official_client_login.json")["messages"] if "udp_acceleration_server_ip" in str(m)]
    welcome = Pack.decode(bytes.fromhex(official["hex"]))

    granted = offer().terms_in(welcome, encrypted=True)

    assert granted is not None
    assert (granted.version, granted.encrypted, granted.fast) == (2, True, True)
    assert granted.their_key == welcome.get_data("udp_acceleration_server_key_v2")
    assert granted.our_cookie == welcome.get_int("udp_acceleration_client_cookie")


def test_where_openssl_has_no_rc4_there_is_no_version_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_version_1()
    monkeypatch.setattr(f"{has_version_1.__module__}.Cipher", Mock(side_effect=UnsupportedAlgorithm("no")))

    assert not has_version_1()


def test_version_1_is_for_those_who_ask_for_it() -> None:
    welcome = welcome_for(login(), version=1)

    assert offer().terms_in(welcome, encrypted=True) is None
    granted = offer(accepts_version_1=True).terms_in(welcome, encrypted=True)
    assert granted is not None
    assert granted.version == 1
    assert len(granted.our_key) == len(granted.their_key) == 20


@pytest.mark.parametrize(
    "changes",
    [
        {"use_udp_acceleration": 0},
        {"udp_acceleration_version": 3},
        {"udp_acceleration_server_port": 0},
        {"udp_acceleration_server_port": 65536},
        {"udp_acceleration_server_cookie": 0},
        {"udp_acceleration_client_cookie": 0},
        {"udp_acceleration_server_key_v2": bytes(20)},
        {"udp_acceleration_use_encryption": 0},
    ],
    ids=str,
)
def test_no_terms_but_good_ones(changes: dict[str, Any]) -> None:
    assert offer().terms_in(welcome_for(login()), encrypted=True) is not None

    assert offer().terms_in(welcome_for(login(), **changes), encrypted=True) is None


def test_a_session_in_the_clear_has_datagrams_in_the_clear() -> None:
    welcome = welcome_for(login(), udp_acceleration_use_encryption=0)

    granted = offer().terms_in(welcome, encrypted=False)

    assert granted is not None
    assert not granted.encrypted
