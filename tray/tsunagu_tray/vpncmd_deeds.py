"""What the commands of ``vpncmd`` do that do more than change a connection's settings."""

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu import __version__, account_file
from tsunagu.account_file import Account
from tsunagu.model import AuthType, ConnectionSettings, Secret
from tsunagu_tray.certificate import read
from tsunagu_tray.client import HelperClient
from tsunagu_tray.command_input import file_contents, write_new
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.identity import read_certificates, read_identity
from tsunagu_tray.texts import Texts
from tsunagu_tray.vpncmd_nics import COLUMNS, Nics, mac
from tsunagu_tray.vpncmd_settings import CHANGES, Options, created, list_row, rows
from tsunagu_tray.vpncmd_status import status_rows
from tsunagu_tray.vpncmd_words import (
    ACTIVE,
    EXISTS,
    INACTIVE,
    NIC_DISABLED,
    NO_OBJECT,
    NOT_FOUND,
    UNSUPPORTED,
    Refused,
)

_ENGLISH = Texts("en")
_PAIR = ("Item", "Value")
_ACCOUNT_COLUMNS = (
    "VPN Connection Setting Name",
    "Status",
    "VPN Server Hostname",
    "Virtual Hub",
    "Virtual Network Adapter Name",
)

Show = Callable[[Sequence[str], Iterable[Sequence[str]]], None]  # titles and lines of a table


class Deeds:
    """One method a command."""

    def __init__(self, client: HelperClient, views: Callable[[], Sequence[ConnectionView]], show: Show) -> None:
        self._client = client
        self._views = views
        self._nics = Nics(client, views)
        self._show = show

    def _view(self, name: str) -> ConnectionView:
        found = [view for view in self._views() if view.name == name]
        if not found:
            raise Refused(NOT_FOUND, "The specified VPN Connection Setting does not exist.")
        return found[0]

    # -- connections --------------------------------------------------------------------------------------------------

    async def change(self, command: str, name: str, options: Options) -> None:
        """One of ``CHANGES``."""
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
        view = self._idle(name)
        if not (await self._client.settings(view.path)).nic_enabled:
            raise Refused(NIC_DISABLED, "The Virtual Network Adapter used has been disabled; use NicEnable first.")
        await self._client.connect(view.path)

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
            raise Refused(NO_OBJECT, "There is no certificate of that ID; see CertList.")
        return found[number]

    # -- NICs and the rest --------------------------------------------------------------------------------------------

    async def nics(self, _name: str, _options: Options) -> None:
        """NicList: those that connections name."""
        self._show(COLUMNS, await self._nics.rows())

    async def nic(self, name: str, _options: Options) -> None:
        """NicGetSetting."""
        self._show(_PAIR, await self._nics.row(name))

    async def create_nic(self, name: str, _options: Options) -> None:
        """NicCreate: a connection makes its own."""
        await self._nics.check_free(name)

    async def delete_nic(self, name: str, _options: Options) -> None:
        """NicDelete: it goes with its connection."""
        await self._nics.check_unused(name)

    async def enable_nic(self, name: str, _options: Options) -> None:
        """NicEnable."""
        await self._nics.change(name, nic_enabled=True)

    async def disable_nic(self, name: str, _options: Options) -> None:
        """NicDisable; what is connected over it ends."""
        await self._nics.change(name, nic_enabled=False)

    async def set_nic(self, name: str, options: Options) -> None:
        """NicSetSetting: the MAC address."""
        await self._nics.change(name, mac=mac(options["MAC"]))

    async def upgrade_nic(self, name: str, _options: Options) -> None:
        """NicUpgrade: the driver is the system's own."""
        await self._nics.known(name)

    async def protection(self, _name: str, _options: Options) -> None:
        """PasswordGet: there is no port that a password could protect."""
        off = ("Set Password", "Request Password for Remote Operation Only")
        self._show(_PAIR, [(what, "Disable") for what in off])

    async def keep_alive(self, _name: str, _options: Options) -> None:
        """KeepGet."""
        self._show(_PAIR, [("Current Status", "Disable")])

    async def is_so(self, _name: str, _options: Options) -> None:
        """KeepDisable, RemoteDisable: with Tsunagu it is never otherwise."""

    async def version(self, _name: str, _options: Options) -> None:
        """VersionGet and About."""
        self._show(_PAIR, [("Product Name", "Tsunagu"), ("Version Information", f"Version {__version__}")])

    async def check(self, _name: str, _options: Options) -> None:
        """Check: that the helper has answered is what there is to check."""


@dataclass(frozen=True, slots=True)
class Command:
    """One that does more than change settings: what has to stand alone, and its options."""

    run: Callable[[Deeds, str, Options], Awaitable[None]]
    about: str = ""  # what stands alone; "": nothing
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


COMMANDS: Mapping[str, Command] = {
    "About": Command(Deeds.version),
    "Check": Command(Deeds.check),
    "VersionGet": Command(Deeds.version),
    "CertList": Command(Deeds.authorities),
    "CertAdd": Command(Deeds.add_authority, "path"),
    "CertDelete": Command(Deeds.delete_authority, "id"),
    "CertGet": Command(Deeds.save_authority, "id", ("SAVECERT",)),
    "PasswordGet": Command(Deeds.protection),
    "RemoteDisable": Command(Deeds.is_so),
    "KeepGet": Command(Deeds.keep_alive),
    "KeepDisable": Command(Deeds.is_so),
    "NicCreate": Command(Deeds.create_nic, "name"),
    "NicDelete": Command(Deeds.delete_nic, "name"),
    "NicEnable": Command(Deeds.enable_nic, "name"),
    "NicDisable": Command(Deeds.disable_nic, "name"),
    "NicList": Command(Deeds.nics),
    "NicGetSetting": Command(Deeds.nic, "name"),
    "NicSetSetting": Command(Deeds.set_nic, "name", ("MAC",)),
    "NicUpgrade": Command(Deeds.upgrade_nic, "name"),
    "AccountList": Command(Deeds.list),
    "AccountCreate": Command(Deeds.create, "name", ("SERVER", "HUB", "USERNAME", "NICNAME")),
    "AccountGet": Command(Deeds.get, "name"),
    "AccountHttpHeaderGet": Command(Deeds.headers, "name"),
    "AccountDelete": Command(Deeds.delete, "name"),
    "AccountRename": Command(Deeds.rename, "name", ("NEW",)),
    "AccountConnect": Command(Deeds.connect, "name"),
    "AccountDisconnect": Command(Deeds.disconnect, "name"),
    "AccountStatusGet": Command(Deeds.status, "name"),
    "AccountCertSet": Command(Deeds.set_identity, "name", ("LOADCERT", "LOADKEY")),
    "AccountCertGet": Command(Deeds.save_identity, "name", ("SAVECERT",)),
    "AccountServerCertSet": Command(Deeds.pin, "name", ("LOADCERT",)),
    "AccountServerCertGet": Command(Deeds.save_server_certificate, "name", ("SAVECERT",)),
    "AccountExport": Command(Deeds.export, "name", ("SAVEPATH",)),
    "AccountImport": Command(Deeds.take, "path"),
}


_NO_PORT = "Tsunagu has no port to manage it by; polkit decides who on this machine may."
_NO_KEEP_ALIVE = "Tsunagu sends nothing to anybody but the VPN server, whose sessions it keeps alive by itself."
_CARD = "Choose a smart card's PKCS#11 module by 'tsunagu set NAME card_module=/path/to/module.so'."
_MAKE = "Make certificates with a program for that, such as openssl or certtool."

OTHERS: Mapping[str, str] = {  # what Tsunagu does not do, and why or what to do instead
    "PasswordSet": _NO_PORT,
    "RemoteEnable": _NO_PORT,
    "KeepEnable": _NO_KEEP_ALIVE,
    "KeepSet": _NO_KEEP_ALIVE,
    "SecureList": _CARD,
    "SecureSelect": _CARD,
    "SecureGet": _CARD,
    "AccountOpensslEngineCertSet": "OpenSSL's engines are no more; use AccountSecureCertSet with a PKCS#11 module.",
    "MakeCert": _MAKE,
    "MakeCert2048": _MAKE,
    "TrafficClient": "Measure with: tsunagu speed HOST[:PORT]; it speaks with the official TrafficServer.",
    "TrafficServer": "Be the server with: tsunagu speed-server; the official TrafficClient speaks with it.",
}
