"""From the official client's setting file to a connection with its secrets.  Pure."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from tsunagu.account_options import (
    AUTH_TYPES,
    HASH_SIZE,
    OPTIONS,
    OWN,
    PRIVATE_KEY,
    PROXY_KINDS,
    key_of,
)
from tsunagu.der import is_sequence, to_pem
from tsunagu.errors import InvalidSettings
from tsunagu.model import (
    NO_SECRETS,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Proxy,
    ProxyKind,
    Secret,
    Secrets,
)
from tsunagu.obfuscation import revealed
from tsunagu.setting_text import Document, InvalidFile, Plain, serialise

C = TypeVar("C")
P = TypeVar("P", bound=Plain)
V = TypeVar("V", ConnectionSettings, Proxy, Secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One connection with the secrets that a setting file may hold of it."""

    settings: ConnectionSettings
    secrets: Secrets = NO_SECRETS  # the hash of a standard password; a private key only as RSA PRIVATE KEY


class Reading:
    """One document on its way to an account.  Settings are set one by one, so that a bad one is told by its line."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._settings = ConnectionSettings(name="x", host="x", hub="x", username="x")  # until told otherwise
        self._secrets = NO_SECRETS

    def account(self) -> Account:
        """The whole."""
        for option in OPTIONS:
            value = option.read(self._get(option.missing, "ClientOption", option.name))
            self._set(option.ours, value, "ClientOption", option.name)
        self._set("connect_at_start", self._get(False, "StartupAccount"), "StartupAccount")
        self._take_proxy()
        if (certificate := self._get(b"", "ServerCert")) and self._get(False, "CheckServerCert"):
            self._set("server_fingerprint", hashlib.sha256(certificate).hexdigest(), "ServerCert")
        foreign = [e for e in self._document.entries.values() if e.key not in OWN and e.key[0] != "clientauth"]
        self._set("foreign", serialise(foreign).decode())
        auth = self._choice(AUTH_TYPES, "authentication", "ClientAuth", "AuthType")
        self._set("auth", auth, "ClientAuth", "AuthType")
        self._set("username", self._get("", "ClientAuth", "Username"), "ClientAuth", "Username")
        match auth:
            case AuthType.PASSWORD:
                self._keep("hashed_password", self._hashed_password(), "ClientAuth", "HashedPassword")
            case AuthType.PLAIN_PASSWORD:
                self._take_password("password", "ClientAuth", "EncryptedPassword")
            case AuthType.CERTIFICATE:
                self._set("client_certificate", self._pem("CERTIFICATE", "ClientCert"), "ClientAuth", "ClientCert")
                if key := self._pem(PRIVATE_KEY, "ClientKey"):
                    self._keep("private_key", Secret(key), "ClientAuth", "ClientKey")
            case AuthType.SMART_CARD:
                for name, ours in (("SecurePublicCertName", "card_certificate"), ("SecurePrivateKeyName", "card_key")):
                    self._set(ours, self._get("", "ClientAuth", name), "ClientAuth", name)
        return Account(settings=self._settings, secrets=self._secrets)

    def _take_proxy(self) -> None:
        if (kind := self._choice(PROXY_KINDS, "proxy", "ClientOption", "ProxyType")) is None:
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
        if len(octets) not in (0, HASH_SIZE):
            raise InvalidFile(self._line("ClientAuth", "HashedPassword"), "A hashed password must have 20 octets")
        return HashedPassword(octets.hex()) if any(octets) else None  # zeros: the official client has none

    def _take_password(self, name: str, *path: str) -> None:
        text = revealed(self._get(b"", *path))
        if text is None:
            raise InvalidFile(self._line(*path), "The password is not text in UTF-8")
        if text:
            self._keep(name, Secret(text), *path)

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
        entry = self._document.entries.get(key_of(path))
        if entry is None:
            return missing
        if type(entry.value) is not type(missing):
            raise InvalidFile(entry.line, f"The value {path[-1]} must not be of type {entry.kind}")
        return cast(P, entry.value)

    def _line(self, *path: str) -> int:
        """Where the value is; if it is missing, where the folder begins that it should be in."""
        key = key_of(path)
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
