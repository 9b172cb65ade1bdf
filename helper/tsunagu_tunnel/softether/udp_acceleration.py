"""UDP acceleration: one end of the datagrams that carry frames beside a session's TCP carriers.  No I/O, no clock.

A datagram before it is sealed, big-endian: ``u32 cookie, u64 tick, u64 echo, u16 size, u8 compressed``, ``size`` octets
of a frame, zeros.  The cookie is the receiver's.  A tick is the sender's clock in ms, never 0; the echo is the latest
tick that the sender has seen of the receiver's.  Size 0 makes a keepalive.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tsunagu_tunnel.softether.carrier import MAX_FRAME, MIN_FRAME
from tsunagu_tunnel.softether.compression import LEVEL, inflate

KEY_SIZE = 20, 128  # octets of a key as it is exchanged, in version 1 and 2; of the latter the first 32 are used
STABLE_S = 10.0  # echoes must have come for so long before frames follow (Cedar/UdpAccel.c, as are all times here)
WINDOW_MS = 30_000  # a datagram that much older than the newest is dropped; the reference believes echoes as long
SILENCE_S = WINDOW_MS / 1000 - STABLE_S + 1  # from the last datagram that came
NONCE = 12  # octets, in version 2
PADDING = 32  # octets, fewer than that are added to a datagram where there is room

_HEADER, _HEAD, _BEHIND_HEAD = struct.Struct(">IQQHB"), struct.Struct(">IQQ"), struct.Struct(">HB")
_ZEROS = bytes(PADDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpTerms:
    """What client and server have agreed on, as one of them sees it."""

    version: int  # 1: RC4 and SHA-1; 2: ChaCha20-Poly1305
    encrypted: bool  # else neither: for sessions that are in the clear on TCP, too
    fast: bool  # more keepalives, to find out within 2 s instead of 9 that datagrams do not arrive
    our_key: bytes = field(repr=False)  # of what we send
    their_key: bytes = field(repr=False)
    our_cookie: int = field(repr=False)  # in what is for us
    their_cookie: int = field(repr=False)
    port: int  # the peer's, as it says itself


def has_version_1() -> bool:
    """Whether there is RC4 at all: some systems leave it out of their OpenSSL."""
    try:
        Cipher(ARC4(bytes(20)), mode=None).encryptor()
    except UnsupportedAlgorithm:
        return False
    return True


class UdpAcceleration:
    """Frames in, datagrams out and the other way round; whether they arrive; keepalives.

    ``now`` is seconds, monotonic.  Frames go by datagram while ``is_usable``, else by TCP; both are accepted at any
    time.  The loop sleeps no longer than ``next_deadline`` and sends what ``tick`` returns.
    """

    def __init__(
        self,
        terms: UdpTerms,
        now: float,
        *,
        compress: bool,
        max_datagram: int,
        random: Random,
        seals: "tuple[Seal, Seal] | None" = None,
    ) -> None:
        """``max_datagram``: octets that surely pass unfragmented; longer frames travel in longer datagrams.

        ``seals``: what protects datagrams to and from the peer, if that is not to be made here.
        """
        self.port = terms.port  # where the peer is; follows what comes from it, as NATs change their minds
        self._terms = terms
        self._seal, self._unseal = seals or _seals(terms, random)
        self._compress = compress
        self._room = max_datagram - self._seal.overhead - _HEADER.size
        self._random = random
        self._quiet_s = 2.1 if terms.fast else 9.0
        self._keepalive_s = (0.5, 1.0) if terms.fast else (1.0, 3.0)
        self._began = now
        self._keepalive_at = now
        self._newest = 0  # tick of the peer's
        self._heard_at = float("-inf")
        self._echoed_at = float("-inf")
        self._stable_since = now

    @property
    def largest_frame(self) -> int:
        """Octets of the longest frame whose datagram surely passes unfragmented."""
        return self._room

    def is_usable(self, now: float) -> bool:
        """Whether what we send arrives, as far as echoes tell, and has done so for long enough."""
        return now < self._echoed_at + self._quiet_s and now >= self._stable_since + STABLE_S

    def fail(self) -> None:
        """Nothing can be sent at present: not usable until it has been stable anew."""
        self._echoed_at = float("-inf")

    def next_deadline(self) -> float:
        """When ``tick`` will next have something to say."""
        return self._keepalive_at

    def tick(self, now: float) -> list[bytes]:
        """The keepalive that is due by now, if any."""
        if now < self._keepalive_at:
            return []
        self._keepalive_at = now + self._random.uniform(*self._keepalive_s)
        # When nothing comes any more, we fall silent: else the peer would not notice that its datagrams are lost, and
        # send frames by them, as long as it believes our last echo.  Later it has no time left to find us stable.
        if self._heard_at + self._quiet_s <= now < self._heard_at + SILENCE_S:
            return []
        return self.encode([b""], now)

    def encode(self, frames: Sequence[bytes], now: float) -> list[bytes]:
        """A datagram for each frame.  Frames of one length become datagrams of one length: those can leave together."""
        head, padding = self.head(now), _ZEROS[: self.padding()]
        seal, pack, room = self._seal.seal, _BEHIND_HEAD.pack, self._room
        datagrams = []
        for frame in frames:
            compressed, content = 0, frame
            if self._compress and frame:
                stream = zlib.compress(frame, LEVEL)
                if len(stream) < len(frame):
                    compressed, content = 1, stream
            left = room - len(content)
            datagrams.append(
                seal(
                    head
                    + pack(len(content), compressed)
                    + content
                    + (padding if left >= PADDING else padding[: max(left, 0)])
                )
            )
        return datagrams

    def head(self, now: float) -> bytes:
        """Cookie, tick and echo of what is sent now."""
        return _HEAD.pack(self._terms.their_cookie, self._tick(now), self._newest)

    def padding(self) -> int:
        """How many octets the datagrams of one batch get, at random."""
        return self._random.randrange(PADDING) if self._terms.encrypted else 0

    @property
    def oldest(self) -> int:
        """The least tick that is believed."""
        return max(0, self._newest - WINDOW_MS)

    def receive(self, datagrams: Sequence[bytes | memoryview], port: int, now: float) -> list[bytes]:
        """The frames in what came from the peer's address and that port; what is not right is dropped."""
        unseal, unpack = self._unseal.unseal, _HEADER.unpack_from
        our_cookie, oldest, start = self._terms.our_cookie, self.oldest, _HEADER.size
        frames: list[bytes] = []
        newest = latest_echo = 0
        for datagram in datagrams:
            inner = unseal(datagram)
            if len(inner) < start:
                continue
            cookie, tick, echo, size, compressed = unpack(inner)
            if cookie != our_cookie or tick < oldest or start + size > len(inner):
                continue
            newest = max(newest, tick)
            latest_echo = max(latest_echo, echo)
            if size:
                content = inner[start : start + size]
                if compressed:
                    frames += inflate([content])
                elif MIN_FRAME <= size <= MAX_FRAME:
                    frames.append(content)
        if newest:
            self.hear(newest, latest_echo, port, now)
        return frames

    def hear(self, tick: int, echo: int, port: int, now: float) -> None:
        """These were the newest and the latest in what came, from the peer's address and that port."""
        self._heard_at = now
        if tick > self._newest:
            self._newest, self.port = tick, port
        # An echo of long ago comes from a peer that does not hear us any more.
        if echo and 0 <= self._tick(now) - echo <= 2000 * self._quiet_s:
            if now >= self._echoed_at + self._quiet_s:
                self._stable_since = now
            self._echoed_at = now

    def _tick(self, now: float) -> int:
        return int((now - self._began) * 1000) + 1


# -- seals ------------------------------------------------------------------------------------------------------------


class Seal(Protocol):
    """Protection of one direction."""

    overhead: int  # octets

    def seal(self, inner: bytes) -> bytes: ...

    def unseal(self, datagram: bytes | memoryview) -> bytes:
        """What was sealed; b"" if that cannot be."""


def _seals(terms: UdpTerms, random: Random) -> tuple[Seal, Seal]:
    if not terms.encrypted:
        return _Clear(), _Clear()
    kind = _Rc4 if terms.version == 1 else _ChaCha20Poly1305
    return kind(terms.our_key, random), kind(terms.their_key, random)


class _Numbers:
    """Numbers used once, each ``size`` octets.

    The reference takes octets of the previous cipher text, which repeat at some time; a receiver takes any.
    """

    def __init__(self, size: int, random: Random) -> None:
        self._size = size
        self._next = random.getrandbits(8 * size)

    def take(self) -> bytes:
        number, self._next = self._next, (self._next + 1) % (1 << 8 * self._size)
        return number.to_bytes(self._size, "big")


class _ChaCha20Poly1305:
    """``nonce (12), cipher text, tag (16)``."""

    overhead = NONCE + 16

    def __init__(self, key: bytes, random: Random) -> None:
        self._cipher = ChaCha20Poly1305(key[:32])
        self._numbers = _Numbers(NONCE, random)

    def seal(self, inner: bytes) -> bytes:
        nonce = self._numbers.take()
        return nonce + self._cipher.encrypt(nonce, inner, None)

    def unseal(self, datagram: bytes | memoryview) -> bytes:
        if len(datagram) < self.overhead:
            return b""
        try:
            return self._cipher.decrypt(datagram[:NONCE], datagram[NONCE:], None)
        except InvalidTag:
            return b""


class _Rc4:
    """``IV (20), RC4 under SHA-1(key, IV)`` of the inside and 20 zeros, which a receiver looks for."""

    overhead = 20 + 20

    def __init__(self, key: bytes, random: Random) -> None:
        self._key = key
        self._numbers = _Numbers(20, random)

    def seal(self, inner: bytes) -> bytes:
        iv = self._numbers.take()
        return iv + self._crypt(iv, inner + bytes(20))

    def unseal(self, datagram: bytes | memoryview) -> bytes:
        if len(datagram) < self.overhead:
            return b""
        inner = self._crypt(bytes(datagram[:20]), datagram[20:])
        return b"" if any(inner[-20:]) else inner[:-20]

    def _crypt(self, iv: bytes, data: bytes | memoryview) -> bytes:
        key = hashlib.sha1(self._key + iv, usedforsecurity=False).digest()
        return Cipher(ARC4(key), mode=None).encryptor().update(data)


class _Clear:
    overhead = 0

    def seal(self, inner: bytes) -> bytes:
        return inner

    def unseal(self, datagram: bytes | memoryview) -> bytes:
        return bytes(datagram)
