"""What holds for every stream: however it is cut, and whatever hostile octets it carries."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakePeer, FakeServer, RedirectTo
from tests.unit.softether.recorded import RecordedPack, recorded_packs
from tsunagu.control import MAX_MESSAGE, HubsListed, encode
from tsunagu.errors import TunnelError
from tsunagu.model import Secret
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.auth import StandardPassword, Ticket
from tsunagu_tunnel.softether.carrier import CarrierDecoder, encode_frames, keepalive
from tsunagu_tunnel.softether.compression import CompressedCarrierDecoder, encode_compressed_frames
from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.handshake import (
    AdditionalHandshake,
    Event,
    Handshake,
    HubList,
    HubsHandshake,
    Joined,
    Login,
    LoginHandshake,
    Redirected,
    Welcome,
)
from tsunagu_tunnel.softether.pack import Element, Kind, Pack
from tsunagu_tunnel.softether.session import CarrierSet, CloseCarrier, Direction, EndSession, OpenCarrier, SendKeepalive

RECORDED = recorded_packs()
ALICE = Login(
    hub="LAB",
    username="alice",
    credentials=StandardPassword(Secret("secret")),
    machine_id=bytes(16),
    max_carriers=4,
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces, none empty; ``cuts`` may be any numbers."""
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(at)]


cut_places = st.lists(st.integers(0, 10_000), max_size=30)
frames_of_a_block = st.lists(
    st.integers(14, 1600).map(lambda size: Random(size).randbytes(size)), min_size=1, max_size=5
)


# -- carriers ---------------------------------------------------------------------------------------------------------


@given(st.lists(frames_of_a_block, max_size=4), cut_places)
def test_frames_come_out_the_same_however_the_stream_is_cut(blocks: list[list[bytes]], cuts: list[int]) -> None:
    random = Random(5)
    stream = b"".join(keepalive(random) + encode_frames(frames) for frames in blocks)
    decoder = CarrierDecoder()

    came = [frame for piece in pieces(stream, cuts) for frame in decoder.receive_data(piece)]

    assert came == [frame for frames in blocks for frame in frames]


@given(
    st.lists(frames_of_a_block, min_size=1, max_size=3), cut_places, st.integers(0), st.binary(min_size=1, max_size=9)
)
def test_a_corrupted_stream_gives_frames_or_a_protocol_error(
    blocks: list[list[bytes]], cuts: list[int], place: int, nonsense: bytes
) -> None:
    stream = bytearray(b"".join(encode_frames(frames) for frames in blocks))
    place %= len(stream)
    stream[place : place + len(nonsense)] = nonsense
    decoder = CarrierDecoder()

    with suppress(ProtocolError):
        for piece in pieces(bytes(stream), cuts):
            assert all(14 <= len(frame) <= 1600 for frame in decoder.receive_data(piece))


@given(st.binary(max_size=400), cut_places)
def test_random_octets_judge_the_same_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    def judged(parts: list[bytes]) -> list[bytes] | None:
        decoder = CarrierDecoder()
        try:
            return [frame for part in parts for frame in decoder.receive_data(part)]
        except ProtocolError:
            return None

    assert judged([data]) == judged(pieces(data, cuts))


# -- compression ------------------------------------------------------------------------------------------------------


@given(st.lists(frames_of_a_block, max_size=4), cut_places)
def test_compressed_frames_come_out_the_same_however_the_stream_is_cut(
    blocks: list[list[bytes]], cuts: list[int]
) -> None:
    stream = b"".join(keepalive(Random(5)) + encode_compressed_frames(frames) for frames in blocks)
    decoder = CompressedCarrierDecoder()

    came = [frame for piece in pieces(stream, cuts) for frame in decoder.receive_data(piece)]

    assert came == [frame for frames in blocks for frame in frames]


@given(frames_of_a_block, st.integers(0), st.binary(min_size=1, max_size=9))
def test_a_corrupted_compressed_stream_gives_frames_or_a_protocol_error(
    frames: list[bytes], place: int, nonsense: bytes
) -> None:
    stream = bytearray(encode_compressed_frames(frames))
    place %= len(stream)
    stream[place : place + len(nonsense)] = nonsense

    with suppress(ProtocolError):
        came = CompressedCarrierDecoder().receive_data(bytes(stream))
        assert all(14 <= len(frame) <= 1600 for frame in came)


# -- packs ------------------------------------------------------------------------------------------------------------

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
elements = st.one_of(
    st.builds(Element, names, st.just(Kind.INT), st.lists(st.integers(0, 2**32 - 1), min_size=1).map(tuple)),
    st.builds(Element, names, st.just(Kind.INT64), st.lists(st.integers(0, 2**64 - 1), min_size=1).map(tuple)),
    st.builds(Element, names, st.just(Kind.DATA), st.lists(st.binary(), min_size=1).map(tuple)),
    st.builds(Element, names, st.sampled_from([Kind.STR, Kind.UNISTR]), st.lists(texts, min_size=1).map(tuple)),
)


@given(st.lists(elements, max_size=8, unique_by=lambda element: element.name.lower()))
def test_a_pack_survives_the_way(some: list[Element]) -> None:
    pack = Pack()
    for element in some:
        pack.add(element)

    assert list(Pack.decode(pack.encode())) == some


@given(st.binary(max_size=300))
def test_random_octets_are_a_pack_or_a_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        Pack.decode(data)


@given(st.sampled_from(RECORDED), st.integers(0), st.binary(min_size=1, max_size=8))
def test_a_corrupted_pack_is_a_pack_or_a_protocol_error(recorded: RecordedPack, place: int, nonsense: bytes) -> None:
    octets = bytearray(recorded.octets)
    place %= len(octets)
    octets[place : place + len(nonsense)] = nonsense

    with suppress(ProtocolError):
        Pack.decode(bytes(octets)).encode()


# -- handshakes -------------------------------------------------------------------------------------------------------


def over(events: list[Event]) -> bool:
    """Nothing more comes of this handshake."""
    return bool(events) and isinstance(events[-1], Welcome | Redirected | Joined | HubList)


def talk(client: Handshake, server: FakeServer, cuts: list[int]) -> Event:
    """What comes of the whole conversation, in pieces both ways."""
    return conversation(client, server, cuts)[0]


def conversation(client: Handshake, server: FakeServer, cuts: list[int]) -> tuple[Event, FakePeer]:
    """The same, and the server's end of the connection."""
    peer = server.connect()
    events: list[Event] = []
    while not over(events):
        for piece in pieces(client.data_to_send(), cuts):
            peer.receive_data(piece)
        for piece in pieces(peer.data_to_send(), cuts):
            events += client.receive_data(piece)
    for piece in pieces(client.data_to_send(), cuts):
        peer.receive_data(piece)
    return events[-1], peer


@given(cut_places)
def test_a_login_and_a_joining_succeed_however_the_octets_are_cut(cuts: list[int]) -> None:
    server = FakeServer()

    welcome = talk(LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1)), server, cuts)
    assert isinstance(welcome, Welcome)
    joined = talk(AdditionalHandshake(welcome.session_key, address="10.99.0.1", random=Random(1)), server, cuts)

    assert joined == Joined(Direction.BOTH, b"")
    assert welcome.session.session_name == "SID-ALICE-1"


@given(cut_places, st.lists(texts, max_size=500))
def test_whatever_hubs_a_server_names_are_lines_that_fit_into_one_control_message(
    cuts: list[int], names: list[str]
) -> None:
    server = FakeServer()
    server.hub_names = tuple(names)

    listed = talk(HubsHandshake(address="10.99.0.1", random=Random(1)), server, cuts)

    assert isinstance(listed, HubList)
    assert all(name and name.isprintable() for name in listed.names)
    assert len(encode(HubsListed(hubs=listed.names))) < MAX_MESSAGE


def server_octets() -> bytes:
    """All that a server says to a login."""
    return b"".join(pack.head.encode() + pack.octets for pack in RECORDED if pack.label == "motd/0/recv")


@given(st.integers(0), st.binary(min_size=1, max_size=8), cut_places)
def test_a_corrupted_login_ends_in_events_or_in_an_error_of_the_table(
    place: int, nonsense: bytes, cuts: list[int]
) -> None:
    octets = bytearray(server_octets())
    place %= len(octets)
    octets[place : place + len(nonsense)] = nonsense
    client = LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1))
    events: list[Event] = []

    with suppress(TunnelError):
        for piece in pieces(bytes(octets), cuts):
            events += client.receive_data(piece)
            if over(events):
                break


def test_a_login_that_ends_anywhere_brings_no_welcome() -> None:
    octets = server_octets()
    client = LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1))
    came: list[Event] = []

    for place in range(len(octets) - 1):  # each octet by itself: after every one of them the line may be cut
        came += client.receive_data(octets[place : place + 1])

    assert not over(came)
    assert over(client.receive_data(octets[-1:]))


def test_no_single_wrong_octet_of_a_login_does_harm() -> None:
    octets = server_octets()

    for place in range(len(octets)):
        client = LoginHandshake(ALICE, address="10.99.0.1", port=443, random=Random(1))
        with suppress(TunnelError):
            client.receive_data(octets[:place] + bytes((octets[place] ^ 0x81,)) + octets[place + 1 :])


@given(cut_places, frames_of_a_block, frames_of_a_block, st.booleans())
def test_a_whole_session_goes_through_however_it_is_cut(
    cuts: list[int], ours: list[bytes], theirs: list[bytes], half_duplex: bool
) -> None:
    controller, member = FakeServer(), FakeServer()
    controller.redirect = RedirectTo("127.0.0.2", (443,), b"DER", member)
    wished = replace(ALICE, half_duplex=half_duplex)

    redirected, _ = conversation(
        LoginHandshake(wished, address="127.0.0.1", port=443, random=Random(1)), controller, cuts
    )
    assert isinstance(redirected, Redirected)
    ticket = replace(wished, credentials=Ticket(redirected.ticket))
    welcome, first = conversation(LoginHandshake(ticket, address="127.0.0.2", port=443, random=Random(2)), member, cuts)
    assert isinstance(welcome, Welcome)
    further = AdditionalHandshake(welcome.session_key, address="127.0.0.2", random=Random(3))
    joined, second = conversation(further, member, cuts)
    assert isinstance(joined, Joined)
    for piece in pieces(keepalive(Random(4)) + encode_frames(ours), cuts):
        first.receive_data(piece)
    member.send_keepalives()
    member.send_frames(theirs)

    assert member.received == ours
    peer = second if half_duplex else first
    decoder = CarrierDecoder()
    assert [frame for piece in pieces(peer.data_to_send(), cuts) for frame in decoder.receive_data(piece)] == theirs
    assert joined.direction is (Direction.RECEIVE if half_duplex else Direction.BOTH)


@given(st.binary(max_size=200), cut_places)
def test_whatever_answers_is_read_or_recognised_as_no_vpn_server(data: bytes, cuts: list[int]) -> None:
    reader = http.AnswerReader()

    with suppress(ProtocolError):
        for piece in pieces(data, cuts):
            reader.receive_data(piece)
            assert reader.next_message() is None


# -- sessions ---------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([0, 3, 40]),
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from(["hear", "send", "lose", "refuse", *Direction])), max_size=60),
)
def test_a_session_stays_within_its_rules_whatever_happens(
    limit: int, half_duplex: bool, lifetime_s: float, story: list[tuple[float, str | Direction]]
) -> None:
    now = 50.0
    carriers: CarrierSet[int] = CarrierSet(
        now, timeout_s=20, max_carriers=limit, half_duplex=half_duplex, lifetime_s=lifetime_s, random=Random(1)
    )
    there = {0: Direction.SEND if half_duplex else Direction.BOTH}
    carriers.add(0, there[0], now)
    opening, number, last_opened = 0, 0, float("-inf")
    for passed, happening in story:
        deadline = carriers.next_deadline()
        now = min(now + passed, max(deadline, now))  # the loop never sleeps over a deadline
        due = deadline <= now
        commands = carriers.tick(now)
        assert bool(commands) == due
        for command in commands:
            match command:
                case EndSession():
                    return
                case CloseCarrier(carrier):
                    del there[carrier]
                case SendKeepalive(carrier):
                    assert there[carrier] is not Direction.RECEIVE
                case OpenCarrier():
                    assert now >= last_opened + 1 or not there
                    opening, last_opened = opening + 1, now
        assert len(there) + opening <= limit
        assert set(carriers.senders) == {carrier for carrier, way in there.items() if way is not Direction.RECEIVE}
        match happening:
            case "hear" if there:
                carriers.received(min(there), now)
            case "send" if there:
                carriers.sent(min(there), now)
            case "lose" if there:
                carriers.lost(min(there), now)
                del there[min(there)]
            case "refuse" if opening:
                carriers.open_failed(15, now)
                opening -= 1
            case Direction() if opening:
                number, opening = number + 1, opening - 1
                there[number] = happening if half_duplex else Direction.BOTH
                carriers.add(number, there[number], now)
