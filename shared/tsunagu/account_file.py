"""The official client's setting file, ``.vpn``: one connection with its secrets.  Pure.

What ``Account`` has no field for (the NIC's name, options of other systems, whatever a later version adds) is kept as
the file had it, so that a file read and written again is octet for octet the official client's.
"""

import base64
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tsunagu.errors import InvalidSettings
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Proxy, ProxyKind, Secret
from tsunagu.setting_text import Document, Entry, InvalidFile, Key, Plain
from tsunagu.setting_text import parse as parse_text
from tsunagu.setting_text import serialise as serialise_text

_HEAD = (
    "\ufeff"
    "# VPN Client VPN Connection Setting File\r\n"
    "# \r\n"
    "# This file is exported using the VPN Client Manager.\r\n"
    "# The contents of this file can be edited using a text editor.\r\n"
    "# \r\n"
    "# When this file is imported to the Client Connection Manager\r\n"
    "#  it can be used immediately.\r\n"
    "\r\n"
).encode()
_FOR_EVER = 2**32 - 1  # NumRetry
_HASH_SIZE = 20  # octets
_AUTH_TYPES = (
    AuthType.ANONYMOUS,
    AuthType.PASSWORD,
    AuthType.PLAIN_PASSWORD,
    AuthType.CERTIFICATE,
    AuthType.SMART_CARD,
)
_PROXY_KINDS = (None, ProxyKind.HTTP, ProxyKind.SOCKS4, ProxyKind.SOCKS5)
_SERVER_CERTIFICATE: Key = ("servercert",)
_PRIVATE_KEY = "RSA PRIVATE KEY"  # PEM label of PKCS#1

_OPTIONS = (  # of ClientOption: the file's name and ours
    ("AccountName", "name"),
    ("HubName", "hub"),
    ("Port", "port"),
    ("ConnectionDisconnectSpan", "carrier_lifetime_s"),
    ("UseEncrypt", "encrypt"),
    ("UseCompress", "compress"),
    ("HalfConnection", "half_duplex"),
    ("HideStatusWindow", "hide_windows"),
    ("RequireMonitorMode", "monitor_mode"),
    ("RequireBridgeRoutingMode", "bridge_mode"),
)
_NEGATED_OPTIONS = (("DisableQoS", "qos"), ("NoUdpAcceleration", "udp_acceleration"))
_CLAMPED_OPTIONS = (  # what is out of range the official client takes for the nearest value
    ("MaxConnection", "carriers", 1, 32),
    ("AdditionalConnectionInterval", "carrier_interval_s", 1, 2**32 - 1),
    ("RetryInterval", "retry_interval_s", 5, 300),
)

C = TypeVar("C")
P = TypeVar("P", str, int, bool, bytes)
V = TypeVar("V", ConnectionSettings, Proxy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One connection with all that a setting file may hold of it."""

    settings: ConnectionSettings
    password: Secret | None = None  # for AuthType.PLAIN_PASSWORD
    hashed_password: HashedPassword | None = None  # for AuthType.PASSWORD
    private_key: Secret | None = None  # for AuthType.CERTIFICATE: PEM, "RSA PRIVATE KEY" (PKCS#1), unencrypted
    proxy_password: Secret | None = None
    server_certificate: str = ""  # what settings.server_fingerprint stands for, DER in base64; "": not known
    source: "Source | None" = field(default=None, repr=False, compare=False)  # None: not from a file


@dataclass(frozen=True, slots=True)
class Source:
    """What a file held, and the account it was read as: the difference is what has to be kept."""

    entries: Mapping[Key, Entry]
    account: Account


def parse(text: bytes) -> Account:
    """The account in a file.  What is missing is 0, false or empty, as for the official client.

    Raises:
        InvalidFile: the file is not a setting file, or says what no connection can have.
    """
    document = parse_text(text)
    account = _Reading(document).account()
    return replace(account, source=Source(document.entries, account))


def serialise(account: Account) -> bytes:
    """The file of an account, with those of its secrets that belong to its kind of authentication.

    Raises:
        InvalidSettings: certificate or private key are not what the file takes; the key has to be RSA in PKCS#1 form.
    """
    entries = _by_key(_entries(account))
    if (source := account.source) is not None:
        before = _by_key(_entries(source.account))
        changed = {_topic(key) for key in before.keys() | entries.keys() if before.get(key) != entries.get(key)}
        if account.settings.server_fingerprint != source.account.settings.server_fingerprint:
            changed.add(_SERVER_CERTIFICATE)  # whether or not the certificate itself is known
        entries |= {key: entry for key, entry in source.entries.items() if _topic(key) not in changed}
    return _HEAD + serialise_text(entries.values())


def _topic(key: Key) -> Key:
    """What is kept or replaced together: a proxy's old password must not go to a new proxy."""
    match key:
        case ("clientauth", *_):
            return ("clientauth",)
        case ("clientoption", name) if name.startswith("proxy") or name == "customhttpheader":
            return ("proxy",)
        case ("checkservercert" | "servercert",):
            return _SERVER_CERTIFICATE
        case _:
            return key


def _by_key(entries: Iterable[Entry]) -> dict[Key, Entry]:
    return {entry.key: entry for entry in entries}


# -- from the file ----------------------------------------------------------------------------------------------------


class _Reading:
    """One document on its way to an account.  Settings are set one by one, so that a bad one is told by its line."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._settings = ConnectionSettings(name="x", host="x", hub="x", username="x")  # until told otherwise

    def account(self) -> Account:
        """The whole."""
        self._take_options()
        proxy_password = self._take_proxy()
        server_certificate = self._take_server_certificate()
        auth = self._choice(_AUTH_TYPES, "authentication", "ClientAuth", "AuthType")
        self._set("auth", auth, "ClientAuth", "AuthType")
        self._set("username", self._get("", "ClientAuth", "Username"), "ClientAuth", "Username")
        secrets: dict[str, Any] = {}
        match auth:
            case AuthType.PASSWORD:
                secrets["hashed_password"] = self._hashed_password()
            case AuthType.PLAIN_PASSWORD:
                secrets["password"] = self._password("ClientAuth", "EncryptedPassword")
            case AuthType.CERTIFICATE:
                certificate = self._pem("CERTIFICATE", "ClientAuth", "ClientCert")
                self._set("client_certificate", certificate, "ClientAuth", "ClientCert")
                key = self._pem(_PRIVATE_KEY, "ClientAuth", "ClientKey")
                secrets["private_key"] = Secret(key) if key else None
            case AuthType.SMART_CARD:
                for name, ours in (("SecurePublicCertName", "card_certificate"), ("SecurePrivateKeyName", "card_key")):
                    self._set(ours, self._get("", "ClientAuth", name), "ClientAuth", name)
        return Account(
            settings=self._settings, proxy_password=proxy_password, server_certificate=server_certificate, **secrets
        )

    def _take_options(self) -> None:
        for name, ours in _OPTIONS:
            default: Any = type(getattr(self._settings, ours))()
            self._set(ours, self._get(default, "ClientOption", name), "ClientOption", name)
        for name, ours in _NEGATED_OPTIONS:
            self._set(ours, not self._get(False, "ClientOption", name), "ClientOption", name)
        for name, ours, low, high in _CLAMPED_OPTIONS:
            self._set(ours, min(max(self._get(0, "ClientOption", name), low), high), "ClientOption", name)
        retries = self._get(0, "ClientOption", "NumRetry")
        self._set("retry_limit", None if retries == _FOR_EVER else retries, "ClientOption", "NumRetry")
        # "host/hint": the hint is one for NAT traversal, which Tsunagu does not do.
        host = self._get("", "ClientOption", "Hostname").partition("/")[0]
        self._set("host", host.removeprefix("[").removesuffix("]"), "ClientOption", "Hostname")
        source = self._get("", "ClientOption", "BindLocalIP")
        self._set("source_address", source if source.strip("0.:") else "", "ClientOption", "BindLocalIP")
        self._set("source_port", self._get(0, "ClientOption", "BindLocalPort"), "ClientOption", "BindLocalPort")

    def _take_proxy(self) -> Secret | None:
        if (kind := self._choice(_PROXY_KINDS, "proxy", "ClientOption", "ProxyType")) is None:
            return None
        proxy = Proxy(kind=kind, host="x", port=1)
        for name, ours, value in (
            ("ProxyName", "host", self._get("", "ClientOption", "ProxyName")),
            ("ProxyPort", "port", self._get(0, "ClientOption", "ProxyPort")),
            ("ProxyUsername", "username", self._get("", "ClientOption", "ProxyUsername")),
            ("CustomHttpHeader", "headers", self._headers() if kind is ProxyKind.HTTP else ()),
        ):
            proxy = self._with(proxy, ours, value, "ClientOption", name)
        self._set("proxy", proxy, "ClientOption", "ProxyName")
        return self._password("ClientOption", "ProxyPassword")

    def _take_server_certificate(self) -> str:
        certificate = self._get(b"", "ServerCert")
        if not certificate or not self._get(False, "CheckServerCert"):
            return ""  # one that was not checked is none that anybody trusts
        self._set("server_fingerprint", hashlib.sha256(certificate).hexdigest(), "ServerCert")
        return base64.b64encode(certificate).decode()

    def _headers(self) -> tuple[tuple[str, str], ...]:
        lines = self._get("", "ClientOption", "CustomHttpHeader").replace("\r", "\n").split("\n")
        parted = [line.partition(":") for line in lines if line]
        if not all(colon for _name, colon, _value in parted):
            raise InvalidFile(self._line("ClientOption", "CustomHttpHeader"), "A header of the proxy lacks its colon")
        return tuple((name.strip(" "), value.strip(" ")) for name, _colon, value in parted)

    def _hashed_password(self) -> HashedPassword | None:
        octets = self._get(b"", "ClientAuth", "HashedPassword")
        if len(octets) not in (0, _HASH_SIZE):
            raise InvalidFile(self._line("ClientAuth", "HashedPassword"), "A hashed password must have 20 octets")
        return HashedPassword(octets.hex()) if any(octets) else None  # zeros: the official client has none

    def _password(self, *path: str) -> Secret | None:
        try:
            text = _rc4(self._get(b"", *path)).decode()
        except UnicodeDecodeError:
            raise InvalidFile(self._line(*path), "The password is not text in UTF-8") from None
        return Secret(text) if text else None

    def _pem(self, label: str, *path: str) -> str:
        octets = self._get(b"", *path)
        if octets and not _is_sequence(octets):
            raise InvalidFile(self._line(*path), f"{path[-1]} is not in DER form")
        return _to_pem(label, octets) if octets else ""

    def _choice(self, choices: tuple[C, ...], what: str, *path: str) -> C:
        number = self._get(0, *path)
        if number >= len(choices):
            raise InvalidFile(self._line(*path), f"This kind of {what} ({number}) is not supported")
        return choices[number]

    def _get(self, default: P, *path: str) -> P:
        entry = self._document.entries.get(_key(path))
        if entry is None:
            return default
        if type(entry.value) is not type(default):
            raise InvalidFile(entry.line, f"{path[-1]} must not be of type {entry.kind}")
        return entry.value

    def _line(self, *path: str) -> int:
        """Where the value is; if it is missing, where the folder begins that it should be in."""
        key = _key(path)
        while key not in self._document.folders and key not in self._document.entries:
            key = key[:-1]
        entry = self._document.entries.get(key)
        return self._document.folders[key] if entry is None else entry.line

    def _set(self, name: str, value: Any, *path: str) -> None:
        self._settings = self._with(self._settings, name, value, *path)

    def _with(self, whole: V, name: str, value: Any, *path: str) -> V:
        try:
            return replace(whole, **{name: value})
        except InvalidSettings as error:
            raise InvalidFile(self._line(*path), str(error)) from error


def _key(path: Iterable[str]) -> Key:
    return tuple(part.lower() for part in path)


# -- to the file ------------------------------------------------------------------------------------------------------


def _entries(account: Account) -> Iterator[Entry]:
    """What the official client writes for a setting that has just these values; for a new one, with checks on."""
    settings = account.settings
    for name in ("CreateDateTime", "LastConnectDateTime", "UpdateDateTime"):
        yield Entry((name,), "uint64", 0)
    yield _entry(("RetryOnServerCert",), False)
    yield _entry(("StartupAccount",), False)
    yield from _server_certificate(account)
    for name, value in _authentication(account):
        yield _entry(("ClientAuth", name), value)
    for name, ours in _OPTIONS:
        yield _entry(("ClientOption", name), getattr(settings, ours))
    for name, ours in _NEGATED_OPTIONS:
        yield _entry(("ClientOption", name), not getattr(settings, ours))
    for name, ours, _low, _high in _CLAMPED_OPTIONS:
        yield _entry(("ClientOption", name), getattr(settings, ours))
    for name, value in _other_options(account):
        yield _entry(("ClientOption", name), value)


def _server_certificate(account: Account) -> Iterator[Entry]:
    yield _entry(("CheckServerCert",), True)
    certificate = base64.b64decode(account.server_certificate)
    if certificate and hashlib.sha256(certificate).hexdigest() == account.settings.server_fingerprint:
        yield _entry(("ServerCert",), certificate)


def _authentication(account: Account) -> Iterator[tuple[str, Plain]]:
    settings = account.settings
    yield "AuthType", _AUTH_TYPES.index(settings.auth)
    yield "Username", settings.username
    match settings.auth:
        case AuthType.PASSWORD:
            hashed = account.hashed_password
            yield "HashedPassword", bytes.fromhex(hashed.value) if hashed else bytes(_HASH_SIZE)
        case AuthType.PLAIN_PASSWORD:
            yield "EncryptedPassword", _obfuscated(account.password)
        case AuthType.CERTIFICATE:
            if settings.client_certificate:
                yield "ClientCert", _from_pem("CERTIFICATE", settings.client_certificate)
            if account.private_key is not None:
                yield "ClientKey", _from_pem(_PRIVATE_KEY, account.private_key.value)
        case AuthType.SMART_CARD:
            yield "SecurePublicCertName", settings.card_certificate
            yield "SecurePrivateKeyName", settings.card_key


def _other_options(account: Account) -> Iterator[tuple[str, Plain]]:
    settings, proxy = account.settings, account.settings.proxy
    yield "Hostname", _bracketed(settings.host)
    yield "NumRetry", _FOR_EVER if settings.retry_limit is None else settings.retry_limit
    yield "ProxyType", _PROXY_KINDS.index(proxy and proxy.kind)
    yield "ProxyName", proxy.host if proxy else ""
    yield "ProxyPort", proxy.port if proxy else 0
    yield "ProxyUsername", proxy.username if proxy else ""
    yield "ProxyPassword", _obfuscated(account.proxy_password if proxy else None)
    yield "CustomHttpHeader", "".join(f"{name}: {value}\n" for name, value in proxy.headers) if proxy else ""
    if settings.source_address:
        yield "BindLocalIP", settings.source_address
    if settings.source_port:
        yield "BindLocalPort", settings.source_port
    yield "DeviceName", "VPN"  # what the official client calls its first NIC; it takes the only one if that is another
    yield "PortUDP", 0
    yield "HideNicInfoWindow", False
    yield "NoRoutingTracking", False


def _entry(path: tuple[str, ...], value: Plain) -> Entry:
    kind = {str: "string", int: "uint", bool: "bool", bytes: "byte"}[type(value)]
    return Entry(path, kind, value)


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


# -- forms of keys and passwords --------------------------------------------------------------------------------------


def _to_pem(label: str, octets: bytes) -> str:
    text = base64.b64encode(octets).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _from_pem(label: str, pem: str) -> bytes:
    """The first block, which has to be of that kind."""
    block = re.match(rf"-----BEGIN {label}-----\s+([A-Za-z0-9+/=\s]+)-----END {label}-----\s", pem + "\n")
    try:
        octets = base64.b64decode("".join(block[1].split()), validate=True) if block else b""
    except ValueError:
        octets = b""
    if not _is_sequence(octets):
        raise InvalidSettings(f"A setting file needs PEM of the kind BEGIN {label}, not encrypted")
    return octets


def _is_sequence(octets: bytes) -> bool:
    """Whether this can be a certificate or key at all: one ASN.1 SEQUENCE in DER, nothing after it."""
    if len(octets) < 2 or octets[0] != 0x30:
        return False
    size, head = octets[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(octets[2:head], "big")
    return len(octets) == head + size


def _obfuscated(secret: Secret | None) -> bytes:
    return b"" if secret is None else _rc4(secret.value.encode())


def _rc4(octets: bytes, key: bytes = b"EncryptP") -> bytes:
    """RC4 either way, with the key that all official clients share: it hides passwords from passing eyes only."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    j = 0
    for n, octet in enumerate(octets, 1):
        i = n % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(octet ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
