"""The worker's loop where the server offers UDP acceleration: the test is the server's end of it."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.fakes import FakeServerThread
from tests.unit.test_mss import syn
from tests.unit.test_worker import RunningWorker, frame, start_at
from tsunagu.control import Established, ReportStatistics, StatisticsReport
from tsunagu_tunnel.mss import clamp
from tsunagu_tunnel.softether.udp_acceleration import UdpAcceleration, UdpTerms

PATIENCE_S = 20
KEY = Random(9).randbytes(128)


class UdpPeer:
    """Answers keepalives, keeps frames, as long as it is asked to."""

    def __init__(self, server: FakeServerThread) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.frames: list[bytes] = []
        self._server = server
        with server.locked() as mind:
            mind.welcome_changes = {
                "use_udp_acceleration": 1,
                "udp_acceleration_version": 2,
                "udp_acceleration_server_port": self._socket.getsockname()[1],
                "udp_acceleration_server_key_v2": KEY,
                "udp_acceleration_server_cookie": 22,
                "udp_acceleration_client_cookie": 11,
                "udp_acceleration_use_encryption": 1,
                "udp_accel_fast_disconnect_detect": 1,
            }

    def begin(self) -> None:
        """The client has logged in."""
        with self._server.locked() as mind:
            login = mind.logins[-1]
        terms = UdpTerms(
            version=2,
            encrypted=True,
            fast=True,
            our_key=KEY,
            their_key=login.get_data("udp_acceleration_client_key_v2"),
            our_cookie=22,
            their_cookie=11,
            port=login.get_int("udp_acceleration_client_port"),
        )
        now = time.monotonic()
        self._end = UdpAcceleration(terms, now, compress=False, max_datagram=1426, random=Random(1))

    def run_until_usable(self) -> None:
        """By the server's rule."""
        self._run(lambda: self._end.is_usable(time.monotonic()), "UDP acceleration to be usable")

    def run_until_frames(self, count: int) -> None:
        """So many have come."""
        self._run(lambda: len(self.frames) >= count, f"{count} frames")

    def send(self, frames: list[bytes]) -> None:
        for datagram in self._end.encode(frames, time.monotonic()):
            self._socket.sendto(datagram, ("127.0.0.1", self._end.port))

    def close(self) -> None:
        self._socket.close()

    def _run(self, wanted: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < ends, f"waited in vain for {what}"
            for datagram in self._end.tick(time.monotonic()):
                self._socket.sendto(datagram, ("127.0.0.1", self._end.port))
            if select.select([self._socket], [], [], 0.05)[0]:
                data, (_, port) = self._socket.recvfrom(2000)
                self.frames += self._end.receive([data], port, time.monotonic())


@pytest.fixture
def server() -> Iterator[FakeServerThread]:
    with FakeServerThread() as thread:
        yield thread


@pytest.fixture
def peer(server: FakeServerThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[UdpPeer]:
    monkeypatch.setattr("tsunagu_tunnel.softether.udp_acceleration.STABLE_S", 0.0)  # nobody waits for 10 s here
    peer = UdpPeer(server)
    yield peer
    peer.close()


def in_use(worker: RunningWorker) -> bool:
    worker.tell(ReportStatistics())
    return worker.expect(StatisticsReport).statistics.udp_in_use


def test_frames_go_by_udp_while_it_works_and_by_tcp_when_it_does_not(server: FakeServerThread, peer: UdpPeer) -> None:
    with RunningWorker() as worker:
        worker.tell(start_at(server))
        assert worker.expect(Established).session.udp_version == 2
        peer.begin()
        assert not in_use(worker)

        peer.run_until_usable()
        assert in_use(worker)
        for number in range(10):
            worker.nic.send(frame(b"by udp %d" % number))
        peer.run_until_frames(10)
        peer.send([frame(b"back")])
        assert worker.nic.recv(2000) == frame(b"back")
        assert peer.frames == [frame(b"by udp %d" % number) for number in range(10)]

        worker.nic.send(syn(1460))
        peer.run_until_frames(11)
        peer.send([syn(1460)])
        assert [peer.frames[-1], worker.nic.recv(2000)] == clamp([syn(1460)] * 2, 1375)

        ends = time.monotonic() + PATIENCE_S  # the peer is silent from here on
        while in_use(worker):
            assert time.monotonic() < ends
            select.select([], [], [], 0.1)
        worker.nic.send(frame(b"by tcp"))
        server.wait_until(lambda mind: mind.received == [frame(b"by tcp")])
        peer.send([frame(b"still taken")])
        assert worker.nic.recv(2000) == frame(b"still taken")


def test_a_server_without_udp_acceleration_is_none_the_worse(server: FakeServerThread) -> None:
    with RunningWorker() as worker:
        worker.tell(start_at(server))

        assert worker.expect(Established).session.udp_version == 0
        worker.nic.send(frame(b"by tcp"))
        server.wait_until(lambda mind: mind.received == [frame(b"by tcp")])
        assert not in_use(worker)
