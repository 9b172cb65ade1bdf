"""The status window's fields and texts."""

from dataclasses import replace

import pytest

from tests.fakes_helper import SESSION, SETTINGS
from tsunagu.errors import NoAgent, TunnelError
from tsunagu.model import Phase, State, Statistics, Traffic
from tsunagu_helper.connection import Connection
from tsunagu_helper.runner import Facts
from tsunagu_helper.status import last_error, shown_addresses, status, status_text

IDLE = Connection(settings=SETTINGS)
UP = replace(IDLE, state=State.UP, phase=Phase.ESTABLISHED, session=SESSION, established_at=5.0)
FACTS = Facts(interface="tsunagu0", addresses=("192.168.77.23/24",), routes=("192.168.77.0/24",))


def test_the_fields_are_the_same_in_every_state_and_have_the_same_types() -> None:
    types = {name: type(value) for name, value in status(UP, FACTS, Statistics()).items()}

    for state in State:
        now = replace(IDLE, state=state, session=SESSION if state is State.UP else None)
        assert {name: type(value) for name, value in status(now, FACTS, Statistics()).items()} == types


def test_offline_all_of_the_session_is_empty() -> None:
    shown = status(IDLE, Facts(), Statistics())

    assert not any(value for name, value in shown.items() if name not in ("name", "state", "status_text"))


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (IDLE, "Idle"),
        (UP, "Connection completed (session established)"),
        (replace(IDLE, state=State.WAITING), "Retrying"),
        (replace(IDLE, state=State.NEEDS_SECRET), "Trying to connect"),
        (replace(IDLE, state=State.CONNECTING, phase=Phase.RESOLVING), "Connection to VPN Server started"),
        (replace(IDLE, state=State.CONNECTING, phase=Phase.NEGOTIATING), "Negotiating"),
        (replace(IDLE, state=State.CONNECTING, phase=Phase.AUTHENTICATING), "Authenticating user"),
        (replace(IDLE, state=State.CONNECTING, phase=Phase.ESTABLISHING), "Connection is established"),
        (replace(IDLE, state=State.CONNECTING, phase=Phase.REDIRECTED), "Trying to connect"),
    ],
)
def test_the_manuals_eight_texts(now: Connection, text: str) -> None:
    assert status_text(now) == text


def test_counters_are_by_way_and_kind() -> None:
    statistics = Statistics(sent=Traffic(unicast_packets=1), received=Traffic(broadcast_octets=4))

    shown = status(UP, FACTS, statistics)

    assert (shown["sent_unicast_packets"], shown["received_broadcast_octets"]) == (1, 4)


@pytest.mark.parametrize(
    ("version", "in_use", "said"), [(0, False, "unsupported"), (2, False, "supported"), (2, True, "in use")]
)
def test_udp_acceleration_is_supported_or_in_use(version: int, in_use: bool, said: str) -> None:
    now = replace(UP, session=replace(SESSION, udp_version=version))

    shown = status(now, FACTS, Statistics(udp_in_use=in_use))

    assert (shown["udp_acceleration"], shown["udp_acceleration_version"]) == (said, version)


def test_compression_is_told_by_what_it_saves() -> None:
    compressed = replace(UP, session=replace(SESSION, compressed=True))
    traffic = Statistics(
        sent=Traffic(unicast_octets=600), received=Traffic(broadcast_octets=400), wire_received_octets=300
    )

    assert status(compressed, FACTS, traffic)["compression_saved_percent"] == 70
    assert status(UP, FACTS, traffic)["compression_saved_percent"] == 0
    assert status(compressed, FACTS, Statistics())["compression_saved_percent"] == 0
    padded = replace(traffic, wire_sent_octets=5000)
    assert status(compressed, FACTS, padded)["compression_saved_percent"] == 0


def test_what_carries_the_session_is_told_by_the_address_in_use() -> None:
    proxied = replace(UP, session=replace(SESSION, carrier_address="2001:db8::1"))

    assert status(UP, FACTS, Statistics())["underlay"] == "TCP over IPv4"
    assert status(proxied, FACTS, Statistics())["underlay"] == "TCP over IPv6"


def test_both_certificates_of_a_session_are_there() -> None:
    now = replace(UP, session=replace(SESSION, client_certificate="REVG"))

    shown = status(now, FACTS, Statistics())

    assert (shown["server_certificate"], shown["client_certificate"]) == ("QUJD", "REVG")


def test_an_address_is_shown_only_while_it_is_of_use() -> None:
    assert shown_addresses(UP, FACTS) == ["192.168.77.23/24"]
    assert shown_addresses(replace(IDLE, state=State.WAITING), FACTS) == []


def test_an_error_has_a_name_a_code_and_a_sentence() -> None:
    assert last_error(None) == ("", 0, "")
    assert last_error(NoAgent("Nobody is there")) == ("NoAgent", 0, "Nobody is there")
    assert last_error(TunnelError(9)) == ("AuthFailed", 9, "User name or password is wrong (error 9)")
