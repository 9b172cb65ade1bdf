"""What settings may hold, and the sentence when they may not."""

from dataclasses import replace
from typing import Any

import pytest

from tsunagu.errors import InvalidSettings
from tsunagu.model import (
    NO_SECRETS,
    ConnectionSettings,
    Dns,
    HashedPassword,
    Ipv6,
    Proxy,
    ProxyKind,
    Secret,
    SecretKind,
    Secrets,
)

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
        ({"name": "Of\x9b31mfice"}, "The name of the connection must have 1 to 255 characters, without control"),
        ({"name": "Of\u202eecif"}, "The name of the connection must have 1 to 255 characters, without control"),
        ({"hub": "\ud83d"}, "The name of the virtual hub must have 1 to 255 characters, without control"),
        ({"host": "fe80::1%eth0\nX: y"}, "The server must be a host name"),
        ({"source_address": "fe80::1%a b"}, "The source address must be an IPv4 or IPv6 address"),
        (
            {"dns": Dns.MANUAL, "dns_servers": ("2001:db8::1%\nnameserver 192.0.2.1",)},
            "The DNS servers must be IP addresses",
        ),
        ({"extra_networks": ("2001:db8::%\n/48",)}, "The extra networks must be networks such as"),
        ({"ipv6": Ipv6.STATIC, "ipv6_address": "2001:db8::5%\n/64"}, "The fixed IPv6 address must be an address with"),
        ({"ipv6": Ipv6.AUTO, "ipv6_gateway": "fe80::1%\n"}, "The gateway must be an address in the network"),
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


def test_a_neighbour_is_a_server_too() -> None:
    assert replace(SETTINGS, host="fe80::1%enp0s31f6", source_address="fe80::2%enp0s31f6").host == "fe80::1%enp0s31f6"


def test_a_chain_of_certificates_is_valid() -> None:
    assert replace(SETTINGS, client_certificate=CERTIFICATE * 3).client_certificate == CERTIFICATE * 3
    assert replace(SETTINGS, client_certificate=CERTIFICATE.strip()).client_certificate == CERTIFICATE.strip()


def test_a_hashed_password_has_40_digits_and_is_never_shown() -> None:
    assert "ab" not in repr(HashedPassword("ab" * 20))
    assert "hush" not in repr(Secret("hush"))
    with pytest.raises(InvalidSettings, match="40 hexadecimal digits"):
        HashedPassword("ab")


KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "x" * 1025}, "password must have at most 1024"),
        ({"proxy_password": "a\0b"}, "proxy's password must have at most 1024"),
        ({"hashed_password": "ab"}, "40 hexadecimal digits"),
        ({"password": "x", "hashed_password": "ab" * 20}, "not both"),
        ({"private_key": "hush"}, "without passphrase"),
        ({"private_key": KEY.replace(" PRIVATE", " ENCRYPTED PRIVATE")}, "without passphrase"),
        ({"private_key": KEY + KEY}, "one BEGIN PRIVATE KEY"),
        ({"private_key": KEY.replace("-BEGIN ", "-BEGIN RSA ")}, "one BEGIN PRIVATE KEY"),
        ({"private_key": KEY.replace("AAAA", "\n".join(["A" * 64] * 200))}, "one BEGIN PRIVATE KEY"),
        ({"pin": "1234"}, "names password, hashed_password, private_key, proxy_password"),
    ],
)
def test_secrets_that_make_no_sense_are_refused_without_being_shown(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason) as caught:
        NO_SECRETS.updated({name: Secret(value) for name, value in changes.items()})

    assert not any(value in str(caught.value) for value in changes.values() if len(value) > 2)


def test_secrets_change_one_by_one_and_an_empty_one_is_forgotten() -> None:
    kept = NO_SECRETS.updated({"password": Secret("p"), "private_key": Secret(KEY), "proxy_password": Secret("q")})

    assert kept == Secrets(password=Secret("p"), private_key=Secret(KEY), proxy_password=Secret("q"))
    assert kept.names() == ["password", "private_key", "proxy_password"]
    assert kept.updated({"private_key": Secret("")}).names() == ["password", "proxy_password"]
    assert kept.updated({}) == kept


def test_a_password_and_its_hash_are_one_secret() -> None:
    hashed = Secrets(hashed_password=HashedPassword("ab" * 20))

    assert hashed.updated({"password": Secret("p")}) == Secrets(password=Secret("p"))
    assert hashed.updated({"password": Secret("")}) == NO_SECRETS
    assert Secrets(password=Secret("p")).updated({"hashed_password": Secret("ab" * 20)}) == hashed
    assert hashed.having(SecretKind.PASSWORD, Secret("p")) == Secrets(password=Secret("p"))
