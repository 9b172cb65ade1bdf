"""Questions and tables in a terminal: the command line's side of what the windows do on a desktop."""

import asyncio
import base64
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from tsunagu.errors import VpnError
from tsunagu.model import Secret, SecretKind
from tsunagu_tray.agent import PIN, CertificateQuestion, PasswordAnswer, PasswordQuestion, Verdict
from tsunagu_tray.certificate import grouped, read, rows, why_asked
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.progress_line import LINE
from tsunagu_tray.report import printable, table
from tsunagu_tray.texts import Texts


class Terminal:
    """The agent's ``Answerer`` on stdin and stderr.  ``seen`` is the last certificate it was asked about.

    With ``only_look`` a certificate is remembered and refused instead of asked about.  ``pin`` is what
    a smart card gets, once, instead of a question.
    """

    def __init__(self, texts: Texts, *, only_look: bool = False, pin: str = "") -> None:
        self._texts = texts
        self._only_look = only_look
        self._pin = pin
        self._asking_since: float | None = None
        self._thought_s = 0.0
        self.seen: CertificateQuestion | None = None

    def thought_s(self, now: float) -> float:
        """How long a person was asked so far; ``now`` is the loop's time."""
        return self._thought_s + (now - self._asking_since if self._asking_since is not None else 0.0)

    async def password(self, question: PasswordQuestion) -> PasswordAnswer | None:
        """Ask for a password, not shown and not stored."""
        if question.kind == PIN and self._pin:
            pin, self._pin = self._pin, ""
            return PasswordAnswer(secret=Secret(pin), save=False)
        if not sys.stdin.isatty():
            return None
        if question.again:
            tell(self._texts(f"{question.kind}_cli_again"))
        prompt = self._texts(
            f"{question.kind}_cli_prompt", name=question.name, username=question.username, server=question.server
        )
        secret = await self._line(prompt, echo=False)
        return PasswordAnswer(secret=Secret(secret), save=False) if secret else None

    async def may_unlock(self, question: PasswordQuestion) -> bool:  # noqa: ARG002  # whatever it is about
        """Who sits at a terminal may not see the desktop's windows."""
        return False

    def unsaved(self, question: PasswordQuestion) -> None:
        """Never: what is typed in a terminal is not saved."""

    async def certificate(self, question: CertificateQuestion) -> Verdict:
        """Show the fingerprint and ask."""
        self.seen = question
        if self._only_look or not sys.stdin.isatty():
            return Verdict.NO
        tell(self._texts(why_asked(question.code, changed=question.changed), server=question.server))
        with suppress(ValueError):  # one that cannot be read has a fingerprint all the same
            shown = read(base64.b64decode(question.der))
            for line in table(rows(shown, self._texts, datetime.now(UTC))):
                tell("  " + line)
        return Verdict.PIN if await self.confirm_fingerprint(question.server, question.sha256) else Verdict.NO

    async def confirm_fingerprint(self, server: str, sha256: str) -> bool:
        """Whether the person says yes to this certificate."""
        tell(self._texts("cli_certificate", server=server))
        for line in grouped(sha256):
            tell("  " + line)
        return (await self._line(self._texts("cli_certificate_ask"), echo=True)).strip().lower() in ("y", "yes", "はい")

    async def new_password(self, view: ConnectionView, kind: SecretKind) -> str:
        """A password to store; "" where nobody can be asked."""
        if not sys.stdin.isatty():
            return ""
        return await self._line(self._texts(f"{kind.value}_cli_new", name=view.name), echo=False)

    async def password_change(self, view: ConnectionView) -> tuple[str, str]:
        """The password that the server knows, and the one it is to know; "" where nobody can be asked.

        Raises:
            VpnError: the new one was not typed alike twice.
        """
        if not sys.stdin.isatty():
            return "", ""
        old, new, again = [
            await self._line(self._texts(asked, name=view.name, server=view.server), echo=False)
            for asked in ("passwd_cli_old", "passwd_cli_new", "passwd_cli_again")
        ]
        if new != again:
            raise VpnError(self._texts("passwd_cli_differ"))
        return old, new

    async def passphrase(self, file: str) -> str:
        """That of a private key; "" where nobody can be asked."""
        if not sys.stdin.isatty():
            return ""
        return await self._line(self._texts("cli_passphrase", file=file), echo=False)

    async def _line(self, prompt: str, *, echo: bool) -> str:
        loop = asyncio.get_running_loop()
        self._asking_since = loop.time()
        try:
            return await read_line(prompt, echo=echo)
        finally:
            self._thought_s = self.thought_s(loop.time())
            self._asking_since = None


async def read_line(prompt: str, *, echo: bool) -> str:
    """One line from the terminal; unlike getpass it can be cancelled.  "" at the end of input."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()
    stdin = sys.stdin.fileno()

    def readable() -> None:
        if not line.done():  # a terminal hands over whole lines
            line.set_result(os.read(stdin, 4096).decode(errors="replace"))

    LINE.clear()
    with _echo(stdin, on=echo):  # first: it throws away what was typed before the question
        sys.stderr.write(printable(prompt))
        sys.stderr.flush()
        loop.add_reader(stdin, readable)
        try:
            return (await line).rstrip("\r\n")
        finally:
            loop.remove_reader(stdin)
            if not echo or not line.done():
                tell("")


@contextmanager
def _echo(stdin: int, *, on: bool) -> Iterator[None]:
    before = termios.tcgetattr(stdin)
    during = list(before)
    if not on:
        during[3] &= ~termios.ECHO
    termios.tcsetattr(stdin, termios.TCSAFLUSH, during)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def tell(sentence: str) -> None:
    """Say something to the person, apart from the output."""
    LINE.clear()
    sys.stderr.write(printable(sentence) + "\n")
