"""What people are shown of certificates, whoever made them."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes import make_certificate
from tsunagu_tray.certificate import read, rows
from tsunagu_tray.texts import Texts

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
GOOD = make_certificate().der


def named(name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    certificate = certificate.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(days=1))
    return certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_name_cannot_look_like_another_row() -> None:
    shown = read(named("vpn.example.org\nIssued by  A Good Authority\x1b[31m\u202e"))

    assert shown.subject == "vpn.example.org\ufffdIssued by  A Good Authority\ufffd[31m\ufffd"


@pytest.mark.parametrize("version", [1, 3, 9])
def test_a_version_that_does_not_exist_is_told_like_any_damage(version: int) -> None:
    where = GOOD.index(b"\xa0\x03\x02\x01\x02") + 4

    with pytest.raises(ValueError):  # noqa: PT011  # all there is to say
        read(GOOD[:where] + bytes([version]) + GOOD[where + 1 :])


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
@example(GOOD.index(b"\x0c\x13tsunagu"), b"\x03")  # a name that is a string of bits
def test_a_damaged_certificate_is_shown_or_refused(place: int, nonsense: bytes) -> None:
    try:
        shown = read(GOOD[:place] + nonsense + GOOD[place + len(nonsense) :])
    except ValueError:
        return
    assert all(value.isprintable() for _, value in rows(shown, Texts("en"), NOW))
