"""The HTTP around packs."""

import pytest

from tests.unit.softether.recorded import RecordedPack, recorded_packs
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.errors import ProtocolError

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n"


@pytest.mark.parametrize("recorded", recorded_packs(), ids=repr)
def test_recorded_messages_are_read(recorded: RecordedPack) -> None:
    reader = http.AnswerReader() if recorded.head.startswith("HTTP") else http.MessageReader()
    reader.receive_data(recorded.head.encode() + recorded.octets)

    message = reader.next_message()

    assert message is not None
    assert message.body == recorded.octets


def test_what_follows_a_message_is_kept() -> None:
    reader = http.AnswerReader()
    reader.receive_data(OK + b"abc\0\0\0\x01")

    message = reader.next_message()

    assert message is not None
    assert message.body == b"abc"
    assert reader.rest() == b"\0\0\0\x01"
    assert reader.rest() == b""


def test_a_message_comes_when_its_last_octet_does() -> None:
    reader = http.AnswerReader()
    whole = http.answer(b"abc")
    for octet in whole[:-1]:
        reader.receive_data(bytes([octet]))
        assert reader.next_message() is None
    reader.receive_data(whole[-1:])

    message = reader.next_message()

    assert message is not None
    assert message.body == b"abc"


@pytest.mark.parametrize(
    "octets",
    [
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2",  # says no more until we speak
        b"220 mail.example.org ESMTP\r\n",
        b"\x15\x03\x01\x00\x02",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://hotel.example/login\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n",
        OK.replace(b"Length: 3", b"Length: -3"),
        OK.replace(b"Length: 3", "Length: ３".encode()),
        OK.replace(b"Length: 3", b"Length: 9999999999999999999999"),
        OK.replace(b"Length", b"Width"),
        b"HTTP/1.1 200 " + b"O" * 8192,
    ],
)
def test_what_is_not_a_vpn_server_is_recognised_at_once(octets: bytes) -> None:
    reader = http.AnswerReader()
    reader.receive_data(octets)

    with pytest.raises(ProtocolError) as caught:
        reader.next_message()

    assert caught.value.code == 2


def test_a_body_over_the_cap_is_refused_before_it_comes() -> None:
    reader = http.AnswerReader()
    reader.receive_data(OK.replace(b"Length: 3", b"Length: 67108865"))

    with pytest.raises(ProtocolError, match="too large"):
        reader.next_message()
