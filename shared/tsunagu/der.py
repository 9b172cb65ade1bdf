"""Certificates and keys as files carry them: DER, and PEM around it.  Pure; what is inside is the libraries' affair."""

import base64
import re


def is_sequence(octets: bytes) -> bool:
    """Whether this can be a certificate or key at all: one ASN.1 SEQUENCE in DER, nothing after it."""
    if len(octets) < 2 or octets[0] != 0x30:
        return False
    size, head = octets[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(octets[2:head], "big")
    return len(octets) == head + size


def to_pem(label: str, octets: bytes) -> str:
    """One block, 64 characters a line."""
    text = base64.b64encode(octets).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def from_pem(label: str, pem: str) -> bytes:
    """The content of the first block, which has to be of that kind; b"" if it is not, or is encrypted."""
    block = re.match(rf"-----BEGIN {label}-----\s+([A-Za-z0-9+/=\s]+)-----END {label}-----\s", pem + "\n")
    try:
        return base64.b64decode("".join(block[1].split()), validate=True) if block else b""
    except ValueError:
        return b""
