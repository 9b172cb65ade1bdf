"""Saved passwords in the person's keyring, by the desktop's Secret Service: gnome-keyring, KWallet, KeePassXC.

Each call is a stay of its own on the session's bus, so that no key, no prompt and no half-done thing outlives it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tsunagu.errors import Cancelled, KeyringFailed, NoKeyring
from tsunagu.model import Secret
from tsunagu_dbus import BusError, Message, MessageBus, Variant, call, close, connect, plain, subscribe

if TYPE_CHECKING:
    from tsunagu_tray.keyring_cipher import SessionCipher

log = logging.getLogger(__name__)

SERVICE = "org.freedesktop.secrets"
SERVICE_PATH = "/org/freedesktop/secrets"
_NAME = "org.freedesktop.Secret"  # of its interfaces
_NONE = "/"  # a path that says: no such object
SCHEMA = "org.tsunagu.VPN1"
NO_KEYRING = "There is no keyring here"  # the helper turns these into what they mean
FAILED = "The keyring does not answer as it should"

_ERROR = "org.freedesktop.DBus.Error"
_NOBODY_THERE = (f"{_ERROR}.ServiceUnknown", f"{_ERROR}.NameHasNoOwner", f"{_ERROR}.Spawn.")  # how such names begin

ANSWER_S = 15.0  # it may have to be started
PROMPT_S = 80.0  # for a person to unlock it; less than the helper waits


class KeyringLocked(Exception):
    """A person has to unlock it first."""


class Keyring:
    """What Tsunagu has in it.  An item is found by its connection's id and its kind, neither of which is secret."""

    async def is_there(self) -> bool:
        """Whether something can be saved in it."""
        try:
            async with _service() as service:
                await service.collection()
        except (NoKeyring, KeyringFailed):
            return False
        return True

    async def find(self, connection: str, kind: str, *, unlock: bool = False) -> Secret | None:
        """What was saved; None: nothing, or not any more.

        Raises:
            KeyringLocked: it may be there, and ``unlock`` is not set.
            Cancelled: the person did not unlock it.
            NoKeyring, KeyringFailed: there is none; it did not answer.
        """
        async with _service() as service:
            attributes = _attributes(connection, kind)
            unlocked, locked = await service.search(attributes)
            if not unlocked:
                collection = await service.collection()
                locked = locked or [collection] * await service.is_locked(collection)  # some find nothing while locked
                if locked and not unlock:
                    raise KeyringLocked
                await service.unlock(locked)
                unlocked, _ = await service.search(attributes)
            return await service.secret(unlocked[0]) if unlocked else None

    async def save(self, connection: str, kind: str, label: str, secret: Secret) -> None:
        """Keep it, in the place of the one before.

        Raises:
            Cancelled: the person did not unlock it.
            NoKeyring, KeyringFailed: there is none; it did not answer.
        """
        async with _service() as service:
            collection = await service.collection()
            if await service.is_locked(collection):
                await service.unlock([collection])
            await service.create(collection, label, _attributes(connection, kind), secret)

    async def forget(self, connection: str, kinds: Iterable[str] = ()) -> None:
        """Remove these of a connection, or all.

        Raises:
            KeyringLocked: something may be left; nobody is asked to unlock it for that.
            Cancelled: the keyring wanted a person to confirm it, and that person did not.
            NoKeyring, KeyringFailed: there is none; it did not answer.
        """
        async with _service() as service:
            collection = await service.collection()
            is_locked = await service.is_locked(collection)  # some find nothing while locked
            for attributes in [_attributes(connection, kind) for kind in kinds] or [_attributes(connection)]:
                unlocked, locked = await service.search(attributes)
                for item in unlocked:
                    await service.delete(item)
                is_locked |= bool(locked)
        if is_locked:
            raise KeyringLocked


def _attributes(connection: str, kind: str = "") -> dict[str, str]:
    return {"xdg:schema": SCHEMA, "connection": connection} | ({"kind": kind} if kind else {})


@asynccontextmanager
async def _service() -> AsyncIterator["_Service"]:
    try:
        bus = await connect("session")
    except BusError as error:
        raise NoKeyring(NO_KEYRING) from error
    try:
        yield _Service(bus)
    except BusError as error:
        if error.name.startswith(_NOBODY_THERE):
            raise NoKeyring(NO_KEYRING) from error
        log.warning("The keyring does not answer: %s", error)
        raise KeyringFailed(FAILED) from error
    except (ValueError, TypeError, IndexError) as error:  # it said what no keyring says
        log.warning("The keyring gave an answer that makes no sense")
        raise KeyringFailed(FAILED) from error
    finally:
        await close(bus)


class _Service:
    """The Secret Service's methods, one by one."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def _call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        name = interface if interface.count(".") > 1 else f"{_NAME}.{interface}"
        return await call(self._bus, SERVICE, path, name, member, signature, [*body], ANSWER_S)

    async def collection(self) -> str:
        """Where new items go."""
        [path] = await self._call(SERVICE_PATH, "Service", "ReadAlias", "s", "default")
        if path == _NONE:
            raise NoKeyring(NO_KEYRING)
        return str(path)

    async def is_locked(self, collection: str) -> bool:
        properties = "org.freedesktop.DBus.Properties"
        [locked] = await self._call(collection, properties, "Get", "ss", f"{_NAME}.Collection", "Locked")
        return bool(plain(locked))

    async def search(self, attributes: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """The paths of the items with these, those that are unlocked and those that are not."""
        unlocked, locked = await self._call(SERVICE_PATH, "Service", "SearchItems", "a{ss}", dict(attributes))
        return unlocked, locked

    async def unlock(self, paths: list[str]) -> None:
        if paths:
            _, prompt = await self._call(SERVICE_PATH, "Service", "Unlock", "ao", paths)
            await self._prompted(prompt)

    async def secret(self, item: str) -> Secret:
        session, cipher = await self._session()
        [[_, start, value, _]] = await self._call(item, "Item", "GetSecret", "o", session)
        return Secret(cipher.decrypt(start, value).decode())

    async def create(self, collection: str, label: str, attributes: Mapping[str, str], secret: Secret) -> None:
        session, cipher = await self._session()
        start, value = cipher.encrypt(secret.value.encode())
        properties = {
            f"{_NAME}.Item.Label": Variant("s", label),
            f"{_NAME}.Item.Attributes": Variant("a{ss}", dict(attributes)),
        }
        wrapped = [session, start, value, "text/plain"]
        replaces = True
        _, prompt = await self._call(
            collection, "Collection", "CreateItem", "a{sv}(oayays)b", properties, wrapped, replaces
        )
        await self._prompted(prompt)

    async def delete(self, item: str) -> None:
        [prompt] = await self._call(item, "Item", "Delete")
        await self._prompted(prompt)

    async def _session(self) -> tuple[str, "SessionCipher"]:
        from tsunagu_tray.keyring_cipher import ALGORITHM, KeyExchange  # some MB that the idle tray does not need

        exchange = KeyExchange()
        asked = (ALGORITHM, Variant("ay", exchange.public))
        public, session = await self._call(SERVICE_PATH, "Service", "OpenSession", "sv", *asked)
        return str(session), exchange.agree(plain(public))

    async def _prompted(self, prompt: str) -> None:
        """Let the keyring ask what it wants to ask.

        Raises:
            Cancelled: the person declined, or did not answer.
        """
        if prompt == _NONE:
            return
        completed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def heard(message: Message) -> None:
            if not completed.done():
                completed.set_result(bool(message.body[0]))

        stop = subscribe(self._bus, heard, sender=SERVICE, path=prompt, interface=f"{_NAME}.Prompt", member="Completed")
        try:
            await self._call(prompt, "Prompt", "Prompt", "s", "")
            is_dismissed = await asyncio.wait_for(completed, PROMPT_S)
        except TimeoutError:
            is_dismissed = True
        finally:
            stop()
        if is_dismissed:
            raise Cancelled("Cancelled")
