"""SHA-0, what passwords become, and signatures of certificates."""

from dataclasses import replace
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.identity import Identity, make_identity, rsa_key
from tests.unit.softether.recorded import load, recorded_pack
from tsunagu.errors import Remedy, TunnelError
from tsunagu.model import NO_SECRETS, AuthType, ConnectionSettings, HashedPassword, Secret, Secrets
from tsunagu.sha0 import hash_password, sha0
from tsunagu_tunnel.softether.auth import (
    Anonymous,
    ClientCertificate,
    PlainPassword,
    SmartCard,
    StandardPassword,
    credentials_for,
    secure_password,
)
from tsunagu_tunnel.softether.pack import Pack

RECORDED = load("sha0.json")
SIGNED = {name: bytes.fromhex(value) for name, value in load("cert_signature.json").items() if name != "source"}
SETTINGS = ConnectionSettings(name="x", host="h", hub="LAB", username="alice")


@cache
def identity(bits: int = 2048) -> Identity:
    return make_identity("carol", rsa_key(bits))


def settings(auth: AuthType, certificate: str = "") -> ConnectionSettings:
    return replace(SETTINGS, auth=auth, client_certificate=certificate)


def certificate_login(certificate: str, key: str) -> Pack:
    """What a certificate login sends in answer to the recorded random."""
    credentials = credentials_for(settings(AuthType.CERTIFICATE, certificate), Secrets(private_key=Secret(key)))
    assert not isinstance(credentials, SmartCard)
    pack = Pack()
    credentials.add_to(pack, "carol", SIGNED["random"])
    return pack


@pytest.mark.parametrize("case", RECORDED["sha0"], ids=lambda case: f"{case['text'][:8]}*{case['repeat']}")
def test_sha0_gives_the_published_values(case: dict[str, str | int]) -> None:
    text = str(case["text"]) * int(case["repeat"])

    assert sha0(text.encode()).hex() == case["digest"]


@pytest.mark.parametrize("case", RECORDED["hashed_password"], ids=lambda case: case["user"])
def test_a_password_hashes_as_the_server_stores_it(case: dict[str, str]) -> None:
    assert hash_password(case["user"], case["password"]).hex() == case["digest"]


@pytest.mark.parametrize("case", RECORDED["secure_password"], ids=lambda case: case["sender"])
def test_the_proof_of_a_password_is_the_one_that_a_server_accepted(case: dict[str, str]) -> None:
    proof = secure_password(bytes.fromhex(case["hashed"]), bytes.fromhex(case["random"]))

    assert proof.hex() == case["secure"]


@pytest.mark.parametrize("case", RECORDED["secure_password"], ids=lambda case: case["sender"])
def test_the_hash_of_a_password_proves_as_much_as_the_password(case: dict[str, str]) -> None:
    pack = Pack()

    StandardPassword(HashedPassword(case["hashed"])).add_to(pack, "whoever", bytes.fromhex(case["random"]))

    assert pack.get_data("secure_password").hex() == case["secure"]


def test_a_plain_password_is_sent_as_the_server_accepted_it() -> None:
    recorded = {name: values for name, _kind, values in recorded_pack("plain_radius/0/send", "method").elements}
    pack = Pack()

    PlainPassword(Secret("radpw")).add_to(pack, "alice", bytes(20))

    assert {element.name: list(element.values) for element in pack} == {
        name: recorded[name] for name in ("authtype", "plain_password")
    }


def test_the_settings_kind_decides_how_a_user_proves_who_they_are() -> None:
    secret = Secret("secret")
    hashed = HashedPassword("00" * 20)

    assert credentials_for(settings(AuthType.ANONYMOUS), Secrets(password=secret)) == Anonymous()
    assert credentials_for(settings(AuthType.PASSWORD), Secrets(password=secret)) == StandardPassword(secret)
    assert credentials_for(settings(AuthType.PASSWORD), Secrets(hashed_password=hashed)) == StandardPassword(hashed)
    assert credentials_for(settings(AuthType.PLAIN_PASSWORD), Secrets(password=secret)) == PlainPassword(secret)


@pytest.mark.parametrize("auth", [AuthType.PASSWORD, AuthType.PLAIN_PASSWORD])
def test_a_password_that_was_never_given_is_asked_for(auth: AuthType) -> None:
    with pytest.raises(TunnelError) as caught:
        credentials_for(settings(auth), NO_SECRETS)

    assert caught.value.remedy is Remedy.ASK_SECRET


def test_no_secret_shows_when_credentials_are_printed() -> None:
    for auth in (AuthType.PASSWORD, AuthType.PLAIN_PASSWORD):
        assert "hush" not in repr(credentials_for(settings(auth), Secrets(password=Secret("hush"))))
    assert "sign" not in repr(ClientCertificate(b"DER", lambda octets: octets))


# -- certificates -----------------------------------------------------------------------------------------------------


def test_the_recorded_signature_is_what_we_take_it_for() -> None:
    key = x509.load_der_x509_certificate(SIGNED["cert_der"]).public_key()

    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(SIGNED["sign"], SIGNED["random"], padding.PKCS1v15(), hashes.SHA1())


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_a_certificate_login_signs_the_servers_random_as_the_recorded_one_does(bits: int) -> None:
    someone = identity(bits)

    pack = certificate_login(someone.certificate, someone.key)

    certificate = x509.load_pem_x509_certificate(someone.certificate.encode())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = int.from_bytes(pack.get_data("sign"), "big")
    numbers = key.public_numbers()
    opened = pow(signature, numbers.e, numbers.n).to_bytes(bits // 8, "big")
    assert opened == b"\0\1" + b"\xff" * (bits // 8 - 38) + b"\0" + SIGNED["digest_info"]
    assert pack.get_int("authtype") == 3
    assert x509.load_der_x509_certificate(pack.get_data("cert")) == certificate


def test_of_a_chain_the_users_own_certificate_is_sent() -> None:
    chain = identity().certificate + identity(3072).certificate

    pack = certificate_login(chain, identity().key)

    assert x509.load_der_x509_certificate(pack.get_data("cert")).subject.rfc4514_string() == "CN=carol"


def certificate_refusal(certificate: str, key: str) -> TunnelError:
    with pytest.raises(TunnelError) as caught:
        certificate_login(certificate, key)
    assert caught.value.remedy is Remedy.GIVE_UP
    return caught.value


def test_a_key_of_another_certificate_is_told_as_that() -> None:
    for key in (identity(3072).key, make_identity("x", ec.generate_private_key(ec.SECP256R1())).key):
        assert "does not belong" in str(certificate_refusal(identity().certificate, key))


def test_a_certificate_that_is_not_rsa_is_told_as_that() -> None:
    someone = make_identity("x", ec.generate_private_key(ec.SECP256R1()))

    assert certificate_refusal(someone.certificate, someone.key).code == 77


def test_a_key_that_is_none_is_told_as_that() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

    assert "cannot be read" in str(certificate_refusal(identity().certificate, key))


def test_a_certificate_that_is_none_is_told_as_that() -> None:
    nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    assert "cannot be read" in str(certificate_refusal(nonsense, identity().key))


def test_a_certificate_without_its_key_is_told_as_that() -> None:
    with pytest.raises(TunnelError) as caught:
        credentials_for(settings(AuthType.CERTIFICATE, identity().certificate), NO_SECRETS)

    assert "missing" in str(caught.value)
