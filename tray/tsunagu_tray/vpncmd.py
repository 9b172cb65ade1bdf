"""``tsunagu vpncmd``: the official client's commands, done by Tsunagu, so that scripts written for them go on."""

import base64
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu import __version__, account_file
from tsunagu.account_file import Account
from tsunagu.errors import AlreadyExists, InvalidSettings, NotAuthorized, NotFound, VpnError
from tsunagu.model import AuthType, ConnectionSettings, Secret
from tsunagu.setting_text import InvalidFile
from tsunagu_tray.certificate import read
from tsunagu_tray.client import HelperClient
from tsunagu_tray.command_input import file_contents, write_new
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.identity import read_certificates, read_identity
from tsunagu_tray.report import printable
from tsunagu_tray.texts import Language, Texts
from tsunagu_tray.vpncmd_settings import CHANGES, Options, created, list_row, nic_name, rows
from tsunagu_tray.vpncmd_status import status_rows
from tsunagu_tray.vpncmd_words import (
    ACTIVE,
    EXISTS,
    FAILED,
    INACTIVE,
    INVALID,
    NO_RIGHT,
    NO_SUCH_COMMAND,
    NOT_FOUND,
    UNSUPPORTED,
    Refused,
    Words,
    as_csv,
    as_table,
    meant,
    options_of,
    split,
    understand,
)

_CODES: tuple[tuple[type[VpnError], int], ...] = (
    (NotFound, NOT_FOUND),
    (AlreadyExists, EXISTS),
    (InvalidSettings, INVALID),
    (InvalidFile, INVALID),
    (NotAuthorized, NO_RIGHT),
)
_ENGLISH = Texts(Language.EN)
_PAIR = ("Item", "Value")
_ACCOUNT_COLUMNS = (
    "VPN Connection Setting Name",
    "Status",
    "VPN Server Hostname",
    "Virtual Hub",
    "Virtual Network Adapter Name",
)


@dataclass(frozen=True, slots=True)
class Command:
    """One that does more than change settings: what has to stand alone, and its options."""

    run: Callable[["Vpncmd", str, Options], Awaitable[None]]
    about: str = ""  # what stands alone; "": nothing
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Vpncmd:
    """One run of it."""

    def __init__(self, client: HelperClient, views: Callable[[], Sequence[ConnectionView]]) -> None:
        self._client = client
        self._views = views
        self._as_csv = False
        self._copy: list[str] | None = None  # of the output, for /OUT

    async def run(self, words: Sequence[str]) -> int:
        """What was typed behind ``vpncmd``; the official exit status: 0, or the number of the last command's error."""
        start = next((n for n, word in enumerate(words) if word.upper() in ("/CMD", "-CMD")), len(words))
        top = understand(words[:start])
        try:
            given = options_of(top, (), ("CLIENT", "SERVER", "TOOLS", "IN", "OUT", "CSV", "PASSWORD"))
            _check_place(top, given)
            script = file_contents(given["IN"], _ENGLISH).decode(errors="replace") if "IN" in given else ""
        except (Refused, VpnError) as error:
            return self._tell(error)
        self._as_csv = "CSV" in given
        self._copy = [] if "OUT" in given else None
        status = 0
        if words[start + 1 :]:
            status = await self._do(words[start + 1 :])
        else:
            for line in script.splitlines() if "IN" in given else sys.stdin:
                command = split(line)
                if command and command[0].lower() in ("exit", "quit"):
                    break
                if command and not command[0].startswith(("#", "rem ", "//")):
                    status = await self._do(command)
        if self._copy is not None:
            try:
                _replace(given["OUT"], "".join(self._copy))
            except OSError as error:
                return self._tell(Refused(INVALID, f"{given['OUT']} cannot be written: {error.strerror}"))
        return status

    async def _do(self, command: Sequence[str]) -> int:
        try:
            name = meant(command[0], [*CHANGES, *COMMANDS, *OTHERS])
            if name in OTHERS:
                raise Refused(UNSUPPORTED, f"{name} is not supported by Tsunagu.")
            words = understand(command[1:])
            if change := CHANGES.get(name):
                await self._change(name, _only(words, "name"), options_of(words, change.required, change.optional))
            else:
                found = COMMANDS[name]
                about = _only(words, found.about) if found.about else ""
                await found.run(self, about, options_of(words, found.required, found.optional))
        except (Refused, VpnError) as error:
            return self._tell(error)
        if not self._as_csv:
            self._say("The command completed successfully.\n\n")
        return 0

    def _say(self, text: str) -> None:
        text = printable(text)
        sys.stdout.write(text)
        if self._copy is not None:
            self._copy.append(text)

    def _tell(self, error: Refused | VpnError) -> int:
        code = error.code or next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
        head = "" if code == NO_SUCH_COMMAND else f"Error occurred. (Error code: {code})\n"
        self._say(f"{head}{error}\n\n")
        return code

    def _show(self, titles: Sequence[str], table: Iterable[Sequence[str]]) -> None:
        lines = list(table)
        self._say(as_csv(titles, lines) if self._as_csv else as_table(titles, lines))

    def _view(self, name: str) -> ConnectionView:
        found = [view for view in self._views() if view.name == name]
        if not found:
            raise Refused(NOT_FOUND, "The specified VPN Connection Setting does not exist.")
        return found[0]

    # -- connections --------------------------------------------------------------------------------------------------

    async def _change(self, command: str, name: str, options: Options) -> None:
        view = self._view(name)
        settings = await self._client.settings(view.path)
        after = CHANGES[command].apply(settings, options)
        secrets = {}
        if command == "AccountPasswordSet":
            secrets["password"] = Secret(options["PASSWORD"])
        elif after.proxy != settings.proxy and not command.startswith("AccountHttpHeader"):
            secrets["proxy_password"] = Secret(options.get("PASSWORD", ""))
        await self._client.change(view.path, after, secrets)

    async def list(self, _name: str, _options: Options) -> None:
        """AccountList."""
        table = [list_row(await self._client.settings(view.path), view.list_state.value) for view in self._views()]
        self._show(_ACCOUNT_COLUMNS, table)

    async def create(self, name: str, options: Options) -> None:
        """AccountCreate."""
        if any(view.name == name for view in self._views()):
            raise Refused(EXISTS, "VPN Connection Setting with the specified name already exists.")
        await self._client.add(created(name, options), {})

    async def get(self, name: str, _options: Options) -> None:
        """AccountGet."""
        self._show(_PAIR, rows(await self._client.settings(self._view(name).path)))

    async def headers(self, name: str, _options: Options) -> None:
        """AccountHttpHeaderGet."""
        proxy = (await self._client.settings(self._view(name).path)).proxy
        self._show(("Item",), [(f"{header}: {value}",) for header, value in (proxy.headers if proxy else ())])

    async def delete(self, name: str, _options: Options) -> None:
        """AccountDelete."""
        await self._client.remove(self._idle(name).path)

    async def rename(self, name: str, options: Options) -> None:
        """AccountRename."""
        await self._client.rename(self._idle(name).path, options["NEW"])

    async def connect(self, name: str, _options: Options) -> None:
        """AccountConnect."""
        await self._client.connect(self._idle(name).path)

    async def disconnect(self, name: str, _options: Options) -> None:
        """AccountDisconnect."""
        await self._client.disconnect(self._active(name).path)

    async def status(self, name: str, _options: Options) -> None:
        """AccountStatusGet."""
        self._show(_PAIR, status_rows(await self._client.status(self._active(name).path)))

    def _idle(self, name: str) -> ConnectionView:
        view = self._view(name)
        if view.is_active:
            raise Refused(ACTIVE, "The specified VPN Connection Setting is currently connected.")
        return view

    def _active(self, name: str) -> ConnectionView:
        view = self._view(name)
        if not view.is_active:
            raise Refused(INACTIVE, "The specified VPN Connection Setting is not connected.")
        return view

    async def export(self, name: str, options: Options) -> None:
        """AccountExport; without secrets, which the helper gives to nobody."""
        path = self._view(name).path
        shown = base64.b64decode(await self._client.certificate(path))
        account = Account(settings=await self._client.settings(path))
        write_new(options["SAVEPATH"], account_file.serialise(account, server_certificate=shown), _ENGLISH)

    async def take(self, file: str, _options: Options) -> None:
        """AccountImport."""
        account = account_file.parse(file_contents(file, _ENGLISH))
        secrets = {name: Secret(getattr(account.secrets, name).value) for name in account.secrets.names()}
        await self._client.add(account.settings, secrets)

    # -- certificates -------------------------------------------------------------------------------------------------

    async def set_identity(self, name: str, options: Options) -> None:
        """AccountCertSet."""
        view = self._view(name)
        certificate, key = (file_contents(options[option], _ENGLISH) for option in ("LOADCERT", "LOADKEY"))
        identity = read_identity(certificate, key)
        settings = await self._client.settings(view.path)
        after = replace(settings, auth=AuthType.CERTIFICATE, client_certificate=identity.certificates)
        await self._client.change(view.path, after, {"private_key": identity.private_key})

    async def save_identity(self, name: str, options: Options) -> None:
        """AccountCertGet."""
        settings = await self._client.settings(self._view(name).path)
        if not settings.client_certificate:
            raise Refused(UNSUPPORTED, "The connection has no client certificate.")
        write_new(options["SAVECERT"], settings.client_certificate.encode(), _ENGLISH)

    async def pin(self, name: str, options: Options) -> None:
        """AccountServerCertSet."""
        [certificate, *_] = read_certificates(file_contents(options["LOADCERT"], _ENGLISH))
        await self._client.trust(self._view(name).path, sha256(certificate.public_bytes(Encoding.DER)).hexdigest())

    async def save_server_certificate(self, name: str, options: Options) -> None:
        """AccountServerCertGet."""
        path = self._view(name).path
        der = base64.b64decode(await self._client.certificate(path))
        settings: ConnectionSettings = await self._client.settings(path)
        if not der or sha256(der).hexdigest() != settings.server_fingerprint:
            raise Refused(NOT_FOUND, "No certificate is registered that the server has shown.")
        write_new(options["SAVECERT"], x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM), _ENGLISH)

    async def authorities(self, _name: str, _options: Options) -> None:
        """CertList."""
        found = [read(one.public_bytes(Encoding.DER)) for one in await self._authorities()]
        columns = ("ID", "Subject", "Issuer", "Expires")
        table = [(f"{n}", one.subject, one.issuer, f"{one.end:%Y-%m-%d}") for n, one in enumerate(found, 1)]
        self._show(columns, table)

    async def add_authority(self, file: str, _options: Options) -> None:
        """CertAdd."""
        found = read_certificates(file_contents(file, _ENGLISH))
        await self._client.add_authorities("".join(one.public_bytes(Encoding.PEM).decode() for one in found))

    async def delete_authority(self, number: str, _options: Options) -> None:
        """CertDelete."""
        one = await self._authority(number)
        await self._client.remove_authority(sha256(one.public_bytes(Encoding.DER)).hexdigest())

    async def save_authority(self, number: str, options: Options) -> None:
        """CertGet."""
        one = await self._authority(number)
        write_new(options["SAVECERT"], one.public_bytes(Encoding.PEM), _ENGLISH)

    async def _authorities(self) -> Sequence[x509.Certificate]:
        pem = (await self._client.authorities()).encode()
        return read_certificates(pem) if pem else []

    async def _authority(self, number: str) -> x509.Certificate:
        found = {f"{n}": one for n, one in enumerate(await self._authorities(), 1)}
        if number not in found:
            raise Refused(29, "There is no certificate of that ID; see CertList.")
        return found[number]

    # -- NICs and the rest --------------------------------------------------------------------------------------------

    async def nics(self, _name: str, _options: Options) -> None:
        """NicList: those that connections name."""
        names = {nic_name(await self._client.settings(view.path)) for view in self._views()}
        columns = ("Virtual Network Adapter Name", "Status", "MAC Address", "Version")
        self._show(columns, [(name, "Enabled", "", f"Tsunagu {__version__}") for name in sorted(names)])

    async def nic(self, _name: str, _options: Options) -> None:
        """NicCreate and the like: each connection of Tsunagu makes its NIC, and removes it."""

    async def version(self, _name: str, _options: Options) -> None:
        """VersionGet and About."""
        self._show(_PAIR, [("Product Name", "Tsunagu"), ("Version Information", f"Version {__version__}")])

    async def check(self, _name: str, _options: Options) -> None:
        """Check: that the helper has answered is what there is to check."""


COMMANDS: Mapping[str, Command] = {
    "About": Command(Vpncmd.version),
    "Check": Command(Vpncmd.check),
    "VersionGet": Command(Vpncmd.version),
    "CertList": Command(Vpncmd.authorities),
    "CertAdd": Command(Vpncmd.add_authority, "path"),
    "CertDelete": Command(Vpncmd.delete_authority, "id"),
    "CertGet": Command(Vpncmd.save_authority, "id", ("SAVECERT",)),
    "NicCreate": Command(Vpncmd.nic, "name"),
    "NicDelete": Command(Vpncmd.nic, "name"),
    "NicEnable": Command(Vpncmd.nic, "name"),
    "NicDisable": Command(Vpncmd.nic, "name"),
    "NicList": Command(Vpncmd.nics),
    "AccountList": Command(Vpncmd.list),
    "AccountCreate": Command(Vpncmd.create, "name", ("SERVER", "HUB", "USERNAME", "NICNAME")),
    "AccountGet": Command(Vpncmd.get, "name"),
    "AccountHttpHeaderGet": Command(Vpncmd.headers, "name"),
    "AccountDelete": Command(Vpncmd.delete, "name"),
    "AccountRename": Command(Vpncmd.rename, "name", ("NEW",)),
    "AccountConnect": Command(Vpncmd.connect, "name"),
    "AccountDisconnect": Command(Vpncmd.disconnect, "name"),
    "AccountStatusGet": Command(Vpncmd.status, "name"),
    "AccountCertSet": Command(Vpncmd.set_identity, "name", ("LOADCERT", "LOADKEY")),
    "AccountCertGet": Command(Vpncmd.save_identity, "name", ("SAVECERT",)),
    "AccountServerCertSet": Command(Vpncmd.pin, "name", ("LOADCERT",)),
    "AccountServerCertGet": Command(Vpncmd.save_server_certificate, "name", ("SAVECERT",)),
    "AccountExport": Command(Vpncmd.export, "name", ("SAVEPATH",)),
    "AccountImport": Command(Vpncmd.take, "path"),
}


OTHERS = (  # that Tsunagu has no use for
    *("PasswordSet", "PasswordGet", "SecureList", "SecureSelect", "SecureGet", "AccountOpensslEngineCertSet"),
    *("NicUpgrade", "NicGetSetting", "NicSetSetting", "RemoteEnable", "RemoteDisable"),
    *("KeepEnable", "KeepDisable", "KeepSet", "KeepGet"),
    *("MakeCert", "MakeCert2048", "TrafficClient", "TrafficServer"),
)


def _replace(file: str, text: str) -> None:
    Path(file).write_text(text)


def _check_place(top: Words, given: Options) -> None:
    if "SERVER" in given or "TOOLS" in given:
        raise Refused(UNSUPPORTED, "Tsunagu has the commands of /CLIENT only.")
    if top.alone not in ((), ("localhost",), ("127.0.0.1",)):
        raise Refused(UNSUPPORTED, "Tsunagu has no other computer to manage than localhost.")


def _only(words: Words, what: str) -> str:
    if len(words.alone) != 1:
        raise Refused(INVALID, f"Specify one {what}.")
    return words.alone[0]
