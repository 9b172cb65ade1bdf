"""``python -m tsunagu_tray.card_reader``: sign one digest with a key on a smart card, through its PKCS#11 module.

In, one JSON object a line: ``{"module", "certificate", "key", "digest"}``, then ``{"pin"}`` when it was asked for.
Out: ``{"token", "last_try"}`` to ask for it; in the end ``{"certificate", "signature"}`` or ``{"code", "detail"}``.
"""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

DEFAULT_MODULE = "p11-kit-proxy.so"  # all that the system knows, in one
SHA1_DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")  # RFC 8017, section 9.2; the digest follows

Say = Callable[[dict[str, Any]], None]

# codes of the error table
NOT_OPENED, WRONG_PIN, NO_CERTIFICATE, NO_KEY, DEVICE_ERROR, NO_DEVICE = 24, 25, 26, 27, 39, 40


class CardFailed(Exception):
    """A code of the error table, and what exactly happened."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def main() -> None:
    """Run one conversation."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a module prints is not an answer

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        say(_sign(json.loads(sys.stdin.readline()), say))
    except CardFailed as failed:
        say({"code": failed.code, "detail": failed.detail})


def _sign(question: dict[str, str], say: Say) -> dict[str, str]:
    try:
        import pkcs11
        from pkcs11 import Attribute, Mechanism, ObjectClass, TokenFlag, exceptions
    except ImportError:
        raise CardFailed(NO_DEVICE, "the Python package python-pkcs11 is missing: install tsunagu[smartcard]") from None

    module = question["module"] or DEFAULT_MODULE
    try:
        tokens = [slot.get_token() for slot in pkcs11.lib(module).get_slots(token_present=True)]
    except (exceptions.PKCS11Error, RuntimeError, OSError):
        raise CardFailed(NO_DEVICE, f"the PKCS#11 module {module} cannot be used") from None
    tokens = [token for token in tokens if TokenFlag.TOKEN_INITIALIZED in token.flags]
    if not tokens:
        raise CardFailed(NOT_OPENED, "there is no card in the reader")

    def certificates() -> Iterator[tuple[Any, bytes, bytes]]:
        wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: question["certificate"]}
        for token in tokens:
            with token.open() as session:
                for found in session.get_objects(wanted):
                    yield token, bytes(found[Attribute.VALUE]), bytes(found[Attribute.ID])

    try:
        chosen = next(certificates(), None)
        if chosen is None:
            raise CardFailed(NO_CERTIFICATE, question["certificate"])
        token, certificate, identifier = chosen
        pin = _pin(token, TokenFlag, pkcs11.types.PROTECTED_AUTH, say)
        key_name = {Attribute.LABEL: question["key"]} if question["key"] else {Attribute.ID: identifier}
        with token.open(user_pin=pin) as session:
            key = next(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **key_name}), None)
            if key is None:
                raise CardFailed(NO_KEY, question["key"])
            digest_info = SHA1_DIGEST_INFO + bytes.fromhex(question["digest"])
            signature = bytes(key.sign(digest_info, mechanism=Mechanism.RSA_PKCS))
    except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange, exceptions.ArgumentsBad):
        raise CardFailed(WRONG_PIN) from None
    except exceptions.PinLocked:
        raise CardFailed(WRONG_PIN, "the card is locked after too many wrong PINs") from None
    except exceptions.PKCS11Error as error:
        raise CardFailed(DEVICE_ERROR, type(error).__name__) from None
    return {
        "certificate": base64.b64encode(certificate).decode(),
        "signature": base64.b64encode(signature).decode(),
    }


def _pin(token: Any, flag: Any, typed_at_reader: object, say: Say) -> object:
    """The person's PIN; a reader with keys of its own asks for it itself."""
    if flag.USER_PIN_LOCKED in token.flags:
        raise CardFailed(WRONG_PIN, "the card is locked after too many wrong PINs")
    if flag.PROTECTED_AUTHENTICATION_PATH in token.flags:
        return typed_at_reader
    say({"token": token.label or "?", "last_try": flag.USER_PIN_FINAL_TRY in token.flags})
    line = sys.stdin.readline()
    if not line:  # nobody waits any longer
        sys.exit()
    return str(json.loads(line)["pin"])


if __name__ == "__main__":
    main()
