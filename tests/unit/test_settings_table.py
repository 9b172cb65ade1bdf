"""The settings editor's rows and complaints, from values."""

from dataclasses import fields, replace

import pytest
from hypothesis import given

from tests.property.settings import connection_settings
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind
from tsunagu_tray.settings_table import (
    ELSEWHERE,
    TABLE,
    is_complete,
    lines,
    problem,
    secrets_of,
    settings_of,
    values_of,
)
from tsunagu_tray.texts import SENTENCES

SAVED = ConnectionSettings(name="Office", host="vpn.example.org", hub="STAFF", username="mika", foreign="kept")


def test_every_setting_has_a_row() -> None:
    rows = {row.field for row in TABLE} | ELSEWHERE.keys()

    assert {field.name for field in fields(ConnectionSettings)} <= rows, "give it a row in settings_table.TABLE"


def test_all_that_people_know_from_the_official_clients_settings_can_be_edited() -> None:
    known = {
        *("Name of the connection", "Server (host name or IP address)", "Port", "Virtual hub"),
        *("Proxy", "Proxy's host name or IP address", "Proxy's port", "Proxy's user name (if it asks for one)"),
        *("Proxy's password", "HTTP headers for the proxy (one on each line, Name: value)"),
        *("Trusted fingerprint (SHA-256)", "Name of the network adapter", "MAC address of the network adapter"),
        *("Network adapter enabled", "Authentication", "User name", "Password (asked for if left empty)"),
        *("Certificate and private key", "Name of the certificate on the card", "Name of the private key on the card"),
        *("Path of the card's PKCS#11 module (empty: all that the system knows)", "Connect again"),
        *("Number of retries", "Interval between retries (seconds)", "Hide status and error windows while connecting"),
        *("TCP connections", "Interval between opening them (seconds)", "Renew each after (seconds; 0: never)"),
        *("Half-duplex mode", "Encrypt the session by TLS", "Compress data", "UDP acceleration", "VoIP / QoS"),
        *("Bridge / router mode", "Monitoring mode", "Traffic through the tunnel"),
        *("Start from this address of this computer (empty: automatic)", "Start from this port (0: automatic)"),
        "Connect when the computer starts",
    }

    assert known <= {str(getattr(SENTENCES[row.words], "one", SENTENCES[row.words])) for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.field)
def test_every_row_and_every_choice_has_words(row: object) -> None:
    assert row.words in SENTENCES  # type: ignore[attr-defined]
    assert row.group in SENTENCES  # type: ignore[attr-defined]
    assert all(row.option_words(option) in SENTENCES for option in row.options)  # type: ignore[attr-defined]


@given(connection_settings())
def test_what_is_shown_and_saved_unchanged_stays_the_same(settings: ConnectionSettings) -> None:
    assert settings_of(values_of(settings), settings) == settings


def test_a_new_connection_complains_of_nothing_until_something_is_typed() -> None:
    values = values_of(None)

    assert problem(values, None, ()) is None
    assert not is_complete(values, None)
    for name in ("name", "host", "hub", "username"):
        values[name] = "x"
    assert is_complete(values, None)


def test_a_wrong_value_is_told_and_found() -> None:
    values = values_of(SAVED) | {"host": "not a host"}

    found = problem(values, SAVED, {"host"})

    assert found is not None
    assert found.fields == {"host"}
    assert "must be a host name" in found.sentence


def test_a_wrong_value_of_a_new_connection_is_told_before_the_rest_is_typed() -> None:
    found = problem(values_of(None) | {"host": "-"}, None, {"host"})

    assert found is not None
    assert found.fields == {"host"}


def test_an_emptied_field_is_told() -> None:
    found = problem(values_of(SAVED) | {"hub": ""}, SAVED, {"hub"})

    assert found is not None
    assert found.fields == {"hub"}


def test_a_proxy_is_made_of_its_rows_and_keeps_its_headers() -> None:
    saved = replace(SAVED, proxy=Proxy(kind=ProxyKind.HTTP, host="p", port=1, headers=(("X", "y"),)))
    values = values_of(saved) | {"proxy.host": "proxy.example.org", "proxy.port": 3128}

    assert settings_of(values, saved).proxy == replace(saved.proxy, host="proxy.example.org", port=3128)  # type: ignore[type-var]
    assert settings_of(values | {"proxy.kind": "socks5"}, saved).proxy == Proxy(
        kind=ProxyKind.SOCKS5, host="proxy.example.org", port=3128
    )
    assert settings_of(values | {"proxy.kind": ""}, saved).proxy is None
    found = problem(values | {"proxy.host": ""}, saved, {"proxy.host"})
    assert found is not None
    assert "proxy.host" in found.fields


@pytest.mark.parametrize(("kind", "limit"), [("for-ever", None), ("limited", 7), ("never", 0)])
def test_retries_are_without_end_counted_or_none(kind: str, limit: int | None) -> None:
    values = values_of(SAVED) | {"retry.kind": kind, "retry.limit": 7}

    saved = settings_of(values, SAVED)

    assert saved.retry_limit == limit
    assert values_of(saved)["retry.kind"] == kind


def test_only_secrets_that_were_typed_and_mean_something_are_saved() -> None:
    values = values_of(SAVED) | {"password": "geheim", "proxy_password": "unused"}

    assert secrets_of(values) == {"password": "geheim"}
    assert secrets_of(values | {"auth": AuthType.ANONYMOUS.value}) == {}
    assert secrets_of(values_of(SAVED)) == {}


def test_the_basic_page_asks_what_the_official_clients_first_page_asks() -> None:
    shown = [row.field for row in TABLE if not row.advanced and row.shown(values_of(None))]

    assert shown == ["name", "host", "port", "hub", "auth", "username", "password", "connect_at_start", "routing"]


def test_several_texts_are_apart_by_commas_or_blanks() -> None:
    assert lines("10.0.0.0/8, 192.168.5.0/24  2001:db8::/48") == ["10.0.0.0/8", "192.168.5.0/24", "2001:db8::/48"]
