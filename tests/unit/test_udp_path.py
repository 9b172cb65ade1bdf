"""The UDP path on loopback: sockets, trains of datagrams, and what can go wrong with them."""

import errno
import select
import socket
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.unit.softether.udp_pair import terms
from tsunagu_tunnel.dataplane import Tap
from tsunagu_tunnel.softether.udp_acceleration import UdpAcceleration
from tsunagu_tunnel.udp_path import UdpPath, open_beside

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


class Ends:
    """A client's path, and a server's beside the same TCP connection."""

    def __init__(self, family: socket.AddressFamily) -> None:
        with (
            socket.create_server((LOOPBACK[family], 0), family=family) as listening,
            socket.create_connection(listening.getsockname()[:2]) as there,
            listening.accept()[0] as here,
        ):
            sockets = [open_beside(tcp, accepts_version_1=False, random=Random(1)) for tcp in (there, here)]
        self.sockets = [opened.socket for opened in sockets]
        ports = [opened.socket.getsockname()[1] for opened in sockets]
        assert [opened.offer.port for opened in sockets] == ports
        now = time.monotonic()
        self.client, self.server = (
            UdpPath(opened, end, now, nic=Tap(-1), dhcp=False, compress=False, random=Random(1))
            for opened, end in zip(sockets, terms(), strict=True)
        )
        # Each learns of the other's port by a keepalive, as it would from a server behind a NAT.
        self.sockets[0].sendto(
            UdpAcceleration(terms()[0], now, compress=False, max_datagram=1426, random=Random(2)).encode([b""], now)[0],
            (LOOPBACK[family], ports[1]),
        )
        self.receive(self.server, 0)
        self.server.send_keepalive(now)
        self.receive(self.client, 0)

    def receive(self, path: UdpPath, count: int) -> list[bytes]:
        """So many frames, or whatever comes first for 0."""
        buffer = memoryview(bytearray(1 << 17))
        frames: list[bytes] = []
        while True:
            assert select.select([path], [], [], 20)[0], f"only {len(frames)} of {count} frames have come"
            frames += path.receive(buffer, time.monotonic())
            if len(frames) >= count:
                return frames

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    ends = Ends(request.param)
    yield ends
    ends.close()


def some_frames(count: int, *sizes: int) -> list[bytes]:
    return [Random(number).randbytes(sizes[number % len(sizes)]) for number in range(count)]


@pytest.mark.parametrize("sizes", [(1300,), (60,), (60, 60, 60, 1300), (1514, 60), (1600,)], ids=str)
def test_frames_of_every_size_arrive_in_order(ends: Ends, sizes: tuple[int, ...]) -> None:
    frames = some_frames(60, *sizes)

    assert ends.client.send_frames(frames, time.monotonic())

    assert ends.receive(ends.server, 60) == frames


def test_sixty_frames_leave_with_one_call(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_sends(ends, monkeypatch)

    ends.client.send_frames(some_frames(45, 1300), time.monotonic())

    assert calls == ["sendmsg"]
    assert len(ends.receive(ends.server, 45)) == 45


def test_where_the_kernel_takes_no_trains_datagrams_go_one_by_one(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_sends(ends, monkeypatch, OSError(errno.EIO, "no"))
    frames = some_frames(5, 1300)

    assert ends.client.send_frames(frames, time.monotonic())
    assert ends.client.send_frames(frames, time.monotonic())

    assert calls == ["sendmsg"] + ["sendto"] * 10
    assert ends.receive(ends.server, 10) == frames * 2


def test_a_full_socket_keeps_what_it_did_not_take(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = some_frames(10, 1300)
    with monkeypatch.context() as patched:
        count_sends(ends, patched, BlockingIOError(errno.EAGAIN, "later"))
        assert not ends.client.send_frames(frames, time.monotonic())
        was_full = ends.client.is_full

    assert ends.client.flush()
    assert (was_full, ends.client.is_full) == (True, False)
    assert ends.receive(ends.server, 10) == frames


def test_without_a_route_frames_are_lost_and_the_path_is_not_usable(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.monotonic() + 11
    monkeypatch.setattr("tsunagu_tunnel.softether.udp_acceleration.STABLE_S", -100)
    ends.server.send_keepalive(later)
    ends.client.receive(memoryview(bytearray(1 << 17)), later)
    count_sends(ends, monkeypatch, OSError(errno.ENETUNREACH, "no route"))

    assert ends.client.send_frames(some_frames(10, 1300), time.monotonic())

    assert not ends.client.is_full
    assert not ends.client.is_usable(later)


def test_what_comes_from_elsewhere_is_not_looked_at(ends: Ends) -> None:
    port = ends.sockets[1].getsockname()[1]
    now = time.monotonic()
    client = UdpAcceleration(terms()[0], now, compress=False, max_datagram=1426, random=Random(2))
    if ends.sockets[0].family == socket.AF_INET:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(client.encode(some_frames(1, 60), now)[0], ("127.0.0.1", port))
    ends.client.send_frames(some_frames(1, 70), now)

    assert ends.receive(ends.server, 1) == some_frames(1, 70)


def count_sends(ends: Ends, monkeypatch: pytest.MonkeyPatch, error: OSError | None = None) -> list[str]:
    """The client's calls from now on; ``error`` is what trains meet with."""
    real = ends.sockets[0]
    calls: list[str] = []

    class Counting:
        def sendmsg(self, *arguments: Any) -> int:
            calls.append("sendmsg")
            if error:
                raise error
            return real.sendmsg(*arguments)

        def sendto(self, *arguments: Any) -> int:
            calls.append("sendto")
            return real.sendto(*arguments)

        def close(self) -> None:
            real.close()

    monkeypatch.setattr(ends.client, "_socket", Counting())
    return calls


def test_a_keepalive_that_finds_no_room_waits_like_all_else(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.monotonic() + 30  # when it has been silent for as long as it wants to be

    class Full:
        def sendto(self, *_arguments: object) -> int:
            raise BlockingIOError(errno.EAGAIN, "later")

    with monkeypatch.context() as patched:
        patched.setattr(ends.client, "_socket", Full())
        assert not ends.client.send_keepalive(later)
        was_full = ends.client.is_full
        assert not ends.client.send_keepalive(later + 5)

    assert (was_full, ends.client.flush()) == (True, True)
