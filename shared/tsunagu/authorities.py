"""A user's own certificate authorities, which vouch for VPN servers beside the system's.

Only their form is looked at: who asks to keep them has read them, and a worker reads them again.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from tsunagu.errors import InvalidSettings, NotFound

MAX_AUTHORITIES = 32  # of one user
MAX_PEM = 24576  # characters of all: they travel in one control message with a certificate and its key

_BLOCK = re.compile(
    r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{1,76}\n)*[A-Za-z0-9+/]{1,76}={0,2}\n-----END CERTIFICATE-----\n"
)


@dataclass(frozen=True, slots=True)
class Authorities:
    """The certificates, each one PEM block.

    Raises:
        InvalidSettings: from the constructor.
    """

    certificates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for certificate in self.certificates:
            if not _BLOCK.fullmatch(certificate):
                raise InvalidSettings("Certificate authorities must be BEGIN CERTIFICATE blocks in PEM form")
            fingerprint(certificate)
        if len(self.certificates) > MAX_AUTHORITIES or len(self.pem) > MAX_PEM:
            raise InvalidSettings(
                f"At most {MAX_AUTHORITIES} certificate authorities of {MAX_PEM} characters are kept; remove one first"
            )

    @property
    def pem(self) -> str:
        """All in one."""
        return "".join(self.certificates)

    def having(self, pem: str) -> "Authorities":
        """With all that are in this PEM; those that are there already stay as they are.

        Raises:
            InvalidSettings: there is something else in it, or too many of them.
        """
        new = _BLOCK.findall(pem)
        if not new or "".join(new) != pem:
            raise InvalidSettings("Certificate authorities must be BEGIN CERTIFICATE blocks in PEM form")
        return Authorities(tuple(dict.fromkeys((*self.certificates, *new))))

    def without(self, sha256: str) -> "Authorities":
        """Without the one of this fingerprint.

        Raises:
            NotFound: it is not there.
        """
        left = tuple(one for one in self.certificates if fingerprint(one) != sha256)
        if left == self.certificates:
            raise NotFound("There is no certificate authority with this fingerprint")
        return Authorities(left)


def fingerprint(certificate: str) -> str:
    """SHA-256 over the DER of one PEM block, 64 hex digits.

    Raises:
        InvalidSettings: the base64 in it is none.
    """
    try:
        der = base64.b64decode("".join(certificate.splitlines()[1:-1]), validate=True)
    except ValueError:
        raise InvalidSettings("Certificate authorities must be BEGIN CERTIFICATE blocks in PEM form") from None
    return hashlib.sha256(der).hexdigest()
