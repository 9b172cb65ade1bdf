"""The traffic test's protocol: client and server in memory, and whatever else may answer, however it is cut."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_proxy import pieces
from tsunagu_tray.traffic import (
    BLOCK,
    END,
    GREETING,
    MARK,
    Direction,
    Request,
    TrafficClient,
    TrafficError,
    TrafficServer,
    payload,
)

u64 = st.integers(0, 2**64 - 1)
requests = st.builds(Request, st.sampled_from(Direction), u64, u64)
cuts = st.lists(st.integers(0, 10_000))
data = st.binary(max_size=2000).map(lambda octets: octets.replace(MARK, b"_"))


@given(requests, data, cuts)
def test_an_upload_is_counted_without_its_end(asked: Request, sent: bytes, cut: list[int]) -> None:
    server = TrafficServer()
    client = TrafficClient(Direction.UP)

    for piece in pieces(Request(Direction.UP, asked.session, asked.span_ms).octets + sent, cut):
        server.receive_data(piece)
    assert (server.received, server.report) == (len(sent), b"")
    server.receive_data(END)
    server.receive_data(END)
    for piece in pieces(GREETING + server.report * 3, cut):
        client.receive_data(piece)

    assert client.reported == server.received == len(sent)


@given(data, cuts)
def test_a_download_is_counted_without_the_greeting(sent: bytes, cut: list[int]) -> None:
    client = TrafficClient(Direction.DOWN)

    for piece in pieces(GREETING + sent, cut):
        client.receive_data(piece)

    assert client.is_greeted
    assert client.received == len(sent)


@given(requests, cuts)
def test_a_server_knows_what_is_asked_of_it(asked: Request, cut: list[int]) -> None:
    server = TrafficServer()

    for piece in pieces(asked.octets, cut):
        assert server.request is None
        server.receive_data(piece)

    assert server.request == asked


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n", b"Traffic server", b"\0", GREETING[:-1] + b"x"])
def test_another_kind_of_server_is_known_at_its_first_wrong_octet(answer: bytes) -> None:
    with pytest.raises(TrafficError):
        TrafficClient(Direction.DOWN).receive_data(answer)


def test_a_request_that_names_no_direction_is_refused() -> None:
    with pytest.raises(TrafficError):
        TrafficServer().receive_data(b"\2" + bytes(16))


@given(st.binary(max_size=200), cuts)
def test_any_octets_are_taken_in_the_same_way_however_they_are_cut(octets: bytes, cut: list[int]) -> None:
    for make in (lambda: TrafficClient(Direction.UP), lambda: TrafficClient(Direction.DOWN), TrafficServer):
        outcomes = []
        for parts in ([octets], pieces(octets, cut)):
            side = make()
            with suppress(TrafficError):
                for part in parts:
                    side.receive_data(part)
            outcomes.append({name: value for name, value in vars(side).items() if name != "_unread"})
        assert outcomes[0] == outcomes[1]


def test_a_block_has_no_end_in_it() -> None:
    block = payload(Random(1))

    assert len(block) == BLOCK
    assert MARK not in block
