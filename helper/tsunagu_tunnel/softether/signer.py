"""The private key of a certificate login, where it is in files: what signs with it, once it is known to fit."""

from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tsunagu.errors import TunnelError

KEY_BITS = range(1024, 4097)  # servers refuse a signature of more than 512 octets

NOT_RSA, INVALID = 77, 38  # codes of the error table

Signer = Callable[
    [bytes], bytes
]  # octets to an RSA PKCS#1 v1.5 signature over their SHA-1; a smart card can be one too


def first_certificate(pem: str) -> bytes:
    """The user's own certificate, DER, of a chain in PEM.

    Raises:
        TunnelError: 38, it cannot be read; 77, its key is not RSA of up to 4096 bits.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise TunnelError(INVALID, "the client certificate cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in KEY_BITS:
        raise TunnelError(NOT_RSA, "the client certificate's key is not RSA of 1024 to 4096 bits")
    return certificate.public_bytes(Encoding.DER)


def signer_for(certificate: bytes, key_pem: str) -> Signer:
    """What signs for this certificate (DER), whose private key this is (PEM, without passphrase).

    Raises:
        TunnelError: 38, it cannot be read or belongs to another certificate.
    """
    try:
        key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    except (TypeError, ValueError) as error:
        raise TunnelError(INVALID, "the private key cannot be read") from error
    public = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPrivateKey) or _octets(key.public_key()) != _octets(public):
        raise TunnelError(INVALID, "the private key does not belong to the client certificate")

    def sign(octets: bytes) -> bytes:
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # the protocol has no other

    return sign


def check_card(certificate: bytes, signature: bytes, random: bytes) -> None:
    """Whether what a card gave for this random is what a server will accept.

    Raises:
        TunnelError: 38, the certificate (DER) cannot be read, or another key has signed; 77, it is not RSA.
    """
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise TunnelError(INVALID, "the certificate on the card cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in KEY_BITS:
        raise TunnelError(NOT_RSA, "the key on the card is not RSA of 1024 to 4096 bits")
    try:
        key.verify(signature, random, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # the protocol has no other
    except InvalidSignature as error:
        raise TunnelError(INVALID, "the private key on the card does not belong to the certificate there") from error


def _octets(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
