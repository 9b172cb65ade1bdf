"""The commands that read and write the official client's files."""

import base64
import sys
from dataclasses import replace
from pathlib import Path

from tsunagu import account_file
from tsunagu.account_file import Account
from tsunagu.client_config import PLACES, ClientConfig, parse_config
from tsunagu.errors import InvalidSettings, VpnError, bus_error_name
from tsunagu.model import (
    NO_SECRETS,
    Secret,
)
from tsunagu_tray.command import Command
from tsunagu_tray.command_input import file_contents, write_new
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.given import given_secrets
from tsunagu_tray.report import (
    print_json,
    print_lines,
)
from tsunagu_tray.terminal import tell


class FileCommands(Command):
    """One method a command."""

    async def import_file(self) -> None:
        """Save the connection in a setting file of the official client, with its secrets; or all it has."""
        if self.options.from_vpnclient:
            await self._import_all(parse_config(file_contents(self.options.file or _client_config(), self.texts)))
        elif self.options.file:
            account = account_file.parse(file_contents(self.options.file, self.texts))
            name = self.options.name or account.settings.name
            await self._add(replace(account.settings, name=name), _revealed(account))
        else:
            raise InvalidSettings(self.texts("cli_import_what"))

    async def _import_all(self, config: ClientConfig) -> None:
        """What cannot be taken over is told, and does not keep the rest from it."""
        added, texts = [], self.texts
        failed: dict[str, VpnError] = dict(config.refused)
        for account in config.accounts:
            name = account.settings.name
            try:
                path = await self.client.add(account.settings, _revealed(account))
            except VpnError as error:
                failed[name] = error
            else:
                added.append({"id": ConnectionView(path=path).id, "name": name})
        if config.authorities:
            try:
                await self.client.add_authorities(config.authorities)
            except VpnError as error:
                failed["CA"] = error
        if self.options.json:
            print_json(added)
        else:
            print_lines(texts("cli_added", name=one["name"]) for one in added)
        for name, why in failed.items():
            tell(f"{name}: {texts.error(LastError(bus_error_name(why), why.code, str(why)))}")
        if failed:
            raise VpnError(texts("cli_import_partly", count=len(failed)))

    async def export(self) -> None:
        """Write a setting file that the official client takes."""
        options, view = self.options, self._named()
        if (options.key or options.key_passphrase_stdin) and not options.with_secrets:
            raise InvalidSettings(self.texts("cli_key_without_secrets"))
        settings = await self.client.settings(view.path)
        shown = base64.b64decode(await self.client.certificate(view.path))
        secrets = await given_secrets(options, self.texts, view, settings) if options.with_secrets else NO_SECRETS
        text = account_file.serialise(Account(settings=settings, secrets=secrets), server_certificate=shown)
        if options.output:
            write_new(options.output, text, self.texts)
        else:
            sys.stdout.buffer.write(text)


def _revealed(account: Account) -> dict[str, Secret]:
    return {name: Secret(getattr(account.secrets, name).value) for name in account.secrets.names()}


def _client_config() -> str:
    return next((place for place in PLACES if Path(place).exists()), PLACES[0])
