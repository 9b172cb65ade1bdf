"""What settings may hold, and the sentence when they may not."""

from dataclasses import replace
from typing import Any

import pytest

from tsunagu.errors import InvalidSettings
from tsunagu.model import ConnectionSettings, HashedPassword, Proxy, ProxyKind, Secret

SETTINGS = ConnectionSettings(name="Office", host="vpn.example.org", hub="LAB", username="alice")
PROXY = Proxy(kind=ProxyKind.HTTP, host="proxy.example.org", port=3128)
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"host": "-"}, "The server must be a host name"),
        ({"port": 0}, "The port must lie between 1 and 65535"),
        ({"carriers": 33}, "The number of TCP connections must lie between 1 and 32"),
        ({"carrier_interval_s": 0}, "The interval between TCP connections in seconds must lie between 1 and"),
        ({"carrier_lifetime_s": -1}, "The lifetime of a TCP connection in seconds must lie between 0 and"),
        ({"source_port": 65536}, "The source port must lie between 0 and 65535"),
        ({"source_address": "here"}, "The source address must be an IPv4 or IPv6 address"),
        ({"client_certificate": "MAA="}, "The client certificate must be in PEM form"),
        (
            {"client_certificate": CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")},
            "The client certificate must be in",
        ),
        ({"client_certificate": CERTIFICATE * 1000}, "The client certificate must have at most 24576 characters"),
        ({"card_key": " x"}, "The name of the private key on the smart card must have 1 to 255 characters"),
        ({"card_certificate": "\n"}, "The name of the certificate on the smart card must have 1 to 255"),
    ],
)
def test_settings_that_are_not_valid_are_refused_with_a_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{sentence}"):
        replace(SETTINGS, **values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"host": "a b"}, "The proxy must be a host name"),
        ({"port": 65536}, "The proxy's port must lie between 1 and 65535"),
        ({"username": "\n"}, "The user name for the proxy must have 1 to 255 characters"),
        ({"kind": ProxyKind.SOCKS5, "headers": (("a", "b"),)}, "Only an HTTP proxy takes headers"),
        ({"headers": (("a", "b"),) * 33}, "The proxy's headers must be at most 32"),
        ({"headers": (("a:", "b"),)}, "The name of a proxy's header must consist of"),
        ({"headers": (("a", "b\r\nc: d"),)}, "The proxy's header a must have at most 1024 characters"),
    ],
)
def test_a_proxy_that_is_not_valid_is_refused_with_a_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{sentence}"):
        replace(PROXY, **values)


def test_a_chain_of_certificates_is_valid() -> None:
    assert replace(SETTINGS, client_certificate=CERTIFICATE * 3).client_certificate == CERTIFICATE * 3
    assert replace(SETTINGS, client_certificate=CERTIFICATE.strip()).client_certificate == CERTIFICATE.strip()


def test_a_hashed_password_has_40_digits_and_is_never_shown() -> None:
    assert "ab" not in repr(HashedPassword("ab" * 20))
    assert "hush" not in repr(Secret("hush"))
    with pytest.raises(InvalidSettings, match="40 hexadecimal digits"):
        HashedPassword("ab")
