"""The worker's side of a smart card: the question, the waiting, the judgement of what it gave."""

import base64
import ssl
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.identity import Identity, make_identity, rsa_key
from tsunagu.control import NeedSignature, NotSigned, Signed
from tsunagu.errors import TunnelError
from tsunagu_tunnel.card import REMINDERS, Card
from tsunagu_tunnel.dial import Dial, Wait
from tsunagu_tunnel.softether.auth import ClientCertificate
from tsunagu_tunnel.softether.pack import Pack

RANDOM = bytes(range(20))
MIKA = make_identity("mika", rsa_key())


def signed(by: Identity, certificate: Identity, random: bytes = RANDOM) -> Signed:
    assert isinstance(by.private_key, rsa.RSAPrivateKey)
    signature = by.private_key.sign(random, padding.PKCS1v15(), hashes.SHA1())
    return Signed(certificate=text(ssl.PEM_cert_to_DER_cert(certificate.certificate)), signature=text(signature))


def text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


class Bench:
    """A card that is being asked."""

    def __init__(self) -> None:
        self.asked: list[NeedSignature] = []
        self.reminders = 0
        self.card = Card(self.asked.append)
        self.dial = self.card.prove(RANDOM, self.remind)

    def remind(self) -> Dial[None]:
        self.reminders += 1
        yield from ()

    def result(self) -> ClientCertificate:
        with pytest.raises(StopIteration) as ended:
            next(self.dial)
        assert isinstance(ended.value.value, ClientCertificate)
        return ended.value.value


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.dial.close()


def test_the_digest_of_the_servers_random_is_signed_and_proves_the_login(bench: Bench) -> None:
    assert isinstance(next(bench.dial), Wait)
    assert bench.card.is_asked
    answer = signed(MIKA, MIKA)
    bench.card.answer(answer)

    proof = bench.result()

    pack = Pack()
    proof.add_to(pack, "mika", RANDOM)
    assert [question.digest for question in bench.asked] == ["602c63d2f3d13ca3206cdf204cde24e7d8f4266c"]
    assert text(pack.get_data("sign")) == answer.signature
    assert text(pack.get_data("cert")) == answer.certificate
    assert not bench.card.is_asked


def test_the_server_hears_of_us_while_the_person_thinks(bench: Bench) -> None:
    next(bench.dial)
    for _ in range(3):
        bench.dial.throw(TimeoutError())
    bench.card.answer(signed(MIKA, MIKA))

    bench.result()
    assert bench.reminders == 3


def test_nobody_waits_for_ever(bench: Bench) -> None:
    next(bench.dial)
    for _ in range(REMINDERS - 1):
        bench.dial.throw(TimeoutError())

    with pytest.raises(TunnelError, match="PIN was not given") as ended:
        bench.dial.throw(TimeoutError())
    assert ended.value.code == 24


EC = make_identity("x", ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (NotSigned(code=25), 25),
        (NotSigned(code=6), 6),
        (Signed(certificate="AAAA", signature="AAAA"), 38),
        (Signed(certificate="!", signature="AAAA"), 39),
        (signed(make_identity("x", rsa_key()), MIKA), 38),
        (signed(MIKA, MIKA, bytes(20)), 38),
        (signed(MIKA, EC), 77),
    ],
)
def test_what_the_card_did_not_do_is_told(bench: Bench, answer: Signed | NotSigned, code: int) -> None:
    next(bench.dial)
    bench.card.answer(answer)

    with pytest.raises(TunnelError) as ended:
        next(bench.dial)
    assert ended.value.code == code
