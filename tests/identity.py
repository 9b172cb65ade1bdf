"""Certificates of users, authorities and servers, made for one test."""

import datetime as dt
import ipaddress
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


def make_identity(
    name: str,
    key: PrivateKey,
    *,
    passphrase: bytes = b"",
    issuer: Identity | None = None,
    address: str = "192.0.2.1",
    expired: bool = False,
) -> Identity:
    """A certificate of that name for that key: a person's, an authority's, or a server's at that address.

    Issued by itself, unless there is an ``issuer``.
    """
    subject = _name(name)
    above = x509.load_pem_x509_certificate(issuer.certificate.encode()).subject if issuer else subject
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=7))
        .not_valid_after(now + dt.timedelta(days=-1 if expired else 7))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(issuer.private_key if issuer else key, hashes.SHA256())
    )
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Identity(
        certificate.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode(),
        key,
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
