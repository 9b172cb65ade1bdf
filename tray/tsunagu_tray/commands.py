"""What each command of ``tsunagu`` does."""

import argparse
import asyncio
import base64
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu import account_file
from tsunagu.account_file import Account
from tsunagu.client_config import PLACES, ClientConfig, parse_config
from tsunagu.errors import InvalidSettings, NotFound, Remedy, TunnelError, VpnError, bus_error_name
from tsunagu.model import (
    NO_SECRETS,
    AuthType,
    ConnectionSettings,
    Secret,
    SecretKind,
    State,
)
from tsunagu.plain import to_plain
from tsunagu_tray.attempt import MAX_EVENTS, Attempt
from tsunagu_tray.certificate import read
from tsunagu_tray.client import HelperClient
from tsunagu_tray.command_input import file_contents, first_line, parse_fingerprint, parse_server, write_new
from tsunagu_tray.connection_view import ConnectionView, LastError, named, of_user
from tsunagu_tray.doctor import examine, judge
from tsunagu_tray.given import given_identity, given_secrets
from tsunagu_tray.identity import read_certificates
from tsunagu_tray.preferences_command import PreferencesCommand
from tsunagu_tray.proxy_text import parse_proxy, with_headers, without_password
from tsunagu_tray.report import (
    event_text,
    local_time,
    policy_rows,
    policy_to_plain,
    print_json,
    print_json_line,
    print_lines,
    redraw,
    status_rows,
    table,
    view_to_plain,
)
from tsunagu_tray.settings_text import changed, rows
from tsunagu_tray.speed_command import be_server, show, speed_test
from tsunagu_tray.system_proxy import ChosenByScript, system_proxy
from tsunagu_tray.terminal import Terminal, tell
from tsunagu_tray.texts import Texts
from tsunagu_tray.vpncmd import Vpncmd

NO_SUCH_NIC = 42  # of the error table
KEPT = {"keyring": "cli_kept_keyring", "system": "cli_kept_system"}
SYSTEM = "system"  # as a proxy: the one that the environment or the desktop names


class Commands:
    """One method a command."""

    def __init__(self, options: argparse.Namespace, texts: Texts) -> None:
        self.options = options
        self.texts = texts
        self.client = HelperClient()
        self._attempt = Attempt(self.client, texts)

    async def list(self) -> None:
        """All connections and their states."""
        views = self._own()
        if self.options.json:
            print_json([view_to_plain(view) for view in views])
        elif self.options.names:
            print_lines(view.name for view in views)
        elif not views:
            tell(self.texts("no_connections"))
        else:
            keys = ("name", "state", "address", "server", "hub")
            rows = [[self.texts(f"column_{key}") for key in keys]]
            rows += [[v.name, self.texts.state(v.state, v.phase), v.address, v.server, v.hub] for v in views]
            print_lines(table(rows))

    async def add(self) -> None:
        """Save a connection."""
        options = self.options
        if (options.proxy_header or options.proxy_password_stdin) and not options.proxy:
            raise InvalidSettings(self.texts("cli_proxy_missing"))
        host, port = parse_server(options.server, self.texts)
        settings = ConnectionSettings(
            name=options.name,
            host=host,
            port=port,
            hub=options.hub,
            username=options.user,
            auth=AuthType(options.auth),
            carriers=options.carriers,
            server_fingerprint=parse_fingerprint(options.fingerprint, self.texts) if options.fingerprint else "",
        )
        secrets = {"password": Secret(first_line())} if options.password_stdin else {}
        if settings.auth is AuthType.CERTIFICATE:
            identity = await given_identity(self.options, self.texts)
            settings = replace(settings, client_certificate=identity.certificates)
            secrets = {"private_key": identity.private_key}
        settings, known = await self._with_proxy(settings, options.proxy or "", options.proxy_header)
        if options.proxy_password_stdin:
            known = Secret(first_line())
        if known:
            secrets["proxy_password"] = known
        await self._add(settings, secrets)

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

    async def hubs(self) -> None:
        """Which virtual hubs a server names to everybody."""
        host, port = parse_server(self.options.server, self.texts)
        anybody = ConnectionSettings(name="-", host=host, port=port, hub="-", username="-")
        settings, password = await self._with_proxy(anybody, self.options.proxy or "")
        hubs = await self.client.hubs(settings, {"proxy_password": password} if password else {})
        if self.options.json:
            print_json(hubs)
        elif hubs:
            print_lines(hubs)
        else:
            tell(self.texts("hubs_none"))

    async def set(self) -> None:
        """Change settings of a connection."""
        view = self._named()
        settings = await self.client.settings(view.path)
        before, assignments = settings, [word for word in self.options.assignments if word != f"proxy={SYSTEM}"]
        settings, known = changed(settings, assignments, self.texts), None
        if len(assignments) < len(self.options.assignments):
            settings, known = await self._with_proxy(settings, SYSTEM)
        if settings.proxy != before.proxy:  # no proxy gets another one's password
            await self.client.set_secrets(view.path, {"proxy_password": known or Secret("")})
        await self.client.update(view.path, settings)
        print_lines([self.texts("cli_changed_later" if view.is_active else "cli_changed", name=view.name)])

    async def show(self) -> None:
        """All settings of a connection."""
        settings = await self.client.settings(self._named().path)
        if self.options.json:
            print_json(to_plain(settings))
        else:
            print_lines(table(rows(settings)))

    async def rename(self) -> None:
        """Give a connection another name."""
        view = self._named()
        await self.client.rename(view.path, self.options.new)
        print_lines([self.texts("cli_renamed", name=view.name, new=self.options.new)])

    async def duplicate(self) -> None:
        """Save a connection like another one; secrets stay where they are."""
        path = await self.client.duplicate(self._named().path, self.options.new)
        self._tell_added(path, self.options.new)

    async def remove(self) -> None:
        """Forget a connection."""
        view = self._named()
        await self.client.remove(view.path)
        print_lines([self.texts("cli_removed", name=view.name)])

    async def password(self) -> None:
        """Store a password, or forget it, and say where it is."""
        view, name = self._named(), SecretKind.PROXY_PASSWORD if self.options.proxy else SecretKind.PASSWORD
        password = ""
        if self.options.stdin:
            password = first_line()
        elif not self.options.forget:
            password = await Terminal(self.texts).new_password(view, name)
        if not password and not self.options.forget:
            raise VpnError(self.texts("cli_password_missing"))
        await self.client.set_secrets(view.path, {name.value: Secret(password)})
        where = (await self.client.status(view.path))[f"{name.value}_kept"]
        print_lines([self.texts(KEPT.get(where, "cli_kept_nowhere"))])

    async def passwd(self) -> None:
        """Change the password that the server knows."""
        view, texts = self._named(), self.texts
        if self.options.stdin:
            old, new = first_line(), first_line()
        else:
            old, new = await Terminal(texts).password_change(view)
        if not new:
            raise VpnError(texts("cli_password_missing"))
        try:
            await self.client.change_password(view.path, Secret(old), Secret(new))
        except TunnelError as error:
            if error.remedy is Remedy.ASK_TRUST:
                raise VpnError(texts("cli_needs_trust", name=shlex.quote(view.name))) from error
            raise
        print_lines([texts("cli_passwd_changed", name=view.name)])

    async def certificate(self) -> None:
        """Log in with a client certificate from now on."""
        view, identity = self._named(), await given_identity(self.options, self.texts)
        settings = await self.client.settings(view.path)
        await self.client.set_secrets(view.path, {"private_key": identity.private_key})
        auth, certificates = AuthType.CERTIFICATE, identity.certificates
        await self.client.update(view.path, replace(settings, auth=auth, client_certificate=certificates))
        print_lines([self.texts("cli_changed_later" if view.is_active else "cli_changed", name=view.name)])

    async def ca(self) -> None:
        """Certificate authorities of one's own: which there are, one more, one less."""
        options, texts = self.options, self.texts
        match options.deed, options.what:
            case "list", None:
                pem = (await self.client.authorities()).encode()
                found = [read(one.public_bytes(Encoding.DER)) for one in read_certificates(pem)] if pem else []
                if options.json:
                    print_json([to_plain(one) | {"start": f"{one.start}", "end": f"{one.end}"} for one in found])
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

    async def connect(self) -> None:
        """Connect; with --wait either end connected, or disconnected and with an error."""
        view = self._named()
        if not self.options.wait:
            await self.client.connect(view.path)
            return
        terminal = Terminal(self.texts, pin=first_line() if self.options.pin_stdin else "")
        if sys.stdin.isatty() or self.options.pin_stdin:
            await self._attempt.answer_by(terminal)
        await self.client.connect(view.path)
        try:
            await self._attempt.until_up(view, terminal, self.options.timeout)
        except BaseException:
            with suppress(VpnError):  # the first error is the one to tell
                await self.client.disconnect(view.path)
            raise

    async def disconnect(self) -> None:
        """End a connection, whatever it does."""
        await self.client.disconnect(self._named().path)

    async def unblock(self) -> None:
        """Lift the kill switch."""
        await self.client.unblock()

    async def trust(self) -> None:
        """Pin the server's certificate."""
        view, options, texts = self._named(), self.options, self.texts
        if options.fingerprint:
            fingerprint = parse_fingerprint(options.fingerprint, texts)
        else:
            fingerprint = await self._attempt.certificate_seen(view)
            terminal = Terminal(texts)
            if options.yes:
                print_lines([texts("cli_certificate", server=view.server), fingerprint])
            elif not sys.stdin.isatty() or not await terminal.confirm_fingerprint(view.server, fingerprint):
                name = shlex.quote(view.name)
                raise VpnError(texts("cli_not_trusted", name=name, fingerprint=fingerprint))
        await self.client.trust(view.path, fingerprint)
        print_lines([texts("cli_trusted", name=view.name)])

    async def status(self) -> None:
        """The manual's fields of one connection, or of all; with --watch again and again."""
        if not self.options.watch:
            self._show(await self._statuses())
            return
        show = self._json_lines if self.options.json else self._redraw if sys.stdout.isatty() else self._show
        while True:
            show(await self._statuses())
            sys.stdout.flush()
            await asyncio.sleep(self.options.interval)

    async def _statuses(self) -> Sequence[dict[str, Any]]:
        views = self._own() if self.options.name is None else [self._named()]
        return [await self.client.status(view.path) for view in views]

    def _show(self, statuses: Sequence[dict[str, Any]]) -> None:
        if self.options.json:
            print_json(statuses if self.options.name is None else statuses[0])
        else:
            print_lines(self._status_lines(statuses))

    def _json_lines(self, statuses: Sequence[dict[str, Any]]) -> None:
        for status in statuses:
            print_json_line(status | {"time": time.time()})

    def _redraw(self, statuses: Sequence[dict[str, Any]]) -> None:
        redraw(self._status_lines(statuses))

    def _status_lines(self, statuses: Sequence[dict[str, Any]]) -> Iterator[str]:
        for number, status in enumerate(statuses):
            yield from [""] if number else []
            yield from table([*status_rows(status, self.texts)])

    async def policy(self) -> None:
        """What the server's security policy says of the session (S46)."""
        view = self._named()
        status = await self.client.status(view.path)
        if not status["policy"]:
            raise VpnError(self.texts("cli_no_session", name=view.name))
        if self.options.json:
            print_json(policy_to_plain(status["policy"], self.texts))
        else:
            print_lines(table([*policy_rows(status["policy"], self.texts)]))

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

    async def speed(self) -> None:
        """Measure how much goes to a traffic server and back, and how fast; where so asked, through one tunnel."""
        options = self.options
        nic = await self._nic_of_tunnel() if options.name else ""
        plan = (options.server, options.direction, options.connections, options.seconds, nic)
        show(await speed_test(*plan, self.texts, ethernet=options.ethernet), self.texts, json=options.json)

    async def speed_server(self) -> None:
        """Be the other side of the traffic test."""
        await be_server(self.options.port, self.texts)

    async def _nic_of_tunnel(self) -> str:
        await self.client.open()
        await self.client.activate()
        view = self._named()
        status = await self.client.status(view.path)
        if view.state is not State.UP:
            raise NotFound(self.texts("speed_not_connected", name=view.name))
        return str(status["interface"])

    async def log(self) -> None:
        """What happened, oldest first."""
        events = await self.client.events(MAX_EVENTS)
        if self.options.name is not None:
            view = self._named()
            events = [event for event in events if event["id"] == view.id]
        events = events[-self.options.number :]
        if self.options.json:
            print_json(events)
        else:
            rows = [[local_time(e["time"]), e["level"], e["connection"], event_text(e, self.texts)] for e in events]
            print_lines(table(rows))

    async def vpncmd(self) -> int:
        """A command of the official client's tool, or a script of them."""
        return await Vpncmd(self.client, self._own).run(self.options.words)

    # -- parts --------------------------------------------------------------------------------------------------------

    async def _with_proxy(
        self, settings: ConnectionSettings, text: str, headers: Sequence[str] = ()
    ) -> tuple[ConnectionSettings, Secret | None]:
        """The settings with this proxy, and its password where the system knows it."""
        wanted = text
        if text == SYSTEM:
            try:
                text = await system_proxy(settings.host)
            except ChosenByScript:
                raise VpnError(self.texts("cli_proxy_by_script")) from None
            tell(
                self.texts("cli_system_proxy", proxy=without_password(text))
                if text
                else self.texts("cli_no_system_proxy")
            )
        if not text:
            return replace(settings, proxy=None), None
        try:
            proxy, password = parse_proxy(text)
        except ValueError:
            raise InvalidSettings(self.texts("cli_bad_proxy", proxy=without_password(text))) from None
        if password and wanted != SYSTEM:  # others can read the command line
            raise InvalidSettings(self.texts("cli_proxy_password_in_url"))
        return replace(settings, proxy=with_headers(proxy, headers)), password

    def _own(self) -> Sequence[ConnectionView]:
        return of_user(self.client.views.values(), os.getuid())

    def _named(self) -> ConnectionView:
        """The connection of that name, or with that id; of several users' connections one's own."""
        name = self.options.name
        found = named(self.client.views.values(), name, os.getuid())
        if not found:
            raise NotFound(self.texts("cli_none_named", name=name))
        if len(found) > 1:
            raise NotFound(self.texts("cli_several_named", name=name, ids=", ".join(view.id for view in found)))
        return found[0]

    async def _add(self, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> None:
        self._tell_added(await self.client.add(settings, secrets), settings.name)

    def _tell_added(self, path: str, name: str) -> None:
        if self.options.json:
            print_json({"id": ConnectionView(path=path).id, "name": name})
        else:
            print_lines([self.texts("cli_added", name=name)])


def _subject(certificate: x509.Certificate) -> str:
    return read(certificate.public_bytes(Encoding.DER)).subject


def _revealed(account: Account) -> dict[str, Secret]:
    return {name: Secret(getattr(account.secrets, name).value) for name in account.secrets.names()}


def _client_config() -> str:
    return next((place for place in PLACES if Path(place).exists()), PLACES[0])
