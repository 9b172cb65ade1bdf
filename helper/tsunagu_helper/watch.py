"""Has a look taken whenever the kernel knocks.  What it says is not read: what counts is what stands afterwards."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Protocol

LOG = logging.getLogger(__name__)

FAILED_S = 5.0  # before another look, when one was not possible


class Source(Protocol):
    """Where the kernel knocks; reading never blocks."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


class Watch:
    """Calls ``look`` at once and after each knock, ``quiet_s`` later, for they come in bursts, then not for ``rest_s``.

    ``look`` says whether it was possible.  ``source`` is closed with this.
    """

    def __init__(
        self,
        source: Source,
        look: Callable[[], Awaitable[bool]],
        *,
        name: str,
        quiet_s: float = 0.0,
        rest_s: float = 0.0,
    ) -> None:
        self._source, self._look = source, look
        self._quiet_s, self._rest_s = quiet_s, rest_s
        self._knocked = asyncio.Event()
        self._knocked.set()
        loop = asyncio.get_running_loop()
        loop.add_reader(source.fileno(), self._knock)
        self._task = loop.create_task(self._look_on(), name=name)

    def close(self) -> None:
        """No more."""
        self._task.cancel()
        asyncio.get_running_loop().remove_reader(self._source.fileno())
        self._source.close()

    def _knock(self) -> None:
        with contextlib.suppress(OSError):  # that was all, or more came than fits: all the more reason to look
            while os.read(self._source.fileno(), 65536):
                pass
        self._knocked.set()

    async def _look_on(self) -> None:
        while True:
            await self._knocked.wait()
            await asyncio.sleep(self._quiet_s)
            self._knocked.clear()
            if not await self._could_look():
                await asyncio.sleep(FAILED_S)
                self._knocked.set()
            await asyncio.sleep(self._rest_s)

    async def _could_look(self) -> bool:
        try:
            return await self._look()
        except Exception:  # a fault of ours must not end the watch
            LOG.exception("%s", self._task.get_name())
            return True
