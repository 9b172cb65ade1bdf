"""Datagrams that are sealed and opened by the batch are those of softether/udp_acceleration.py."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.test_fast_path import by_flow, conversations, nic, packets_at, without_identity
from tests.reference_path import frames_of
from tests.unit.softether.udp_pair import terms
from tsunagu_tunnel.dataplane import Train
from tsunagu_tunnel.softether.carrier import encode_frames
from tsunagu_tunnel.softether.udp_acceleration import PADDING, UdpAcceleration

fastpath = pytest.importorskip("tsunagu_tunnel.fastpath", reason="there was no compiler")

MAX_DATAGRAM = 1426
PEER = bytes((127, 0, 0, 1))
NONCE = bytes(8) + b"\xff\xff\xff\xfe"  # carries soon
frames_of_a_batch = st.lists(
    st.sampled_from((14, 60, 60, 1300, 1514, 1514, 1514, 1600)).map(lambda size: Random(size).randbytes(size)),
    min_size=1,
    max_size=80,
)


def ends() -> tuple[UdpAcceleration, UdpAcceleration]:
    client, server = (
        UdpAcceleration(end, 0, compress=False, max_datagram=MAX_DATAGRAM, random=Random(1)) for end in terms()
    )
    return client, server


def datagrams_of(trains: list[Train]) -> list[bytes]:
    return [
        bytes(part[at : at + length])
        for parts, length in trains
        for part in parts
        for at in range(0, len(part), length)
    ]


@given(frames_of_a_batch, st.integers(0, PADDING - 1), st.sampled_from((0, 65000)))
def test_a_block_becomes_the_datagrams_of_its_frames(frames: list[bytes], padding: int, longest_train: int) -> None:
    client, server = ends()
    seal = fastpath.DatagramSeal(terms()[0].our_key[:32], NONCE)

    trains = seal.seal_block(
        encode_frames(frames),
        client.head(1),
        room=client.largest_frame,
        padding=padding,
        train=longest_train,
        longest=MAX_DATAGRAM,
    )

    assert trains is not None
    datagrams = datagrams_of(trains)
    assert server.receive(datagrams, 1, 1) == frames
    assert [datagram[:12] for datagram in datagrams] == [
        ((int.from_bytes(NONCE) + number) % 2**96).to_bytes(12) for number in range(len(frames))
    ]
    for datagram, frame in zip(datagrams, frames, strict=True):
        left = client.largest_frame - len(frame)
        assert len(datagram) == 12 + 23 + len(frame) + max(0, min(padding, left)) + 16
    for parts, length in trains:
        size = sum(map(len, parts))
        assert size <= max(longest_train, length)
        assert -(-size // length) <= (64 if length <= MAX_DATAGRAM else 1)
    assert server.receive([seal.seal(client.head(1) + b"\0\x0e\0" + bytes(14))], 1, 1) == [bytes(14)]


def test_equal_frames_leave_together() -> None:
    client, _ = ends()
    seal = fastpath.DatagramSeal(bytes(32), NONCE)
    frames = encode_frames([bytes(1300)] * 100 + [bytes(60)])

    trains = seal.seal_block(frames, client.head(1), room=1375, padding=3, train=65000, longest=MAX_DATAGRAM)

    assert trains is not None
    assert [sum(map(len, parts)) // length for parts, length in trains] == [48, 48, 4]


def test_a_block_that_is_too_much_is_left_alone() -> None:
    seal = fastpath.DatagramSeal(bytes(32), NONCE)
    frames = encode_frames([bytes(14)] * 6000)

    assert seal.seal_block(frames, bytes(20), room=1375, padding=3, train=65000, longest=MAX_DATAGRAM) is None


@contextmanager
def udp() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The worker's socket, and the peer's that sends to it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        ours.setsockopt(socket.IPPROTO_UDP, 104, 1)  # UDP_GRO
        ours.setblocking(False)
        ours.bind(("127.0.0.1", 0))
        theirs.connect(ours.getsockname())
        yield ours, theirs


@given(conversations(), st.integers(0, 31000), st.booleans(), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_comes_together_is_what_comes_in_each_datagram(
    frames: list[bytes], oldest: int, together: bool, data: st.DataObject
) -> None:
    client, server = ends()
    size = max((len(frame) for frame in frames), default=14)
    if together:  # of one length, to be one train
        frames = [frame + bytes(size - len(frame)) for frame in frames]
    datagrams = [bytearray(datagram) for datagram in client.encode(frames, 30)]
    if data.draw(st.booleans()) and datagrams:
        changed = datagrams[data.draw(st.integers(0, len(datagrams) - 1))]
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1
        del changed[data.draw(st.integers(1, len(changed))) :]
    server.hear(30000 + oldest, 0, 1, 30)
    before = server.oldest
    with udp() as (ours, theirs), nic() as (tap_end, nic_end), nic() as (other_tap, other_nic):
        if together and datagrams and len({*map(len, datagrams)}) == 1:
            theirs.setsockopt(socket.IPPROTO_UDP, 103, len(datagrams[0]))  # UDP_SEGMENT
            for at in range(0, len(datagrams), 40):
                theirs.send(b"".join(datagrams[at : at + 40]))
        else:
            for datagram in datagrams:
                theirs.send(datagram)
        tap = fastpath.Tap(tap_end.fileno())
        tap.thins = False
        seal = tap.datagram_seal(terms()[1].their_key[:32], bytes(12))
        assert seal is not None

        octets, port, tick, echo, own, odd = seal.receive(ours.fileno(), PEER, 22, before, tap.feeder(dhcp=False))

        expected = server.receive([bytes(datagram) for datagram in datagrams], 1, 30)
        assert (own, odd, octets, echo) == ([], [], sum(map(len, datagrams)), 0)
        assert (port, tick) in ((0, 0), (theirs.getsockname()[1], 30001))
        other = fastpath.Tap(other_tap.fileno())
        other.thins = False
        other.write_frames(expected)
        got, wanted = (
            {
                flow: [without_identity(frame) for frame in of_flow]
                for flow, of_flow in by_flow(
                    [frame for packet in packets_at(end) for frame in frames_of(packet)]
                ).items()
            }
            for end in (nic_end, other_nic)
        )
        assert got == wanted
        assert tap.received.unicast_octets + tap.received.broadcast_octets == sum(map(len, expected))


@given(st.lists(st.binary(max_size=200), max_size=40), st.booleans())
def test_random_octets_and_strangers_give_nothing(datagrams: list[bytes], stranger: bool) -> None:
    client, _ = ends()
    seal = fastpath.DatagramSeal(bytes(32), NONCE)
    with udp() as (ours, theirs), nic() as (tap_end, nic_end):
        tap = fastpath.Tap(tap_end.fileno())
        for datagram in datagrams:
            assert seal.unseal(datagram) == b""
            theirs.send(seal.seal(client.head(1) + b"\0\x0e\0" + bytes(14)) if stranger else datagram)

        got = seal.receive(ours.fileno(), bytes(4) if stranger else PEER, 22, 0, tap.feeder(dhcp=True))

        assert got[1:] == (0, 0, 0, [], [])
        assert packets_at(nic_end) == []


def test_what_is_compressed_or_the_workers_own_is_told() -> None:
    client, _ = ends()
    seal = fastpath.DatagramSeal(bytes(32), NONCE)
    dhcp = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(12) + b"\0\x44" + bytes(20)
    with udp() as (ours, theirs), nic() as (tap_end, nic_end):
        feeder = fastpath.Tap(tap_end.fileno()).feeder(dhcp=True)
        for inner in b"\0\x03\x01abc", len(dhcp).to_bytes(2) + b"\0" + dhcp:
            theirs.send(seal.seal(client.head(1) + inner))

        got = seal.receive(ours.fileno(), PEER, 22, 0, feeder)

        assert got[1:] == (theirs.getsockname()[1], 1001, 0, [dhcp], [b"abc"])
        assert packets_at(nic_end) == []
