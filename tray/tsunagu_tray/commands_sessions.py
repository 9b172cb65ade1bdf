"""The commands that connect, disconnect, and tell of what is connected."""

import asyncio
import base64
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ssl import DER_cert_to_PEM_cert
from typing import Any

from tsunagu.error_table import ERRORS
from tsunagu.errors import NotFound, VpnError
from tsunagu.model import Secret, State
from tsunagu_tray.attempt import MAX_EVENTS
from tsunagu_tray.attempt_model import explanation
from tsunagu_tray.certificate import certificate_to_plain, fingerprint_of, read, rows
from tsunagu_tray.command import Command
from tsunagu_tray.command_input import first_line, parse_fingerprint, write_new
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.progress_line import counted
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
)
from tsunagu_tray.speed_command import be_server, show, speed_test
from tsunagu_tray.terminal import Terminal, tell
from tsunagu_tray.trial_model import asks_trust, outcome


class SessionCommands(Command):
    """One method a command."""

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
        """End a connection, or all of one's own, whatever they do."""
        views = [view for view in self._own() if view.is_active] if self.options.all else [self._named()]
        for view in views:
            await self.client.disconnect(view.path)

    async def test(self) -> int | None:
        """Log in and leave again."""
        view, texts = self._named(), self.texts
        settings = await self.client.settings(view.path)
        secrets = {"password": Secret(first_line())} if self.options.password_stdin else {}
        async with counted(texts("trial_running")):
            tried = await self.client.try_log_in(settings, secrets, view.path)
        error = LastError(tried["error_name"], tried["error_code"], tried["error_text"])
        if self.options.json:
            print_json(tried)
        elif asks_trust(tried):
            fingerprint = fingerprint_of(tried["server_certificate"])
            raise VpnError(texts("cli_not_trusted", name=shlex.quote(view.name), fingerprint=fingerprint))
        elif error:
            tell("tsunagu: " + texts.error_with_advice(error))
        else:
            shown = outcome(tried, settings, texts)
            print_lines([shown.heading, shown.body, *table(shown.facts)])
        return 1 if error else None

    async def unblock(self) -> None:
        """Lift the kill switch."""
        await self.client.unblock()

    async def trust(self) -> None:
        """Pin the server's certificate."""
        view, options, texts = self._named(), self.options, self.texts
        if options.fingerprint:
            fingerprint = parse_fingerprint(options.fingerprint, texts)
        else:
            async with counted(texts("hubs_asking")):
                fingerprint = await self._attempt.certificate_seen(view)
            terminal = Terminal(texts)
            if options.yes:
                print_lines([texts("cli_certificate", server=view.server), fingerprint])
            elif not sys.stdin.isatty() or not await terminal.confirm_fingerprint(view.server, fingerprint):
                name = shlex.quote(view.name)
                raise VpnError(texts("cli_not_trusted", name=name, fingerprint=fingerprint))
        await self.client.trust(view.path, fingerprint)
        print_lines([texts("cli_trusted", name=view.name)])

    async def show_certificate(self) -> None:
        """The server's of the session, or else the last that was seen; or the user's own (S47, S48)."""
        view, options, texts = self._named(), self.options, self.texts
        status = await self.client.status(view.path)
        if options.client:
            found, missing = status["client_certificate"], "cli_no_client_certificate"
        else:
            found, missing = status["server_certificate"], "cli_no_server_certificate"
            found = found or await self.client.certificate(view.path)
        if not found:
            raise NotFound(texts(missing, name=shlex.quote(view.name)))
        der = base64.b64decode(found)
        try:
            shown = read(der)
        except ValueError as error:
            raise VpnError(texts("certificate_unreadable")) from error
        if options.output:
            write_new(options.output, DER_cert_to_PEM_cert(der).encode(), texts)
        elif options.json:
            print_json(certificate_to_plain(shown))
        else:
            fingerprint = [(texts("certificate_fingerprint"), shown.sha256)]
            print_lines(table(rows(shown, texts, datetime.now(UTC)) + fingerprint))

    async def explain(self) -> None:
        """All that the protocol's table says of an error."""
        error, texts = LastError(code=self.options.number), self.texts
        if not (found := explanation(error, texts)):
            raise NotFound(texts("cli_no_such_error", number=error.code))
        if self.options.json:
            entry = ERRORS[error.code]
            meaning = {"sentence": texts.say(entry.sentence), "advice": texts.say(entry.advice)}
            print_json({"code": entry.code, "name": entry.name} | meaning)
        else:
            print_lines(table([(title, value) for title, value, _ in found if title != texts("explain_told")]))

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

    async def speed(self) -> None:
        """Measure how much goes to a traffic server and back, and how fast; where so asked, through one tunnel."""
        options = self.options
        nic = await self._nic_of_tunnel() if options.name else ""
        plan = (options.server, options.direction, options.connections, options.seconds, nic)
        async with counted(self.texts("speed_running"), options.seconds):
            measured = await speed_test(*plan, self.texts, ethernet=options.ethernet, begins=tell)
        show(measured, self.texts, json=options.json)

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
