"""Our objects on the bus, with ObjectManager's signals where the specification has them."""

from typing import Any

from dbus_next import Message
from dbus_next.service import ServiceInterface

from tsunagu_dbus.connection import Interface, MessageBus

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


class ObjectTree:
    """Exports objects; those below ``root_path`` are announced from it (GetManagedObjects is dbus-next's own)."""

    def __init__(self, bus: MessageBus, root_path: str) -> None:
        self._bus = bus
        self._root_path = root_path
        self._interfaces: dict[str, list[Interface]] = {}

    def add(self, path: str, interface: Interface) -> None:
        """Put an interface on the bus; an object may have several."""
        self._bus.export(path, interface)
        self._interfaces.setdefault(path, []).append(interface)
        if path != self._root_path:
            ServiceInterface._get_all_property_values(interface, self._tell_added, path)

    def remove(self, path: str) -> None:
        """Take an object off the bus; one that is not there is no matter."""
        names = [interface.name for interface in self._interfaces.pop(path, [])]
        if names:
            self._bus.unexport(path)
            if path != self._root_path:
                self._tell("InterfacesRemoved", "oas", [path, names])

    def _tell_added(self, interface: Interface, values: dict[str, Any], path: str, error: Exception | None) -> None:
        if error is not None:
            raise error
        self._tell("InterfacesAdded", "oa{sa{sv}}", [path, {interface.name: values}])

    def _tell(self, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(Message.new_signal(self._root_path, OBJECT_MANAGER, member, signature, body))
