"""A smart card in software: SoftHSM with one token, which holds a person's certificate and private key."""

import os
import subprocess
import sys
from pathlib import Path

from tests.identity import Identity

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
TOKEN, PIN = "Mika's card", "123456"
CERTIFICATE, KEY = "mika's certificate", "mika's key"

_MAKE = """
import sys, pkcs11
from pkcs11 import Attribute, ObjectClass
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_pem_private_key,
)
module, token, pin, certificate, key = sys.argv[1:]
pem = sys.stdin.read().encode()
der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
private = load_pem_private_key(pem, None).private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
    for found, label in ((decode_x509_certificate(der), certificate), (decode_rsa_private_key(private), key)):
        session.create_object(found | {Attribute.LABEL: label, Attribute.ID: b"1", Attribute.TOKEN: True})
"""


def make_card(folder: Path, identity: Identity, *, user: str) -> dict[str, str]:
    """A card of that user's; the environment in which it is there."""
    tokens = folder / "tokens"
    tokens.mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\n")
    environment = {"SOFTHSM2_CONF": str(configuration)}
    _run(environment, "softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "87654321")
    pem = identity.certificate + identity.key
    _run(environment, sys.executable, "-c", _MAKE, MODULE, TOKEN, PIN, CERTIFICATE, KEY, stdin=pem)
    subprocess.run(["chown", "-R", user, folder], check=True)
    return environment


def _run(environment: dict[str, str], *command: str, stdin: str = "") -> None:
    subprocess.run(command, env=os.environ | environment, input=stdin, text=True, check=True, capture_output=True)
