"""What a person gives a command anew: the helper gives no secret back."""

import sys
from argparse import Namespace

from tsunagu.errors import InvalidSettings, VpnError
from tsunagu.model import NO_SECRETS, AuthType, ConnectionSettings, HashedPassword, Secret, SecretKind, Secrets
from tsunagu.sha0 import hash_password
from tsunagu_tray.command_input import file_contents, first_line
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.identity import Identity, PassphraseNeeded, pkcs1, read_identity
from tsunagu_tray.terminal import Terminal
from tsunagu_tray.texts import Texts


async def given_secrets(
    options: Namespace, texts: Texts, view: ConnectionView, settings: ConnectionSettings
) -> Secrets:
    """The secrets that a setting file may hold of the connection."""
    match settings.auth:
        case AuthType.PASSWORD | AuthType.PLAIN_PASSWORD:
            terminal = Terminal(texts)
            is_asked = sys.stdin.isatty()
            password = await terminal.new_password(view, SecretKind.PASSWORD) if is_asked else first_line()
            if not password:
                raise VpnError(texts("cli_password_missing"))
            if settings.auth is AuthType.PLAIN_PASSWORD:
                return Secrets(password=Secret(password))
            return Secrets(hashed_password=HashedPassword(hash_password(settings.username, password).hex()))
        case AuthType.CERTIFICATE:
            if not options.key:
                raise InvalidSettings(texts("cli_key_missing"))
            identity = await given_identity(options, texts, settings.client_certificate.encode())
            return Secrets(private_key=pkcs1(identity.private_key))
        case _:
            return NO_SECRETS


async def given_identity(options: Namespace, texts: Texts, certificate: bytes = b"") -> Identity:
    """The certificate and key in the files that were named; asks for the passphrase where one is needed."""
    if not certificate:
        if not options.certificate:
            raise InvalidSettings(texts("cli_certificate_missing"))
        certificate = file_contents(options.certificate, texts)
    key = file_contents(options.key, texts) if options.key else b""
    try:
        return read_identity(certificate, key, first_line() if options.key_passphrase_stdin else "")
    except PassphraseNeeded:
        passphrase = await Terminal(texts).passphrase(options.key or options.certificate)
        if not passphrase:
            raise
    return read_identity(certificate, key, passphrase)
