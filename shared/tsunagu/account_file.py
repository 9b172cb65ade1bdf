"""The official client's setting file, ``.vpn``: one connection with its secrets.  Pure.

What ``ConnectionSettings`` has no field for (the NIC's name, options of other systems, whatever a later version adds)
goes into ``foreign``, so that a file read and written again is the official client's.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar, cast

from tsunagu.der import from_pem, is_sequence, to_pem
from tsunagu.errors import InvalidSettings
from tsunagu.model import (
    NO_SECRETS,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Proxy,
    ProxyKind,
    Routing,
    Secret,
    Secrets,
)
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
_KEYS = b"EncryptP", b"Encr"  # as long as a pointer where the official client was built; the latter is rare
_PRIVATE_KEY = "RSA PRIVATE KEY"  # PEM label of PKCS#1, the only form the file takes
_AUTH_TYPES = (
    AuthType.ANONYMOUS,
    AuthType.PASSWORD,
    AuthType.PLAIN_PASSWORD,
    AuthType.CERTIFICATE,
    AuthType.SMART_CARD,
)
_PROXY_KINDS = (None, ProxyKind.HTTP, ProxyKind.SOCKS4, ProxyKind.SOCKS5)
_NEW: tuple[tuple[str, Plain], ...] = (  # what a connection that came from no file says beside its settings
    ("CheckServerCert", True),  # Tsunagu never skips this check
    ("RetryOnServerCert", False),
    ("ClientOption/DeviceName", "VPN"),  # the official client's first NIC; it takes its only one if that is another
    ("ClientOption/HideNicInfoWindow", False),
    ("ClientOption/PortUDP", 0),
)

C = TypeVar("C")
P = TypeVar("P", bound=Plain)
V = TypeVar("V", ConnectionSettings, Proxy, Secrets)


class _Option(NamedTuple):
    """A value of ClientOption that is one of our settings."""

    name: str
    ours: str
    missing: str | int | bool  # what a file without it means, as for the official client; the value's type
    read: Callable[[Any], Any] = lambda value: value
    write: Callable[[Any], Any] = lambda value: value
    always: bool = True  # written though it is 0 or empty


def _negated(value: bool) -> bool:
    return not value


def _between(low: int, high: int) -> Callable[[int], int]:
    """What is out of range the official client takes for the nearest value."""
    return lambda value: min(max(value, low), high)


def _limit(retries: int) -> int | None:
    return None if retries == _FOR_EVER else retries


def _routing(is_left_alone: bool) -> Routing:
    return Routing.NONE if is_left_alone else Routing.LAN


def _host(text: str) -> str:
    """Without the hint behind a slash, which is one for NAT traversal."""
    return text.partition("/")[0].removeprefix("[").removesuffix("]")


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


_OPTIONS = (
    _Option("AccountName", "name", ""),
    _Option("Hostname", "host", "", _host, _bracketed),
    _Option("Port", "port", 0),
    _Option("HubName", "hub", ""),
    _Option("MaxConnection", "carriers", 0, _between(1, 32)),
    _Option("AdditionalConnectionInterval", "carrier_interval_s", 0, _between(1, 2**32 - 1)),
    _Option("ConnectionDisconnectSpan", "carrier_lifetime_s", 0),
    _Option("RetryInterval", "retry_interval_s", 0, _between(5, 300)),
    _Option("NumRetry", "retry_limit", 0, _limit, lambda limit: _FOR_EVER if limit is None else limit),
    _Option("UseEncrypt", "encrypt", False),
    _Option("UseCompress", "compress", False),
    _Option("HalfConnection", "half_duplex", False),
    _Option("DisableQoS", "qos", False, _negated, _negated),
    _Option("NoUdpAcceleration", "udp_acceleration", False, _negated, _negated),
    _Option("HideStatusWindow", "hide_windows", False),
    _Option("RequireBridgeRoutingMode", "bridge_mode", False),
    _Option("RequireMonitorMode", "monitor_mode", False),
    # "No adjustments of the routing table": there is nothing of theirs that we adjust, but routes of our own.
    _Option("NoRoutingTracking", "routing", False, _routing, lambda routing: routing is Routing.NONE),
    _Option("BindLocalIP", "source_address", "", lambda text: text if text.strip("0.:") else "", always=False),
    _Option("BindLocalPort", "source_port", 0, always=False),
)  # fmt: skip
_PROXY_OPTIONS = ("ProxyType", "ProxyName", "ProxyPort", "ProxyUsername", "ProxyPassword", "CustomHttpHeader")
_OWN: set[Key] = {("clientoption", name.lower()) for name in (*(option.name for option in _OPTIONS), *_PROXY_OPTIONS)}
_OWN.add(("startupaccount",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One connection with the secrets that a setting file may hold of it."""

    settings: ConnectionSettings
    secrets: Secrets = NO_SECRETS  # the hash of a standard password; a private key only as RSA PRIVATE KEY


def parse(text: bytes) -> Account:
    """The account in a file.  What is missing is 0, false or empty, as for the official client.

    Raises:
        InvalidFile: the file is not a setting file, or says what no connection can have.
    """
    return read_account(parse_text(text))


def read_account(document: Document) -> Account:
    """Likewise, of a text that has been read."""
    return _Reading(document).account()


def serialise(account: Account, *, server_certificate: bytes = b"") -> bytes:
    """The file of an account, with those of its secrets that belong to its kind of authentication.

    ``server_certificate`` is what the server showed, DER; it goes along if it is the one that is trusted.

    Raises:
        InvalidSettings: certificate or private key are not what the file takes; the key has to be RSA in PKCS#1 form.
    """
    settings = account.settings
    entries = foreign_entries(settings)
    _put_trust(entries, settings.server_fingerprint, server_certificate)
    entries |= _by_key(_entry("StartupAccount", settings.connect_at_start))
    entries |= _by_key(*_options(settings), *_proxy(account), *_authentication(account))
    return _HEAD + serialise_text(entries.values())


def foreign_entries(settings: ConnectionSettings) -> dict[Key, Entry]:
    """What the file says beside our settings, by key: as the file had it that the connection came from."""
    if settings.foreign:
        return dict(parse_text(settings.foreign.encode()).entries)
    dates = [Entry((name,), "uint64", 0) for name in ("CreateDateTime", "LastConnectDateTime", "UpdateDateTime")]
    return _by_key(*dates, *(_entry(path, value) for path, value in _NEW))


# -- from the file ----------------------------------------------------------------------------------------------------


class _Reading:
    """One document on its way to an account.  Settings are set one by one, so that a bad one is told by its line."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._settings = ConnectionSettings(name="x", host="x", hub="x", username="x")  # until told otherwise
        self._secrets = NO_SECRETS

    def account(self) -> Account:
        """The whole."""
        for option in _OPTIONS:
            value = option.read(self._get(option.missing, "ClientOption", option.name))
            self._set(option.ours, value, "ClientOption", option.name)
        self._set("connect_at_start", self._get(False, "StartupAccount"), "StartupAccount")
        self._take_proxy()
        if (certificate := self._get(b"", "ServerCert")) and self._get(False, "CheckServerCert"):
            self._set("server_fingerprint", hashlib.sha256(certificate).hexdigest(), "ServerCert")
        foreign = [e for e in self._document.entries.values() if e.key not in _OWN and e.key[0] != "clientauth"]
        self._set("foreign", serialise_text(foreign).decode())
        auth = self._choice(_AUTH_TYPES, "authentication", "ClientAuth", "AuthType")
        self._set("auth", auth, "ClientAuth", "AuthType")
        self._set("username", self._get("", "ClientAuth", "Username"), "ClientAuth", "Username")
        match auth:
            case AuthType.PASSWORD:
                self._keep("hashed_password", self._hashed_password(), "ClientAuth", "HashedPassword")
            case AuthType.PLAIN_PASSWORD:
                self._take_password("password", "ClientAuth", "EncryptedPassword")
            case AuthType.CERTIFICATE:
                self._set("client_certificate", self._pem("CERTIFICATE", "ClientCert"), "ClientAuth", "ClientCert")
                if key := self._pem(_PRIVATE_KEY, "ClientKey"):
                    self._keep("private_key", Secret(key), "ClientAuth", "ClientKey")
            case AuthType.SMART_CARD:
                for name, ours in (("SecurePublicCertName", "card_certificate"), ("SecurePrivateKeyName", "card_key")):
                    self._set(ours, self._get("", "ClientAuth", name), "ClientAuth", name)
        return Account(settings=self._settings, secrets=self._secrets)

    def _take_proxy(self) -> None:
        if (kind := self._choice(_PROXY_KINDS, "proxy", "ClientOption", "ProxyType")) is None:
            return
        proxy = Proxy(kind=kind, host="x", port=1)
        for name, ours, value in (
            ("ProxyName", "host", self._get("", "ClientOption", "ProxyName")),
            ("ProxyPort", "port", self._get(0, "ClientOption", "ProxyPort")),
            ("ProxyUsername", "username", self._get("", "ClientOption", "ProxyUsername")),
            ("CustomHttpHeader", "headers", self._headers() if kind is ProxyKind.HTTP else ()),
        ):
            proxy = self._with(proxy, ours, value, "ClientOption", name)
        self._set("proxy", proxy, "ClientOption", "ProxyName")
        self._take_password("proxy_password", "ClientOption", "ProxyPassword")

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

    def _take_password(self, name: str, *path: str) -> None:
        octets = self._get(b"", *path)
        for key in _KEYS:
            with suppress(UnicodeDecodeError):
                if text := _rc4(octets, key).decode():
                    self._keep(name, Secret(text), *path)
                return
        raise InvalidFile(self._line(*path), "The password is not text in UTF-8")

    def _pem(self, label: str, name: str) -> str:
        octets = self._get(b"", "ClientAuth", name)
        if octets and not is_sequence(octets):
            raise InvalidFile(self._line("ClientAuth", name), f"The value {name} is not in DER form")
        return to_pem(label, octets) if octets else ""

    def _choice(self, choices: tuple[C, ...], what: str, *path: str) -> C:
        number = self._get(0, *path)
        if number >= len(choices):
            raise InvalidFile(self._line(*path), f"This kind of {what} ({number}) is not supported")
        return choices[number]

    def _get(self, missing: P, *path: str) -> P:
        entry = self._document.entries.get(_key(path))
        if entry is None:
            return missing
        if type(entry.value) is not type(missing):
            raise InvalidFile(entry.line, f"The value {path[-1]} must not be of type {entry.kind}")
        return cast(P, entry.value)

    def _line(self, *path: str) -> int:
        """Where the value is; if it is missing, where the folder begins that it should be in."""
        key = _key(path)
        while key not in self._document.folders and key not in self._document.entries:
            key = key[:-1]
        entry = self._document.entries.get(key)
        return self._document.folders[key] if entry is None else entry.line

    def _set(self, name: str, value: Any, *path: str) -> None:
        self._settings = self._with(self._settings, name, value, *path)

    def _keep(self, name: str, value: Secret | HashedPassword | None, *path: str) -> None:
        self._secrets = self._with(self._secrets, name, value, *path)

    def _with(self, whole: V, name: str, value: Any, *path: str) -> V:
        try:
            return replace(whole, **{name: value})
        except InvalidSettings as error:
            raise InvalidFile(self._line(*path), str(error)) from error


# -- to the file ------------------------------------------------------------------------------------------------------


def _put_trust(entries: dict[Key, Entry], fingerprint: str, shown: bytes) -> None:
    """The official client is to trust the certificate that we trust; without that, it is to check all the same."""
    kept = entries.pop(("servercert",), None)
    checked = entries.get(("checkservercert",))
    if fingerprint:
        entries |= _by_key(_entry("CheckServerCert", True))
        for certificate in (kept and kept.value, shown):
            if isinstance(certificate, bytes) and hashlib.sha256(certificate).hexdigest() == fingerprint:
                entries |= _by_key(_entry("ServerCert", certificate))
    elif kept and not (checked and checked.value):
        entries[kept.key] = kept  # one that was never checked, and is not


def _options(settings: ConnectionSettings) -> Iterator[Entry]:
    for option in _OPTIONS:
        if (value := option.write(getattr(settings, option.ours))) or option.always:
            yield _entry(f"ClientOption/{option.name}", value)


def _proxy(account: Account) -> Iterator[Entry]:
    proxy = account.settings.proxy
    password = account.secrets.proxy_password if proxy else None
    headers = "".join(f"{name}: {value}\n" for name, value in proxy.headers) if proxy else ""
    values: tuple[Plain, ...] = (
        _PROXY_KINDS.index(proxy.kind) if proxy else 0,
        proxy.host if proxy else "",
        proxy.port if proxy else 0,
        proxy.username if proxy else "",
        _obfuscated(password),
        headers,
    )
    for name, value in zip(_PROXY_OPTIONS, values, strict=True):
        yield _entry(f"ClientOption/{name}", value)


def _authentication(account: Account) -> Iterator[Entry]:
    settings = account.settings
    yield _entry("ClientAuth/AuthType", _AUTH_TYPES.index(settings.auth))
    yield _entry("ClientAuth/Username", settings.username)
    match settings.auth:
        case AuthType.PASSWORD:
            hashed = account.secrets.hashed_password
            yield _entry("ClientAuth/HashedPassword", bytes.fromhex(hashed.value) if hashed else bytes(_HASH_SIZE))
        case AuthType.PLAIN_PASSWORD:
            yield _entry("ClientAuth/EncryptedPassword", _obfuscated(account.secrets.password))
        case AuthType.CERTIFICATE:
            if settings.client_certificate:
                yield _entry("ClientAuth/ClientCert", _der("CERTIFICATE", settings.client_certificate))
            if account.secrets.private_key is not None:
                yield _entry("ClientAuth/ClientKey", _der(_PRIVATE_KEY, account.secrets.private_key.value))
        case AuthType.SMART_CARD:
            yield _entry("ClientAuth/SecurePublicCertName", settings.card_certificate)
            yield _entry("ClientAuth/SecurePrivateKeyName", settings.card_key)


def _der(label: str, pem: str) -> bytes:
    octets = from_pem(label, pem)
    if not is_sequence(octets):
        raise InvalidSettings(f"A setting file needs PEM of the kind BEGIN {label}, not encrypted")
    return octets


def _entry(path: str, value: Plain) -> Entry:
    return Entry(tuple(path.split("/")), {str: "string", int: "uint", bool: "bool", bytes: "byte"}[type(value)], value)


def _by_key(*entries: Entry) -> dict[Key, Entry]:
    return {entry.key: entry for entry in entries}


def _key(path: tuple[str, ...]) -> Key:
    return tuple(part.lower() for part in path)


def _obfuscated(secret: Secret | None) -> bytes:
    return b"" if secret is None else _rc4(secret.value.encode())


def _rc4(octets: bytes, key: bytes = _KEYS[0]) -> bytes:
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
