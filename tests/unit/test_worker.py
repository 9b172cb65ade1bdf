"""The worker's real loop in a thread, against a small server on loopback; a socket pair stands for the TAP."""

import base64
import contextlib
import gc
import select
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

import pytest

from tests.fakes import FakeServer, FakeServerThread, Fault, RedirectTo, Stage, make_certificate
from tests.fakes_dhcp import RELEASE, DhcpServer
from tsunagu.control import (
    MAX_MESSAGE,
    CheckCarriers,
    Errand,
    Established,
    Failed,
    HubsListed,
    Leased,
    NoLease,
    PasswordChanged,
    Progress,
    ReportStatistics,
    Start,
    StatisticsReport,
    Stop,
    ToHelper,
    ToWorker,
    decode,
    encode,
)
from tsunagu.errors import TunnelError
from tsunagu.model import (
    NO_SECRETS,
    Addressing,
    ConnectionSettings,
    HashedPassword,
    Phase,
    Proxy,
    ProxyKind,
    Secret,
    Secrets,
)
from tsunagu.sha0 import hash_password
from tsunagu_tunnel.connect import Dialler
from tsunagu_tunnel.dataplane import Carrier
from tsunagu_tunnel.dial import Limits
from tsunagu_tunnel.tls import contexts_for
from tsunagu_tunnel.way import Hop, Place
from tsunagu_tunnel.worker import Worker

MAC = "5e:00:00:00:00:01"
FAST = Limits(lookup_s=5, connect_s=0.3, handshake_s=0.3)
M = TypeVar("M")


class RunningWorker:
    """A worker in a thread, and this test as its helper and its NIC."""

    def __init__(self, limits: Limits = Limits(), *, has_tap: bool = True) -> None:  # noqa: B008  # frozen
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.nic, self._tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in (self._control, self.nic):
            end.settimeout(30)
        self.status: int | None = None
        self.heard: list[ToHelper] = []
        worker = Worker(theirs, self._tap.fileno() if has_tap else None, random=Random(1), limits=limits)

        def run() -> None:
            self.status = worker.run()

        self._thread = threading.Thread(target=run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._control.close()
        self._thread.join(10)
        self.nic.close()
        self._tap.close()
        assert not self._thread.is_alive()

    def tell(self, message: ToWorker) -> None:
        self._control.send(encode(message))

    def hang_up(self) -> None:
        self._control.close()

    def expect(self, kind: type[M]) -> M:
        """The next message of this kind; what comes before it is ``heard``."""
        while True:
            data = self._control.recv(MAX_MESSAGE)
            assert data, f"the worker ended before {kind.__name__}, after {self.heard}"
            message = decode(data)
            assert not isinstance(message, ToWorker)
            self.heard.append(message)
            if isinstance(message, kind):
                return message

    def end(self) -> int:
        """Its exit status, once it has ended."""
        self._thread.join(5)
        assert self.status is not None, "the worker has not ended"
        return self.status


@pytest.fixture
def worker() -> Iterator[RunningWorker]:
    with RunningWorker() as running:
        yield running


@pytest.fixture
def hasty() -> Iterator[RunningWorker]:
    """One with little patience."""
    with RunningWorker(FAST) as running:
        yield running


@pytest.fixture
def server() -> Iterator[FakeServerThread]:
    with FakeServerThread() as thread:
        yield thread


def settings_for(port: int, host: str = "127.0.0.1", carriers: int = 1) -> ConnectionSettings:
    return ConnectionSettings(
        name="test", host=host, port=port, hub="LAB", username="alice", addressing=Addressing.NONE, carriers=carriers
    )


def start_for(settings: ConnectionSettings, password: str = "secret", accepted: str = "") -> Start:
    return Start(
        settings=settings,
        secrets=Secrets(password=Secret(password)),
        mac=MAC,
        accepted_fingerprint=accepted,
        machine_id="00112233445566778899aabbccddeeff",
    )


def start_at(server: FakeServerThread, carriers: int = 1) -> Start:
    return start_for(settings_for(server.port, carriers=carriers), accepted=server.certificate.sha256)


def frame(text: bytes, destination: bytes = b"\x5e\0\0\0\0\x02") -> bytes:
    return destination + b"\x5e\0\0\0\0\x01\x08\x00" + text.ljust(46, b".")


def change_at(server: FakeServerThread, old: str) -> Start:
    known = HashedPassword(hash_password("alice", old).hex())
    return replace(
        start_at(server), secrets=Secrets(hashed_password=known), errand=Errand.PASSWORD, new_password=Secret("new")
    )


# -- another task than a session --------------------------------------------------------------------------------------


@pytest.fixture
def bare() -> Iterator[RunningWorker]:
    """One without a TAP."""
    with RunningWorker(has_tap=False) as running:
        yield running


def test_a_password_is_changed_without_a_nic_and_without_a_session(
    bare: RunningWorker, server: FakeServerThread
) -> None:
    bare.tell(change_at(server, "secret"))

    bare.expect(PasswordChanged)

    assert bare.end() == 0
    with server.locked() as mind:
        assert mind.changed["alice"][0] == hash_password("alice", "new")
        assert not mind.logins


def test_an_empty_password_is_changed_like_any_other(bare: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.users["alice"] = ""
    bare.tell(change_at(server, ""))

    bare.expect(PasswordChanged)


def test_a_server_nobody_vouches_for_is_not_told_a_new_password(bare: RunningWorker, server: FakeServerThread) -> None:
    bare.tell(replace(change_at(server, "secret"), accepted_fingerprint=""))

    assert bare.expect(Failed).code == 85
    with server.locked() as mind:
        assert not mind.changed


def test_a_log_in_is_tried_without_a_nic_and_the_session_ends_at_once(
    bare: RunningWorker, server: FakeServerThread
) -> None:
    bare.tell(replace(start_at(server), errand=Errand.TRIAL))

    assert bare.expect(Established).session.session_name == "SID-ALICE-1"

    assert bare.end() == 0
    with server.locked() as mind:
        assert len(mind.logins) == 1
        assert not mind.carriers


def test_a_log_in_that_is_tried_in_vain_says_why(bare: RunningWorker, server: FakeServerThread) -> None:
    tried = start_for(settings_for(server.port), password="wrong", accepted=server.certificate.sha256)
    bare.tell(replace(tried, errand=Errand.TRIAL))

    assert bare.expect(Failed).code == 9


def test_hubs_are_listed_without_a_nic_and_the_server_is_told_nothing(
    bare: RunningWorker, server: FakeServerThread
) -> None:
    with server.locked() as mind:
        mind.hub_names = ("LAB", "ST\nAFF", "LAB", "")
    bare.tell(replace(start_at(server), errand=Errand.HUBS, accepted_fingerprint=""))

    assert bare.expect(HubsListed).hubs == ("LAB", "STAFF")

    assert bare.end() == 0
    with server.locked() as mind:
        assert not mind.logins


def test_a_session_is_not_begun_without_a_nic(bare: RunningWorker, server: FakeServerThread) -> None:
    bare.tell(start_at(server))

    assert bare.end() == 0
    with server.locked() as mind:
        assert not mind.logins


# -- a session --------------------------------------------------------------------------------------------------------


def test_a_session_is_established_with_what_the_socket_knows(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server))

    session = worker.expect(Established).session

    assert (session.server_address, session.server_port) == ("127.0.0.1", server.port)
    assert session.tls_version == "TLSv1.3"
    assert session.cipher.startswith("TLS_")
    assert base64.b64decode(session.certificate) == server.certificate.der
    assert [m.phase for m in worker.heard if isinstance(m, Progress)] == [
        Phase.RESOLVING,
        Phase.CONNECTING,
        Phase.VERIFYING,
        Phase.NEGOTIATING,
        Phase.AUTHENTICATING,
        Phase.ESTABLISHING,
    ]


def test_frames_pass_both_ways_and_are_counted_by_kind(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.on_frame = lambda f: [f[6:12] + f[:6] + f[12:]]
    worker.tell(start_at(server))
    worker.expect(Established)

    for i in range(100):
        worker.nic.send(frame(b"%d" % i))
    worker.nic.send(frame(b"all", destination=b"\xff" * 6))
    answers = [worker.nic.recv(2000) for _ in range(101)]
    worker.tell(ReportStatistics())
    statistics = worker.expect(StatisticsReport).statistics

    assert [a[14:16].rstrip(b".") for a in answers[:100]] == [b"%d" % i for i in range(100)]
    assert (statistics.sent.unicast_packets, statistics.sent.unicast_octets) == (100, 6000)
    assert (statistics.sent.broadcast_packets, statistics.sent.broadcast_octets) == (1, 60)
    assert (statistics.received.unicast_packets, statistics.received.unicast_octets) == (101, 6060)
    assert statistics.wire_sent_octets > 101 * 64
    assert statistics.carriers == 1


def test_frames_may_be_compressed(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.on_frame = lambda f: [f]
    worker.tell(replace(start_at(server), settings=replace(start_at(server).settings, compress=True)))
    assert worker.expect(Established).session.compressed

    worker.nic.send(frame(b"x" * 400))
    answer = worker.nic.recv(2000)
    worker.tell(ReportStatistics())
    statistics = worker.expect(StatisticsReport).statistics

    assert answer == frame(b"x" * 400)
    assert statistics.sent.unicast_octets == 414


def test_without_encryption_all_carriers_turn_to_clear_octets(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.on_frame = lambda f: [f]
    settings = replace(settings_for(server.port, carriers=2), encrypt=False)
    worker.tell(replace(start_at(server), settings=settings))
    session = worker.expect(Established).session
    server.wait_until(lambda mind: len(mind.carriers) == 2)

    with server.locked() as mind:
        old, second = mind.carriers
        old.closed = True
    server.wait_until(lambda mind: mind.carriers[0] is second and len(mind.carriers) == 2)
    worker.nic.send(frame(b"in the clear"))

    assert (session.encrypted, session.tls_version, session.cipher) == (False, "", "")
    assert worker.nic.recv(2000) == frame(b"in the clear")


def test_a_server_that_does_not_read_stops_the_nic_and_nothing_else(
    worker: RunningWorker, server: FakeServerThread
) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)
    big = frame(b"x" * 1400)
    worker.nic.settimeout(0.5)
    sent = 0

    with server.locked():  # its thread stands still
        with contextlib.suppress(TimeoutError):
            while sent < 100_000:
                worker.nic.send(big)
                sent += 1
        worker.tell(ReportStatistics())
        statistics = worker.expect(StatisticsReport).statistics
    server.wait_until(lambda mind: len(mind.received) == sent)

    assert 0 < statistics.sent.unicast_packets < sent < 100_000


def test_further_carriers_are_opened_and_closed_ones_replaced(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server, carriers=2))
    worker.expect(Established)
    server.wait_until(lambda mind: len(mind.carriers) == 2)

    with server.locked() as mind:
        mind.carriers[0].closed = True
    server.wait_until(lambda mind: len(mind.carriers) == 2)

    worker.nic.send(frame(b"still here"))
    server.wait_until(lambda mind: len(mind.received) == 1)


def test_a_session_whose_lines_were_all_cut_is_revived(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)

    with server.locked() as mind:
        mind.cut_carriers()
    server.wait_until(lambda mind: len(mind.carriers) == 1)

    worker.nic.send(frame(b"again"))
    server.wait_until(lambda mind: len(mind.received) == 1)


def test_carriers_are_given_up_only_when_their_address_is_gone(
    worker: RunningWorker, server: FakeServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)
    worker.tell(CheckCarriers())
    worker.nic.send(frame(b"still here"))
    server.wait_until(lambda mind: len(mind.received) == 1)
    with server.locked() as mind:
        [before] = mind.carriers

    monkeypatch.setattr(Carrier, "has_source", lambda _: False)
    worker.tell(CheckCarriers())

    server.wait_until(lambda mind: len(mind.carriers) == 1 and mind.carriers[0] is not before)
    worker.nic.send(frame(b"again"))
    server.wait_until(lambda mind: len(mind.received) == 2)


def test_a_session_that_an_administrator_ended_is_over(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)

    with server.locked() as mind:
        mind.end_sessions()

    assert worker.expect(Failed).code == 13
    assert worker.end() == 1


def test_a_server_that_is_gone_ends_the_session(worker: RunningWorker) -> None:
    with FakeServerThread() as server:
        worker.tell(start_at(server))
        worker.expect(Established)

    assert worker.expect(Failed).code in (1, 3)


def test_the_policys_time_limit_ends_the_session(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.policy["AutoDisconnect"] = 1
    worker.tell(start_at(server))
    worker.expect(Established)

    assert worker.expect(Failed).code == 126


def test_a_block_that_is_none_costs_a_carrier_but_not_the_session(
    worker: RunningWorker, server: FakeServerThread
) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)

    with server.locked() as mind:
        mind.carriers[0].send(struct.pack(">II", 1, 5000) + b"x" * 5000)
    server.wait_until(lambda mind: len(mind.carriers) == 1 and mind.carriers[0].direction is not None)

    worker.nic.send(frame(b"still here"))
    server.wait_until(lambda mind: len(mind.received) == 1)


def test_a_cluster_sends_the_login_on(worker: RunningWorker) -> None:
    member = FakeServer(users={})
    with FakeServerThread(member) as second, FakeServerThread() as first:
        with first.locked() as mind:
            mind.redirect = RedirectTo("127.0.0.1", (second.port,), second.certificate.der, member)
        worker.tell(start_at(first))

        session = worker.expect(Established).session

        assert session.server_port == second.port
        assert Phase.REDIRECTED in [m.phase for m in worker.heard if isinstance(m, Progress)]
        first.wait_until(lambda mind: mind.redirects_confirmed == 1)


def test_a_cluster_member_must_show_the_announced_certificate(worker: RunningWorker) -> None:
    member = FakeServer(users={})
    with FakeServerThread(member) as second, FakeServerThread() as first:
        with first.locked() as mind:
            mind.redirect = RedirectTo("127.0.0.1", (second.port,), first.certificate.der, member)
        worker.tell(start_at(first))

        assert worker.expect(Failed).code == 152
        assert member.logins == []


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_the_servers_error_9(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(replace(start_at(server), secrets=Secrets(password=Secret("wrong"))))

    assert worker.expect(Failed).code == 9
    assert worker.end() == 1


def test_no_password_is_error_9_before_anything_is_sent(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(replace(start_at(server), secrets=NO_SECRETS))

    assert worker.expect(Failed).code == 9


def test_an_unknown_certificate_is_told_and_nothing_is_sent(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.faults[Stage.HELLO] = Fault(keep=0)
    worker.tell(start_for(settings_for(server.port)))

    failed = worker.expect(Failed)

    assert failed.code == 85
    assert base64.b64decode(failed.certificate) == server.certificate.der
    assert Phase.NEGOTIATING not in [m.phase for m in worker.heard if isinstance(m, Progress)]


def test_another_certificate_than_the_accepted_one_is_not_accepted(
    worker: RunningWorker, server: FakeServerThread
) -> None:
    worker.tell(start_for(settings_for(server.port), accepted=make_certificate().sha256))

    failed = worker.expect(Failed)

    assert failed.code == 85
    assert base64.b64decode(failed.certificate) == server.certificate.der


def test_an_accepted_certificate_may_be_for_another_name_and_expired(worker: RunningWorker) -> None:
    with FakeServerThread(certificate=make_certificate("elsewhere.example", expired=True)) as server:
        worker.tell(start_at(server))

        worker.expect(Established)


@pytest.mark.parametrize(
    ("host", "expired", "code"), [("127.0.0.1", False, 0), ("elsewhere.example", False, 149), ("127.0.0.1", True, 106)]
)
def test_the_systems_authorities_vouch_for_name_and_date(
    worker: RunningWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, expired: bool, code: int
) -> None:
    with FakeServerThread(certificate=make_certificate(host, expired=expired)) as server:
        (tmp_path / "authorities.pem").write_bytes(server.certificate.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
        worker.tell(start_for(settings_for(server.port)))

        if code:
            failed = worker.expect(Failed)
            assert failed.code == code
            assert base64.b64decode(failed.certificate) == server.certificate.der
        else:
            worker.expect(Established)


def test_the_users_own_authorities_vouch_beside_the_systems(worker: RunningWorker, server: FakeServerThread) -> None:
    others = make_certificate("127.0.0.1").pem.decode()
    worker.tell(replace(start_for(settings_for(server.port)), authorities=others + server.certificate.pem.decode()))

    worker.expect(Established)


def test_an_authority_of_ones_own_vouches_for_no_other_name(worker: RunningWorker) -> None:
    with FakeServerThread(certificate=make_certificate("elsewhere.example")) as server:
        own = server.certificate.pem.decode()
        worker.tell(replace(start_for(settings_for(server.port)), authorities=own))

        assert worker.expect(Failed).code == 149


def test_an_authority_that_cannot_be_read_is_told(worker: RunningWorker, server: FakeServerThread) -> None:
    nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    worker.tell(replace(start_for(settings_for(server.port)), authorities=nonsense))

    failed = worker.expect(Failed)

    assert (failed.code, "tsunagu ca list" in failed.detail) == (38, True)


def test_an_old_server_is_spoken_to_only_where_the_settings_allow_it(worker: RunningWorker) -> None:
    with FakeServerThread(is_old=True) as server:
        worker.tell(start_at(server))

        assert worker.expect(Failed).code == 150


def test_with_an_old_server_the_true_version_and_cipher_are_told(worker: RunningWorker) -> None:
    with FakeServerThread(is_old=True) as server:
        start = start_at(server)
        worker.tell(replace(start, settings=replace(start.settings, old_tls=True)))

        session = worker.expect(Established).session

    assert session.tls_version == "TLSv1"
    assert session.cipher == "ECDHE-ECDSA-AES256-SHA"


def test_where_old_servers_are_allowed_new_ones_are_spoken_to_as_ever(
    worker: RunningWorker, server: FakeServerThread
) -> None:
    start = start_at(server)
    worker.tell(replace(start, settings=replace(start.settings, old_tls=True)))

    assert worker.expect(Established).session.tls_version == "TLSv1.3"


# -- the way ----------------------------------------------------------------------------------------------------------


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses from now on."""

    def look_up(_host: str, port: int, *_arguments: object) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_an_address_that_swallows_everything_does_not_hold_up_the_next(
    worker: RunningWorker, server: FakeServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as black_hole:
        black_hole.bind(("127.0.0.2", server.port))
        black_hole.listen(0)
        with socket.create_connection(black_hole.getsockname()):  # its backlog is full now
            resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
            worker.tell(start_at(server))  # with 15 s of patience for each address

            assert worker.expect(Established).session.server_address == "127.0.0.1"


def test_an_address_that_refuses_makes_way_for_the_next_at_once(
    worker: RunningWorker, server: FakeServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.1")
    monkeypatch.setattr("tsunagu_tunnel.way.HEAD_START_S", 1000)
    worker.tell(start_at(server))

    assert worker.expect(Established).session.server_address == "127.0.0.1"


def test_where_no_address_answers_each_is_told(hasty: RunningWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    hasty.tell(start_for(settings_for(port)))

    failed = hasty.expect(Failed)

    assert failed.code == 1
    assert f"127.0.0.2 port {port}: " in failed.detail
    assert f"127.0.0.1 port {port}: " in failed.detail


@pytest.fixture
def slow_ipv6(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A name server that answers what it is asked about IPv6 when the event is set, and about IPv4 at once."""
    answered = threading.Event()

    def look_up(_host: str, _port: object, family: int, *_more: object) -> list[tuple[Any, ...]]:
        if family != socket.AF_INET:
            answered.wait()
        addresses = {socket.AF_INET6: "::1", socket.AF_INET: "127.0.0.1"}
        return [
            (kind, socket.SOCK_STREAM, 0, "", (addresses[kind], 0))
            for kind in (socket.AF_INET6, socket.AF_INET)
            if family in (kind, socket.AF_UNSPEC)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answered
    answered.set()


@pytest.mark.usefixtures("slow_ipv6")
def test_a_slow_answer_about_one_family_does_not_hold_up_the_other(
    worker: RunningWorker, server: FakeServerThread
) -> None:
    worker.tell(replace(start_at(server), settings=settings_for(server.port, host="vpn.example.org")))

    assert worker.expect(Established).session.server_address == "127.0.0.1"


def test_what_a_slow_answer_brings_is_tried_when_the_rest_has_failed(
    worker: RunningWorker, slow_ipv6: threading.Event
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with socket.create_server(("::1", port), family=socket.AF_INET6) as late:
        late.settimeout(20)
        worker.tell(start_for(settings_for(port, host="vpn.example.org")))
        while worker.expect(Progress).phase is not Phase.CONNECTING:
            pass

        slow_ipv6.set()

        late.accept()[0].close()


@pytest.mark.usefixtures("slow_ipv6")
def test_an_answer_that_never_comes_is_told_with_the_addresses_that_were_tried(hasty: RunningWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    hasty.tell(start_for(settings_for(port, host="vpn.example.org")))

    failed = hasty.expect(Failed)

    assert (failed.code, failed.detail) == (1, f"127.0.0.1 port {port}: Connection refused")


def test_carriers_start_where_the_settings_say(worker: RunningWorker, server: FakeServerThread) -> None:
    with socket.create_server(("127.0.0.3", 0)) as listener:
        port = listener.getsockname()[1]
    settings = replace(settings_for(server.port, carriers=2), source_address="127.0.0.3", source_port=port)
    worker.tell(replace(start_at(server), settings=settings))
    worker.expect(Established)

    server.wait_until(lambda mind: len(mind.carriers) == 2)

    assert server.peers() == [("127.0.0.3", port), ("127.0.0.3", port + 1)]


def test_a_source_address_that_is_not_ours_is_told(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(replace(start_at(server), settings=replace(settings_for(server.port), source_address="192.0.2.7")))

    failed = worker.expect(Failed)

    assert failed.code == 1
    assert "cannot start from 192.0.2.7" in failed.detail


def test_a_proxy_that_is_not_there_is_told_as_that(worker: RunningWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    proxy = Proxy(kind=ProxyKind.HTTP, host="127.0.0.1", port=port)
    worker.tell(start_for(replace(settings_for(443), proxy=proxy)))

    assert worker.expect(Failed).code == 17


@pytest.mark.parametrize(("proxys_host", "code"), [("127.0.0.1", 1), ("no-such-proxy.invalid", 17)])
def test_whose_name_was_not_found_is_told(worker: RunningWorker, proxys_host: str, code: int) -> None:
    proxy = Proxy(kind=ProxyKind.SOCKS4, host=proxys_host, port=1080)  # to which the server's address has to be told
    worker.tell(start_for(replace(settings_for(443, host="no-such-host.invalid"), proxy=proxy)))

    assert worker.expect(Failed).code == code


def test_a_proxy_that_falls_silent_is_given_up(hasty: RunningWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(kind=ProxyKind.SOCKS5, host="127.0.0.1", port=listener.getsockname()[1])
        hasty.tell(start_for(replace(settings_for(443), proxy=proxy)))

        assert hasty.expect(Failed).code == 18


# -- what is no server, or not for long -------------------------------------------------------------------------------


def test_a_name_that_does_not_exist_is_told_by_name(worker: RunningWorker) -> None:
    worker.tell(start_for(settings_for(443, host="no-such-host.invalid")))

    failed = worker.expect(Failed)

    assert failed.code == 1
    assert "the name no-such-host.invalid was not found" in failed.detail


def test_a_closed_port_is_told_as_refused(worker: RunningWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    worker.tell(start_for(settings_for(port)))

    failed = worker.expect(Failed)

    assert failed.code == 1
    assert "refused" in failed.detail


def test_a_full_backlog_is_a_time_out(hasty: RunningWorker) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            hasty.tell(start_for(settings_for(listener.getsockname()[1])))

            failed = hasty.expect(Failed)

    assert failed.code == 1
    assert "did not answer" in failed.detail


@pytest.mark.parametrize(
    ("greeting", "codes"),
    [
        (b"", {152}),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", {2}),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", {2}),
        (b"\x00\xff" * 400, {2, 152}),
        (b"\x16\x03\x03\x40\x00" + b"\x02" * 100, {2, 152}),
        (b"\x15\x03\x03\x00\x02\x02\x46", {150}),
        (b"\x15\x03\x03\x00\x02\x02\x28", {151}),
    ],
    ids=["silence", "ssh", "http", "garbage", "almost TLS", "alert: version", "alert: cipher"],
)
def test_a_port_that_speaks_something_else(hasty: RunningWorker, greeting: bytes, codes: set[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hasty.tell(start_for(settings_for(listener.getsockname()[1])))
        peer, _ = listener.accept()
        with peer:
            peer.sendall(greeting)

            assert hasty.expect(Failed).code in codes


def test_a_line_cut_before_tls_stands(hasty: RunningWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hasty.tell(start_for(settings_for(listener.getsockname()[1])))
        listener.accept()[0].close()

        failed = hasty.expect(Failed)

    assert failed.code == 3
    assert "TLS" in failed.detail


@pytest.mark.parametrize("stage", [Stage.HELLO, Stage.LOGIN])
@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Fault(keep=0, close=True), {3}),
        (Fault(keep=40, close=True), {3}),
        (Fault(keep=0), {3}),
        (Fault(keep=40), {3}),
        (Fault(replace=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), {2}),
        (Fault(replace=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nmoin"), {2}),
        (Fault(replace=b"\0\1\2\3" * 5000), {2}),
        (
            Fault(
                replace=b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                b"Content-Length: 4294967295\r\n\r\n"
            ),
            {2, 4},
        ),
    ],
    ids=["cut", "cut in the middle", "silence", "half an answer", "403", "a web page", "garbage", "huge"],
)
def test_a_server_that_fails_in_the_handshake(
    hasty: RunningWorker, server: FakeServerThread, stage: Stage, fault: Fault, codes: set[int]
) -> None:
    with server.locked() as mind:
        mind.faults[stage] = fault
    hasty.tell(start_at(server))

    assert hasty.expect(Failed).code in codes
    assert hasty.end() == 1


def test_a_server_that_asks_for_patience_gets_it() -> None:
    with FakeServerThread(keepalive_s=0.25) as server, RunningWorker(Limits(handshake_s=3)) as worker:
        with server.locked() as mind:
            mind.not_yet = 16
        worker.tell(start_at(server))

        worker.expect(Established)


def test_a_line_that_is_cut_before_tls_begins_leaves_nothing_open() -> None:
    """The warning of what is left open would fail this test."""
    settings = settings_for(443)
    dialler = Dialler(lambda _phase, _detail: None, limits=Limits(), random=Random(1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname())
        line, _ = listener.accept()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()  # which resets it
        cut = select.poll()
        cut.register(plain, 0)
        assert cut.poll(20_000)
    place = Place("127.0.0.1", "127.0.0.1", 443, Hop(socket.AF_INET, "127.0.0.1", 443))

    with pytest.raises(TunnelError) as told:
        next(dialler._start_tls(plain, place, contexts_for(settings, "").unverified))

    assert told.value.code == 3
    gc.collect()


# -- the helper's side ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.RESOLVING, Phase.VERIFYING, Phase.AUTHENTICATING, Phase.ESTABLISHING])
@pytest.mark.parametrize("way", ["stop", "hang up"])
def test_a_worker_leaves_when_told_wherever_it_is(
    worker: RunningWorker, server: FakeServerThread, phase: Phase, way: str
) -> None:
    with server.locked() as mind:
        if phase is Phase.AUTHENTICATING:
            mind.faults[Stage.LOGIN] = Fault(keep=0)
    worker.tell(start_at(server))
    while worker.expect(Progress).phase is not phase:
        pass

    if way == "stop":
        worker.tell(Stop())
    else:
        worker.hang_up()

    assert worker.end() == 0
    server.wait_until(lambda mind: not mind.carriers)


def test_a_worker_leaves_before_it_has_begun(worker: RunningWorker) -> None:
    worker.tell(Stop())

    assert worker.end() == 0


def test_a_second_start_ends_the_worker(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)
    worker.tell(start_at(server))

    assert worker.end() == 0


def test_what_was_sent_before_the_stop_still_arrives(worker: RunningWorker, server: FakeServerThread) -> None:
    worker.tell(start_at(server))
    worker.expect(Established)
    worker.nic.send(frame(b"last words"))
    server.wait_until(lambda mind: len(mind.received) == 1)
    worker.tell(Stop())

    assert worker.end() == 0
    server.wait_until(lambda mind: not mind.carriers)


def test_statistics_before_a_session_are_zeros(worker: RunningWorker) -> None:
    worker.tell(ReportStatistics())

    assert worker.expect(StatisticsReport).statistics.carriers == 0


def test_a_lease_comes_from_the_hub_and_goes_back_at_the_end(worker: RunningWorker, server: FakeServerThread) -> None:
    with server.locked() as mind:
        mind.on_frame = DhcpServer()
    worker.tell(replace(start_at(server), settings=replace(settings_for(server.port), addressing=Addressing.DHCP)))
    worker.expect(Established)

    lease = worker.expect(Leased).lease
    worker.tell(Stop())

    assert lease.address == "192.168.77.23"
    assert worker.end() == 0
    assert not [m for m in worker.heard if isinstance(m, NoLease)]


def test_a_lease_is_kept_where_we_come_back_for_it(worker: RunningWorker, server: FakeServerThread) -> None:
    dhcp = DhcpServer()
    with server.locked() as mind:
        mind.on_frame = dhcp
    worker.tell(replace(start_at(server), settings=replace(settings_for(server.port), addressing=Addressing.DHCP)))
    worker.expect(Leased)

    worker.tell(Stop(keep_address=True))

    assert worker.end() == 0
    assert RELEASE not in [kind for kind, _ in dhcp.heard]
