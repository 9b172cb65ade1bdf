"""TLS contexts, the judgement of the server's certificate, and what a failed TLS handshake means."""

import base64
import hashlib
import ssl
from dataclasses import dataclass

from tsunagu.errors import TunnelError
from tsunagu.model import ConnectionSettings

MAX_CERTIFICATE = 16384  # octets of DER; a control message has to carry it

OP_LEGACY_SERVER_CONNECT = 0x4  # for servers from before RFC 5746; the ssl module has the name from Python 3.12 on

_EXPIRED = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE"}
_NO_VERSION = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"}
_NO_CIPHER = {"SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "TLSV1_ALERT_INSUFFICIENT_SECURITY"}


class CertificateRefused(TunnelError):
    """Nobody vouches for the server's certificate: code 85, 106 or 149."""

    def __init__(self, code: int, certificate: bytes) -> None:
        super().__init__(code)
        self.certificate = certificate  # DER


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the servers of one attempt are spoken to with."""

    verifying: ssl.SSLContext  # the system's or the user's authorities have to vouch for the server, host name included
    unverified: ssl.SSLContext  # the certificate is compared octet by octet with one that is known, or only looked at


def contexts_for(settings: ConnectionSettings, authorities: str) -> Contexts:
    """Those of a connection; ``authorities``, in PEM, are the user's own.

    Raises:
        TunnelError: 38, the authorities cannot be read.
    """
    verifying, unverified = _context(settings.old_tls), _context(settings.old_tls)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    verifying.load_default_certs()
    verifying.verify_flags |= (
        ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    )  # also an authority that another one vouches for
    if authorities:
        try:
            verifying.load_verify_locations(cadata=authorities)
        except ssl.SSLError as error:
            raise TunnelError(38, "one of your certificate authorities cannot be read; see: tsunagu ca list") from error
    return Contexts(verifying, unverified)


def _context(old_tls: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if old_tls:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        # What such servers sign with, and the length of their keys, is below what OpenSSL finds safe today.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.options |= OP_LEGACY_SERVER_CONNECT
    # A renegotiation would make writing wait for reading; with TLS 1.3 there is none any more.
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def certificate_of(tls: ssl.SSLSocket) -> bytes:
    """What the server has shown, DER.

    Raises:
        TunnelError: it is too large to be passed on.
    """
    certificate = tls.getpeercert(binary_form=True) or b""
    if not 0 < len(certificate) <= MAX_CERTIFICATE:
        raise TunnelError(152, f"the server's certificate has {len(certificate)} octets")
    return certificate


def fingerprint(certificate: bytes) -> str:
    """SHA-256 over the DER, as settings have it."""
    return hashlib.sha256(certificate).hexdigest()


def as_text(certificate: bytes) -> str:
    """DER in base64, as control messages have it."""
    return base64.b64encode(certificate).decode()


def refusal_code(error: ssl.SSLCertVerificationError) -> int:
    """Why the system's authorities do not vouch for it, as a number of the error table."""
    if error.verify_code in _EXPIRED:
        return 106
    return 149 if error.verify_code in _OTHER_NAME else 85


def tls_failure(error: ssl.SSLError) -> TunnelError:
    """What it means that the TLS handshake failed."""
    reason = error.reason or ""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TunnelError(3, "the line was cut during the TLS handshake")
    if reason in _NOT_TLS:
        return TunnelError(2, "what answers there does not speak TLS")
    if reason in _NO_VERSION:
        return TunnelError(150)
    if reason in _NO_CIPHER:
        return TunnelError(151)
    return TunnelError(152, reason.replace("_", " ").lower())
