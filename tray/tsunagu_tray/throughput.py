"""How fast a session is, from its counters: a minute's worth of rates.  Pure."""

from collections import deque
from dataclasses import dataclass

KEPT_S = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Octets a second, both ways, at one time (s, monotonic)."""

    time: float
    sent: float
    received: float


class Throughput:
    """The rates of the last minute, oldest first, in ``rates``."""

    def __init__(self) -> None:
        self.rates: deque[Rate] = deque()
        self._last: tuple[float, int, int] | None = None

    def add(self, time: float, sent_octets: int, received_octets: int) -> None:
        """Take the counters as they are at ``time``; counters that went back belong to another session."""
        last, self._last = self._last, (time, sent_octets, received_octets)
        if last is None or time <= last[0]:
            return
        if sent_octets < last[1] or received_octets < last[2]:
            self.rates.clear()
            return
        span = time - last[0]
        self.rates.append(Rate(time, (sent_octets - last[1]) / span, (received_octets - last[2]) / span))
        while self.rates[0].time < time - KEPT_S:
            self.rates.popleft()

    @property
    def now(self) -> Rate:
        """The last one; nothing flows while none is known."""
        return self.rates[-1] if self.rates else Rate(0, 0, 0)

    @property
    def scale(self) -> float:
        """The top of a graph of them: a round number that none exceeds, 1 kB/s at least."""
        highest = max((max(rate.sent, rate.received) for rate in self.rates), default=0.0)
        return next(top for top in _ROUND if top >= highest)


_ROUND = [digit * 10.0**power for power in range(3, 15) for digit in (1, 2, 5)]
