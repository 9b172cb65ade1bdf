"""How the official client writes passwords into its files: RC4 with a key that all of them share.

It hides them from passing eyes only.
"""

from contextlib import suppress

_KEYS = b"EncryptP", b"Encr"  # as long as a pointer where the official client was built; the latter is rare


def obfuscated(text: str) -> bytes:
    """A password as it stands in a file."""
    return _rc4(text.encode(), _KEYS[0])


def revealed(octets: bytes) -> str | None:
    """The password; None: it is not text in UTF-8, by neither key."""
    for key in _KEYS:
        with suppress(UnicodeDecodeError):
            return _rc4(octets, key).decode()
    return None


def _rc4(octets: bytes, key: bytes) -> bytes:
    """Either way."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    j = 0
    for n, octet in enumerate(octets, 1):
        i = n % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(octet ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
