"""SHA-0 and what passwords become."""

import pytest

from tests.unit.softether.recorded import load
from tsunagu.errors import Remedy, TunnelError
from tsunagu.model import AuthType, Secret
from tsunagu_tunnel.softether.auth import Anonymous, StandardPassword, credentials_for, hash_password, secure_password
from tsunagu_tunnel.softether.sha0 import sha0

RECORDED = load("sha0.json")


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


def test_the_settings_kind_decides_how_a_user_proves_who_they_are() -> None:
    secret = Secret("secret")

    assert credentials_for(AuthType.ANONYMOUS, secret) == Anonymous()
    assert credentials_for(AuthType.PASSWORD, secret) == StandardPassword(secret)


def test_a_password_that_was_never_given_is_asked_for() -> None:
    with pytest.raises(TunnelError) as caught:
        credentials_for(AuthType.PASSWORD, None)

    assert caught.value.remedy is Remedy.ASK_SECRET


def test_no_secret_shows_when_credentials_are_printed() -> None:
    assert "hush" not in repr(credentials_for(AuthType.PASSWORD, Secret("hush")))
