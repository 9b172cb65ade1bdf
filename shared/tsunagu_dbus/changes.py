"""Changed properties, gathered: a state that flickers shall not flood the bus."""

import asyncio
from collections.abc import Callable
from typing import Any


class Changes:
    """Tells changes at most once an ``interval_s`` per object; what changes in between goes out together."""

    def __init__(self, tell: Callable[[str, dict[str, Any]], None], interval_s: float) -> None:
        self._tell_now = tell
        self._interval_s = interval_s
        self._pending: dict[str, dict[str, Any]] = {}  # by path; one without values: told a moment ago

    def changed(self, path: str, values: dict[str, Any]) -> None:
        """Properties of an object have new values."""
        if path in self._pending:
            self._pending[path].update(values)
        else:
            self._pending[path] = dict(values)
            asyncio.get_running_loop().call_soon(self._tell, path)

    def _tell(self, path: str) -> None:
        values = self._pending[path]
        if not values:
            del self._pending[path]
            return
        self._pending[path] = {}
        asyncio.get_running_loop().call_later(self._interval_s, self._tell, path)
        self._tell_now(path, values)
