"""The helper for windows: its client in an asyncio thread, every result back in the toolkit's main loop."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from tsunagu.errors import VpnError
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.windows.toolkit import GLib

log = logging.getLogger(__name__)

T = TypeVar("T")
CLOSE_TIMEOUT_S = 2.0


class HelperThread:
    """``on_change`` is called in the main loop after one or more changes; snapshots once read never change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._told = False  # a call of on_change is on its way
        self._loop = asyncio.new_event_loop()
        self._client = HelperClient(self._changed, only_of=os.getuid())
        self._thread = threading.Thread(target=self._run, name="helper", daemon=True)

    def start(self) -> None:
        """Get on the bus, and stay there."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the bus, after what was asked for has been done or has had its time."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: self._keeping.cancel())
            self._thread.join(CLOSE_TIMEOUT_S + 1)

    @property
    def views(self) -> Mapping[str, ConnectionView]:
        """The connections, by object path."""
        return self._client.views

    @property
    def available(self) -> bool:
        """False once the helper is known to be away."""
        return self._client.available

    @property
    def is_known(self) -> bool:
        """Its connections have been read."""
        return bool(self._client.owner)

    def ask(
        self,
        work: Callable[[HelperClient], Coroutine[Any, Any, T]],
        then: Callable[[T], None] = lambda _: None,
        failed: Callable[[VpnError], None] = lambda error: log.warning("%s", error),
        finally_: Callable[[], None] = lambda: None,
    ) -> Callable[[], object]:
        """Do it in the thread; ``then`` or ``failed`` is called in the main loop, and ``finally_`` after either.

        What is returned breaks it off: then only ``finally_`` is called.
        """

        def deliver(future: "Future[T]") -> bool:
            try:
                if not future.cancelled():
                    then(future.result())
            except VpnError as error:
                failed(error)
            finally:
                finally_()
            return bool(GLib.SOURCE_REMOVE)

        if not self._thread.is_alive():
            return lambda: None
        asked = asyncio.run_coroutine_threadsafe(work(self._client), self._loop)
        asked.add_done_callback(lambda future: GLib.idle_add(deliver, future))
        return asked.cancel

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._keeping = self._loop.create_task(self._client.keep())
        try:
            self._loop.run_until_complete(self._keeping)
        except asyncio.CancelledError:
            self._loop.run_until_complete(self._finish())

    async def _finish(self) -> None:
        if asked := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(asked, timeout=CLOSE_TIMEOUT_S)
        await self._client.close()

    def _changed(self) -> None:
        if not self._told:
            self._told = True
            GLib.idle_add(self._tell)

    def _tell(self) -> bool:
        self._told = False
        self._on_change()
        return bool(GLib.SOURCE_REMOVE)
