"""The one place where the worker waits: descriptors with their handlers, and dials with their time limits."""

import contextlib
import select
import time
from collections.abc import Callable

from tsunagu_tunnel.dial import Dial, Wait

Handler = Callable[[int], None]  # gets the epoll events


class Loop:
    """What handlers and dials raise comes out of ``run_once``."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._dials: dict[int, tuple[Wait, Dial[None]]] = {}  # by the descriptor they wait for

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        """Call the handler whenever the descriptor is ready; the events may be none for now."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def change(self, fd: int, events: int) -> None:
        """Watch for other events."""
        self._epoll.modify(fd, events)

    def unwatch(self, fd: int) -> None:
        """Before the descriptor is closed."""
        self._epoll.unregister(fd)
        del self._handlers[fd]

    def start(self, dial: Dial[None]) -> None:
        """Run a dial to its end, beside everything else."""
        self._go_on(dial, None)

    def run_once(self, until: float) -> None:
        """Wait for something to happen, no longer than ``until`` (monotonic), and handle it."""
        for wait, _ in self._dials.values():
            until = min(until, wait.until)
        timeout_s = None if until == float("inf") else max(0.0, until - time.monotonic())
        for fd, events in self._epoll.poll(timeout_s):
            handler = self._handlers.get(fd)  # None: an earlier handler of this round has closed it
            if handler is not None:
                handler(events)
        if self._dials:
            now = time.monotonic()
            for wait, dial in [entry for entry in self._dials.values() if entry[0].until <= now]:
                self._forget(wait)
                self._go_on(dial, TimeoutError())

    def close(self) -> None:
        """Give up all dials; each closes what it has opened."""
        for wait, dial in list(self._dials.values()):
            self._forget(wait)
            dial.close()
        self._epoll.close()

    def _go_on(self, dial: Dial[None], error: TimeoutError | None) -> None:
        with contextlib.suppress(StopIteration):
            wait = next(dial) if error is None else dial.throw(error)
            fd = wait.on.fileno()

            def ready(_events: int) -> None:
                self._forget(wait)
                self._go_on(dial, None)

            self._dials[fd] = wait, dial
            self.watch(fd, wait.events, ready)

    def _forget(self, wait: Wait) -> None:
        fd = wait.on.fileno()
        self.unwatch(fd)
        del self._dials[fd]
