"""The official client's own file, ``vpn_client.config``: all its connections, and the authorities it trusts.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tsunagu.account_file import Account, read_account
from tsunagu.der import is_sequence, to_pem
from tsunagu.setting_text import Document, Entry, InvalidFile, Key, parse

PLACES = (  # where packages and the makers' instructions put it
    "/var/lib/softether/vpn_client.config",
    "/usr/local/vpnclient/vpn_client.config",
    "/usr/vpnclient/vpn_client.config",
    "/opt/vpnclient/vpn_client.config",
)
_ACCOUNTS, _AUTHORITIES = "accountdatabase", "rootca"


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What of it Tsunagu takes over."""

    accounts: tuple[Account, ...]
    refused: Mapping[str, InvalidFile]  # by the names of the accounts that Tsunagu cannot have
    authorities: str  # PEM


def parse_config(text: bytes) -> ClientConfig:
    """Read the file; an account that is not possible keeps nobody from having the others.

    Raises:
        InvalidFile: it is not such a file.
    """
    document = parse(text)
    if (_ACCOUNTS,) not in document.folders:
        raise InvalidFile(1, "The file is not a configuration file of the official client: it has no AccountDatabase")
    accounts, refused = [], {}
    for folder in (key for key in document.folders if len(key) == 2 and key[0] == _ACCOUNTS):
        one = _inside(document, folder)
        try:
            accounts.append(read_account(one))
        except InvalidFile as error:
            name = one.entries.get(("clientoption", "accountname"))
            refused[str(name.value) if name else folder[1]] = error
    certificates = [entry for key, entry in document.entries.items() if key[0] == _AUTHORITIES and key[-1] == "x509"]
    return ClientConfig(tuple(accounts), refused, "".join(map(_pem, certificates)))


def _inside(document: Document, folder: Key) -> Document:
    """What is in a folder, as a document of its own; the numbers of lines stay."""
    depth = len(folder)
    entries = {
        key[depth:]: Entry(entry.path[depth:], entry.kind, entry.value, entry.line)
        for key, entry in document.entries.items()
        if key[:depth] == folder
    }
    return Document(entries, {key[depth:]: line for key, line in document.folders.items() if key[:depth] == folder})


def _pem(entry: Entry) -> str:
    if not isinstance(entry.value, bytes) or not is_sequence(entry.value):
        raise InvalidFile(entry.line, "The certificate of an authority is not in DER form")
    return to_pem("CERTIFICATE", entry.value)
