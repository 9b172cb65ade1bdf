"""Passwords on their way to the owner's keyring, by the owner's agent; what no keyring takes, the helper keeps."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tsunagu.bus_names import connection_path
from tsunagu.errors import Cancelled, KeyringFailed, NoAgent, NoKeyring
from tsunagu.model import ConnectionSettings, Secret, SecretKind
from tsunagu_helper.connection import NOT_SAVED
from tsunagu_helper.events import Offered
from tsunagu_helper.surroundings import Agents, ToForget

Hints = dict[str, str | int | bool]

FIND_S = 15.0  # with an errand's time less than whoever asked for that waits

FAILED = "The keyring did not answer, so the password was not saved; try again, or keep it elsewhere: secrets_in=system"


def hints(settings: ConnectionSettings, kind: SecretKind | None = None) -> Hints:
    """What a person should know of a connection; or of one of its secrets: whose password that is."""
    of_proxy = kind is SecretKind.PROXY_PASSWORD
    if of_proxy and (proxy := settings.proxy):
        server, hub, username = f"{proxy.host}:{proxy.port}", "", proxy.username
    else:
        server, hub, username = f"{settings.host}:{settings.port}", settings.hub, settings.username
    about: Hints = {"name": settings.name, "server": server, "hub": hub}
    return about | {"username": username} if kind else about


@dataclass(frozen=True, slots=True)
class Keyring:
    """The part of its owner's keyring that belongs to one connection."""

    agents: Agents
    to_forget: ToForget
    owner: int
    connection_id: str

    async def offer(self, settings: ConnectionSettings, kind: SecretKind, secret: Secret) -> Offered:
        """Have it kept there; what is everybody's has no place in one."""
        if self.owner == 0:
            return Offered.NO_KEYRING
        path = connection_path(self.connection_id)
        try:
            await self.agents.save_secret(self.owner, path, kind.value, hints(settings, kind), secret)
        except NoAgent:
            return Offered.NO_AGENT
        except NoKeyring:
            return Offered.NO_KEYRING
        except KeyringFailed:
            return Offered.FAILED
        except Cancelled:
            return Offered.LOCKED
        self.to_forget.strike(self.owner, self.connection_id, [kind])
        return Offered.TAKEN

    async def find(self, settings: ConnectionSettings, kind: SecretKind) -> Secret:
        """What it has, for one use; where it has nothing after all, what the owner types instead.

        Raises:
            NoAgent, Cancelled: nobody gave it.
        """
        about = hints(settings, kind) | {"auth": settings.auth.value, "fixed": True, "save_forbidden": True}
        path = connection_path(self.connection_id)
        try:
            async with asyncio.timeout(FIND_S):
                answer = await self.agents.ask_secret(self.owner, path, kind.value, about, again=False, stored=True)
        except TimeoutError as error:
            raise Cancelled("Nobody answered the question in time") from error
        return answer.secret

    async def take(self, settings: ConnectionSettings, secrets: Mapping[str, Secret]) -> frozenset[SecretKind]:
        """Offer those of these that belong there; which it has now.

        Raises:
            Cancelled: it is locked, and nobody unlocked it.
            KeyringFailed: it did not answer.
        """
        taken = set()
        for kind in SecretKind:
            secret = secrets.get(kind.value)
            if secret and secret.value and settings.uses_keyring:
                match await self.offer(settings, kind, secret):
                    case Offered.TAKEN:
                        taken.add(kind)
                    case Offered.LOCKED:
                        raise Cancelled(NOT_SAVED[Offered.LOCKED])
                    case Offered.FAILED:
                        raise KeyringFailed(FAILED)
        return frozenset(taken)

    async def forget(self, kinds: Iterable[SecretKind] = tuple(SecretKind)) -> None:
        """Have these taken out, or all; where the owner's agent is not there to do it, as soon as it is."""
        self.is_to_forget(kinds)
        await forget_what_is_left(self.agents, self.to_forget, self.owner)

    def is_to_forget(self, kinds: Iterable[SecretKind] = tuple(SecretKind)) -> None:
        """Note that these are to be taken out, or all."""
        if self.owner:
            self.to_forget.note(self.owner, self.connection_id, kinds)


async def forget_what_is_left(agents: Agents, to_forget: ToForget, owner: int) -> None:
    """Have the owner's agents take out what could not be taken out so far."""
    for connection_id, kinds in to_forget.of(owner).items():
        if await agents.forget_secrets(owner, connection_path(connection_id), [kind.value for kind in kinds]):
            to_forget.strike(owner, connection_id, kinds)


def listed(kinds: Iterable[SecretKind]) -> tuple[SecretKind, ...]:
    """In the order that they always have in a file."""
    wanted = frozenset(kinds)
    return tuple(kind for kind in SecretKind if kind in wanted)


def left(secrets: Mapping[str, Secret], taken: Iterable[SecretKind]) -> dict[str, Secret]:
    """These changes for whoever keeps the rest: what the keyring has is forgotten elsewhere."""
    return dict(secrets) | {kind.value: Secret("") for kind in taken}
