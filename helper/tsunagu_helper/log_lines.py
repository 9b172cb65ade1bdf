"""What a process writes, line by line into our log; however much it writes, little is kept."""

import logging
from collections.abc import Callable

from tsunagu_helper.history import one_line

LOG = logging.getLogger(__name__)

LINE = 400  # octets


class Allowance:
    """So many at once, and so many a second in the long run."""

    def __init__(self, at_once: int, per_s: float, clock: Callable[[], float]) -> None:
        self._left, self._at_once, self._per_s = float(at_once), at_once, per_s
        self._clock, self._last = clock, clock()

    def take(self) -> bool:
        """One more; False: it is one too many."""
        now = self._clock()
        self._left = min(self._at_once, self._left + (now - self._last) * self._per_s) - 1
        self._last = now
        if self._left < 0:
            self._left = 0
            return False
        return True


class LogLines:
    """One stream.  ``whose`` begins each line."""

    def __init__(self, whose: str, allowance: Allowance) -> None:
        self._whose, self._allowance = whose, allowance
        self._left, self._dropped = b"", 0

    def feed(self, data: bytes) -> None:
        """What came of it."""
        *lines, left = (self._left + data).split(b"\n")
        self._left = left[:LINE]
        for line in lines:
            if not self._allowance.take():
                self._dropped += 1
                continue
            LOG.info("%s: %s", self._whose, one_line(line[:LINE].decode(errors="replace")))

    def finish(self) -> None:
        """It has ended."""
        if self._left:
            self.feed(b"\n")
        if self._dropped:
            LOG.warning("%s wrote too much; %d lines were dropped", self._whose, self._dropped)
