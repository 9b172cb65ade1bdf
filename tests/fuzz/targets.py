"""Every parser of octets from outside: what it is given, and the only errors it may answer with.

The first octet says where the stream is cut in two, so that the fuzzer finds out about pieces, too.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Protocol

from tsunagu import account_file, control
from tsunagu.errors import InvalidSettings, TunnelError
from tsunagu.setting_text import InvalidFile
from tsunagu_dbus import to_variants
from tsunagu_helper import bus
from tsunagu_tray.traffic import Direction, TrafficClient, TrafficError, TrafficServer
from tsunagu_tunnel import mss
from tsunagu_tunnel.dhcp import DhcpClient
from tsunagu_tunnel.frames import Datagram, decode_datagram, encode_datagram
from tsunagu_tunnel.proxy import HttpDialogue, Socks4Dialogue, Socks5Dialogue, Target
from tsunagu_tunnel.softether import http
from tsunagu_tunnel.softether.auth import Anonymous
from tsunagu_tunnel.softether.carrier import CarrierDecoder
from tsunagu_tunnel.softether.compression import CompressedCarrierDecoder
from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.handshake import AdditionalHandshake, Handshake, HubsHandshake, Login, LoginHandshake
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.udp_acceleration import KEY_SIZE, UdpAcceleration, UdpTerms
from tsunagu_tunnel.softether.udp_offer import UdpOffer

MAC = b"\x5e\xaa\0\0\0\x01"
SERVER = "10.99.0.1"


class _Dialogue(Protocol):
    def data_to_send(self) -> bytes: ...
    def receive_data(self, data: bytes, /) -> bool: ...


def _pieces(data: bytes) -> list[bytes]:
    """All but the first octet, in two pieces."""
    at = data[0] * 4 if data else 0
    return [data[1:][:at], data[1:][at:]]


def pack(data: bytes) -> None:
    """A message of the handshake; what is read can be written, and is the same then."""
    with suppress(ProtocolError):
        read = Pack.decode(data)
        assert Pack.decode(read.encode()).encode() == read.encode()


def http_answer(data: bytes) -> None:
    """What a server answers to a request."""
    reader = http.AnswerReader()
    with suppress(ProtocolError):
        for piece in _pieces(data):
            reader.receive_data(piece)
            while reader.next_message():
                pass


def login(data: bytes) -> None:
    """All that a server says to a login: hello, then welcome, redirect or refusal."""
    user = Login(hub="LAB", username="anon", credentials=Anonymous(), machine_id=bytes(16), max_carriers=8)
    offer = UdpOffer.of("10.99.0.2", 40000, accepts_version_1=True, random=Random(1))
    _shake_hands(LoginHandshake(user, address=SERVER, port=443, random=Random(1), udp_offer=offer), data)


def joining(data: bytes) -> None:
    """All that a server says to a further carrier."""
    _shake_hands(AdditionalHandshake(bytes(20), address=SERVER, random=Random(1)), data)


def hubs(data: bytes) -> None:
    """All that a server says to whoever asks for its hubs."""
    _shake_hands(HubsHandshake(address=SERVER, random=Random(1)), data)


def _shake_hands(handshake: Handshake, data: bytes) -> None:
    with suppress(TunnelError):
        for piece in _pieces(data):
            handshake.receive_data(piece)
            handshake.data_to_send()


def carrier(data: bytes) -> None:
    """Frames of a session; they come out the same however the stream is cut."""
    _decode(CarrierDecoder, data)


def compressed_carrier(data: bytes) -> None:
    """The same, each frame compressed."""
    _decode(CompressedCarrierDecoder, data)


def _decode(decoder: Callable[[], CarrierDecoder], data: bytes) -> None:
    whole = cut = None
    with suppress(ProtocolError):
        whole = decoder().receive_data(data[1:])
    with suppress(ProtocolError):
        of_pieces = decoder()
        cut = [frame for piece in _pieces(data) for frame in of_pieces.receive_data(piece)]
    assert whole == cut
    assert all(14 <= len(frame) <= 1600 for frame in whole or ())


def http_proxy(data: bytes) -> None:
    """What an HTTP proxy answers."""
    _negotiate(HttpDialogue(Target("vpn.example.org", 443), username="u", password="p"), data)


def socks4_proxy(data: bytes) -> None:
    """What a SOCKS4 proxy answers."""
    _negotiate(Socks4Dialogue(Target(SERVER, 443), username="u"), data)


def socks5_proxy(data: bytes) -> None:
    """What a SOCKS5 proxy answers."""
    _negotiate(Socks5Dialogue(Target("vpn.example.org", 443), username="u", password="p"), data)


def _negotiate(dialogue: _Dialogue, data: bytes) -> None:
    with suppress(TunnelError):
        for piece in _pieces(data):
            dialogue.data_to_send()
            if piece and dialogue.receive_data(piece):
                return
        dialogue.receive_data(b"")


def udp_datagram(data: bytes) -> None:
    """What comes by UDP acceleration, in the clear and sealed."""
    for version, encrypted in ((1, False), (1, True), (2, True)):
        key = bytes(KEY_SIZE[version - 1])
        terms = UdpTerms(
            version=version, encrypted=encrypted, fast=False, our_key=key, their_key=key,
            our_cookie=1, their_cookie=2, port=40000,
        )  # fmt: skip
        path = UdpAcceleration(terms, 0.0, compress=False, max_datagram=1426, random=Random(1))
        frames = path.receive([data, path._seal.seal(data)], 40000, 1.0)
        assert all(14 <= len(frame) <= 1600 for frame in frames)
        path.tick(2.0)


def dhcp_reply(data: bytes) -> None:
    """The payload of a reply, to a client that has asked."""
    client = DhcpClient(MAC, 0.0, random=Random(1))
    client.tick(0.0)
    [question, *_] = client.frames_to_send()
    asked = decode_datagram(question)
    assert asked is not None
    payload = data[:4] + asked.payload[4:8] + data[8:]  # else hardly one would be for us
    reply = encode_datagram(
        Datagram(
            source_mac=bytes(6), destination_mac=MAC, source=bytes(4), destination=bytes(4),
            source_port=67, destination_port=68, payload=payload[:1400],
        )
    )  # fmt: skip
    client.receive_frame(reply, 1.0)
    client.tick(2.0)
    client.receive_frame(reply, 3.0)
    client.frames_to_send()
    assert client.next_deadline() > 0


def frame(data: bytes) -> None:
    """An Ethernet frame from the hub."""
    decode_datagram(data)
    DhcpClient(MAC, 0.0, random=Random(1)).receive_frame(data, 1.0)
    [clamped] = mss.clamp([data], 1400)
    assert len(clamped) == len(data)


def setting_file(data: bytes) -> None:
    """A setting file of the official client; what is read can be written, and is the same then."""
    with suppress(InvalidFile):
        written = account_file.serialise(account_file.parse(data))
        assert account_file.serialise(account_file.parse(written)) == written


def control_message(data: bytes) -> None:
    """What a worker may say to the helper."""
    with suppress(control.ControlError):
        message = control.decode(data)
        assert control.decode(control.encode(message)) == message


def traffic(data: bytes) -> None:
    """What either side of the traffic test hears from the other."""
    for side in (TrafficClient(Direction.UP), TrafficClient(Direction.DOWN), TrafficServer()):
        with suppress(TrafficError):
            for piece in _pieces(data):
                side.receive_data(piece)


def bus_arguments(data: bytes) -> None:
    """What callers on the bus may hand over as settings and secrets."""
    try:
        values = json.loads(data)
        arguments = to_variants(values)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return
    for convert in (bus._settings, bus._secrets):
        with suppress(InvalidSettings):
            convert(arguments)


TARGETS: Sequence[Callable[[bytes], None]] = (
    pack, http_answer, login, joining, hubs, carrier, compressed_carrier, http_proxy, socks4_proxy, socks5_proxy,
    udp_datagram, dhcp_reply, frame, setting_file, control_message, bus_arguments, traffic,
)  # fmt: skip
