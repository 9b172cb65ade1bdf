"""The commands that make, show, change and forget saved connections."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from tsunagu.errors import InvalidSettings, Remedy, TunnelError, VpnError
from tsunagu.model import (
    AuthType,
    ConnectionSettings,
    Secret,
    SecretKind,
)
from tsunagu.plain import to_plain
from tsunagu_tray.command import Command
from tsunagu_tray.command_input import first_line, parse_fingerprint, parse_server
from tsunagu_tray.given import given_identity
from tsunagu_tray.progress_line import counted
from tsunagu_tray.proxy_text import proxy_text, with_headers
from tsunagu_tray.report import (
    print_json,
    print_lines,
    table,
    view_to_plain,
)
from tsunagu_tray.settings_text import changed, rows
from tsunagu_tray.system_proxy import named_proxy, proxy_in
from tsunagu_tray.terminal import Terminal, tell

SYSTEM = "system"  # as a proxy: the one that the environment or the desktop names
KEPT = {"keyring": "cli_kept_keyring", "system": "cli_kept_system"}


class SavedCommands(Command):
    """One method a command."""

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

    async def hubs(self) -> None:
        """Which virtual hubs a server names to everybody."""
        host, port = parse_server(self.options.server, self.texts)
        anybody = ConnectionSettings(name="-", host=host, port=port, hub="-", username="-")
        settings, password = await self._with_proxy(anybody, self.options.proxy or "")
        async with counted(self.texts("hubs_asking")):
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
            async with counted(texts("passwd_busy")):
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

    async def _with_proxy(
        self, settings: ConnectionSettings, text: str, headers: Sequence[str] = ()
    ) -> tuple[ConnectionSettings, Secret | None]:
        """The settings with this proxy, and its password where the system knows it."""
        if text == SYSTEM:
            proxy, password = await named_proxy(settings.host, self.texts)
            tell(
                self.texts("cli_system_proxy", proxy=proxy_text(proxy)) if proxy else self.texts("cli_no_system_proxy")
            )
        else:
            proxy, password = proxy_in(text, self.texts)
            if password:  # others can read the command line
                raise InvalidSettings(self.texts("cli_proxy_password_in_url"))
        return replace(settings, proxy=with_headers(proxy, headers) if proxy else None), password
