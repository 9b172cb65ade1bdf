"""The official client's setting files, read and written."""

import base64
import hashlib
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from tsunagu.account_file import Account, parse, serialise
from tsunagu.errors import InvalidSettings
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Proxy, ProxyKind, Routing, Secret, Secrets
from tsunagu.obfuscation import _rc4
from tsunagu.setting_text import MAX_SIZE, InvalidFile
from tsunagu_tray.texts import Texts

RECORDED = Path(__file__).parents[1] / "recorded/vpn-files"
FILES = sorted(RECORDED.glob("*.vpn"))
SMALLEST = b"""\
declare root
{
declare ClientAuth
{
string Username alice
}
declare ClientOption
{
string AccountName Office
string Hostname vpn.example.org
string HubName LAB
uint Port 443
}
}
"""


CHANGED = {  # lines that are not written as they were read, and why
    "unicode_escapes": {"Hostname"},  # a hint for NAT traversal, which Tsunagu has not
    "odd": {
        *("MaxConnection", "RetryInterval", "AdditionalConnectionInterval"),  # out of range
        *("ProxyName", "ProxyPort", "ProxyPassword"),  # of a proxy that is switched off
    },
}


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.vpn").read_bytes()


def der_of(name: str, key: str) -> bytes:
    [line] = [line for line in recorded(name).splitlines() if f"byte {key} ".encode() in line]
    return base64.b64decode(line.split()[-1])


def known(settings: ConnectionSettings) -> ConnectionSettings:
    """Without what is only kept for the next export."""
    return replace(settings, foreign="")


def changed(text: bytes, old: bytes, new: bytes) -> bytes:
    assert text.count(old) == 1
    return text.replace(old, new)


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_standard_password_is_there_as_its_hash() -> None:
    account = parse(recorded("std_password"))

    assert known(account.settings) == ConnectionSettings(
        name="std_password", host="vpn.example.org", hub="LAB", username="alice", auth=AuthType.PASSWORD, qos=True
    )
    assert account.secrets.hashed_password == HashedPassword(base64.b64decode("DngtrNt4kY1zAHmZ2oG8QIkG1FE=").hex())
    assert account.secrets.password is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("plain_password", "p@ssw0rd"),
        ("plain_password_long", "correct-horse-battery-staple-0123456789"),
        ("unicode_escapes", "pässwörd"),
    ],
)
def test_a_plain_password_is_found_and_not_shown(name: str, password: str) -> None:
    account = parse(recorded(name))

    assert account.settings.auth is AuthType.PLAIN_PASSWORD
    assert account.secrets.password == Secret(password)
    assert password not in repr(account)


def test_a_password_from_a_client_of_32_bits_is_found_too() -> None:
    hidden = base64.b64encode(_rc4("pässwörd 32".encode(), b"Encr"))
    text = re.sub(rb"(byte EncryptedPassword )\S+", rb"\g<1>" + hidden, recorded("plain_password"))

    assert parse(text).secrets.password == Secret("pässwörd 32")


def test_a_certificate_and_its_key_become_pem() -> None:
    account = parse(recorded("certificate"))

    assert account.settings.auth is AuthType.CERTIFICATE
    assert account.settings.client_certificate.startswith("-----BEGIN CERTIFICATE-----\nMIICvjCCAaagAwIBAgIUM9sy")
    assert account.secrets.private_key is not None
    assert account.secrets.private_key.value.startswith("-----BEGIN RSA PRIVATE KEY-----\nMIIEpQIBAAKCAQEAs57q")
    assert account.secrets.private_key.value.endswith("\n-----END RSA PRIVATE KEY-----\n")


def test_a_smart_card_has_names_for_certificate_and_key() -> None:
    settings = parse(recorded("secure_device")).settings

    assert (settings.auth, settings.card_certificate, settings.card_key) == (AuthType.SMART_CARD, "my_cert", "my_key")


def test_who_wants_no_adjustments_of_the_routing_table_gets_no_routes() -> None:
    account = parse(recorded("odd"))
    others = parse(recorded("std_password"))
    asked = serialise(replace(others, settings=replace(others.settings, routing=Routing.NONE)))

    assert (account.settings.routing, others.settings.routing) == (Routing.NONE, Routing.LAN)
    assert asked == changed(recorded("std_password"), b"NoRoutingTracking false", b"NoRoutingTracking true")


def test_all_options_are_taken_over() -> None:
    account = parse(recorded("http_proxy_options"))

    assert known(account.settings) == ConnectionSettings(
        name="http_proxy_options",
        host="vpn.example.org",
        hub="LAB",
        username="alice",
        carriers=32,
        carrier_interval_s=3,
        carrier_lifetime_s=120,
        half_duplex=True,
        hide_windows=True,
        udp_acceleration=False,
        retry_limit=7,
        retry_interval_s=30,
        proxy=Proxy(kind=ProxyKind.HTTP, host="proxy.example.org", port=3128, username="pu"),
        bridge_mode=True,
        monitor_mode=True,
        compress=True,
        encrypt=False,
        qos=True,
    )
    assert account.secrets.proxy_password == Secret("pp-secret")


@pytest.mark.parametrize(("name", "kind"), [("socks4_proxy", ProxyKind.SOCKS4), ("socks5_proxy", ProxyKind.SOCKS5)])
def test_socks_proxies_are_taken_over(name: str, kind: ProxyKind) -> None:
    account = parse(recorded(name))

    assert account.settings.proxy == Proxy(kind=kind, host="socks.example.org", port=1080, username="su")
    assert account.secrets.proxy_password == Secret("sp")


def test_the_proxys_headers_are_taken_over() -> None:
    proxy = parse(recorded("headers")).settings.proxy

    assert proxy is not None
    assert proxy.headers == (("X-One", "hello there"), ("X-Two", "two"))


def test_names_in_any_script_and_a_host_without_its_hint() -> None:
    settings = parse(recorded("unicode_escapes")).settings

    assert (settings.name, settings.username) == ("日本 語$テ{ス}ト", "名 前")
    assert (settings.hub, settings.host) == ("h u b", "vpn.example.org")


def test_an_ipv6_address_loses_its_brackets() -> None:
    assert parse(recorded("ipv6")).settings.host == "2001:db8::1"


def test_a_checked_server_certificate_is_pinned() -> None:
    settings = parse(recorded("server_cert_pinned")).settings

    fingerprint = hashlib.sha256(der_of("server_cert_pinned", "ServerCert")).hexdigest()
    assert settings.server_fingerprint == fingerprint


def test_a_server_certificate_that_was_never_checked_is_not_trusted() -> None:
    text = changed(recorded("server_cert_pinned"), b"CheckServerCert true", b"CheckServerCert false")

    account = parse(text)

    assert account.settings.server_fingerprint == ""
    assert serialise(account) == text


def test_what_is_missing_is_zero_false_or_empty() -> None:
    settings = parse(SMALLEST).settings

    assert settings.auth is AuthType.ANONYMOUS
    assert settings.encrypt is False
    assert settings.retry_limit == 0
    assert (settings.carriers, settings.carrier_interval_s, settings.retry_interval_s) == (1, 1, 5)
    assert settings.qos is settings.udp_acceleration is True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_reads_the_same_without_mark_crlf_and_indentation_and_in_other_letters(path: Path) -> None:
    text = path.read_bytes()
    edited = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\t", b"")
    edited = edited.replace(b"string Username", b"STRING USERNAME").replace(
        b"declare ClientOption", b"declare CLIENToption"
    )

    assert known(parse(edited).settings) == known(parse(text).settings)
    assert serialise(parse(edited)).lower() == serialise(parse(text)).lower()


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_read_and_written_is_the_official_clients(path: Path) -> None:
    text = path.read_bytes()

    lines = zip(text.splitlines(keepends=True), serialise(parse(text)).splitlines(keepends=True), strict=True)

    changed_names = {old.split()[1].decode() for old, new in lines if new != old}
    assert changed_names == CHANGED.get(path.stem, set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_change_changes_its_line_only(path: Path) -> None:
    account = parse(path.read_bytes())
    text = serialise(account)

    written = serialise(replace(account, settings=replace(account.settings, hub="Other hub")))

    lines = zip(text.splitlines(), written.splitlines(), strict=True)
    assert [new for old, new in lines if new != old] == [b"\t\tstring HubName Other$20hub"]


def test_a_new_account_is_written_as_the_official_client_does_but_checks_the_server() -> None:
    account = parse(recorded("std_password"))

    text = serialise(replace(account, settings=known(account.settings)))

    text = text.replace(b"CheckServerCert true", b"CheckServerCert false")
    assert text.replace(b"DeviceName VPN", b"DeviceName m1") == recorded("std_password")


def test_unknown_values_and_folders_are_kept() -> None:
    extra = (
        b"\tdeclare Later\r\n\t{\r\n\t\tuint64 A 5\r\n\r\n\t\tdeclare B\r\n\t\t{\r\n\t\t\tbyte C $\r\n\t\t}\r\n\t}\r\n}"
    )
    text = changed(recorded("anonymous"), b"\t}\r\n}", b"\t}\r\n" + extra)
    text = changed(text, b"\tbool CheckServerCert", b"\tbool AddDefaultCA true\r\n\tbool CheckServerCert")

    assert serialise(parse(text)) == text


@pytest.mark.parametrize("name", ["odd", "certificate", "http_proxy_options", "plain_password"])
def test_no_secret_is_kept_beside_the_others(name: str) -> None:
    foreign = parse(recorded(name)).settings.foreign

    assert "Password" not in foreign
    assert "ClientKey" not in foreign


def test_a_pin_is_checked_by_the_official_client_too() -> None:
    account = parse(recorded("anonymous"))
    der = b"\x30\x00"
    settings = replace(account.settings, server_fingerprint=hashlib.sha256(der).hexdigest())
    pinned = replace(account, settings=settings)

    assert b"CheckServerCert true" in serialise(pinned)
    assert b"ServerCert MAA=\r\n" in serialise(pinned, server_certificate=der)
    assert b"\tbyte ServerCert" not in serialise(pinned, server_certificate=b"\x30\x01\x00")


@pytest.mark.parametrize("fingerprint", ["", "0" * 64])
def test_a_certificate_that_is_trusted_no_longer_is_not_handed_on(fingerprint: str) -> None:
    account = parse(recorded("server_cert_pinned"))

    text = serialise(replace(account, settings=replace(account.settings, server_fingerprint=fingerprint)))

    assert b"\tbyte ServerCert" not in text
    assert b"CheckServerCert true" in text


def test_secrets_of_another_kind_of_authentication_stay_away() -> None:
    account = parse(recorded("certificate"))

    text = serialise(replace(account, settings=replace(account.settings, auth=AuthType.ANONYMOUS)))

    assert b"ClientKey" not in text
    assert b"ClientCert" not in text


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nM\n-----END RSA PRIVATE KEY-----\n",
    ],
)
def test_a_private_key_of_another_form_is_refused(key: str) -> None:
    account = replace(parse(recorded("certificate")), secrets=Secrets(private_key=Secret(key)))

    with pytest.raises(InvalidSettings, match="BEGIN RSA PRIVATE KEY, not encrypted"):
        serialise(account)


# -- hostile files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"Username alice", b"Username a$2", "Line 5: Two hexadecimal digits must follow a $"),
        (b"Username alice", b"Username \xff", "Line 5: Text must be in UTF-8"),
        (b"Username alice", b"Username $ff", "Line 5: Text must be in UTF-8"),
        (b"Username alice", b"Username $", "Line 5: The user name must have 1 to 255 characters"),
        (b"Username alice", b"Username a$00", "Line 5: The user name must have 1 to 255 characters"),
        (b"Username alice", b"Username alice smith", "Line 5: Neither a value"),
        (b"string Username", b"text Username", "Line 5: Neither a value"),
        (b"string Username alice", b"byte Username AAAA", "Line 5: The value Username must not be of type byte"),
        (b"Username alice", b"Username alice\nstring USERNAME bob", "Line 6: The same value is in line 5 already"),
        (b"declare ClientOption", b"declare clientauth", "Line 7: The same folder is in line 3 already"),
        (b"string AccountName Office\n", b"", "Line 7: The name of the connection must have"),
        (b"uint Port 443\n", b"", "Line 7: The port must lie between 1 and 65535"),
        (b"Port 443", b"Port 65536", "Line 12: The port must lie between 1 and 65535"),
        (b"Port 443", b"Port -1", "Line 12: The number must be a decimal one between 0 and 4294967295"),
        (b"Port 443", b"Port 4294967296", "Line 12: The number must be a decimal one"),
        (b"Port 443", b"Port 0x10", "Line 12: The number must be a decimal one"),
        (b"Port 443", b"Port 443\nbool UseEncrypt 1", "Line 13: A value of type bool must be true or false"),
        (b"Port 443", b"Port 443\nuint ProxyType 4", "Line 13: This kind of proxy (4) is not supported"),
        (b"Port 443", b"Port 443\nuint ProxyType 1", "Line 7: The proxy must be a host name"),
        (b"Hostname vpn.example.org", b"Hostname a$20b", "Line 10: The server must be a host name"),
        (b"alice", b"alice\nuint AuthType 5", "Line 6: This kind of authentication (5) is not supported"),
        (
            b"alice",
            b"alice\nuint AuthType 1\nbyte HashedPassword AAAA",
            "Line 7: A hashed password must have 20 octets",
        ),
        (
            b"alice",
            b"alice\nuint AuthType 2\nbyte EncryptedPassword !",
            "Line 7: A value of type byte must be in base64",
        ),
        (b"alice", b"alice\nuint AuthType 2\nbyte EncryptedPassword AAAA", "Line 7: The password is not text in UTF-8"),
        (
            b"alice",
            b"alice\nuint AuthType 2\nbyte EncryptedPassword bg==",
            "Line 7: The password must have at most 1024 characters, none of them NUL",
        ),
        (b"alice", b"alice\nuint AuthType 3\nbyte ClientCert MAAA", "Line 7: The value ClientCert is not in DER form"),
        (b"alice", b"alice\nuint AuthType 3\nbyte ClientKey MIQ=", "Line 7: The value ClientKey is not in DER form"),
        (b"declare root", b"declare boot", "Line 1: The outermost folder must be root"),
        (b"declare root\n{", b"declare root\n", "Line 3: A brace must follow and open the folder"),
        (b"}\n}\n", b"}\n", "Line 14: The file ends before the brace that closes root"),
        (b"}\n}\n", b"}\n}\n}\n", "Line 15: Nothing may follow the brace that closes root"),
        (b"declare root", b"}", "Line 1: Neither a value"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(old: bytes, new: bytes, sentence: str) -> None:
    with pytest.raises(InvalidFile, match=f"^{re.escape(sentence)}") as caught:
        parse(changed(SMALLEST, old, new))

    assert re.match("[0-9]+ 行目: .*[\u3040-\u30ff]", Texts("ja").say(str(caught.value)))
    assert "must" not in Texts("ja").say(str(caught.value))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_that_an_editor_has_made_utf_16_of_is_told_as_that(encoding: str) -> None:
    text = recorded("std_password").decode().encode(encoding)

    with pytest.raises(InvalidFile, match=r"^Line 1: Text must be in UTF-8$"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", 1),
        (b"\0" * 100, 1),
        ("declare root\r\n{\r\n".encode("utf-16"), 1),
        (b"\n" * MAX_SIZE, MAX_SIZE + 1),
        (b"#\n" * MAX_SIZE, MAX_SIZE // 2 + 1),
        (b"declare root\n{\n" + b"declare a\n{\n" * 10_000, 17),
        (b"declare root\n{\n" + b"uint a 9" + b"9" * 100_000, 3),
        (b"declare root\n{\n" + b"string a " + b"$" * 200_000, 3),
        (b"declare root\n{\n" + b"".join(b"uint %x 1\n" % i for i in range(20_000)), 20_003),
    ],
)
def test_a_hostile_file_is_refused_without_much_ado(text: bytes, line: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFile, match=f"^Line {line}: "):
            parse(text)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_hundred_megabytes_are_not_even_looked_at() -> None:
    text = bytes(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFile, match=r"^Line 1: The file has more than 262144 octets"):
            parse(text)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_file_with_too_much_that_is_unknown_is_refused() -> None:
    text = changed(SMALLEST, b"declare ClientAuth", b"string Later " + b"x" * 9000 + b"\ndeclare ClientAuth")

    with pytest.raises(InvalidFile, match=r"^Line 1: What Tsunagu has no setting for .* at most 8192"):
        parse(text)


def test_an_account_needs_no_file() -> None:
    settings = ConnectionSettings(name="x", host="h", hub="H", username="u", auth=AuthType.PLAIN_PASSWORD)

    account = Account(settings=settings, secrets=Secrets(password=Secret("p")))

    assert parse(serialise(account)).secrets == account.secrets
