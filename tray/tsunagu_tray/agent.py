"""The secrets agent: the helper's questions for a person, as they come in on the bus."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal, Protocol, TypeVar

from tsunagu.bus_names import AGENT, ASK_ANEW, connection_id
from tsunagu.errors import Cancelled, KeyringFailed, NoKeyring, NotAuthorized, VpnError
from tsunagu.model import Secret, SecretKind
from tsunagu_dbus import Interface, caller, method, plain, to_variants, told
from tsunagu_tray.card import Token, sign
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.keyring import FAILED, NO_KEYRING, Keyring, KeyringLocked

T = TypeVar("T")

PIN = "pin"  # the kind of a question about a smart card's
SavedIn = Literal["", "keyring", "system", "fallback"]  # the last: in the system, for want of a keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordQuestion:
    """Whose password is asked for."""

    path: str
    name: str
    server: str
    hub: str
    username: str
    kind: str = SecretKind.PASSWORD.value  # or the proxy's, then ``server`` is the proxy; or PIN, then it is the card
    again: bool = False  # the last one was refused
    save_forbidden: bool = False
    saved_in: SavedIn = ""  # where it goes if it is saved
    auth: str = ""  # how the user logs in
    fixed: bool = True  # and who that is cannot be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordAnswer:
    """What was typed; ``stored``: what was in the keyring instead."""

    secret: Secret
    save: bool
    stored: bool = False
    username: str = ""  # the one that was chosen, and how; "": there was no choice
    auth: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateQuestion:
    """Which certificate has to be judged, and why (``code``: 85, 106 or 149 of the error table)."""

    path: str
    name: str
    server: str
    der: str  # base64
    sha256: str  # hex
    code: int
    changed: bool = False  # another one was trusted before


class Verdict(Enum):
    """The judgement; the value is what travels on the bus."""

    ONCE = "once"
    PIN = "pin"
    NO = "no"


class Answerer(Protocol):
    """Brings questions to a person.  Cancelling the task takes the question away again."""

    async def password(self, question: PasswordQuestion) -> PasswordAnswer | None:
        """The password; None: the person cancelled."""

    async def may_unlock(self, question: PasswordQuestion) -> bool:
        """Whether the keyring may ask for its own password first, in a window that takes the keyboard."""

    async def certificate(self, question: CertificateQuestion) -> Verdict:
        """The judgement; no answer is NO."""

    def unsaved(self, question: PasswordQuestion) -> None:
        """The person was told that the keyring gets it, and it did not."""


class Agent(Interface):
    """The agent's object on our own bus connection.  Only the helper may ask, and one question a connection is open."""

    def __init__(
        self,
        answerer: Answerer,
        helper: Callable[[], str],
        view_of: Callable[[str], ConnectionView | None],
        keyring: Keyring,
    ) -> None:
        super().__init__(AGENT)
        self._answerer = answerer
        self._keyring = keyring
        self._helper = helper  # its unique bus name, "" if it is not there
        self._view_of = view_of
        self._open: dict[str, asyncio.Task[Any]] = {}
        self._writing = asyncio.Lock()  # to the keyring: the last word counts
        self._promised: dict[tuple[str, str], SavedIn] = {}  # where a person was told that it goes, by path and kind

    @method()
    @told
    async def GetSecrets(self, connection: "o", kind: "s", hints: "a{sv}", flags: "u") -> "a{sv}":
        """Give the `secret` of that kind (`password`, `proxy_password`); `save`: it may be kept; `stored`: it was.

        Hints: `name`, `server`, `hub`, `username`, `again` (the last one was refused), `save_forbidden`, `keyring`
        (what is to be saved comes back by SaveSecret); `auth` (`password`, `plain-password`), to be answered together
        with `username` where they are not `fixed`. Flag 1: what is stored will not do. `Away`: the person is not at the
        screen; the agent registers again when that changes.
        """
        self._check_caller()
        if kind not in [known.value for known in SecretKind]:
            raise VpnError("This agent cannot ask for a secret of that kind")
        facts = plain(hints)
        question = _password_question(connection, kind, facts)
        stored, keyring = not flags & ASK_ANEW, facts.get("keyring") is True
        answer = await self._ask(connection, self._answer(question, stored=stored, keyring=keyring))
        if answer is None:
            raise Cancelled("Cancelled")
        given = {"secret": answer.secret.value, "save": answer.save, "stored": answer.stored}
        return to_variants(given | ({"username": answer.username, "auth": answer.auth} if answer.username else {}))

    @method()
    @told
    async def SaveSecret(self, connection: "o", kind: "s", hints: "a{sv}", secret: "s") -> None:
        """Keep it in the person's keyring.

        `NoKeyring`: there is none; `Cancelled`: it stayed locked; `KeyringFailed`: try again later.
        """
        self._check_caller()
        question = _password_question(connection, kind, plain(hints))
        label = f"Tsunagu: {question.name} ({question.username}, {question.server})"
        promised = self._promised.pop((connection, kind), "")
        if promised == "fallback":
            raise NoKeyring(NO_KEYRING)
        try:
            async with self._writing:
                await self._keyring.save(connection_id(connection), kind, label, Secret(secret))
        except VpnError as error:
            if promised != "keyring":
                raise
            self._promised[connection, kind] = promised
            self._answerer.unsaved(question)
            raise KeyringFailed(FAILED) if isinstance(error, NoKeyring) else error from error

    @method()
    @told
    async def ForgetSecrets(self, connection: "o", kinds: "as") -> None:
        """Take these of a connection out of the keyring; none named: all. `Cancelled`: it is locked, so they stay."""
        self._check_caller()
        try:
            async with self._writing:
                await self._keyring.forget(connection_id(connection), kinds)
        except KeyringLocked:
            raise Cancelled("Cancelled") from None

    @method()
    @told
    async def ConfirmCertificate(self, connection: "o", certificate: "a{sv}") -> "s":
        """Judge the server's certificate (`der` in base64, `sha256`, error `code`, `changed`): `once`, `pin`, `no`.

        `Away`: as GetSecrets.
        """
        self._check_caller()
        view = self._view_of(connection) or ConnectionView(path=connection)
        question = _certificate_question(view, plain(certificate))
        return (await self._ask(connection, self._answerer.certificate(question))).value

    @method()
    @told
    async def Sign(self, connection: "o", card: "a{sv}", digest: "s") -> "a{sv}":
        """Have the card (`module`, `certificate`, `key`) sign a digest in hex: `certificate`, `signature` (base64)."""
        self._check_caller()
        view = self._view_of(connection)
        if view is None or view.owner != os.getuid():  # the module is of its owner's choice, and runs as us
            raise NotAuthorized("Only a connection of one's own is signed for")
        facts = {key: str(value) for key, value in plain(card).items()}

        async def ask_pin(token: Token) -> Secret | None:
            question = _password_question(connection, PIN, {**facts, "server": token.label, "hub": ""})
            question = replace(question, again=token.last_try, save_forbidden=True)
            answer = await self._answerer.password(question)
            return answer.secret if answer else None

        asked = {name: facts.get(name, "") for name in ("module", "certificate", "key")} | {"digest": digest}
        signed = await self._ask(connection, sign(asked, ask_pin))
        return to_variants({"certificate": signed.certificate, "signature": signed.signature})

    @method()
    @told
    def Cancel(self, connection: "o") -> None:
        """Take back what is asked for this connection."""
        self._check_caller()
        if connection in self._open:
            self._open[connection].cancel()

    def cancel_all(self) -> None:
        """The helper has gone, or we go: nobody waits for answers."""
        for task in self._open.values():
            task.cancel()

    async def _answer(self, question: PasswordQuestion, *, stored: bool, keyring: bool) -> PasswordAnswer | None:
        if stored and (secret := await self._from_keyring(question)):
            return PasswordAnswer(secret=secret, save=True, stored=True)
        saved_in: SavedIn = "system"
        if question.save_forbidden:
            saved_in = ""
        elif keyring:
            saved_in = "keyring" if await self._keyring.is_there() else "fallback"
        answer = await self._answerer.password(replace(question, saved_in=saved_in))
        self._promised[question.path, question.kind] = saved_in if answer and answer.save else ""
        return answer

    async def _from_keyring(self, question: PasswordQuestion) -> Secret | None:
        wanted = connection_id(question.path), question.kind
        with suppress(NoKeyring, KeyringFailed, Cancelled):  # then the person is asked for the password itself
            try:
                return await self._keyring.find(*wanted)
            except KeyringLocked:
                if await self._answerer.may_unlock(question):
                    return await self._keyring.find(*wanted, unlock=True)
        return None

    def _check_caller(self) -> None:
        if not self._helper() or caller() != self._helper():
            raise NotAuthorized("Only the Tsunagu service may ask")

    async def _ask(self, path: str, answering: Coroutine[Any, Any, T]) -> T:
        while (previous := self._open.get(path)) and not previous.done():
            previous.cancel()
            await asyncio.wait({previous})
        task: asyncio.Task[T] = asyncio.ensure_future(answering)
        self._open[path] = task
        await asyncio.wait({task})
        if self._open.get(path) is task:
            del self._open[path]
        if task.cancelled():
            raise Cancelled("The question was taken back")
        return task.result()


def _password_question(path: str, kind: str, hints: dict[str, Any]) -> PasswordQuestion:
    name, server, hub, username = (str(hints.get(key, "")) for key in ("name", "server", "hub", "username"))
    return PasswordQuestion(
        path=path,
        name=name,
        server=server,
        hub=hub,
        username=username,
        kind=kind,
        again=bool(hints.get("again", False)),
        save_forbidden=bool(hints.get("save_forbidden", False)),
        auth=str(hints.get("auth", "")),
        fixed=bool(hints.get("fixed", True)) or kind != SecretKind.PASSWORD.value,
    )


def _certificate_question(view: ConnectionView, facts: dict[str, Any]) -> CertificateQuestion:
    return CertificateQuestion(
        path=view.path,
        name=view.name,
        server=view.server,
        der=str(facts.get("der", "")),
        sha256=str(facts.get("sha256", "")),
        code=int(facts.get("code", 0)),
        changed=bool(facts.get("changed", False)),
    )
