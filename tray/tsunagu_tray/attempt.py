"""An attempt to connect, followed from a terminal to its end."""

import asyncio
import base64
import shlex
from collections.abc import AsyncIterator
from hashlib import sha256

from tsunagu.bus_names import AGENT_PATH
from tsunagu.errors import VpnError
from tsunagu.model import State
from tsunagu_tray.agent import Agent
from tsunagu_tray.attempt_model import progress
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.following import follow
from tsunagu_tray.keyring import Keyring
from tsunagu_tray.progress_line import LINE
from tsunagu_tray.report import event_text, print_lines
from tsunagu_tray.terminal import Terminal, tell
from tsunagu_tray.texts import Texts

CONNECT_TIMEOUT_S = 60.0
MAX_EVENTS = 1000
TRUST_CODES = (85, 106, 149)
PROXY_REFUSED = 19


class Attempt:
    """What comes of ``client.connect``."""

    def __init__(self, client: HelperClient, texts: Texts) -> None:
        self._client = client
        self._texts = texts

    async def answer_by(self, terminal: Terminal) -> None:
        """Let the person at the terminal answer what the helper asks."""
        agent = Agent(terminal, lambda: self._client.owner, lambda path: self._client.views.get(path), Keyring())
        await self._client.register_agent(AGENT_PATH, agent)

    async def until_up(self, view: ConnectionView, terminal: Terminal, timeout_s: float) -> None:
        """Follow the attempt to its end, and a little further for the address."""
        texts = self._texts
        settings = await self._client.settings(view.path)
        told = LastError()
        was_up = False
        try:
            async for now in self.watch(view.path, timeout_s, terminal):
                if now.state is State.CONNECTING:
                    LINE.show(progress(now, texts).text)
                else:
                    LINE.clear()
                if now.state is State.UP:
                    if not was_up:
                        was_up = True
                        message = (await self._client.status(view.path))["message"]
                        print_lines([texts("cli_connected", name=view.name), *message.splitlines()])
                    if now.address:
                        print_lines([texts("cli_address", address=", ".join(now.addresses))])
                    elif now.last_error:
                        tell(texts.error(now.last_error))
                    if now.is_settled(settings.addressing):
                        return
                elif now.state is State.WAITING and now.last_error != told:
                    told = now.last_error
                    tell(texts("cli_retrying", why=texts.error(told)))
                else:
                    await self._raise_what_is_in_vain(now)
        except TimeoutError:
            LINE.clear()
            if not was_up:
                why = f": {texts.error_with_advice(told)}" if told else ""
                raise VpnError(texts("cli_timed_out", seconds=timeout_s) + why) from None

    async def _raise_what_is_in_vain(self, now: ConnectionView) -> None:
        """Nothing to wait for where it has ended, or needs a person who is not there."""
        texts, name = self._texts, shlex.quote(now.name)
        if now.state is State.IDLE:
            error = now.last_error
            why = texts.error_with_advice(error) if error else texts("cli_ended")
            command = texts("cli_needs_trust", name=name) if error.code in TRUST_CODES else ""
            raise VpnError("; ".join(filter(None, (why, command))))
        if now.last_error.name == "NoAgent":
            events = [e for e in await self._client.events(MAX_EVENTS) if e["id"] == now.id and e["time"] >= now.since]
            last = next((event for event in reversed(events) if event["code"]), None)
            why = event_text(last, texts) if last else ""
            key = "cli_needs_trust" if now.state is State.NEEDS_TRUST else "cli_needs_secret"
            kind = "--proxy " if last and last["code"] == PROXY_REFUSED else ""
            raise VpnError("; ".join(filter(None, (why, texts(key, name=name, kind=kind)))))

    async def certificate_seen(self, view: ConnectionView) -> str:
        """The SHA-256 of the server's certificate; where it was never seen, an attempt is made to see it."""
        der = await self._client.certificate(view.path)
        if not der:
            terminal = Terminal(self._texts, only_look=True)
            await self.answer_by(terminal)
            await self._client.connect(view.path)
            last = LastError()
            try:
                async for now in self.watch(view.path, CONNECT_TIMEOUT_S, terminal):
                    last = now.last_error or last
                    der = await self._client.certificate(view.path)
                    if der or now.state in (State.IDLE, State.WAITING, State.UP):
                        break
            except TimeoutError:
                pass  # told below
            finally:
                await self._client.disconnect(view.path)
            if not der:
                why = (
                    self._texts.error_with_advice(last)
                    if last
                    else self._texts("cli_timed_out", seconds=CONNECT_TIMEOUT_S)
                )
                raise VpnError(self._texts("cli_certificate_unseen", why=why))
        return sha256(base64.b64decode(der)).hexdigest()

    async def watch(self, path: str, timeout_s: float, terminal: Terminal) -> AsyncIterator[ConnectionView]:
        """The connection now and after each change; while a person is being asked, time stands still.

        Raises:
            TimeoutError: it is over.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + timeout_s
        following = follow(self._client, path)
        while True:
            left_s = end + terminal.thought_s(clock()) - clock()
            yield await asyncio.wait_for(anext(following), left_s)
