"""Everything the rooms tell each other comes out as it went in: as a control message, and over D-Bus."""

from dataclasses import replace
from typing import Any

from hypothesis import given

from tests.property.settings import connection_settings, starts
from tsunagu import control
from tsunagu.control import Start
from tsunagu.model import ConnectionSettings, HashedPassword, Secret, Secrets
from tsunagu.plain import from_plain, to_plain
from tsunagu_dbus import plain, to_variants

KEY = "-----BEGIN PRIVATE KEY-----\nSEVZSEVZ\n-----END PRIVATE KEY-----\n"


@given(starts())
def test_a_start_message_comes_out_as_it_went_in(start: Start) -> None:
    octets = control.encode(start)

    assert control.decode(octets) == start
    assert len(octets) <= control.MAX_MESSAGE


@given(connection_settings())
def test_settings_come_through_dbus_as_they_went_in(settings: ConnectionSettings) -> None:
    received: dict[str, Any] = plain(to_variants(to_plain(settings)))

    assert from_plain(ConnectionSettings, received) == settings


@given(starts())
def test_no_secret_is_shown_with_a_start_message(start: Start) -> None:
    secret = Secret("hush-hush")
    hashed = HashedPassword("5ec2e7" + "0" * 34)

    secrets = Secrets(password=secret, proxy_password=secret, private_key=Secret(KEY))
    shown = repr((replace(start, secrets=secrets), Secrets(hashed_password=hashed)))

    assert "hush-hush" not in shown
    assert "5ec2e7" not in shown
    assert "SEVZSEVZ" not in shown
