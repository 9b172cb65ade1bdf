"""MD4 (RFC 1320), of which NT hashes are made.  OpenSSL 3 does not offer it any more.  Pure.

Broken as a hash; used because a server keeps this form of a password beside its own, for those who come by MS-CHAPv2.
"""

import struct

_MASK = 0xFFFF_FFFF
_State = tuple[int, int, int, int]

# A round's steps: which word each takes, how far it rotates in turn, what is added
_ROUNDS = (
    (tuple(range(16)), (3, 7, 11, 19), 0),
    ((0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13), 0x5A827999),
    ((0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15), 0x6ED9EBA1),
)


def nt_hash(password: str) -> bytes:
    """The 16 octets that Windows knows a password by."""
    return md4(password.encode("utf-16-le"))


def md4(data: bytes) -> bytes:
    """The 16 octets."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    for start in range(0, len(padded), 64):
        state = _compress(state, struct.unpack_from("<16I", padded, start))
    return struct.pack("<4I", *state)


def _compress(state: _State, words: tuple[int, ...]) -> _State:
    a, b, c, d = state
    for number, (order, shifts, constant) in enumerate(_ROUNDS):
        for step, word in enumerate(order):
            mixed = ((b & c) | (~b & d), (b & c) | (b & d) | (c & d), b ^ c ^ d)[number]
            total, bits = (a + mixed + words[word] + constant) & _MASK, shifts[step % 4]
            a, b, c, d = d, (total << bits | total >> (32 - bits)) & _MASK, b, c
    h0, h1, h2, h3 = state
    return (h0 + a) & _MASK, (h1 + b) & _MASK, (h2 + c) & _MASK, (h3 + d) & _MASK
