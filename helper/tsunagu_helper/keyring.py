"""Passwords on their way to the owner's keyring, by the owner's agent; what no keyring takes, the helper keeps."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tsunagu.bus_names import connection_path
from tsunagu.errors import Cancelled, NoAgent
from tsunagu.model import ConnectionSettings, Secret, SecretKind
from tsunagu_helper.surroundings import Agents

Hints = dict[str, str | int | bool]

FIND_S = 15.0  # with an errand's time less than whoever asked for that waits

LOCKED = "The keyring stayed locked, so the password was not saved; unlock it, or keep it elsewhere: secrets_in=system"


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
    owner: int
    connection_id: str

    async def offer(self, settings: ConnectionSettings, kind: SecretKind, secret: Secret) -> bool:
        """Have it kept there; False: there is no keyring, or what is everybody's has no place in one.

        Raises:
            Cancelled: it is locked, and nobody unlocked it.
        """
        if self.owner == 0:
            return False
        path = connection_path(self.connection_id)
        try:
            await self.agents.save_secret(self.owner, path, kind.value, hints(settings, kind), secret)
        except NoAgent:
            return False
        except Cancelled as error:
            raise Cancelled(LOCKED) from error
        return True

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
            Cancelled: as ``offer``.
        """
        given = {kind: secrets[kind.value] for kind in SecretKind if settings.uses_keyring and kind.value in secrets}
        return frozenset(
            [kind for kind, secret in given.items() if secret.value and await self.offer(settings, kind, secret)]
        )

    async def forget(self, kinds: Iterable[SecretKind] = ()) -> None:
        """Have these taken out, or all, where the owner's agent is there to do it."""
        if self.owner:
            path = connection_path(self.connection_id)
            await self.agents.forget_secrets(self.owner, path, [kind.value for kind in kinds])


def listed(kinds: Iterable[SecretKind]) -> tuple[SecretKind, ...]:
    """In the order that they always have in a file."""
    wanted = frozenset(kinds)
    return tuple(kind for kind in SecretKind if kind in wanted)


def left(secrets: Mapping[str, Secret], taken: Iterable[SecretKind]) -> dict[str, Secret]:
    """These changes for whoever keeps the rest: what the keyring has is forgotten elsewhere."""
    return dict(secrets) | {kind.value: Secret("") for kind in taken}
