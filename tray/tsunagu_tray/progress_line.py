"""One line of the terminal that says what takes its time: written over and over, gone when anything else is said."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from tsunagu_tray.report import printable


class ProgressLine:
    """On stderr, where that is a terminal that can go back to the beginning of a line."""

    def __init__(self) -> None:
        self._is_there = False

    def show(self, text: str) -> None:
        """In the place of what it showed before."""
        if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self._write(printable(text))
            self._is_there = True

    def clear(self) -> None:
        """Take it away."""
        if self._is_there:
            self._write("")
            self._is_there = False

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()


LINE = ProgressLine()  # there is one terminal


@asynccontextmanager
async def counted(text: str, of_s: float = 0.0) -> AsyncIterator[None]:
    """Show the text and the seconds gone by, until what is inside is done; where known, how many it takes in all."""

    async def tick() -> None:
        for gone in count():
            LINE.show(f"{text} {min(gone, int(of_s))} / {of_s:g} s" if of_s else f"{text} {gone} s")
            await asyncio.sleep(1)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
        LINE.clear()
