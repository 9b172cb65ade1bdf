"""Certificates of users, made for one test."""

import datetime as dt
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate and its private key, both in PEM."""

    certificate: str
    key: str
    private_key: PrivateKey = field(repr=False)

    def pkcs12(self, passphrase: bytes, *others: "Identity") -> bytes:
        """All in one file, with others' certificates."""
        own, *chain = (x509.load_pem_x509_certificate(one.certificate.encode()) for one in (self, *others))
        protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return serialize_key_and_certificates(b"", self.private_key, own, chain, protection)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new key."""
    return rsa.generate_private_key(65537, bits)


def make_identity(name: str, key: PrivateKey, *, passphrase: bytes = b"") -> Identity:
    """A certificate of that name for that key."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=7))
        .sign(key, hashes.SHA256())
    )
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Identity(
        certificate.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode(),
        key,
    )
