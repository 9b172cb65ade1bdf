"""``python -m tests.lab.log_in``: a ``Start`` on standard input; prints the ``Established`` or ``Failed`` it led to.

The worker's own way to a session, without NIC and helper.  Where a smart card has to sign, the private key in the
``Start`` does, after as many seconds as the first argument says.
"""

import base64
import ssl
import sys
from random import SystemRandom
from threading import Timer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tsunagu.control import Established, Failed, NeedSignature, Signed, Start, decode, encode
from tsunagu.errors import TunnelError
from tsunagu_tunnel.card import Card
from tsunagu_tunnel.connect import Dialler
from tsunagu_tunnel.dial import Dial, Limits
from tsunagu_tunnel.loop import Loop


def main() -> None:
    """Log in, print, leave."""
    start = decode(sys.stdin.buffer.read())
    assert isinstance(start, Start)
    card = Card(lambda question: Timer(float(sys.argv[1]), lambda: card.answer(signed(start, question))).start())
    dialler = Dialler(lambda _phase, _detail: None, limits=Limits(), random=SystemRandom(), card=card)
    answers: list[bytes] = []

    def attempt() -> Dial[None]:
        opened = yield from dialler.open_session(start)
        opened.stream.close()
        if opened.udp:
            opened.udp[0].socket.close()
        answers.append(encode(Established(session=opened.session)))

    loop = Loop()
    try:
        loop.start(attempt())
        while not answers:
            loop.run_once(float("inf"))
    except TunnelError as error:
        answers.append(encode(Failed(code=error.code, detail=error.detail)))
    finally:
        loop.close()
    print(answers[0].decode())


def signed(start: Start, question: NeedSignature) -> Signed:
    """What a card would answer."""
    assert start.secrets.private_key
    key = load_pem_private_key(start.secrets.private_key.value.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    digest = bytes.fromhex(question.digest)
    signature = key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA1()))
    certificate = ssl.PEM_cert_to_DER_cert(start.settings.client_certificate)
    return Signed(certificate=base64.b64encode(certificate).decode(), signature=base64.b64encode(signature).decode())


if __name__ == "__main__":
    main()
