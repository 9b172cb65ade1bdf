"""The commands about what is there once, for the user or the machine."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu.errors import InvalidSettings, TunnelError, VpnError
from tsunagu.plain import to_plain
from tsunagu_tray.certificate import certificate_to_plain, read
from tsunagu_tray.command import Command
from tsunagu_tray.command_input import file_contents, parse_fingerprint
from tsunagu_tray.doctor import examine, judge
from tsunagu_tray.identity import read_certificates
from tsunagu_tray.preferences_command import PreferencesCommand
from tsunagu_tray.report import (
    print_json,
    print_lines,
    table,
)
from tsunagu_tray.vpncmd import Vpncmd

NO_SUCH_NIC = 42  # of the error table


class MachineCommands(Command):
    """One method a command."""

    async def ca(self) -> None:
        """Certificate authorities of one's own: which there are, one more, one less."""
        options, texts = self.options, self.texts
        match options.deed, options.what:
            case "list", None:
                pem = (await self.client.authorities()).encode()
                found = [read(one.public_bytes(Encoding.DER)) for one in read_certificates(pem)] if pem else []
                if options.json:
                    print_json([certificate_to_plain(one) for one in found])
                else:
                    print_lines(f"{one.sha256}  {one.subject}  {one.end:%Y-%m-%d}" for one in found)
            case "add", str(file):
                certificates = read_certificates(file_contents(file, texts))
                await self.client.add_authorities(
                    "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)
                )
                print_lines(texts("cli_authority_added", name=shown) for shown in map(_subject, certificates))
            case "remove", str(text):
                await self.client.remove_authority(parse_fingerprint(text, texts))
            case _:
                raise InvalidSettings(texts("cli_authority_usage"))

    async def nic(self) -> None:
        """Network adapters: which there are, and what people choose of them."""
        options, texts = self.options, self.texts
        changes: dict[str, Any]
        match options.deed, options.nic, options.value:
            case "list", None, None:
                self._show_nics(await self._nics())
                return
            case "enable" | "disable", str(), None:
                changes = {"nic_enabled": options.deed == "enable"}
            case "rename", str(), str(name):
                changes = {"interface": name}
            case "mac", str(), str(mac):
                changes = {"mac": mac.lower()}
            case _:
                raise InvalidSettings(texts("cli_nic_usage"))
        used_by = [view for nic in await self._nics() if nic["name"] == options.nic for view in nic["connections"]]
        if not used_by:
            raise TunnelError(NO_SUCH_NIC, options.nic)
        for view in used_by:
            await self.client.update(view.path, replace(await self.client.settings(view.path), **changes))
            later = view.is_active and changes.get("nic_enabled", True)
            print_lines([texts("cli_changed_later" if later else "cli_changed", name=view.name)])

    async def _nics(self) -> Sequence[dict[str, Any]]:
        """One's own and everybody's, with the connections they belong to."""
        own = {view.id: view for view in self._own()}
        nics = await self.client.nics()
        found = [nic | {"connections": [own[one] for one in nic["connections"] if one in own]} for nic in nics]
        return [nic for nic in found if nic["connections"]]

    def _show_nics(self, nics: Sequence[dict[str, Any]]) -> None:
        named = [nic | {"connections": [view.name for view in nic["connections"]]} for nic in nics]
        if self.options.json:
            print_json(named)
            return
        texts = self.texts
        rows = [
            [
                nic["name"],
                nic["mac"],
                texts("nic_enabled" if nic["enabled"] else "nic_disabled"),
                texts(f"nic_{nic['state']}"),
                ", ".join(nic["connections"]),
            ]
            for nic in named
        ]
        print_lines(table(rows))

    async def doctor(self) -> None:
        """What is wrong with this machine; an error where nothing can work."""
        texts = self.texts
        findings = judge(await examine(self.client), texts)
        if self.options.json:
            print_json([to_plain(finding) for finding in findings])
        else:
            print_lines(table([[texts(f"doctor_is_{finding.level}"), finding.text] for finding in findings]))
            if all(finding.level == "info" for finding in findings):
                print_lines([texts("doctor_well")])
        if any(finding.level == "error" for finding in findings):
            raise VpnError(texts("doctor_bad"))

    async def preferences(self) -> None:
        """What counts for all connections."""
        options = self.options
        command = PreferencesCommand(self.client, self._own, self.texts)
        await command.run(options.key, options.value, json=options.json)

    async def vpncmd(self) -> int:
        """A command of the official client's tool, or a script of them."""
        return await Vpncmd(self.client, self._own).run(self.options.words)


def _subject(certificate: x509.Certificate) -> str:
    return read(certificate.public_bytes(Encoding.DER)).subject
