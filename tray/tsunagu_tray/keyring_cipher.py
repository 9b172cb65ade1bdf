"""The cipher between a program and its keyring, as the Secret Service API has it.  Pure."""

import secrets

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

ALGORITHM = "dh-ietf1024-sha256-aes128-cbc-pkcs7"
GENERATOR = 2
PRIME = int(  # RFC 2409, section 6.2: the second Oakley group
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
_OCTETS = 128  # of a number in that group
_BLOCK = 16  # octets


class KeyExchange:
    """Our half.  ``public`` goes to the keyring."""

    def __init__(self) -> None:
        self._private = secrets.randbelow(PRIME - 2) + 1
        self.public = pow(GENERATOR, self._private, PRIME).to_bytes(_OCTETS)

    def agree(self, public: bytes) -> "SessionCipher":
        """The cipher that both sides have, once the keyring's half is here.

        Raises:
            ValueError: it is no number of the group, or one that gives the secret away.
        """
        theirs = int.from_bytes(public)
        if not 1 < theirs < PRIME - 1:
            raise ValueError("the keyring's key is not valid")
        shared = pow(theirs, self._private, PRIME).to_bytes(_OCTETS)
        return SessionCipher(HKDF(SHA256(), 16, salt=None, info=b"").derive(shared))


class SessionCipher:
    """Secrets in their form on the bus: (initialisation vector, ciphertext)."""

    def __init__(self, key: bytes) -> None:
        self._key = AES128(key)

    def encrypt(self, plain: bytes) -> tuple[bytes, bytes]:
        """Each time another."""
        start = secrets.token_bytes(_BLOCK)
        padder = PKCS7(8 * _BLOCK).padder()
        encryptor = Cipher(self._key, CBC(start)).encryptor()
        return start, encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()

    def decrypt(self, start: bytes, secret: bytes) -> bytes:
        """What was encrypted.

        Raises:
            ValueError: it was not with this key.
        """
        decryptor = Cipher(self._key, CBC(start)).decryptor()
        unpadder = PKCS7(8 * _BLOCK).unpadder()
        return unpadder.update(decryptor.update(secret) + decryptor.finalize()) + unpadder.finalize()
