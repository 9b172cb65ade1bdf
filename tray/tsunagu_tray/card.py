"""A signature by the person's smart card, made in a short-lived process: a card's software may hang or crash.

The PIN goes from the person to that process by its pipe, and nowhere else.
"""

import asyncio
import json
import logging
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tsunagu.errors import Cancelled, TunnelError
from tsunagu.model import Secret
from tsunagu_tray.programs import our_program
from tsunagu_tray.prompt import MAX_ANSWER, finish

log = logging.getLogger(__name__)

DEVICE_ERROR = 39  # of the error table


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The card that wants a PIN."""

    label: str
    last_try: bool  # one more wrong PIN locks it


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSignature:
    """What the card gave, in base64."""

    certificate: str  # DER
    signature: str


async def sign(question: dict[str, str], ask_pin: Callable[[Token], Awaitable[Secret | None]]) -> CardSignature:
    """Have the digest in the question signed; ``card_reader`` says what else is in it.

    Raises:
        TunnelError: 24 to 27, 39 or 40, what is wrong with card, PIN, certificate or key.
        Cancelled: the person gave no PIN.
    """
    program = our_program("tsunagu_tray.card_reader")
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, limit=MAX_ANSWER)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        answer = await _line(process.stdout)
        if token := answer.get("token"):
            pin = await ask_pin(Token(label=str(token), last_try=bool(answer["last_try"])))
            if pin is None:
                raise Cancelled("Cancelled")
            process.stdin.write(json.dumps({"pin": pin.value}).encode() + b"\n")
            answer = await _line(process.stdout)
    except (ValueError, KeyError, OSError) as error:
        log.warning("The smart card's process gave no proper answer")
        raise TunnelError(DEVICE_ERROR, "its software ended unexpectedly") from error
    finally:
        await asyncio.shield(finish(process))
    if "code" in answer:
        raise TunnelError(int(answer["code"]), str(answer["detail"]))
    return CardSignature(certificate=str(answer["certificate"]), signature=str(answer["signature"]))


async def _line(stdout: asyncio.StreamReader) -> dict[str, Any]:
    answer = json.loads(await stdout.readline())
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer
