"""The compiled data path says and does what the plain one and the reference do."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.reference_path import (
    ACK,
    ECN,
    FIN,
    PSH,
    TCPV4,
    TCPV6,
    UDP_L4,
    VNET,
    Segment,
    checksum,
    frames_of,
    pseudo_header,
    segment_of,
)
from tsunagu_tunnel.dataplane import FrameFeeder, Tap
from tsunagu_tunnel.mss import clamp
from tsunagu_tunnel.softether.carrier import CarrierDecoder, encode_frames
from tsunagu_tunnel.softether.errors import ProtocolError

fastpath = pytest.importorskip("tsunagu_tunnel.fastpath", reason="there was no compiler")

MAC = bytes.fromhex("5e00000000015e0000000002")
COUNT = struct.Struct(">I")


# -- frames ------------------------------------------------------------------------------------------------------------


def ip_of(
    v6: bool, protocol: int, size: int, *, host: int = 1, hops: int = 64, identity: int = 0, fragment: int = 0
) -> bytes:
    if v6:
        return struct.pack(">IHBB", 6 << 28, size, protocol, hops) + bytes(15) + bytes([host]) + bytes(15) + b"\x09"
    ip = struct.pack(
        ">BBHHHBBH4s4s",
        0x45,
        0,
        20 + size,
        identity,
        fragment,
        hops,
        protocol,
        0,
        bytes([10, 0, 0, host]),
        bytes([10, 0, 0, 9]),
    )
    return ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]


def tcp_frame(
    *,
    v6: bool = False,
    host: int = 1,
    sequence: int = 0,
    acknowledged: int = 0,
    flags: int = ACK,
    window: int = 500,
    options: bytes = b"",
    payload: bytes = b"",
    broken: bool = False,
    **ip_fields: int,
) -> bytes:
    size = 20 + len(options)
    tcp = struct.pack(">HHIIBBHHH", 443, 5000, sequence, acknowledged, size // 4 << 4, flags, window, 0, 0) + options
    ip = ip_of(v6, 6, size + len(payload), host=host, **ip_fields)
    value = checksum(pseudo_header(ip, 6, size + len(payload)) + tcp + payload) ^ broken
    return MAC + (b"\x86\xdd" if v6 else b"\x08\x00") + ip + tcp[:16] + struct.pack(">H", value) + tcp[18:] + payload


def timestamps(value: int) -> bytes:
    return b"\x01\x01\x08\x0a" + struct.pack(">II", value, 7)


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """Frames of a few flows, mixed: data that follows, acknowledgements, and what interrupts both."""
    sequences = dict.fromkeys(range(3), 2**32 - 3000)
    acknowledged = dict.fromkeys(range(3), 2**32 - 5000)
    clock = 100
    frames = []
    for _ in range(draw(st.integers(0, 40))):
        host = draw(st.integers(0, 2))
        v6 = host == 2
        clock += draw(st.sampled_from((0, 0, 0, 1)))
        options = draw(st.sampled_from((timestamps(clock),) * 4 + (b"", b"\x01\x01\x05\x0a" + bytes(8))))
        common = {"v6": v6, "host": host, "window": draw(st.sampled_from((500, 500, 500, 501))), "options": options}
        match draw(st.sampled_from(("data",) * 6 + ("ack",) * 4 + ("odd", "udp", "arp", "noise"))):
            case "data":
                payload = bytes([draw(st.integers(0, 255))]) * draw(st.sampled_from((1448, 1448, 1448, 1000, 1)))
                frames.append(
                    tcp_frame(
                        sequence=sequences[host] & 0xFFFF_FFFF,
                        acknowledged=acknowledged[host] & 0xFFFF_FFFF,
                        flags=draw(st.sampled_from((ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | 64))),
                        payload=payload,
                        broken=draw(st.sampled_from((False,) * 9 + (True,))),
                        hops=draw(st.sampled_from((64, 64, 64, 63))),
                        **common,
                    )
                )
                sequences[host] += len(payload) * draw(st.sampled_from((1, 1, 1, 0, 2)))
            case "ack":
                acknowledged[host] += draw(st.sampled_from((0, 1448, 2896, -1448)))
                frames.append(
                    tcp_frame(
                        sequence=sequences[host] & 0xFFFF_FFFF, acknowledged=acknowledged[host] & 0xFFFF_FFFF, **common
                    )
                )
            case "odd":
                fragment = 0 if v6 else draw(st.sampled_from((0x2000, 0x4000, 5)))
                frames.append(tcp_frame(flags=draw(st.integers(0, 255)), payload=b"odd", fragment=fragment, **common))
            case "udp":
                frames.append(MAC + b"\x08\x00" + ip_of(False, 17, 12) + struct.pack(">HHHH", 67, 68, 12, 0) + b"data")
            case "arp":
                frames.append(b"\xff" * 6 + MAC[6:] + b"\x08\x06" + bytes(28))
            case "noise":
                frames.append(draw(st.binary(min_size=14, max_size=80)))
    return frames


# -- the two ends of a NIC ---------------------------------------------------------------------------------------------


@contextmanager
def nic() -> Iterator[tuple[socket.socket, socket.socket]]:
    """What the program has instead of a TAP, and the kernel's side of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        yield ours, theirs


def packets_at(end: socket.socket) -> list[bytes]:
    packets = []
    while True:
        try:
            packets.append(end.recv(1 << 17))
        except BlockingIOError:
            return packets


def blocks_of(stream: bytes) -> list[bytes]:
    """The frames of a block stream."""
    return CarrierDecoder().receive_data(stream)


# -- out ---------------------------------------------------------------------------------------------------------------


@st.composite
def super_packets(draw: st.DrawFn) -> bytes:
    """Packets as a NIC with offloads gives them, and some that it never would."""
    v6, tagged, udp = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    size = draw(st.sampled_from((1448, 1400, 500, 88, 1)))
    payload = (bytes(range(256)) * 236)[draw(st.integers(0, 255)) :][: draw(st.integers(1, min(600 * size, 60000)))]
    transport = struct.pack(">HHHH", 1, 2, 0, 0)
    if not udp:
        options = draw(st.sampled_from((b"", timestamps(3))))
        flags = draw(st.integers(0, 255))
        transport = struct.pack(
            ">HHIIBBHHH", 1, 2, draw(st.integers(0, 2**32 - 1)), 4, (20 + len(options)) // 4 << 4, flags, 6, 0, 0
        )
        transport += options
    ip = ip_of(v6, 17 if udp else 6, min(len(transport) + len(payload), 65000), identity=65530)
    ethernet = MAC + (b"\x81\x00\x00\x05" if tagged else b"") + (b"\x86\xdd" if v6 else b"\x08\x00")
    start = len(ethernet) + len(ip)
    kind = UDP_L4 if udp else TCPV6 if v6 else TCPV4
    head = VNET.pack(1, kind | draw(st.sampled_from((0, ECN))), 0, size, start, 6 if udp else 16)
    return head + ethernet + ip + transport + payload


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.one_of(super_packets(), st.binary(max_size=200)), max_size=3))
def test_packets_become_the_frames_that_they_stand_for(packets: list[bytes]) -> None:
    packets = [packet for packet in packets if packet]
    with nic() as (ours, theirs):
        for packet in packets:
            theirs.send(packet)
        tap = fastpath.Tap(ours.fileno())
        frames = []
        while block := tap.read_block():
            frames += blocks_of(bytes(block))

    assert frames == [frame for packet in packets for frame in frames_of(packet)]
    assert tap.sent.unicast_octets + tap.sent.broadcast_octets == sum(map(len, frames))


def test_of_a_packet_that_makes_too_much_of_it_a_block_holds_the_beginning() -> None:
    ip = ip_of(False, 6, 20 + 60000)
    tcp = struct.pack(">HHIIBBHHH", 1, 2, 3, 4, 5 << 4, ACK, 6, 0, 0)
    packet = VNET.pack(1, TCPV4, 0, 1, 34, 16) + MAC + b"\x08\x00" + ip + tcp + bytes(60000)
    with nic() as (ours, theirs):
        theirs.send(packet)
        block = bytes(fastpath.Tap(ours.fileno()).read_block())

    frames = blocks_of(block)
    assert 1000 < len(frames) < 60000
    assert len(block) <= 524288
    assert frames == frames_of(packet)[: len(frames)]


def test_a_block_that_is_still_looked_at_keeps_its_frames() -> None:
    with nic() as (ours, theirs):
        tap = fastpath.Tap(ours.fileno())
        theirs.send(bytes(10) + MAC + b"\x08\x06" + b"first")
        first = tap.read_block()
        theirs.send(bytes(10) + MAC + b"\x08\x06" + b"second")
        second = tap.read_block()

        assert bytes(first) == encode_frames([MAC + b"\x08\x06" + b"first"])
        assert bytes(second) == encode_frames([MAC + b"\x08\x06" + b"second"])


# -- in ----------------------------------------------------------------------------------------------------------------


def cut(stream: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The stream in pieces of these sizes, the rest at once."""
    at = 0
    for size in sizes:
        yield stream[at : at + size]
        at += size
    yield stream[at:]


def without_identity(frame: bytes) -> bytes:
    """Segments that were put together get new numbers and, with these, a new header checksum."""
    if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
        return frame[:18] + b"\0\0" + frame[20:24] + b"\0\0" + frame[26:]
    return frame


def by_flow(frames: list[bytes]) -> dict[bytes, list[bytes]]:
    flows: dict[bytes, list[bytes]] = {}
    for frame in frames:
        segment = segment_of(frame)
        flows.setdefault(segment.flow if segment else b"", []).append(frame)
    return flows


def supersedes(new: Segment, old: Segment) -> bool:
    return (
        new.is_pure_ack
        and old.is_pure_ack
        and new.sequence == old.sequence
        and 0 < (new.acknowledged - old.acknowledged) % 2**32 < 2**31
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(conversations(), st.lists(st.integers(0, 4000), max_size=30))
@example([tcp_frame(sequence=i * 1448, payload=bytes(1448)) for i in range(100)], [])
def test_the_nic_gets_every_frame_in_the_order_of_its_flow(frames: list[bytes], sizes: list[int]) -> None:
    stream = encode_frames(frames) if frames else b""
    with nic() as (ours, theirs):
        tap = fastpath.Tap(ours.fileno())
        feeder = tap.feeder(dhcp=False)
        for piece in cut(stream, sizes):
            assert feeder.feed(piece) == []
        packets = packets_at(theirs)

    delivered = by_flow([frame for packet in packets for frame in frames_of(packet)])
    for flow, sent in by_flow(frames).items():
        got = [without_identity(frame) for frame in delivered.get(flow, [])]
        for place, frame in enumerate(sent):
            if got and got[0] == without_identity(frame):
                got.pop(0)
                continue
            left_out, later = segment_of(frame), [segment_of(other) for other in sent[place + 1 :]]
            assert left_out is not None
            assert later
            assert later[0] is not None
            assert supersedes(later[0], left_out), "a frame is missing"
        assert not got, "a frame came twice, or out of order"
    assert tap.received.unicast_octets + tap.received.broadcast_octets == sum(map(len, frames))


@given(conversations(), st.lists(st.integers(0, 4000), max_size=30), st.booleans(), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_both_paths_agree_on_what_is_broken_and_on_what_is_the_workers_own(
    frames: list[bytes], sizes: list[int], arp: bool, data: st.DataObject
) -> None:
    stream = bytearray(encode_frames(frames) if frames else b"")
    for _ in range(data.draw(st.integers(0, 3))):
        if stream:
            at = data.draw(st.integers(0, len(stream) - 1))
            stream[at : at + 4] = data.draw(
                st.sampled_from((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\x0c\x81", b"\0\0\2\0"))
            )
    results = []
    with nic() as (plain_end, _plain_nic), nic() as (fast_end, _fast_nic):
        plain_tap, fast_tap = Tap(plain_end.fileno()), fastpath.Tap(fast_end.fileno())
        plain_tap.shows_arp = fast_tap.shows_arp = arp
        for feeder in (FrameFeeder(plain_tap, CarrierDecoder(), dhcp=True), fast_tap.feeder(dhcp=True)):
            ours: list[bytes] = []
            broken = False
            try:
                for piece in cut(bytes(stream), sizes):
                    ours += feeder.feed(memoryview(piece))
            except ProtocolError:
                broken = True
            results.append((broken, sorted(ours) if not broken else None))
        assert results[0] == results[1]
        if not results[0][0]:
            assert plain_tap.received == fast_tap.received


@pytest.mark.parametrize("tag", [b"", b"\x81\x00\x00\x05", b"\x88\xa8\x00\x07\x81\x00\x00\x05"])
def test_a_stream_cut_anywhere_brings_the_same_and_no_frame_that_is_too_long(tag: bytes) -> None:
    tagged = MAC + tag + tcp_frame(payload=b"data")[12:]
    frames = [tagged, tagged + bytes(1600 - len(tagged)), tagged + bytes(1601 - len(tagged)), b"", MAC, tagged]
    stream = b"\xff\xff\xff\xff\0\0\0\x03abc" + encode_frames(frames) + b"\xff\xff\xff\xff\0\0\0\0"
    stream += encode_frames([tagged])
    places = [*range(60), *range(1650, 1720), *range(len(stream) - 120, len(stream))]
    for place in places:
        with nic() as (ours, theirs):
            feeder = fastpath.Tap(ours.fileno()).feeder(dhcp=True)
            for piece in (stream[:place], stream[place : place + 1], stream[place + 1 :]):
                assert feeder.feed(piece) == []
            got = [packet[VNET.size :] for packet in packets_at(theirs)]
        assert got == [frame for frame in [*frames, tagged] if 14 <= len(frame) <= 1600]


def test_frames_of_the_workers_own_may_come_from_anywhere_and_end_anyhow() -> None:
    frames = [tcp_frame(sequence=i * 1000, payload=bytes([i]) * 1000) for i in range(3)]
    with nic() as (ours, theirs):
        tap = fastpath.Tap(ours.fileno())
        tap.write_frames(bytearray(frame) for frame in frames)  # none of which anybody else holds
        tap.write_frames([memoryview(frame) for frame in frames] + [b"", bytes(1601)])
        for odd in ("text", memoryview(frames[0])[::2]):
            with pytest.raises((TypeError, ValueError, BufferError)):
                tap.write_frames([bytearray(frames[0]), odd])
        packets = packets_at(theirs)
        tap.write_frames([frames[1]])
        after = packets_at(theirs)

    delivered = [without_identity(frame) for packet in packets for frame in frames_of(packet)]
    assert delivered == [without_identity(frame) for frame in [*frames, *frames, frames[0], frames[0]]]
    assert [packet[VNET.size :] for packet in after] == [frames[1]]


def test_a_bulk_transfer_becomes_few_packets() -> None:
    frames = [tcp_frame(sequence=i * 1448, payload=bytes(1448), options=timestamps(1)) for i in range(46)]
    with nic() as (ours, theirs):
        fastpath.Tap(ours.fileno()).feeder(dhcp=False).feed(encode_frames(frames))
        packets = packets_at(theirs)

    assert len(packets) == 2  # 64 KiB hold 45 of these segments


def test_superfluous_acknowledgements_are_left_out() -> None:
    frames = [tcp_frame(acknowledged=i * 2896, options=timestamps(i)) for i in range(20)]
    with nic() as (ours, theirs):
        fastpath.Tap(ours.fileno()).feeder(dhcp=False).feed(encode_frames(frames))
        packets = packets_at(theirs)

    assert [packet[10:] for packet in packets] == frames[-1:]


def test_a_bridges_acknowledgements_all_pass() -> None:
    frames = [tcp_frame(acknowledged=i * 2896) for i in range(20)]
    with nic() as (ours, theirs):
        tap = fastpath.Tap(ours.fileno())
        tap.thins = False
        tap.feeder(dhcp=False).feed(encode_frames(frames))
        packets = packets_at(theirs)

    assert [packet[10:] for packet in packets] == frames


@given(
    st.booleans(),
    st.lists(
        st.sampled_from((b"\x01", b"\x02\x04\x05\xb4", b"\x03\x03\x07", timestamps(1), b"\x00", b"\x02", b"\x09\x00")),
        max_size=5,
    ),
    st.integers(600, 1600),
    st.sampled_from((2, 18, 16)),
)
def test_first_packets_ask_for_no_more_than_fits_either_way(
    v6: bool, options: list[bytes], longest: int, flags: int
) -> None:
    text = b"".join(options)[:36]
    frame = tcp_frame(v6=v6, flags=flags, options=text + b"\x01" * (-len(text) % 4))
    with nic() as (ours, theirs):
        tap = fastpath.Tap(ours.fileno())
        tap.largest_frame = longest
        theirs.send(bytes(VNET.size) + frame)
        sent = tap.read_frames()
        tap.write_frames([frame])
        [received] = packets_at(theirs)

    assert sent == [received[VNET.size :]] == clamp([frame], longest if longest < 1600 else 1 << 17)
    assert segment_of(sent[0]) is not None, "the checksum is right"
