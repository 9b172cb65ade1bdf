"""A signature by the person's smart card: asked for over the control socket, waited for without losing the server."""

import base64
import hashlib
import select
import socket
import time
from collections.abc import Callable

from tsunagu.control import NeedSignature, NotSigned, Signed
from tsunagu.errors import TunnelError
from tsunagu_tunnel.dial import Dial, Wait
from tsunagu_tunnel.softether.auth import ClientCertificate
from tsunagu_tunnel.softether.signer import check_card

REMINDER_S = 8  # the server gives up after 20 to 50 s of silence in a handshake (measured),
REMINDERS = 29  # and after 30 messages that say nothing (Cedar/Protocol.c, HttpServerRecv)


class Card:
    """What stands for the card in a worker.  ``tell`` sends the question; ``answer`` brings what came of it."""

    def __init__(self, tell: Callable[[NeedSignature], None]) -> None:
        self._tell = tell
        self._bell: socket.socket | None = None  # what the dial that waits is woken with
        self._answer: Signed | NotSigned | None = None

    @property
    def is_asked(self) -> bool:
        """An answer is waited for."""
        return self._bell is not None and self._answer is None

    def answer(self, answer: Signed | NotSigned) -> None:
        """The helper has answered."""
        assert self._bell is not None
        self._answer = answer
        self._bell.send(b".")

    def prove(self, random: bytes, remind: Callable[[], Dial[None]]) -> Dial[ClientCertificate]:
        """Have the server's random signed; ``remind`` tells the server meanwhile that we are still there.

        Raises:
            TunnelError: the card, or the person, did not do it.
        """
        ours, self._bell = socket.socketpair()
        with ours, self._bell:
            self._tell(NeedSignature(digest=hashlib.sha1(random, usedforsecurity=False).hexdigest()))
            for _ in range(REMINDERS):
                try:
                    yield Wait(ours, select.EPOLLIN, time.monotonic() + REMINDER_S)
                    break
                except TimeoutError:
                    yield from remind()
        match self._answer:
            case Signed(certificate=certificate, signature=signature):
                proof = _octets(signature)
                check_card(_octets(certificate), proof, random)
                return ClientCertificate(_octets(certificate), lambda _random: proof)
            case NotSigned(code=code, detail=detail):
                raise TunnelError(code, detail)
            case None:
                raise TunnelError(24, f"the PIN was not given within {REMINDERS * REMINDER_S} s")


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise TunnelError(39, "the smart card's answer makes no sense") from error
