"""The DHCP client against a small server, with a clock made by hand."""

import ipaddress
import itertools
import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes_dhcp import ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST, DhcpServer, options_of, packed
from tsunagu.control import Leased, NoLease, NoLeaseReason
from tsunagu.model import Lease
from tsunagu_tunnel.address_probe import ARP
from tsunagu_tunnel.dhcp import DhcpClient, Event
from tsunagu_tunnel.dhcp_message import FOR_EVER
from tsunagu_tunnel.frames import decode_datagram

MAC = b"\x5e\0\0\0\0\x01"
SILENCE, EXPIRED, REFUSED, TAKEN = (NoLease(reason=reason) for reason in NoLeaseReason)


class Segment:
    """A client and a server on one wire, and the time."""

    def __init__(self, previous_address: str = "") -> None:
        self.now = 1000.0
        self.server = DhcpServer()
        self.client = DhcpClient(MAC, self.now, random=Random(1), previous_address=previous_address)
        self.sent: list[tuple[float, bytes]] = []  # by the client
        self.probes: list[float] = []  # when somebody else was asked for
        self.events: list[tuple[float, Event]] = []

    def run(self, seconds: float) -> list[Event]:
        """Let time pass; what the client has told meanwhile."""
        end, before = self.now + seconds, len(self.events)
        while self.client.next_deadline() <= end:
            self.now = max(self.now, self.client.next_deadline())
            self._take(self.client.tick(self.now))
            self._exchange()
        self.now = end
        return [event for _, event in self.events[before:]]

    def kinds(self) -> list[int]:
        """Of the client's questions."""
        return [options_of(question(frame))[53][0] for _, frame in self.sent]

    def _exchange(self) -> None:
        while frames := self.client.frames_to_send():
            self.sent += ((self.now, frame) for frame in frames if decode_datagram(frame))
            self.probes += (self.now for frame in frames if frame[12:14] == ARP)
            for frame in frames:
                for answer in self.server(frame):
                    self._take(self.client.receive_frame(answer, self.now) or [])

    def _take(self, events: list[Event]) -> None:
        self.events += ((self.now, event) for event in events)


@pytest.fixture
def segment() -> Segment:
    return Segment()


def question(frame: bytes) -> bytes:
    datagram = decode_datagram(frame)
    assert datagram is not None
    return datagram.payload


def lease_of(events: list[Event]) -> Lease:
    (event,) = events
    assert isinstance(event, Leased)
    return event.lease


def test_a_prompt_server_gives_a_lease_at_once(segment: Segment) -> None:
    lease = lease_of(segment.run(0))

    assert segment.kinds() == [DISCOVER, REQUEST]
    assert lease == Lease(
        address="192.168.77.23",
        prefix_length=24,
        server="192.168.77.1",
        lifetime_s=3600,
        router="192.168.77.1",
        dns_servers=("192.168.77.1", "192.168.77.2"),
        domain="lab.example",
    )


def test_questions_are_broadcasts_that_ask_for_broadcast_answers(segment: Segment) -> None:
    segment.run(0)

    for _, frame in segment.sent:
        datagram = decode_datagram(frame)
        assert datagram is not None
        assert (datagram.destination_mac, datagram.destination) == (b"\xff" * 6, b"\xff" * 4)
        assert datagram.payload[10] & 0x80
        assert len(datagram.payload) >= 300


def test_the_address_of_before_is_asked_for_again() -> None:
    segment = Segment(previous_address="192.168.77.99")
    segment.run(0)

    assert segment.server.heard[0][1][50] == packed("192.168.77.99")


def test_silence_is_told_once_and_asked_into_ever_more_slowly(segment: Segment) -> None:
    segment.server.answers = {}

    events = segment.run(600)

    times = [time - 1000 for time, _ in segment.sent]
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert events == [SILENCE]
    assert segment.events[0][0] == 1010
    assert times[0] == 0
    assert pauses[:4] == pytest.approx([1, 2, 4, 8], rel=0.11)
    assert max(pauses) <= 64 * 1.1


def test_a_server_that_comes_late_still_gives_a_lease(segment: Segment) -> None:
    segment.server.answers = {}
    segment.run(100)
    segment.server.answers = {DISCOVER: OFFER, REQUEST: ACK}

    assert lease_of(segment.run(70)).address == "192.168.77.23"


def test_an_offer_that_nobody_confirms_is_forgotten(segment: Segment) -> None:
    segment.server.answers = {DISCOVER: OFFER}
    segment.run(30)

    assert segment.kinds()[:5] == [DISCOVER, REQUEST, REQUEST, REQUEST, DISCOVER]
    assert segment.events == [(1010, SILENCE)]


def test_a_server_that_takes_back_every_offer_does_not_make_a_storm(segment: Segment) -> None:
    segment.server.answers = {DISCOVER: OFFER, REQUEST: NAK}
    segment.run(60)

    assert len(segment.sent) < 130
    assert [event for _, event in segment.events] == [SILENCE]


def test_a_lease_is_renewed_at_half_its_time(segment: Segment) -> None:
    segment.run(0)

    events = segment.run(1801)

    assert lease_of(events).address == "192.168.77.23"
    assert [time - 1000 for time, _ in segment.sent] == [0, 0, 1800]
    renewal = options_of(question(segment.sent[-1][1]))
    assert 50 not in renewal
    assert 54 not in renewal
    assert question(segment.sent[-1][1])[12:16] == packed("192.168.77.23")


def test_the_servers_times_of_renewal_count_if_they_make_sense(segment: Segment) -> None:
    segment.server.options |= {58: struct.pack(">I", 600), 59: struct.pack(">I", 900)}
    segment.run(601)
    segment.server.options |= {58: struct.pack(">I", 1), 59: struct.pack(">I", 0)}
    segment.run(600)
    segment.run(1800)

    assert [time - 1000 for time, _ in segment.sent] == [0, 0, 600, 1200, 3000]


def test_any_server_may_renew_when_its_own_is_silent(segment: Segment) -> None:
    segment.run(0)
    segment.server.options[54] = packed("192.168.77.9")
    segment.run(3000)
    assert len(segment.events) == 1  # the other server does not count yet

    events = segment.run(200)

    assert lease_of(events).server == "192.168.77.9"


def test_a_lease_that_nobody_renews_is_over_at_its_end(segment: Segment) -> None:
    segment.run(0)
    segment.server.answers = {}

    assert segment.run(3599) == []
    assert segment.run(1) == [EXPIRED]
    assert segment.kinds()[-1] == DISCOVER
    assert segment.run(60) == []  # that nobody answers is no news then


def test_a_refused_renewal_ends_the_lease_and_begins_anew(segment: Segment) -> None:
    segment.run(0)
    segment.server.answers = {DISCOVER: OFFER, REQUEST: NAK}

    events = segment.run(1801)

    assert events == [REFUSED]
    assert segment.kinds()[:4] == [DISCOVER, REQUEST, REQUEST, DISCOVER]
    segment.server.answers = {}
    assert segment.run(60) == [SILENCE]


def test_a_lease_for_ever_is_left_alone(segment: Segment) -> None:
    segment.server.options[51] = struct.pack(">I", FOR_EVER)
    segment.run(3)  # the time in which somebody else may say that the address is theirs

    assert segment.client.next_deadline() == float("inf")


def test_a_lease_is_given_back(segment: Segment) -> None:
    assert segment.client.release() == []
    segment.run(0)

    (frame,) = segment.client.release()

    datagram = decode_datagram(frame)
    assert datagram is not None
    assert datagram.destination == packed("192.168.77.1")
    assert datagram.destination_mac != b"\xff" * 6
    assert options_of(datagram.payload)[53][0] == RELEASE
    assert options_of(datagram.payload)[54] == packed("192.168.77.1")
    assert datagram.payload[12:16] == packed("192.168.77.23")


def test_answers_to_others_go_on_to_the_nic(segment: Segment) -> None:
    segment.client.tick(segment.now)
    (frame,) = segment.client.frames_to_send()
    (answer,) = segment.server(frame)

    stranger = DhcpClient(b"\x5e\0\0\0\0\x02", segment.now, random=Random(2))

    assert stranger.receive_frame(answer, segment.now) is None
    assert segment.client.receive_frame(frame, segment.now) is None


def test_an_answer_to_another_question_changes_nothing(segment: Segment) -> None:
    other = DhcpClient(MAC, segment.now, random=Random(2))
    segment.client.tick(segment.now)
    other.tick(segment.now)
    (frame,) = segment.client.frames_to_send()
    (answer,) = segment.server(frame)
    other.frames_to_send()

    assert other.receive_frame(answer, segment.now) == []
    assert other.frames_to_send() == []


@pytest.mark.parametrize(
    "routes",
    [
        b"\x18\xc0\xa8\x58" + packed("192.168.77.1"),
        b"\x18\xc0\xa8\x58" + packed("192.168.77.1") + b"\x00" + packed("192.168.77.9"),
    ],
)
def test_a_default_among_the_classless_routes_replaces_the_router(segment: Segment, routes: bytes) -> None:
    segment.server.options[121] = routes

    lease = lease_of(segment.run(0))

    assert lease.routes == (("192.168.88.0/24", "192.168.77.1"),)
    assert lease.router == ("192.168.77.9" if len(routes) > 8 else "192.168.77.1")


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (1, packed("255.0.255.0")),
        (1, packed("0.0.0.0")),
        (1, packed("192.0.0.0")),
        (1, b""),
        (51, struct.pack(">I", 0)),
        (51, b"\xff"),
        (54, packed("224.0.0.1")),
        (54, b""),
    ],
)
def test_an_offer_that_makes_no_sense_is_not_taken_up(segment: Segment, code: int, value: bytes) -> None:
    segment.server.options[code] = value
    segment.run(20)

    assert REQUEST not in segment.kinds()


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "127.0.0.1", "224.1.1.1", "255.255.255.255", "169.254.1.1", "192.168.77.0", "192.168.77.255"]
)
def test_an_address_that_no_machine_can_have_is_not_taken(segment: Segment, address: str) -> None:
    segment.server.address = address
    segment.run(20)

    assert REQUEST not in segment.kinds()


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (3, packed("0.0.0.0")),
        (6, b"\x01\x02\x03"),
        (15, b"a b; rm -rf /"),
        (15, b"\xff" * 60),
        (15, b"a" * 254),
        (26, struct.pack(">H", 20)),
        (26, struct.pack(">H", 9000)),
        (121, b"\x21" + b"\x01" * 8),
        (121, b"\x18\x01"),
        (121, b"\x18\xc0\xa8\x58\x7f\x00\x00\x01"),
    ],
)
def test_a_useful_part_that_makes_no_sense_is_left_out(segment: Segment, code: int, value: bytes) -> None:
    segment.server.options.pop(3)
    segment.server.options.pop(6)
    segment.server.options.pop(15)
    segment.server.options[code] = value

    lease = lease_of(segment.run(0))

    assert (lease.router, lease.dns_servers, lease.domain, lease.mtu, lease.routes) == ("", (), "", 0, ())


@given(st.dictionaries(st.integers(1, 254), st.binary(max_size=60), max_size=8), st.binary(min_size=4, max_size=4))
def test_every_lease_is_a_valid_one(options: dict[int, bytes], address: bytes) -> None:
    segment = Segment()
    segment.server.options |= options
    segment.server.address = str(ipaddress.IPv4Address(address))

    for event in segment.run(120):
        if isinstance(event, Leased):
            lease = event.lease
            interface = ipaddress.IPv4Interface(f"{lease.address}/{lease.prefix_length}")
            assert lease.prefix_length >= 8
            assert not interface.ip.is_loopback
            assert not interface.ip.is_multicast
            assert lease.lifetime_s >= 10
            assert len(lease.dns_servers) <= 4
            assert len(lease.routes) <= 64
            assert lease.domain.isascii()
            for network, gateway in lease.routes:
                ipaddress.IPv4Network(network)
                ipaddress.IPv4Address(gateway)


@given(st.data())
def test_damaged_answers_never_raise(data: st.DataObject) -> None:
    segment = Segment()
    client = segment.client
    client.tick(segment.now)
    (frame,) = client.frames_to_send()
    (answer,) = segment.server(frame)
    damaged = bytearray(answer)
    damaged[40:42] = bytes(2)  # without a checksum, so that damage reaches the decoder
    for _ in range(data.draw(st.integers(1, 20))):
        damaged[data.draw(st.integers(42, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    client.receive_frame(bytes(damaged), segment.now)
    client.receive_frame(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), segment.now)


# -- somebody else has the address -------------------------------------------------------------------------------------


def arp(mac: bytes, address: str, *, operation: int = 2, target: str = "0.0.0.0") -> bytes:
    message = struct.pack(">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, mac, packed(address), bytes(6), packed(target))
    return MAC + mac + ARP + message


OTHER = b"\x5e\0\0\0\0\x02"


def test_a_new_address_is_asked_for_thrice_while_it_is_in_use(segment: Segment) -> None:
    segment.run(0)
    began = segment.now
    [leased] = segment.events
    assert isinstance(leased[1], Leased)
    assert segment.client.wants_arp

    segment.run(5)

    assert [at - began for at in segment.probes] == pytest.approx([0, 0.3, 1])
    assert len(segment.events) == 1


def test_after_a_while_nobody_else_is_listened_for(segment: Segment) -> None:
    segment.run(5)

    assert not segment.client.wants_arp


@pytest.mark.parametrize("conflict", ["an answer", "another one that asks"])
def test_an_address_that_somebody_has_is_declined_and_another_one_asked_for(segment: Segment, conflict: str) -> None:
    segment.run(0.5)
    [(_, leased)] = segment.events
    assert isinstance(leased, Leased)
    address = leased.lease.address
    frame = arp(OTHER, address) if conflict == "an answer" else arp(OTHER, "0.0.0.0", operation=1, target=address)

    segment.sent.clear()
    assert segment.client.receive_frame(frame, segment.now) == [TAKEN]
    segment._exchange()
    segment.run(9)

    assert [options_of(question(frame))[53][0] for _, frame in segment.sent] == [DECLINE]
    assert options_of(question(segment.sent[0][1]))[50] == packed(address)
    segment.run(2)
    assert segment.kinds() == [DECLINE, DISCOVER, REQUEST]


@pytest.mark.parametrize(
    "frame",
    [
        arp(MAC, "192.168.77.23"),
        arp(OTHER, "192.168.77.99"),
        arp(OTHER, "192.168.77.99", operation=1, target="192.168.77.23"),
        arp(OTHER, "192.168.77.23")[:30],
    ],
)
def test_other_arp_frames_change_nothing(segment: Segment, frame: bytes) -> None:
    segment.run(0)

    assert segment.client.receive_frame(frame, segment.now) is None


def test_where_everything_is_taken_the_fourth_address_is_kept(segment: Segment) -> None:
    for _ in range(3):
        segment.run(0.5)
        [*_, (_, leased)] = segment.events
        assert isinstance(leased, Leased)
        assert segment.client.receive_frame(arp(OTHER, leased.lease.address), segment.now) == [TAKEN]
        segment.events.append((segment.now, TAKEN))
        segment.run(10)

    assert isinstance(segment.events[-1][1], Leased)
    assert not segment.client.wants_arp
