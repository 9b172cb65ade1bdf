"""Our objects on the bus, each shown only to those who may know of it.

Signals go to those who have asked for the objects (GetManagedObjects) and are still on the bus, one by one: what is
broadcast, everybody on the machine can read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dbus_next import Message, MessageType, Variant
from dbus_next.service import ServiceInterface

from tsunagu.errors import NotFound
from tsunagu_dbus.changes import Changes
from tsunagu_dbus.connection import Interface, MessageBus
from tsunagu_dbus.signals import Stop, watch_name
from tsunagu_dbus.told import told

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

EVERYBODY = 0  # as an owner
Sight = int | None  # the user whose objects one sees; None: everybody's


async def _everybody(_caller: str) -> Sight:
    return None


class ObjectTree:
    """Exports objects; those below ``root_path`` belong to a user, and are announced from the root.

    ``sight_of`` says for a caller's bus name what it sees; its ``VpnError`` is told to the caller.  For whoever does
    not see an object, it is not there.
    """

    def __init__(
        self,
        bus: MessageBus,
        root_path: str,
        sight_of: Callable[[str], Awaitable[Sight]] = _everybody,
        changes_interval_s: float = 0.2,
    ) -> None:
        self._bus = bus
        self._root_path = root_path
        self._sight_of = sight_of
        self._interfaces: dict[str, Interface] = {}
        self._owners: dict[str, int] = {}
        self._watchers: dict[str, tuple[Sight, Stop]] = {}
        self._changes = Changes(self._tell_changed, changes_interval_s)
        self._admitted: Message | None = None
        self._serving: set[asyncio.Task[None]] = set()
        bus.add_message_handler(self._gate)

    def add(self, path: str, interface: Interface, owner: int = EVERYBODY) -> None:
        """Put an object on the bus."""
        self._bus.export(path, interface)
        self._interfaces[path] = interface
        self._owners[path] = owner
        if path != self._root_path:
            self._tell(
                path, self._root_path, OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, self._shown(path)]
            )

    def changed(self, path: str, values: dict[str, Any]) -> None:
        """Properties of an object have new values, in the form of their signatures."""
        self._changes.changed(path, values)

    def remove(self, path: str) -> None:
        """Take an object off the bus; one that is not there is no matter."""
        if interface := self._interfaces.pop(path, None):
            self._bus.unexport(path)
            self._tell(path, self._root_path, OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, [interface.name]])
            del self._owners[path]

    # -- who sees what ------------------------------------------------------------------------------------------------

    def _gate(self, message: Message) -> bool:
        """Before the library looks at a call: True if we see to it."""
        if message.message_type is not MessageType.METHOD_CALL or message is self._admitted:
            return False
        if (message.interface, message.member) == (OBJECT_MANAGER, "GetManagedObjects"):
            self._serve(message, self._list)
        elif message.path.startswith(self._root_path + "/"):
            self._serve(message, self._admit)
        else:
            return False
        return True

    def _serve(self, message: Message, how: Callable[[Message], Awaitable[None]]) -> None:
        async def serve() -> None:
            with self._bus._send_reply(message):  # tells errors
                await how(message)

        task = asyncio.get_running_loop().create_task(serve())
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    @told
    async def _list(self, message: Message) -> None:
        sight = await self._sight_of(message.sender)
        self._watch(message.sender, sight)
        objects = {
            path: self._shown(path)
            for path in self._interfaces
            if path.startswith(message.path.rstrip("/") + "/") and path != self._root_path and self._sees(sight, path)
        }
        self._bus.send(Message.new_method_return(message, "a{oa{sa{sv}}}", [objects]))

    @told
    async def _admit(self, message: Message) -> None:
        known = self._watchers.get(message.sender)
        sight = known[0] if known else await self._sight_of(message.sender)
        if message.path not in self._interfaces or not self._sees(sight, message.path):
            raise NotFound("There is no such connection")
        self._admitted = message
        self._bus._process_message(message)
        self._admitted = None

    def _sees(self, sight: Sight, path: str) -> bool:
        return sight is None or self._owners[path] in (EVERYBODY, sight)

    def _watch(self, watcher: str, sight: Sight) -> None:
        if known := self._watchers.get(watcher):
            self._watchers[watcher] = sight, known[1]
        else:
            stop = watch_name(self._bus, watcher, lambda owner: None if owner else self._forget(watcher))
            self._watchers[watcher] = sight, stop

    def _forget(self, watcher: str) -> None:
        if known := self._watchers.pop(watcher, None):
            known[1]()

    # -- signals ------------------------------------------------------------------------------------------------------

    def _tell_changed(self, path: str, values: dict[str, Any]) -> None:
        if interface := self._interfaces.get(path):  # else it was removed meanwhile
            signatures = {known.name: known.signature for known in ServiceInterface._get_properties(interface)}
            news = {name: Variant(signatures[name], value) for name, value in values.items()}
            self._tell(path, path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface.name, news, []])

    def _tell(self, about: str, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        for watcher, (sight, _) in self._watchers.items():
            if self._sees(sight, about):
                signal = Message.new_signal(path, interface, member, signature, body)
                signal.destination = watcher
                self._bus.send(signal)

    def _shown(self, path: str) -> dict[str, dict[str, Any]]:
        shown: dict[str, dict[str, Any]] = {}

        def take(interface: Interface, values: dict[str, Any], _data: None, error: Exception | None) -> None:
            if error is not None:
                raise error
            shown[interface.name] = values

        ServiceInterface._get_all_property_values(self._interfaces[path], take)
        return shown
