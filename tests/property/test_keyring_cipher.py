"""The keyring's cipher: both halves agree, and octets from outside never do more than be refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu_tray.keyring_cipher import PRIME, KeyExchange, SessionCipher


@given(st.text(max_size=100))
def test_what_one_side_encrypts_the_other_reads(secret: str) -> None:
    ours, theirs = KeyExchange(), KeyExchange()

    start, encrypted = ours.agree(theirs.public).encrypt(secret.encode())

    assert theirs.agree(ours.public).decrypt(start, encrypted).decode() == secret
    assert secret.encode() not in encrypted or len(secret) < 4


@given(st.binary(max_size=40), st.binary(max_size=64))
def test_octets_that_are_no_secret_are_refused(start: bytes, encrypted: bytes) -> None:
    with contextlib.suppress(ValueError):
        SessionCipher(bytes(16)).decrypt(start, encrypted)


@given(st.binary(max_size=200))
def test_octets_that_are_no_key_are_refused(public: bytes) -> None:
    with contextlib.suppress(ValueError):
        KeyExchange().agree(public)


@pytest.mark.parametrize("weak", [0, 1, PRIME - 1, PRIME, PRIME + 1])
def test_a_key_that_would_give_the_secret_away_is_refused(weak: int) -> None:
    with pytest.raises(ValueError, match="not valid"):
        KeyExchange().agree(weak.to_bytes(129))
