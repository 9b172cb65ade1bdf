"""A connection joined to the NIC without the interpreter moves what the interpreter would, and tells how it ends."""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import make_certificate
from tests.property.test_fast_path import MAC, blocks_of, conversations, nic, packets_at, super_packets
from tests.reference_path import frames_of
from tsunagu_tunnel.dataplane import Stream
from tsunagu_tunnel.softether.carrier import encode_frames
from tsunagu_tunnel.softether.errors import ProtocolError

fastpath = pytest.importorskip("tsunagu_tunnel.fastpath", reason="there was no compiler")

KINDS = ["plain", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
FRAME = MAC + b"\x88\xb5" + bytes(46)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    certificate = make_certificate()
    pem = tmp_path_factory.mktemp("certificate") / "server.pem"
    pem.write_bytes(certificate.pem + certificate.key_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client, server


@contextmanager
def connection(kind: object, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[Stream, Stream]]:
    """Ours and the server's end, both non-blocking."""
    with ExitStack() as stack:
        ends: list[Stream] = [stack.enter_context(end) for end in socket.socketpair()]
        for end in ends:
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        if isinstance(kind, ssl.TLSVersion):
            contexts[0].maximum_version = contexts[0].minimum_version = ssl.TLSVersion.TLSv1_2
            contexts[0].maximum_version = contexts[0].minimum_version = kind
            ends = [
                stack.enter_context(context.wrap_socket(end, server_side=side, do_handshake_on_connect=False))
                for context, end, side in zip(contexts, ends, (False, True), strict=True)
            ]
            waiting = list(ends)
            while waiting:
                for end in list(waiting):
                    assert isinstance(end, ssl.SSLSocket)
                    try:
                        end.do_handshake()
                        waiting.remove(end)
                    except ssl.SSLWantReadError:
                        pass
        yield ends[0], ends[1]


def all_at(end: Stream) -> bytes:
    """What has come there."""
    data = b""
    try:
        while got := end.recv(1 << 16):
            data += got
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    return data


@pytest.mark.parametrize("kind", KINDS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(frames=conversations(), packets=st.lists(super_packets(), max_size=3), small=st.booleans(), sends=st.booleans())
def test_it_moves_what_the_interpreter_would(
    kind: object,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    frames: list[bytes],
    packets: list[bytes],
    small: bool,
    sends: bool,
) -> None:
    stream = encode_frames(frames)
    with connection(kind, contexts) as (ours, theirs), nic() as (tap_end, nic_end), nic() as (other_tap, other_nic):
        if small:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        feeder = fastpath.Tap(other_tap.fileno()).feeder(dhcp=True)
        expected_own = feeder.feed(stream)
        link = fastpath.Tap(tap_end.fileno()).feeder(dhcp=True).join(ours)
        assert link is not None
        theirs.send(stream)
        for packet in packets:
            nic_end.send(packet)

        own = link.exchange(readable=True, sends=sends)
        sent = all_at(theirs)
        for _ in range(1000):
            if link.flush():
                own += link.exchange(readable=False, sends=sends)
            sent += (got := all_at(theirs))
            if not got and not link.is_full:
                break

        assert own == expected_own
        assert packets_at(nic_end) == packets_at(other_nic)
        assert blocks_of(sent) == ([frame for packet in packets for frame in frames_of(packet)] if sends else [])
        assert (link.sent_octets, link.received_octets) == (len(sent), len(stream))
        assert (link.is_full, link.unsent, link.has_ended) == (False, b"", False)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_of_a_block_is_kept(kind: object, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    block = bytearray(encode_frames([FRAME] * 40_000))
    with connection(kind, contexts) as (ours, theirs), nic() as (tap_end, nic_end):
        link = fastpath.Tap(tap_end.fileno()).feeder(dhcp=False).join(ours)
        assert link is not None
        assert not link.send(memoryview(block))
        with pytest.raises(BufferError):
            block.clear()
        assert link.is_full
        assert bytes(block).endswith(link.unsent)
        nic_end.send(bytes(10) + FRAME)
        assert link.exchange(readable=False, sends=True) == []  # the NIC's frame waits
        got = all_at(theirs)
        while not link.flush():
            got += all_at(theirs)
        got += all_at(theirs)
        assert got == block
        block.clear()  # it is held no longer
        link.exchange(readable=False, sends=True)

        assert blocks_of(all_at(theirs)) == [FRAME]


@pytest.mark.parametrize("kind", KINDS)
def test_its_end_is_told(kind: object, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with connection(kind, contexts) as (ours, theirs), nic() as (tap_end, nic_end):
        link = fastpath.Tap(tap_end.fileno()).feeder(dhcp=False).join(ours)
        assert link is not None
        theirs.send(encode_frames([FRAME]))
        if isinstance(theirs, ssl.SSLSocket):
            with pytest.raises(ssl.SSLWantReadError):
                theirs.unwrap()
        else:
            theirs.shutdown(socket.SHUT_WR)

        link.exchange(readable=True, sends=False)

        assert link.has_ended
        assert packets_at(nic_end) == [bytes(10) + FRAME]


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_is_of_no_use_any_more_is_told(
    kind: object, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with connection(kind, contexts) as (ours, theirs), nic() as (tap_end, _nic_end):
        feeder = fastpath.Tap(tap_end.fileno()).feeder(dhcp=False)
        link = feeder.join(ours)
        assert link is not None
        theirs.send(b"\0\0\0\1\0\0\x0c\x81")  # a frame of 3201 octets
        with pytest.raises(ProtocolError):
            link.exchange(readable=True, sends=False)
        theirs.close()

        with pytest.raises(OSError, match=r"Errno"):
            link.send(FRAME)
        ours.close()
        with pytest.raises(OSError, match=r"Errno"):
            link.exchange(readable=True, sends=False)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_what_is_no_tls_is_told(kind: object, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with connection(kind, contexts) as (ours, theirs), nic() as (tap_end, _nic_end):
        link = fastpath.Tap(tap_end.fileno()).feeder(dhcp=False).join(ours)
        assert link is not None
        with socket.socket(fileno=theirs.detach()) as plain:
            plain.send(struct.pack(">BHH", 23, 0x0303, 40) + bytes(40))

            with pytest.raises(OSError, match=r"Errno"):
                link.exchange(readable=True, sends=False)


def test_tls_that_cannot_be_told_apart_is_left_to_the_interpreter(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with connection(ssl.TLSVersion.TLSv1_3, contexts) as (ours, _theirs), nic() as (tap_end, _nic_end):
        assert isinstance(ours, ssl.SSLSocket)
        feeder = fastpath.Tap(tap_end.fileno()).feeder(dhcp=False)
        number = ours.detach()  # the socket object lives on with its TLS, another one has its descriptor
        with (
            socket.socket(fileno=number) as plain,
            contexts[0].wrap_socket(plain, do_handshake_on_connect=False) as another,
        ):
            assert feeder.join(another) is None
