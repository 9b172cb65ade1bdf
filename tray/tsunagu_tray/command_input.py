"""What is given to a command: words to be understood, files, and lines of standard input."""

import os
import re
import sys
from pathlib import Path

from tsunagu.errors import InvalidSettings
from tsunagu_tray.texts import Texts

MAX_FILE = 1 << 20  # octets, of a certificate or key


def parse_server(server: str, texts: Texts, port: int = 443) -> tuple[str, int]:
    """HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT; this port if none is given.

    Raises:
        InvalidSettings: it is none of these.
    """
    if found := re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?", server):
        return found[1], int(found[2] or port)
    if server.count(":") > 1 and not server.startswith("["):
        return server, port
    if found := re.fullmatch(r"([^:\[\]]+)(?::([0-9]{1,5}))?", server):
        return found[1], int(found[2] or port)
    raise InvalidSettings(texts("cli_bad_server", server=server))


def parse_fingerprint(text: str, texts: Texts) -> str:
    """SHA-256 as 64 hex digits, however it was grouped.

    Raises:
        InvalidSettings: it is not one.
    """
    digits = re.sub(r"[\s:]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise InvalidSettings(texts("cli_bad_fingerprint"))
    return digits


def first_line() -> str:
    """The next line of standard input."""
    return sys.stdin.readline().rstrip("\r\n")


def file_contents(file: str, texts: Texts) -> bytes:
    """What is in a file that was named.

    Raises:
        InvalidSettings: it cannot be read, or is too long.
    """
    try:
        with Path(file).open("rb") as opened:
            contents = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise InvalidSettings(
            texts("cli_file_unreadable", file=file, why=texts.detail(error.strerror or ""))
        ) from error
    if len(contents) > MAX_FILE:
        raise InvalidSettings(texts("cli_file_too_long", file=file))
    return contents


def write_new(file: str, contents: bytes, texts: Texts) -> None:
    """A new file that only its owner may read.

    Raises:
        InvalidSettings: it cannot be written, or there is one already.
    """
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(contents)
    except OSError as error:
        raise InvalidSettings(
            texts("cli_file_unwritable", file=file, why=texts.detail(error.strerror or ""))
        ) from error
