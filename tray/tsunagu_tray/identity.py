"""A person's certificate and private key out of their files: PEM, DER or PKCS#12, plain or under a passphrase.  Pure.

All parsing is done here, as the person; the helper gets the result in one plain form, and only looks at its shape.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)
from cryptography.utils import CryptographyDeprecationWarning

from tsunagu.errors import InvalidSettings
from tsunagu.model import Secret

KEY_BITS = range(1024, 4097)  # what servers take

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


class PassphraseNeeded(InvalidSettings):
    """The private key is protected by a passphrase, and none was given."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a connection needs: the chain in PEM, the person's own certificate first, and its key without passphrase."""

    certificates: str
    private_key: Secret


def read_identity(certificate: bytes, key: bytes = b"", passphrase: str = "") -> Identity:
    """What lies in the contents of these files; without ``key`` the private key lies with the certificate.

    Raises:
        PassphraseNeeded: see there.
        InvalidSettings: the files do not hold what is needed; the sentence says what is wrong.
    """
    with warnings.catch_warnings():
        # Certificates of VPN servers' own making have the serial number 0, which RFC 5280 does not like.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return _identity(certificate, key, passphrase.encode() or None)


def _identity(certificate: bytes, key: bytes, passphrase: bytes | None) -> Identity:
    if _is_pkcs12(certificate):
        found, private_key = _bag(certificate, passphrase)
    else:
        found, private_key = read_certificates(certificate), None
    if key or private_key is None:
        private_key = _bag(key, passphrase)[1] if _is_pkcs12(key) else _key(key or certificate, passphrase)
    if not isinstance(private_key, rsa.RSAPrivateKey) or private_key.key_size not in KEY_BITS:
        raise InvalidSettings("The private key must be an RSA key of 1024 to 4096 bits: VPN servers take no others")
    own = [one for one in found if _public(one) == _public(private_key)]
    if not own:
        raise InvalidSettings("The private key does not belong to the certificate")
    return Identity(
        "".join(_pem(one) for one in [own[0], *(one for one in found if one != own[0])]),
        Secret(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()),
    )


def read_certificates(data: bytes) -> list[x509.Certificate]:
    """All certificates in a file, PEM or DER.

    Raises:
        InvalidSettings: there is none, or it cannot be read.
    """
    try:
        if b"-----BEGIN " in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except _UNREADABLE as error:
        raise InvalidSettings("The file holds no certificate that could be read") from error


def pkcs1(key: Secret) -> Secret:
    """An RSA key of ours in the older form, RSA PRIVATE KEY, which the official client's files take."""
    private_key = load_pem_private_key(key.value.encode(), None)
    return Secret(private_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode())


def _bag(data: bytes, passphrase: bytes | None) -> tuple[list[x509.Certificate], object]:
    """What a PKCS#12 file holds."""
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, passphrase)
    except _UNREADABLE as error:
        raise _not_opened(passphrase) from error
    return [*filter(None, [own]), *others], key


def _key(data: bytes, passphrase: bytes | None) -> object:
    is_pem = b"-----BEGIN " in data
    if is_pem and b"PRIVATE KEY-----" not in data:
        raise InvalidSettings("There is no private key beside the certificate: name the file that holds it")
    load: Callable[[bytes, bytes | None], object] = load_pem_private_key if is_pem else load_der_private_key
    try:
        return load(data, None)
    except TypeError:  # it has a passphrase
        pass
    except _UNREADABLE as error:
        raise InvalidSettings("The file holds no private key that could be read") from error
    try:
        return load(data, passphrase)
    except _UNREADABLE as error:
        raise _not_opened(passphrase) from error


def _not_opened(passphrase: bytes | None) -> InvalidSettings:
    if passphrase is None:
        return PassphraseNeeded("The private key is protected by a passphrase, which has to be given")
    return InvalidSettings("The passphrase is wrong, or the file is damaged")


def _is_pkcs12(data: bytes) -> bool:
    """An ASN.1 SEQUENCE that begins with the version 3 (RFC 7292, PFX)."""
    header = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0) if len(data) > 1 else 0
    return data[:1] == b"\x30" and data[header : header + 3] == b"\x02\x01\x03"


def _public(of: x509.Certificate | rsa.RSAPrivateKey) -> bytes:
    return of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
