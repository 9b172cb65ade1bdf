"""The addresses of a name, as they come.  A look-up blocks, so a thread does it; one that hangs is left behind."""

import select
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from tsunagu_tunnel.dial import Dial, Wait, reason

TOGETHER_S = 0.3  # for both families in one answer, before each is asked for alone

Address = tuple[int, str]  # family, numeric address


class Lookup:
    """Ready to be read when there is more to ``take``; to be closed.

    The system is asked for both families at once, because it knows their order (RFC 6724).  It answers when the slower
    one is there, which may be never, so after a moment each is asked for alone, and may come first (RFC 8305).
    """

    def __init__(self, host: str, family: int) -> None:
        """Begin; ``family`` may be any (``AF_UNSPEC``)."""
        self.problems: list[str] = []  # why there are no addresses, or no more
        self._host, self._family = host, family
        self._ready = select.epoll()
        self._questions: dict[int, _Question] = {}
        self._taken: set[Address] = set()
        self._ask(family)

    def fileno(self) -> int:
        """Of what becomes ready."""
        return self._ready.fileno()

    @property
    def is_over(self) -> bool:
        """No more will come."""
        return not self._questions

    def first(self, until: float) -> Dial[list[Address]]:
        """The first addresses there are, in the system's order; none if there are none.

        Raises:
            TimeoutError: nothing has come.
        """
        if self._family == socket.AF_UNSPEC:
            with suppress(TimeoutError):
                yield Wait(self, select.EPOLLIN, min(time.monotonic() + TOGETHER_S, until))
            if not self._ready.poll(0):
                self._ask(socket.AF_INET6)
                self._ask(socket.AF_INET)
        while not self.is_over:
            yield Wait(self, select.EPOLLIN, until)
            if found := self.take():
                return found
        return []

    def take(self) -> list[Address]:
        """What has come since."""
        found: list[Address] = []
        for fd, _events in self._ready.poll(0):
            question = self._questions.pop(fd)
            self._ready.unregister(fd)
            question.close()
            found += (address for address in question.addresses if address not in self._taken)
            self._taken |= {*found}
            if question.problem and question.problem not in self.problems:
                self.problems.append(question.problem)
        return found

    def close(self) -> None:
        """Hear of no more."""
        for question in self._questions.values():
            question.close()
        self._questions.clear()
        self._ready.close()

    def _ask(self, family: int) -> None:
        question = _Question(self._host, family)
        self._questions[question.fileno()] = question
        self._ready.register(question, select.EPOLLIN)


class _Question:
    """One look-up; its socket ends when it is done."""

    def __init__(self, host: str, family: int) -> None:
        self.addresses: list[Address] = []
        self.problem = ""
        self._ours, theirs = socket.socketpair()
        threading.Thread(target=self._look_up, args=(host, family, theirs), daemon=True).start()

    def fileno(self) -> int:
        return self._ours.fileno()

    def close(self) -> None:
        self._ours.close()

    def _look_up(self, host: str, family: int, done: socket.socket) -> None:
        with done:
            try:
                for kind, _, _, _, address in socket.getaddrinfo(host, None, family, socket.SOCK_STREAM):
                    self.addresses.append((kind, _with_scope(address)))
            except (OSError, UnicodeError) as error:
                self.problem = reason(error)


def _with_scope(address: Sequence[object]) -> str:
    """``getaddrinfo``'s address, host first; a link-local one is of no use without its NIC."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else f"{address[0]}"
