"""The details window's fields and the throughput graph's rates, from values."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes_helper import LEASE, SESSION, SETTINGS
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, State, Statistics, Traffic
from tsunagu_helper.connection import Connection
from tsunagu_helper.runner import Facts
from tsunagu_helper.status import status
from tsunagu_tray.details_model import NOTHING, SECTIONS, as_text, sections, size, speed, status_key
from tsunagu_tray.texts import SENTENCES, Texts
from tsunagu_tray.throughput import KEPT_S, Throughput

ENGLISH, JAPANESE = Texts("en"), Texts("ja")
IDLE = Connection(settings=SETTINGS)
UP = replace(
    IDLE, state=State.UP, phase=Phase.ESTABLISHED, session=replace(SESSION, session_key="ab" * 20), started_at=1e9,
    first_established_at=1e9, established_at=1e9, established_count=1, lease=LEASE, lease_until=2e9,
)  # fmt: skip
STATISTICS = Statistics(
    carriers=2, sent=Traffic(unicast_packets=1234), received=Traffic(broadcast_octets=2048), wire_sent_octets=5_000_000
)
FACTS = Facts(interface="tsunagu0", addresses=("192.168.77.23/24",), routes=("192.168.77.0/24",))


def told(now: Connection) -> dict[str, Any]:
    return dict(status(now, FACTS, STATISTICS))


def values(now: Connection, texts: Texts = ENGLISH) -> dict[str, str]:
    return {line.key: line.value for section in sections(told(now), texts) for line in section.lines}


def test_every_field_the_helper_tells_has_its_row() -> None:
    elsewhere = {"state", "phase", "message", "policy", "error_code", "error_name", "attempt"}
    elsewhere |= {"saved_secrets", "password_kept", "proxy_password_kept", "server_certificate", "client_certificate"}
    rows = {field.key for fields in SECTIONS.values() for field in fields}

    assert told(UP).keys() - elsewhere - rows == set(), "give it a row in details_model.SECTIONS, and its words"


def test_a_session_shows_its_values_in_words() -> None:
    shown = values(UP)

    assert shown["server_port"] == "TCP port 443"
    assert shown["encrypted"] == "yes"
    assert shown["half_duplex"] == "no"
    assert shown["sent_octets"] == "5.0 MB (5,000,000 bytes)"
    assert shown["sent_unicast_packets"] == "1,234 packets"
    assert shown["established_count"] == "1"
    assert shown["vlan_id"] == NOTHING
    assert "error_text" not in shown


def test_without_a_session_only_what_is_always_meant_has_a_value() -> None:
    shown = values(replace(IDLE, state=State.CONNECTING, started_at=1e9, error=TunnelError(1)))

    assert {key for key, value in shown.items() if value != NOTHING} == {
        "name", "status_text", "started_at", "established_count", "interface", "error_text",
    }  # fmt: skip


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE])
def test_what_is_sent_to_others_has_all_but_the_session_key(texts: Texts) -> None:
    text = as_text(told(UP), texts)

    assert "SID-ALICE-1" in text
    assert "192.168.77.23/24" in text
    assert "abab" not in text
    assert "********" in text
    assert NOTHING not in text


def test_every_status_text_of_the_helper_is_translated() -> None:
    for now in (IDLE, UP, *(replace(IDLE, state=state, phase=phase) for state in State for phase in Phase)):
        assert f"session_status_{status_key(str(told(now)['status_text']))}" in SENTENCES


@pytest.mark.parametrize(("octets", "words"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456_789, "123 MB")])
def test_sizes_are_short(octets: int, words: str) -> None:
    assert size(octets) == words


def test_speeds_are_in_bits() -> None:
    assert [speed(rate) for rate in (0, 100, 125_000, 125_000_000)] == [
        "0 bit/s",
        "800 bit/s",
        "1.0 Mbit/s",
        "1.0 Gbit/s",
    ]


def test_a_rate_is_what_went_by_in_its_time() -> None:
    throughput = Throughput()
    throughput.add(10.0, 1000, 0)
    throughput.add(10.5, 2000, 500)

    assert (throughput.now.sent, throughput.now.received) == (2000, 1000)
    assert throughput.scale == 2000


def test_a_new_sessions_counters_begin_a_new_graph() -> None:
    throughput = Throughput()
    for time, sent in ((1, 0), (2, 900), (3, 10), (4, 20)):
        throughput.add(time, sent, 0)

    assert [rate.sent for rate in throughput.rates] == [10]


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 10**12), st.integers(0, 10**12)), max_size=50))
def test_rates_are_never_negative_never_older_than_a_minute_and_fit_the_graph(
    counters: list[tuple[float, int, int]],
) -> None:
    throughput = Throughput()
    for time, sent, received in sorted(counters, key=lambda each: each[0]):
        throughput.add(time, sent, received)
        throughput.add(time + 0.5, sent + 1, received)

    assert all(0 <= rate.sent <= throughput.scale for rate in throughput.rates if throughput.scale < 10**14)
    if throughput.rates:
        assert throughput.rates[-1].time - throughput.rates[0].time <= KEPT_S
