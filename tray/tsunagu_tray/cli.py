"""The command ``tsunagu``: the same helper as the tray's, from a terminal or a script."""

import argparse
import asyncio
import base64
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu import __version__, account_file
from tsunagu.account_file import Account
from tsunagu.bus_names import AGENT_PATH
from tsunagu.errors import HelperUnavailable, InvalidSettings, NotFound, VpnError, bus_error_name
from tsunagu.model import (
    NO_SECRETS,
    Addressing,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Secret,
    SecretKind,
    Secrets,
    State,
)
from tsunagu.plain import to_plain
from tsunagu.sha0 import hash_password
from tsunagu_tray.agent import Agent
from tsunagu_tray.certificate import read
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.identity import Identity, PassphraseNeeded, pkcs1, read_certificates, read_identity
from tsunagu_tray.proxy_text import parse_proxy, with_headers, without_password
from tsunagu_tray.report import (
    event_text,
    local_time,
    policy_rows,
    policy_to_plain,
    print_json,
    print_lines,
    status_rows,
    table,
    view_to_plain,
)
from tsunagu_tray.settings_text import changed, rows
from tsunagu_tray.system_proxy import ChosenByScript, system_proxy
from tsunagu_tray.terminal import Terminal, tell
from tsunagu_tray.texts import Language, Texts, language

CONNECT_TIMEOUT_S = 60.0
MAX_EVENTS = 1000
MAX_FILE = 1 << 20  # octets, of a certificate or key


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 not done (one sentence on stderr says why), 2 wrong usage."""
    texts = Texts(language(os.environ))
    options = parser(texts).parse_args(arguments)
    try:
        asyncio.run(_run(options, texts))
    except VpnError as error:
        tell("tsunagu: " + texts.error(LastError(bus_error_name(error), error.code, str(error))))
        return 1
    except KeyboardInterrupt:
        tell("tsunagu: " + texts("cli_interrupted"))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return 1
    return 0


async def _run(options: argparse.Namespace, texts: Texts) -> None:
    command = Commands(options, texts)
    try:
        await command.client.open()
        await command.client.activate()
        run: Callable[[Commands], Awaitable[None]] = options.run
        await run(command)
        sys.stdout.flush()
    finally:
        await command.client.close()


class Commands:
    """One method a command."""

    def __init__(self, options: argparse.Namespace, texts: Texts) -> None:
        self.options = options
        self.texts = texts
        self._changed = asyncio.Event()
        self.client = HelperClient(self._changed.set)

    async def list(self) -> None:
        """All connections and their states."""
        views = self._own()
        if self.options.json:
            print_json([view_to_plain(view) for view in views])
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
        secrets = {"password": Secret(_first_line())} if options.password_stdin else {}
        if settings.auth is AuthType.CERTIFICATE:
            identity = await self._identity()
            settings = replace(settings, client_certificate=identity.certificates)
            secrets = {"private_key": identity.private_key}
        settings, known = await self._with_proxy(settings, options.proxy or "", options.proxy_header)
        if options.proxy_password_stdin:
            known = Secret(_first_line())
        if known:
            secrets["proxy_password"] = known
        await self._add(settings, secrets)

    async def import_file(self) -> None:
        """Save the connection in a setting file of the official client, with its secrets."""
        account = account_file.parse(_contents(self.options.file, self.texts))
        name = self.options.name or account.settings.name
        secrets = {name: Secret(getattr(account.secrets, name).value) for name in account.secrets.names()}
        await self._add(replace(account.settings, name=name), secrets)

    async def export(self) -> None:
        """Write a setting file that the official client takes."""
        options, view = self.options, self._named()
        settings = await self.client.settings(view.path)
        shown = base64.b64decode(await self.client.certificate(view.path))
        secrets = await self._secrets_for_file(view, settings) if options.with_secrets else NO_SECRETS
        text = account_file.serialise(Account(settings=settings, secrets=secrets), server_certificate=shown)
        if options.output:
            _write(options.output, text, self.texts)
        else:
            sys.stdout.buffer.write(text)

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

    async def remove(self) -> None:
        """Forget a connection."""
        view = self._named()
        await self.client.remove(view.path)
        print_lines([self.texts("cli_removed", name=view.name)])

    async def password(self) -> None:
        """Store a password."""
        view, name = self._named(), SecretKind.PROXY_PASSWORD if self.options.proxy else SecretKind.PASSWORD
        if self.options.stdin:
            password = _first_line()
        else:
            password = await Terminal(self.texts).new_password(view, name)
        if not password:
            raise VpnError(self.texts("cli_password_missing"))
        await self.client.set_secrets(view.path, {name.value: Secret(password)})

    async def certificate(self) -> None:
        """Log in with a client certificate from now on."""
        view, identity = self._named(), await self._identity()
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
                certificates = read_certificates(_contents(file, texts))
                await self.client.add_authorities(
                    "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)
                )
                print_lines(texts("cli_authority_added", name=shown) for shown in map(_subject, certificates))
            case "remove", str(text):
                await self.client.remove_authority(parse_fingerprint(text, texts))
            case _:
                raise InvalidSettings(texts("cli_authority_usage"))

    async def connect(self) -> None:
        """Connect; with --wait either end connected, or disconnected and with an error."""
        view = self._named()
        if not self.options.wait:
            await self.client.connect(view.path)
            return
        terminal = Terminal(self.texts, pin=_first_line() if self.options.pin_stdin else "")
        if sys.stdin.isatty() or self.options.pin_stdin:
            await self._answer_by(terminal)
        await self.client.connect(view.path)
        try:
            await self._until_up(view, terminal)
        except BaseException:
            with suppress(VpnError):  # the first error is the one to tell
                await self.client.disconnect(view.path)
            raise

    async def disconnect(self) -> None:
        """End a connection, whatever it does."""
        await self.client.disconnect(self._named().path)

    async def trust(self) -> None:
        """Pin the server's certificate."""
        view, options, texts = self._named(), self.options, self.texts
        if options.fingerprint:
            fingerprint = parse_fingerprint(options.fingerprint, texts)
        else:
            fingerprint = await self._certificate_seen(view)
            terminal = Terminal(texts)
            if options.yes:
                print_lines([texts("cli_certificate", server=view.server), fingerprint])
            elif not sys.stdin.isatty() or not await terminal.confirm_fingerprint(view.server, fingerprint):
                name = shlex.quote(view.name)
                raise VpnError(texts("cli_not_trusted", name=name, fingerprint=fingerprint))
        await self.client.trust(view.path, fingerprint)
        print_lines([texts("cli_trusted", name=view.name)])

    async def status(self) -> None:
        """The manual's fields of one connection, or of all."""
        named = self.options.name is not None
        views = [self._named()] if named else self._own()
        found = [await self.client.status(view.path) for view in views]
        if self.options.json:
            print_json(found[0] if named else found)
            return
        for number, status in enumerate(found):
            print_lines(([""] if number else []) + list(table([*status_rows(status, self.texts)])))

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
        """The user's own connections, root's are all, by name."""
        uid = os.getuid()
        views = [view for view in self.client.views.values() if uid in (0, view.owner)]
        return sorted(views, key=lambda view: (view.name.casefold(), view.id))

    def _named(self) -> ConnectionView:
        """The connection of that name, or with that id; of several users' connections one's own."""
        name = self.options.name
        found = [view for view in self.client.views.values() if name in (view.name, view.id)]
        if len(found) > 1:
            found = [view for view in found if view.owner == os.getuid()] or found
        if not found:
            raise NotFound(self.texts("cli_none_named", name=name))
        if len(found) > 1:
            raise NotFound(self.texts("cli_several_named", name=name, ids=", ".join(view.id for view in found)))
        return found[0]

    async def _add(self, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> None:
        path = await self.client.add(settings, secrets)
        if self.options.json:
            print_json({"id": ConnectionView(path=path).id, "name": settings.name})
        else:
            print_lines([self.texts("cli_added", name=settings.name)])

    async def _secrets_for_file(self, view: ConnectionView, settings: ConnectionSettings) -> Secrets:
        """What the person gives anew: the helper gives none back."""
        match settings.auth:
            case AuthType.PASSWORD | AuthType.PLAIN_PASSWORD:
                terminal = Terminal(self.texts)
                is_asked = sys.stdin.isatty()
                password = await terminal.new_password(view, SecretKind.PASSWORD) if is_asked else _first_line()
                if not password:
                    raise VpnError(self.texts("cli_password_missing"))
                if settings.auth is AuthType.PLAIN_PASSWORD:
                    return Secrets(password=Secret(password))
                return Secrets(hashed_password=HashedPassword(hash_password(settings.username, password).hex()))
            case AuthType.CERTIFICATE:
                if not self.options.key:
                    raise InvalidSettings(self.texts("cli_key_missing"))
                identity = await self._identity(settings.client_certificate.encode())
                return Secrets(private_key=pkcs1(identity.private_key))
            case _:
                return NO_SECRETS

    async def _identity(self, certificate: bytes = b"") -> Identity:
        """The certificate and key in the files that were named; asks for the passphrase where one is needed."""
        options, texts = self.options, self.texts
        if not certificate:
            if not options.certificate:
                raise InvalidSettings(texts("cli_certificate_missing"))
            certificate = _contents(options.certificate, texts)
        key = _contents(options.key, texts) if options.key else b""
        try:
            return read_identity(certificate, key, _first_line() if options.key_passphrase_stdin else "")
        except PassphraseNeeded:
            passphrase = await Terminal(texts).passphrase(options.key or options.certificate)
            if not passphrase:
                raise
        return read_identity(certificate, key, passphrase)

    async def _answer_by(self, terminal: Terminal) -> None:
        agent = Agent(terminal, lambda: self.client.owner, lambda path: self.client.views.get(path))
        await self.client.register_agent(AGENT_PATH, agent)

    async def _until_up(self, view: ConnectionView, terminal: Terminal) -> None:
        """Follow the attempt to its end, and a little further for the address."""
        texts, timeout_s = self.texts, self.options.timeout
        settings = await self.client.settings(view.path)
        told = LastError()
        was_up = False
        try:
            async for now in self._watch(view.path, timeout_s, terminal):
                if now.state is State.UP:
                    if not was_up:
                        was_up = True
                        message = (await self.client.status(view.path))["message"]
                        print_lines([texts("cli_connected", name=view.name), *message.splitlines()])
                    if now.address:
                        print_lines([texts("cli_address", address=", ".join(now.addresses))])
                    elif now.last_error:
                        tell(texts.error(now.last_error))
                    if now.address or now.last_error or settings.addressing is Addressing.NONE:
                        return
                elif now.state is State.WAITING and now.last_error != told:
                    told = now.last_error
                    tell(texts("cli_retrying", why=texts.error(told)))
                else:
                    await self._raise_what_is_in_vain(now)
        except TimeoutError:
            if not was_up:
                why = f": {texts.error_with_advice(told)}" if told else ""
                raise VpnError(texts("cli_timed_out", seconds=timeout_s) + why) from None

    async def _raise_what_is_in_vain(self, now: ConnectionView) -> None:
        """Nothing to wait for where it has ended, or needs a person who is not there."""
        texts, name = self.texts, shlex.quote(now.name)
        if now.state is State.IDLE:
            error = now.last_error
            why = texts.error_with_advice(error) if error else texts("cli_ended")
            command = texts("cli_needs_trust", name=name) if error.code in TRUST_CODES else ""
            raise VpnError("; ".join(filter(None, (why, command))))
        if now.last_error.name == "NoAgent":
            events = [e for e in await self.client.events(MAX_EVENTS) if e["id"] == now.id and e["time"] >= now.since]
            last = next((event for event in reversed(events) if event["code"]), None)
            why = event_text(last, texts) if last else ""
            key = "cli_needs_trust" if now.state is State.NEEDS_TRUST else "cli_needs_secret"
            kind = "--proxy " if last and last["code"] == PROXY_REFUSED else ""
            raise VpnError("; ".join(filter(None, (why, texts(key, name=name, kind=kind)))))

    async def _certificate_seen(self, view: ConnectionView) -> str:
        """The SHA-256 of the server's certificate; where it was never seen, an attempt is made to see it."""
        der = await self.client.certificate(view.path)
        if not der:
            terminal = Terminal(self.texts, only_look=True)
            await self._answer_by(terminal)
            await self.client.connect(view.path)
            last = LastError()
            try:
                async for now in self._watch(view.path, CONNECT_TIMEOUT_S, terminal):
                    last = now.last_error or last
                    der = await self.client.certificate(view.path)
                    if der or now.state in (State.IDLE, State.WAITING, State.UP):
                        break
            except TimeoutError:
                pass  # told below
            finally:
                await self.client.disconnect(view.path)
            if not der:
                why = (
                    self.texts.error_with_advice(last)
                    if last
                    else self.texts("cli_timed_out", seconds=CONNECT_TIMEOUT_S)
                )
                raise VpnError(self.texts("cli_certificate_unseen", why=why))
        return sha256(base64.b64decode(der)).hexdigest()

    async def _watch(self, path: str, timeout_s: float, terminal: Terminal) -> AsyncIterator[ConnectionView]:
        """The connection now and after each change; while a person is being asked, time stands still.

        Raises:
            TimeoutError: it is over.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + timeout_s
        view: ConnectionView | None = await self.client.refresh(path)
        while view is not None:
            yield view
            while self.client.views.get(path) == view:
                self._changed.clear()
                left_s = end + terminal.thought_s(clock()) - clock()
                await asyncio.wait_for(self._changed.wait(), left_s)
            view = self.client.views.get(path)
        raise (
            VpnError(self.texts("cli_ended")) if self.client.owner else HelperUnavailable(self.texts("cli_helper_gone"))
        )


TRUST_CODES = (85, 106, 149)
PROXY_REFUSED = 19
SYSTEM = "system"  # as a proxy: the one that the environment or the desktop names


def parse_server(server: str, texts: Texts) -> tuple[str, int]:
    """HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT.

    Raises:
        InvalidSettings: it is none of these.
    """
    if found := re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?", server):
        return found[1], int(found[2] or 443)
    if server.count(":") > 1 and not server.startswith("["):
        return server, 443
    if found := re.fullmatch(r"([^:\[\]]+)(?::([0-9]{1,5}))?", server):
        return found[1], int(found[2] or 443)
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


def _subject(certificate: x509.Certificate) -> str:
    return read(certificate.public_bytes(Encoding.DER)).subject


def _first_line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _contents(file: str, texts: Texts) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            contents = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise InvalidSettings(texts("cli_file_unreadable", file=file, why=error.strerror)) from error
    if len(contents) > MAX_FILE:
        raise InvalidSettings(texts("cli_file_too_long", file=file))
    return contents


def _write(file: str, contents: bytes, texts: Texts) -> None:
    """A new file that only its owner may read."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(contents)
    except OSError as error:
        raise InvalidSettings(texts("cli_file_unwritable", file=file, why=error.strerror)) from error


# -- usage ------------------------------------------------------------------------------------------------------------


class Usage(argparse.ArgumentParser):
    """argparse in the reader's language."""

    texts = Texts(Language.EN)

    def translate(self, texts: Texts) -> None:
        """Say everything in this language; called when all options are there."""
        self.texts = texts
        about = texts.say(self.description or "")
        self.description, self.epilog = about[:1].upper() + about[1:], texts.say(self.epilog or "")
        for group in self._action_groups:
            group.title = texts.say(group.title or "")
        for action in self._actions:
            action.help = texts.say(action.help or "")
            if isinstance(action, argparse._SubParsersAction):
                for choice in action._choices_actions:
                    choice.help = texts.say(choice.help or "")
                for added in action.choices.values():
                    added.translate(texts)

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", self.texts.say("usage: "), 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage: ", self.texts.say("usage: "), 1)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self.texts.say(message)}\n")


def parser(texts: Texts) -> Usage:
    """The commands and their options."""
    top = Usage(
        prog="tsunagu",
        description="Connect this computer to networks behind SoftEther and PacketiX VPN servers.",
        epilog="Exit status: 0 if it was done; 1 if not, with one sentence why; 2 for wrong usage.",
    )
    top.add_argument("--version", action="version", version=f"tsunagu {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[Commands], Awaitable[None]], summary: str, *, data: bool = False) -> Usage:
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(run=run)
        if data:
            added.add_argument("--json", action="store_true", help="print JSON, for scripts")
        return added

    command("list", Commands.list, "list all connections and their states", data=True)

    add = command("add", Commands.add, "save a new connection", data=True)
    add.add_argument("name", metavar="NAME", help="what to call it")
    add.add_argument("--server", required=True, metavar="HOST[:PORT]", help="the VPN server; port 443 if none is given")
    add.add_argument("--hub", required=True, help="the virtual hub on it")
    add.add_argument("--user", required=True, help="the user name there")
    kinds = [auth.value for auth in AuthType]
    add.add_argument("--auth", choices=kinds, default="password", help="how the user logs in (default: password)")
    add.add_argument("--anonymous", dest="auth", action="store_const", const="anonymous", help="as --auth anonymous")
    add.add_argument("--carriers", type=int, default=1, metavar="N", help="TCP connections to use, 1 to 32 (default 1)")
    add.add_argument("--fingerprint", metavar="SHA256", help="trust the server's certificate with this fingerprint")
    add.add_argument(
        "--proxy",
        metavar="URL",
        help="go through http://[USER@]HOST:PORT, socks4://... or socks5://...; 'system': the desktop's own",
    )
    add.add_argument(
        "--proxy-header", action="append", default=[], metavar="'NAME: VALUE'", help="send this header to an HTTP proxy"
    )
    add.add_argument(
        "--proxy-password-stdin", action="store_true", help="store the proxy's password, the next line of stdin"
    )
    add.add_argument("--password-stdin", action="store_true", help="store the password that is the first line of stdin")

    def identity(added: Usage, certificate: str) -> None:
        added.add_argument(certificate, metavar="FILE", help="the user's certificate (PEM, DER or PKCS#12)")
        added.add_argument("--key", metavar="FILE", help="its private key, where that is in another file")
        added.add_argument(
            "--key-passphrase-stdin", action="store_true", help="the key's passphrase is the first line of stdin"
        )

    identity(add, "--certificate")

    def named(added: Usage, *, needed: bool = True) -> Usage:
        added.add_argument(
            "name", metavar="NAME", nargs=None if needed else "?", help="the connection's name, or its id"
        )
        return added

    named(command("show", Commands.show, "show all settings of a connection", data=True))

    setter = named(command("set", Commands.set, "change settings of a connection"))
    setter.add_argument(
        "assignments", metavar="KEY=VALUE", nargs="+", help="a setting as 'tsunagu show' names it, and its new value"
    )

    importer = command(
        "import", Commands.import_file, "save the connection in a .vpn file, with its secrets", data=True
    )
    importer.add_argument("file", metavar="FILE", help="a setting file of the official client")
    importer.add_argument("--name", metavar="NAME", help="what to call it, instead of the name in the file")

    exporter = named(command("export", Commands.export, "write a .vpn file that the official client takes"))
    exporter.add_argument("--output", metavar="FILE", help="the new file; standard output if none is given")
    exporter.add_argument(
        "--with-secrets", action="store_true", help="with the password, which has to be given again, or with --key"
    )
    exporter.add_argument("--key", metavar="FILE", help="the private key of the user's certificate")
    exporter.add_argument(
        "--key-passphrase-stdin", action="store_true", help="the key's passphrase is the first line of stdin"
    )

    named(command("remove", Commands.remove, "forget a connection with its password"))

    password = named(command("password", Commands.password, "store a connection's password"))
    password.add_argument("--proxy", action="store_true", help="the one for the proxy on the way to the server")
    password.add_argument("--stdin", action="store_true", help="read it from the first line of stdin")

    identity(named(command("certificate", Commands.certificate, "log in with a client certificate")), "certificate")

    connect = named(command("connect", Commands.connect, "connect"))
    connect.add_argument(
        "--wait",
        action="store_true",
        help="return when connected; if that fails, disconnect and say why. In a terminal, asks for what is needed",
    )
    connect.add_argument(
        "--timeout", type=seconds, default=CONNECT_TIMEOUT_S, metavar="S", help="with --wait: seconds (default 60)"
    )

    ca = command("ca", Commands.ca, "your own certificate authorities, which vouch for servers", data=True)
    ca.add_argument("deed", choices=["list", "add", "remove"], help="what to do")
    ca.add_argument("what", metavar="FILE|SHA256", nargs="?", help="the certificate to add, or the one to remove")

    connect.add_argument(
        "--pin-stdin", action="store_true", help="with --wait: a smart card's PIN is the first line of stdin"
    )

    named(command("disconnect", Commands.disconnect, "disconnect, or stop trying"))

    trust = named(command("trust", Commands.trust, "trust the server's certificate from now on"))
    trust.add_argument("--fingerprint", metavar="SHA256", help="trust exactly this one, without a question")
    trust.add_argument("--yes", action="store_true", help="trust whatever the server shows, without a question")

    named(command("status", Commands.status, "show all about one connection, or all", data=True), needed=False)

    named(command("policy", Commands.policy, "show the server's security policy for a connection", data=True))

    log = named(command("log", Commands.log, "show what happened, newest last", data=True), needed=False)
    log.add_argument("-n", "--number", type=count, default=50, metavar="N", help="so many entries (default 50)")
    top.translate(texts)
    return top


def seconds(text: str) -> float:
    """A time that is not over yet."""
    if (value := float(text)) <= 0:
        raise ValueError
    return value


def count(text: str) -> int:
    """At least one."""
    if (value := int(text)) <= 0:
        raise ValueError
    return value


if __name__ == "__main__":
    sys.exit(main())
