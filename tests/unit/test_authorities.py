"""A user's own certificate authorities: what is taken, found and forgotten."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.settings import pem
from tsunagu.authorities import MAX_AUTHORITIES, Authorities, fingerprint
from tsunagu.errors import InvalidSettings, NotFound
from tsunagu.plain import from_plain, to_plain

ONE, OTHER = (f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n" for text in ("QUJD", "REVG"))


def test_they_are_added_once_and_in_any_number() -> None:
    kept = Authorities().having(ONE).having(ONE + OTHER)

    assert kept.certificates == (ONE, OTHER)
    assert kept.pem == ONE + OTHER
    assert from_plain(Authorities, to_plain(kept)) == kept


def test_one_goes_by_its_fingerprint() -> None:
    kept = Authorities((ONE, OTHER)).without(hashlib.sha256(b"ABC").hexdigest())

    assert kept == Authorities((OTHER,))
    with pytest.raises(NotFound):
        kept.without(hashlib.sha256(b"ABC").hexdigest())


@pytest.mark.parametrize(
    "nonsense",
    ["", "x", ONE.strip(), ONE + "x\n", ONE.replace("CERTIFICATE", "PRIVATE KEY"), ONE.replace("QUJD", "QUJ")],
)
def test_what_is_no_certificate_is_refused(nonsense: str) -> None:
    with pytest.raises(InvalidSettings, match="BEGIN CERTIFICATE"):
        Authorities().having(nonsense)


def test_there_is_a_limit() -> None:
    many = [ONE.replace("QUJD", base64.b64encode(number.to_bytes(3, "big")).decode()) for number in range(99)]

    with pytest.raises(InvalidSettings, match="remove one first"):
        Authorities(tuple(many[:MAX_AUTHORITIES])).having(many[MAX_AUTHORITIES])
    with pytest.raises(InvalidSettings, match="remove one first"):
        Authorities().having(ONE.replace("QUJD", "\n".join(["QUJD"] * 6000)))


@given(st.lists(pem("CERTIFICATE"), min_size=1, max_size=5))
def test_what_was_added_can_be_removed(certificates: list[str]) -> None:
    kept = Authorities().having("".join(certificates))

    for certificate in set(certificates):
        kept = kept.without(fingerprint(certificate))
    assert kept == Authorities()


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    with pytest.raises(InvalidSettings):
        Authorities().having(text)
