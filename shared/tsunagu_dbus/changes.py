"""PropertiesChanged, gathered: a state that flickers shall not flood the bus."""

import asyncio
from typing import Any

from tsunagu_dbus.connection import Interface


class Changes:
    """Tells changed properties at most once an ``interval_s`` per object; what changes in between goes out together."""

    def __init__(self, interval_s: float = 0.2) -> None:
        self._interval_s = interval_s
        self._pending: dict[Interface, dict[str, Any]] = {}  # a key without values: told a moment ago

    def changed(self, interface: Interface, values: dict[str, Any]) -> None:
        """Properties of an exported interface have new values, in the form of their signatures."""
        if interface in self._pending:
            self._pending[interface].update(values)
        else:
            self._pending[interface] = dict(values)
            asyncio.get_running_loop().call_soon(self._tell, interface)

    def _tell(self, interface: Interface) -> None:
        values = self._pending[interface]
        if not values:
            del self._pending[interface]
            return
        self._pending[interface] = {}
        asyncio.get_running_loop().call_later(self._interval_s, self._tell, interface)
        interface.emit_properties_changed(values)  # to no one, when it has been removed meanwhile
