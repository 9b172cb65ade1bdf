"""A person's certificate and key come out of whatever file they are in, or one sentence says why not."""

from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.identity import Identity as Made
from tests.identity import make_identity, rsa_key
from tsunagu.errors import InvalidSettings
from tsunagu.model import NO_SECRETS, ConnectionSettings
from tsunagu_tray.identity import Identity, PassphraseNeeded, read_identity

CAROL, ISSUER = make_identity("carol", rsa_key()), make_identity("issuer", rsa_key())
OTHERS = make_identity("x", ec.generate_private_key(ec.SECP256R1()))
HUSH = b"hush"


def der(made: Made) -> bytes:
    return x509.load_pem_x509_certificate(made.certificate.encode()).public_bytes(Encoding.DER)


def key_file(encoding: Encoding, form: PrivateFormat, passphrase: bytes = b"") -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return CAROL.private_key.private_bytes(encoding, form, protection)


def assert_is_carol(found: Identity) -> None:
    assert found.certificates == CAROL.certificate
    assert found.private_key.value == CAROL.key


PEM, DER, PKCS8, OLD = Encoding.PEM, Encoding.DER, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


@pytest.mark.parametrize("certificate", [CAROL.certificate.encode(), der(CAROL)], ids=["pem", "der"])
@pytest.mark.parametrize(("encoding", "form"), [(PEM, PKCS8), (PEM, OLD), (DER, PKCS8), (DER, OLD)])
def test_a_certificate_and_its_key_in_two_files(certificate: bytes, encoding: Encoding, form: PrivateFormat) -> None:
    assert_is_carol(read_identity(certificate, key_file(encoding, form)))
    assert_is_carol(read_identity(certificate, key_file(encoding, form), "not needed"))


@pytest.mark.parametrize(("encoding", "form"), [(PEM, PKCS8), (PEM, OLD), (DER, PKCS8)])
def test_a_key_under_a_passphrase(encoding: Encoding, form: PrivateFormat) -> None:
    files = CAROL.certificate.encode(), key_file(encoding, form, HUSH)

    assert_is_carol(read_identity(*files, "hush"))
    with pytest.raises(PassphraseNeeded):
        read_identity(*files)
    with pytest.raises(InvalidSettings, match="passphrase is wrong"):
        read_identity(*files, "other")


def test_both_in_one_file() -> None:
    assert_is_carol(read_identity((CAROL.key + CAROL.certificate).encode()))
    assert_is_carol(read_identity(CAROL.pkcs12(b"")))


def test_a_pkcs12_file_under_a_passphrase() -> None:
    assert_is_carol(read_identity(CAROL.pkcs12(HUSH), passphrase="hush"))
    assert_is_carol(read_identity(CAROL.certificate.encode(), CAROL.pkcs12(HUSH), "hush"))
    with pytest.raises(PassphraseNeeded):
        read_identity(CAROL.pkcs12(HUSH))
    with pytest.raises(InvalidSettings, match="passphrase is wrong"):
        read_identity(CAROL.pkcs12(HUSH), passphrase="other")


def test_of_a_chain_ones_own_certificate_comes_first_wherever_it_stood() -> None:
    chain = CAROL.certificate + ISSUER.certificate

    for data in (chain, ISSUER.certificate + CAROL.certificate):
        assert read_identity(data.encode(), CAROL.key.encode()).certificates == chain
    assert read_identity(CAROL.pkcs12(HUSH, ISSUER), passphrase="hush").certificates == chain


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_what_comes_out_is_what_settings_and_secrets_take(bits: int) -> None:
    made = make_identity("carol", rsa_key(bits))

    found = read_identity(made.certificate.encode(), made.key.encode())

    settings = ConnectionSettings(name="n", host="h", hub="h", username="u", client_certificate=found.certificates)
    assert settings.client_certificate == made.certificate
    assert NO_SECRETS.updated({"private_key": found.private_key}).private_key == found.private_key


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        (b"", b"", "no certificate"),
        (b"nonsense", b"", "no certificate"),
        (CAROL.certificate.encode(), b"nonsense", "no private key that could be read"),
        (CAROL.certificate.encode(), b"", "no private key beside the certificate"),
        (CAROL.certificate.encode(), CAROL.certificate.encode(), "no private key beside"),
        (CAROL.certificate.encode(), ISSUER.key.encode(), "does not belong"),
        (OTHERS.certificate.encode(), OTHERS.key.encode(), "RSA key of 1024 to 4096 bits"),
        (CAROL.certificate.encode(), make_identity("long", rsa_key(5120)).key.encode(), "RSA key of 1024 to 4096 bits"),
        (CAROL.key.encode(), b"", "no certificate"),
    ],
)
def test_what_is_of_no_use_is_told(certificate: bytes, key: bytes, reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        read_identity(certificate, key)


FILES = [
    CAROL.certificate.encode(),
    CAROL.key.encode(),
    der(CAROL),
    CAROL.pkcs12(b""),
    CAROL.pkcs12(HUSH, ISSUER),
    key_file(DER, PKCS8),
]


@given(st.sampled_from(FILES), st.sampled_from(FILES), st.data())
def test_damaged_files_are_told_and_nothing_worse(certificate: bytes, key: bytes, data: st.DataObject) -> None:
    damaged = bytearray(certificate)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])

    for files in ((cut, b""), (cut, key), (key, cut)):
        with suppress(InvalidSettings):
            read_identity(*files, passphrase="hush")


@given(st.binary(), st.binary())
def test_garbage_is_told_and_nothing_worse(certificate: bytes, key: bytes) -> None:
    with pytest.raises(InvalidSettings):
        read_identity(certificate, key, "hush")
