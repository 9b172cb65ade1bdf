"""Who offered to ask a person on the helper's behalf, and the asking.

An agent is an object on somebody's bus connection (the tray's, a terminal's).  It answers for the user behind that
connection; root's agents answer for everyone.  An agent that leaves the bus is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from tsunagu.bus_names import AGENT, ASK_ANEW, ERROR_PREFIX
from tsunagu.control import Signed
from tsunagu.errors import Away, Cancelled, InvalidSettings, KeyringFailed, NoAgent, NoKeyring, TunnelError
from tsunagu.model import AuthType, Login, Secret
from tsunagu_dbus import BusError, MessageBus, Stop, call, plain, tell, to_variants, watch_name

log = logging.getLogger(__name__)

PERSON_TIMEOUT_S = 3600.0  # windows that nobody touches close by themselves long before
SAVE_TIMEOUT_S = 90.0  # more than an agent gives its person to unlock the keyring; less than whoever saves waits
FORGET_TIMEOUT_S = 10.0
MAX_AGENTS_OF_A_USER = 16  # the oldest goes
MAX_SECRET_LENGTH = 1024
MAX_CERTIFICATE = 32768  # characters, of one in base64
MAX_DETAIL = 200  # characters
NOBODY = (
    "A person has to answer a question first, and there is nothing here to ask it: "
    "start the tray icon, or connect with the command tsunagu in a terminal"
)
NOBODY_AT_THE_SCREEN = (
    "A person has to answer a question first, and somebody else is at the screen now: it is asked when that person is "
    "back there, or connect with the command tsunagu in a terminal"
)
_CARD_ERRORS = {TunnelError(code).error_name: code for code in (24, 25, 26, 27, 39, 40)}

_NO_FAULT = (NoKeyring.bus_name, Away.bus_name)  # of an agent

T = TypeVar("T")
Hints = Mapping[str, str | int | bool]
Trust = Literal["once", "pin", "no"]


@dataclass(frozen=True, slots=True)
class SecretAnswer:
    """What a person gave, and whether it may be kept; ``stored``: it came out of their keyring, without a question."""

    secret: Secret
    save: bool
    stored: bool = False
    login: Login | None = None  # who that is, and how, where a person has chosen


@dataclass(frozen=True, slots=True)
class _Agent:
    name: str  # unique bus name
    uid: int
    path: str
    forget: Stop


class _Unanswered(NoAgent):
    """``failures``: the errors' names of the agents that were asked."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = failures
        super().__init__(NOBODY_AT_THE_SCREEN if Away.bus_name in failures else NOBODY)


class Agents:
    """The agents on the bus, newest last, and the questions that are with them."""

    def __init__(self, bus: MessageBus, on_agent_registered: Callable[[int], None]) -> None:
        self._bus = bus
        self._on_agent_registered = on_agent_registered
        self._agents: dict[str, _Agent] = {}
        self._withdrawn: dict[str, list[asyncio.Future[None]]] = {}  # by connection path, one for each open question

    def register(self, caller: str, uid: int, path: str) -> None:
        """From now on ask the object at that path of the caller; a caller has one agent."""
        self.unregister(caller)
        of_user = [agent.name for agent in self._agents.values() if agent.uid == uid]
        for name in of_user[: -MAX_AGENTS_OF_A_USER + 1]:
            self.unregister(name)
        self._agents[caller] = _Agent(
            caller, uid, path, watch_name(self._bus, caller, lambda owner: self._owner_is(caller, owner))
        )
        self._on_agent_registered(uid)

    def unregister(self, caller: str) -> None:
        """Ask it no more; a question that is with it already may still be answered."""
        agent = self._agents.pop(caller, None)
        if agent is not None:
            agent.forget()

    def has_one_for(self, uid: int) -> bool:
        """Somebody would ask this user's person."""
        return bool(self._for(uid))

    async def ask_secret(
        self, owner_uid: int, connection_path: str, kind: str, hints: Hints, again: bool, stored: bool
    ) -> SecretAnswer:
        """Let a person give a secret; ``again``: the last one was refused; ``stored``: the keyring's will do.

        Raises:
            NoAgent: nobody is there to ask.
            Cancelled: the person declined or did not answer, or the question was withdrawn.
        """
        facts = to_variants({**hints, "again": again})
        flags = 0 if stored else ASK_ANEW
        body = [connection_path, kind, facts, flags]
        return await self._ask(self._for(owner_uid), connection_path, "GetSecrets", "osa{sv}u", body, _secret_answer)

    async def ask_trust(self, owner_uid: int, connection_path: str, certificate: Hints) -> Trust:
        """Let a person judge a server's certificate.

        Raises:
            NoAgent, Cancelled: as ``ask_secret``.
        """
        body = [connection_path, to_variants(certificate)]
        return await self._ask(self._for(owner_uid), connection_path, "ConfirmCertificate", "oa{sv}", body, _trust)

    async def ask_signature(self, owner_uid: int, connection_path: str, card: Hints, digest: str) -> Signed:
        """Let the owner's smart card sign a digest (SHA-1, hex).

        Only the owner's own agents are asked, never root's: they load the module that the owner has named.

        Raises:
            NoAgent, Cancelled: as ``ask_secret``.
            TunnelError: what is wrong with the card, PIN, certificate or key.
        """
        body = [connection_path, to_variants(card), digest]
        return await self._ask(self._own(owner_uid), connection_path, "Sign", "oa{sv}s", body, _signed)

    async def save_secret(self, owner_uid: int, connection_path: str, kind: str, hints: Hints, secret: Secret) -> None:
        """Let the owner's keyring keep a secret that was just given; only the owner's own agents get it.

        Raises:
            NoAgent: there is none.
            NoKeyring: none of them has a keyring.
            KeyringFailed: one of them should have one, and failed.
            Cancelled: it is locked, and nobody unlocked it.
        """
        body = [connection_path, kind, to_variants(hints), secret.value]
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                await self._ask(self._own(owner_uid), connection_path, "SaveSecret", "osa{sv}s", body, _done)
        except TimeoutError as error:
            raise KeyringFailed from error
        except _Unanswered as error:
            if not error.failures:
                raise
            if {*error.failures} == {NoKeyring.bus_name}:
                raise NoKeyring from error
            raise KeyringFailed from error

    async def forget_secrets(self, owner_uid: int, connection_path: str, kinds: Iterable[str]) -> bool:
        """Have the owner's keyring forget these of a connection; whether one of the agents has seen to that."""
        body = [connection_path, [*kinds]]
        told = [
            call(self._bus, agent.name, agent.path, AGENT, "ForgetSecrets", "oas", body, FORGET_TIMEOUT_S)
            for agent in self._own(owner_uid)
        ]
        answers = await asyncio.gather(*told, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BusError):
                log.info("An agent of uid %d did not forget: %s", owner_uid, answer.name)
        return any(answer == [] for answer in answers)

    def cancel(self, connection_path: str) -> None:
        """Withdraw what is being asked for a connection: the windows close, those who wait get ``Cancelled``."""
        for withdrawn in self._withdrawn.get(connection_path, []):
            if not withdrawn.done():
                withdrawn.set_result(None)

    def _for(self, owner_uid: int) -> list[_Agent]:
        return [agent for agent in self._agents.values() if agent.uid in (0, owner_uid)]

    def _own(self, uid: int) -> list[_Agent]:
        return [agent for agent in self._agents.values() if agent.uid == uid]

    def _owner_is(self, caller: str, owner: str) -> None:
        if not owner:
            self.unregister(caller)

    async def _ask(
        self,
        agents: Iterable[_Agent],
        connection_path: str,
        member: str,
        signature: str,
        body: list[Any],
        read: Callable[[list[Any]], T | None],
    ) -> T:
        """Ask one agent after the other, the newest first, until one gives an answer that ``read`` understands."""
        failures: list[str] = []
        for agent in reversed([*agents]):
            try:
                answer = read(await self._ask_agent(agent, connection_path, member, signature, body))
            except BusError as error:
                if error.name == ERROR_PREFIX + Cancelled.bus_name:
                    raise Cancelled("The question was declined") from error
                if (code := _CARD_ERRORS.get(error.name.removeprefix(ERROR_PREFIX))) is not None:
                    detail = error.text.removeprefix(str(TunnelError(code))).removeprefix(": ")
                    raise TunnelError(code, " ".join(detail.split())[:MAX_DETAIL]) from error
                failure = error.name.removeprefix(ERROR_PREFIX)
            else:
                if answer is not None:
                    return answer
                failure = "an answer that makes no sense"
            if failure not in _NO_FAULT:
                log.warning("The agent of uid %d did not answer %s: %s", agent.uid, member, failure)
            failures.append(failure)
        raise _Unanswered(failures)

    async def _ask_agent(
        self, agent: _Agent, connection_path: str, member: str, signature: str, body: list[Any]
    ) -> list[Any]:
        answered: asyncio.Future[list[Any]] = asyncio.create_task(
            call(self._bus, agent.name, agent.path, AGENT, member, signature, body, timeout_s=None)
        )
        withdrawn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        questions = self._withdrawn.setdefault(connection_path, [])
        questions.append(withdrawn)
        ends: set[asyncio.Future[Any]] = {answered, withdrawn}
        try:
            await asyncio.wait(ends, timeout=PERSON_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            questions.remove(withdrawn)
            if not questions:
                self._withdrawn.pop(connection_path, None)
            if not answered.done():
                answered.cancel()
                tell(self._bus, agent.name, agent.path, AGENT, "Cancel", "o", [connection_path])
        if answered.done() and not answered.cancelled():
            return answered.result()
        raise Cancelled("The question was withdrawn" if withdrawn.done() else "Nobody answered the question in time")


def _secret_answer(body: list[Any]) -> SecretAnswer | None:
    match plain(body):
        case [{"secret": str(secret), "save": bool(save), **more}] if len(secret) <= MAX_SECRET_LENGTH:
            try:
                login = Login(str(more["username"]), AuthType(more.get("auth"))) if more.get("username") else None
            except (ValueError, InvalidSettings):
                return None
            return SecretAnswer(Secret(secret), save, stored=more.get("stored") is True, login=login)
    return None


def _done(body: list[Any]) -> Literal[True] | None:
    return None if body else True


def _signed(body: list[Any]) -> Signed | None:
    match plain(body):
        case [{"certificate": str(certificate), "signature": str(signature)}] if (
            max(len(certificate), len(signature)) <= MAX_CERTIFICATE
        ):
            return Signed(certificate=certificate, signature=signature)
    return None


def _trust(body: list[Any]) -> Trust | None:
    answers: dict[str, Trust] = {"once": "once", "pin": "pin", "no": "no"}
    return answers.get(body[0]) if len(body) == 1 and isinstance(body[0], str) else None
