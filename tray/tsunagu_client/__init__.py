"""Tsunagu for programs: list connections, connect, disconnect, look at them and follow them.

>>> with Client() as vpn:
...     print(vpn.connect("office").address)
...     for now in vpn.watch("office"):
...         print(now.state, now.address)

All that can go wrong is a ``VpnError`` (its subclasses say what may be done about it) with one sentence, or a
``TimeoutError``.  The user whose program it is may do what polkit lets them.  Names and meanings here do not change
within a major version.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from tsunagu.errors import NotFound, VpnError
from tsunagu.model import ListState, State
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView as Connection
from tsunagu_tray.connection_view import named, of_user
from tsunagu_tray.following import follow, until_up

__all__ = ["Client", "Connection", "ListState", "State", "VpnError"]

CONNECT_S = 60.0

T = TypeVar("T")


class Client:
    """The helper, for a program without an event loop of its own; not for several threads.  Use it with ``with``."""

    def __enter__(self) -> Self:
        """Raises HelperUnavailable: it cannot be reached."""
        self._helper = HelperClient()
        self._runner = asyncio.Runner()
        try:
            self._wait(self._helper.open())
            self._wait(self._helper.activate())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._wait(self._helper.close())
        self._runner.close()

    def connections(self) -> Sequence[Connection]:
        """The user's own and everybody's, by name; for root all."""
        self._wait(self._helper.activate())  # its answer comes after all signals that it has sent so far
        return of_user(self._helper.views.values(), os.getuid())

    def connection(self, name: str) -> Connection:
        """The one of that name or id, as it is now.

        Raises:
            NotFound: there is none, or there are several.
        """
        return self._wait(self._helper.refresh(self._path(name)))

    def connect(self, name: str, *, wait: bool = True, timeout_s: float = CONNECT_S) -> Connection:
        """Connect; with ``wait`` return when it is up and has its address, or is known to get none.

        Where that fails, it is disconnected again.  What is missing, a password or trust in the server's certificate,
        is asked for where the user's tray runs, and else is an error.

        Raises:
            VpnError: it could not be done.
            TimeoutError: not in this time.
        """
        path = self._path(name)
        self._wait(self._helper.connect(path))
        return self._wait(until_up(self._helper, path, timeout_s) if wait else self._helper.refresh(path))

    def disconnect(self, name: str) -> None:
        """Disconnect, or stop trying; return when nothing of the tunnel stands any more."""
        self._wait(self._helper.disconnect(self._path(name)))

    def status(self, name: str) -> dict[str, Any]:
        """All fields of ``tsunagu status --json``."""
        return self._wait(self._helper.status(self._path(name)))

    def watch(self, name: str) -> Iterator[Connection]:
        """The connection now, and again after each change, until it is removed.

        Raises:
            NotFound: it is removed.
            HelperUnavailable: the service has stopped.
        """
        following = follow(self._helper, self._path(name))
        while True:
            yield self._wait(anext(following))

    def _path(self, name: str) -> str:
        self._wait(self._helper.activate())
        found = named(self._helper.views.values(), name, os.getuid())
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise NotFound(f"Several connections are named {name}; say which by its id: {ids}")
        if not found:
            raise NotFound(f"There is no connection named {name}")
        return found[0].path

    def _wait(self, what: Awaitable[T]) -> T:
        async def wait() -> T:
            return await what

        return self._runner.run(wait())
