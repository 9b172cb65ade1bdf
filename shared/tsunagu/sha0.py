"""SHA-0, the hash of 1993 that SoftEther's passwords are made with.  No library has it any more.  Pure.

It is SHA-1 (FIPS 180-1) without the rotation in the message schedule.  Broken as a hash; used because the server does.
"""

import struct

_MASK = 0xFFFF_FFFF
_ASCII_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def hash_password(username: str, password: str) -> bytes:
    """The 20 octets that a server stores for a user: SHA-0 over the password followed by the name in capitals.

    Capitals in ASCII only, as in the reference client (Cedar/Account.c, HashPassword).  Never log it: to this server it
    is as good as the password.
    """
    return sha0((password + username.translate(_ASCII_UPPER)).encode())


def sha0(data: bytes) -> bytes:
    """The 20 octets."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack(">Q", 8 * len(data))
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    for start in range(0, len(padded), 64):
        state = _compress(state, padded[start : start + 64])
    return struct.pack(">5I", *state)


_State = tuple[int, int, int, int, int]


def _compress(state: _State, block: bytes) -> _State:
    words = list(struct.unpack(">16I", block))
    for t in range(16, 80):
        words.append(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16])  # SHA-1 rotates this left by one
    a, b, c, d, e = state
    for t, word in enumerate(words):
        if t < 20:
            mixed, constant = (b & c) | (~b & d), 0x5A827999
        elif t < 40:
            mixed, constant = b ^ c ^ d, 0x6ED9EBA1
        elif t < 60:
            mixed, constant = (b & c) | (b & d) | (c & d), 0x8F1BBCDC
        else:
            mixed, constant = b ^ c ^ d, 0xCA62C1D6
        a, b, c, d, e = (_rotate(a, 5) + mixed + e + constant + word) & _MASK, a, _rotate(b, 30), c, d
    h0, h1, h2, h3, h4 = state
    return (h0 + a) & _MASK, (h1 + b) & _MASK, (h2 + c) & _MASK, (h3 + d) & _MASK, (h4 + e) & _MASK


def _rotate(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _MASK
