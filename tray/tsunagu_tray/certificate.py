"""What of a server's certificate a person can judge, in words.  Pure."""

import base64
import hashlib
import warnings
from dataclasses import asdict, dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning

from tsunagu_tray.texts import Texts


@dataclass(frozen=True, slots=True)
class Certificate:
    """What of a certificate a person can judge."""

    subject: str
    issuer: str
    start: datetime
    end: datetime
    sha256: str


def read(der: bytes) -> Certificate:
    """The readable side of a certificate.

    Raises:
        ValueError: it is not one.
    """
    with warnings.catch_warnings():
        # VPN servers number the certificates that they make for themselves 0, which RFC 5280 does not like.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            parsed = x509.load_der_x509_certificate(der)
            return Certificate(
                _name(parsed.subject),
                _name(parsed.issuer),
                parsed.not_valid_before_utc,
                parsed.not_valid_after_utc,
                parsed.fingerprint(SHA256()).hex(),
            )
        except (x509.InvalidVersion, TypeError) as error:  # TypeError: a name of a kind that names do not have
            raise ValueError from error


def _name(name: x509.Name) -> str:
    """In one line, so that it cannot look like another row."""
    text = ", ".join(str(part.value) for part in name)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text) or "–"


def certificate_to_plain(shown: Certificate) -> dict[str, str]:
    """For ``--json``."""
    return {name: str(value) for name, value in asdict(shown).items()}


def fingerprint_of(certificate: str) -> str:
    """SHA-256 of a certificate (DER in base64), as settings have it."""
    return hashlib.sha256(base64.b64decode(certificate)).hexdigest()


def grouped(fingerprint: str) -> list[str]:
    """For comparing by eye: pairs of digits, sixteen pairs a line."""
    pairs = [fingerprint[i : i + 2].upper() for i in range(0, len(fingerprint), 2)]
    return [" ".join(pairs[i : i + 16]) for i in range(0, len(pairs), 16)]


def why_asked(code: int, *, changed: bool) -> str:
    """The key of the sentence that says why a certificate has to be judged: its error's, or that it has changed."""
    return f"certificate_why_{'changed' if changed else code if code in (106, 149) else 85}"


def rows(shown: Certificate, texts: Texts, now: datetime) -> list[tuple[str, str]]:
    """Titles and values."""
    issuer = texts("certificate_self_issued") if shown.issuer == shown.subject else shown.issuer
    key = "certificate_from_to" if shown.start <= now <= shown.end else "certificate_expired"
    validity = texts(key, start=f"{shown.start:%Y-%m-%d}", end=f"{shown.end:%Y-%m-%d}")
    return [
        (texts("certificate_subject"), shown.subject),
        (texts("certificate_issuer"), issuer),
        (texts("certificate_validity"), validity),
    ]
