"""What holds for datagrams whatever a network, or somebody in it, does to them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.softether.udp_pair import CLIENT_PORT, Pair, terms
from tsunagu_tunnel.softether.udp_acceleration import UdpAcceleration

modes = st.sampled_from([(1, True), (2, True), (2, False)])
frames_of_a_batch = st.lists(
    st.integers(14, 1600).map(lambda size: Random(size).randbytes(size)), min_size=1, max_size=8
)


def ends(mode: tuple[int, bool], *, compress: bool = False) -> tuple[UdpAcceleration, UdpAcceleration]:
    ours, theirs = terms(mode[0], encrypted=mode[1])
    client, server = (
        UdpAcceleration(end, 0, compress=compress, max_datagram=1426, random=Random(1)) for end in (ours, theirs)
    )
    return client, server


@given(modes, st.booleans(), frames_of_a_batch, st.randoms(use_true_random=False))
def test_every_frame_comes_out_once_for_each_datagram_in_whatever_order(
    mode: tuple[int, bool], compress: bool, frames: list[bytes], random: Random
) -> None:
    client, server = ends(mode, compress=compress)
    datagrams = client.encode(frames, 1)
    order = random.sample(range(len(frames)), len(frames))

    assert server.receive([datagrams[at] for at in order], 1, 1) == [frames[at] for at in order]


@given(st.sampled_from([1, 2]), frames_of_a_batch, st.integers(0), st.integers(1, 255))
def test_a_datagram_that_was_changed_on_the_way_gives_no_other_frame(
    version: int, frames: list[bytes], place: int, change: int
) -> None:
    client, server = ends((version, True))
    for datagram in client.encode(frames, 1):
        changed = bytearray(datagram)
        changed[place % len(changed)] ^= change

        came = server.receive([bytes(changed)], 9, 1)

        # RC4 lets single bits of a frame or its size be turned: version 1 finds out what zeros and cookie tell.
        assert came == [] or version == 1


@given(modes, frames_of_a_batch, st.integers(0))
def test_a_datagram_that_is_cut_short_gives_no_frame_or_is_dropped(
    mode: tuple[int, bool], frames: list[bytes], cut: int
) -> None:
    client, server = ends(mode)
    for datagram, frame in zip(client.encode(frames, 1), frames, strict=True):
        came = server.receive([datagram[: cut % len(datagram)]], 9, 1)

        assert came in ([], [frame])  # [frame]: only some of the zeros behind it are missing
        assert came == [] or mode != (2, True)


@given(modes, st.lists(st.binary(max_size=200)))
def test_random_octets_give_nothing_and_change_nothing(mode: tuple[int, bool], datagrams: list[bytes]) -> None:
    _, server = ends((mode[0], True))

    assert server.receive(datagrams, 9, 1) == []
    assert server.port == CLIENT_PORT
    assert not server.is_usable(1)


@given(st.binary(max_size=200), st.integers(0, 3), st.booleans())
def test_whatever_is_inside_a_clear_datagram_it_is_a_frame_or_nothing(
    content: bytes, compressed: int, right_cookie: bool
) -> None:
    _, server = ends((2, False))
    inner = (22 if right_cookie else 23).to_bytes(4, "big") + bytes(7) + b"\1" + bytes(8)

    came = server.receive([inner + len(content).to_bytes(2, "big") + bytes([compressed]) + content], 9, 1)

    assert all(14 <= len(frame) <= 1600 for frame in came)


@given(frames_of_a_batch, st.floats(0, 29), st.floats(31, 1000))
def test_replays_are_taken_for_half_a_minute_and_not_after(frames: list[bytes], soon: float, late: float) -> None:
    client, server = ends((2, True))
    recorded = client.encode(frames, 1)
    assert server.receive(recorded, 1, 1) == frames

    server.receive(client.encode([b""], 1 + soon), 1, 1 + soon)
    assert server.receive(recorded, 9, 1 + soon) == frames
    assert server.port == 1
    server.receive(client.encode([b""], 1 + late), 1, 1 + late)
    assert server.receive(recorded, 9, 1 + late) == []


@given(modes, st.booleans(), st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=8))
def test_however_the_line_comes_and_goes_both_ends_find_back_to_it(
    mode: tuple[int, bool], fast: bool, story: list[tuple[float, bool, bool]]
) -> None:
    pair = Pair(version=mode[0], encrypted=mode[1], fast=fast)
    for seconds, up, down in story:
        pair.up, pair.down = up, down
        pair.run(seconds)
    pair.up = pair.down = True

    pair.run(45)

    assert pair.usable == (True, True)


def test_terms_show_no_secret() -> None:
    ours, _ = terms()

    assert "cookie" not in repr(ours)
    assert "key" not in repr(ours)
