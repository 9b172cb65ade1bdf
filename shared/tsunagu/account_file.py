"""The official client's setting file, ``.vpn``: one connection with its secrets.  Pure.

What ``ConnectionSettings`` has no field for (the NIC's name, options of other systems, whatever a later version adds)
goes into ``foreign``, so that a file read and written again is the official client's.
"""

import hashlib
from collections.abc import Iterator

from tsunagu.account_options import (
    AUTH_TYPES,
    HASH_SIZE,
    OPTIONS,
    PRIVATE_KEY,
    PROXY_KINDS,
    PROXY_OPTIONS,
    by_key,
    entry_of,
)
from tsunagu.account_reading import Account, Reading
from tsunagu.der import from_pem, is_sequence
from tsunagu.errors import InvalidSettings
from tsunagu.model import AuthType, ConnectionSettings, Secret
from tsunagu.obfuscation import obfuscated
from tsunagu.setting_text import Document, Entry, Key, Plain
from tsunagu.setting_text import parse as parse_text
from tsunagu.setting_text import serialise as serialise_text

__all__ = ["Account", "foreign_entries", "parse", "read_account", "serialise"]

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
_NEW: tuple[tuple[str, Plain], ...] = (  # what a connection that came from no file says beside its settings
    ("CheckServerCert", True),  # Tsunagu never skips this check
    ("RetryOnServerCert", False),
    ("ClientOption/DeviceName", "VPN"),  # the official client's first NIC; it takes its only one if that is another
    ("ClientOption/HideNicInfoWindow", False),
    ("ClientOption/PortUDP", 0),
)


def parse(text: bytes) -> Account:
    """The account in a file.  What is missing is 0, false or empty, as for the official client.

    Raises:
        InvalidFile: the file is not a setting file, or says what no connection can have.
    """
    return read_account(parse_text(text))


def read_account(document: Document) -> Account:
    """Likewise, of a text that has been read."""
    return Reading(document).account()


def serialise(account: Account, *, server_certificate: bytes = b"") -> bytes:
    """The file of an account, with those of its secrets that belong to its kind of authentication.

    ``server_certificate`` is what the server showed, DER; it goes along if it is the one that is trusted.

    Raises:
        InvalidSettings: certificate or private key are not what the file takes; the key has to be RSA in PKCS#1 form.
    """
    settings = account.settings
    entries = foreign_entries(settings)
    _put_trust(entries, settings.server_fingerprint, server_certificate)
    entries |= by_key(entry_of("StartupAccount", settings.connect_at_start))
    entries |= by_key(*_options(settings), *_proxy(account), *_authentication(account))
    return _HEAD + serialise_text(entries.values())


def foreign_entries(settings: ConnectionSettings) -> dict[Key, Entry]:
    """What the file says beside our settings, by key: as the file had it that the connection came from."""
    if settings.foreign:
        return dict(parse_text(settings.foreign.encode()).entries)
    dates = [Entry((name,), "uint64", 0) for name in ("CreateDateTime", "LastConnectDateTime", "UpdateDateTime")]
    return by_key(*dates, *(entry_of(path, value) for path, value in _NEW))


def _put_trust(entries: dict[Key, Entry], fingerprint: str, shown: bytes) -> None:
    """The official client is to trust the certificate that we trust; without that, it is to check all the same."""
    kept = entries.pop(("servercert",), None)
    checked = entries.get(("checkservercert",))
    if fingerprint:
        entries |= by_key(entry_of("CheckServerCert", True))
        for certificate in (kept and kept.value, shown):
            if isinstance(certificate, bytes) and hashlib.sha256(certificate).hexdigest() == fingerprint:
                entries |= by_key(entry_of("ServerCert", certificate))
    elif kept and not (checked and checked.value):
        entries[kept.key] = kept  # one that was never checked, and is not


def _options(settings: ConnectionSettings) -> Iterator[Entry]:
    for option in OPTIONS:
        if (value := option.write(getattr(settings, option.ours))) or option.always:
            yield entry_of(f"ClientOption/{option.name}", value)


def _proxy(account: Account) -> Iterator[Entry]:
    proxy = account.settings.proxy
    password = account.secrets.proxy_password if proxy else None
    headers = "".join(f"{name}: {value}\n" for name, value in proxy.headers) if proxy else ""
    values: tuple[Plain, ...] = (
        PROXY_KINDS.index(proxy.kind) if proxy else 0,
        proxy.host if proxy else "",
        proxy.port if proxy else 0,
        proxy.username if proxy else "",
        _hidden(password),
        headers,
    )
    for name, value in zip(PROXY_OPTIONS, values, strict=True):
        yield entry_of(f"ClientOption/{name}", value)


def _authentication(account: Account) -> Iterator[Entry]:
    settings = account.settings
    yield entry_of("ClientAuth/AuthType", AUTH_TYPES.index(settings.auth))
    yield entry_of("ClientAuth/Username", settings.username)
    match settings.auth:
        case AuthType.PASSWORD:
            hashed = account.secrets.hashed_password
            yield entry_of("ClientAuth/HashedPassword", bytes.fromhex(hashed.value) if hashed else bytes(HASH_SIZE))
        case AuthType.PLAIN_PASSWORD:
            yield entry_of("ClientAuth/EncryptedPassword", _hidden(account.secrets.password))
        case AuthType.CERTIFICATE:
            if settings.client_certificate:
                yield entry_of("ClientAuth/ClientCert", _der("CERTIFICATE", settings.client_certificate))
            if account.secrets.private_key is not None:
                yield entry_of("ClientAuth/ClientKey", _der(PRIVATE_KEY, account.secrets.private_key.value))
        case AuthType.SMART_CARD:
            yield entry_of("ClientAuth/SecurePublicCertName", settings.card_certificate)
            yield entry_of("ClientAuth/SecurePrivateKeyName", settings.card_key)


def _der(label: str, pem: str) -> bytes:
    octets = from_pem(label, pem)
    if not is_sequence(octets):
        raise InvalidSettings(f"A setting file needs PEM of the kind BEGIN {label}, not encrypted")
    return octets


def _hidden(secret: Secret | None) -> bytes:
    return b"" if secret is None else obfuscated(secret.value)
