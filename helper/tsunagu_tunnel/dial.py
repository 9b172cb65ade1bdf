"""What a dial is: a generator that yields what it waits for and returns what it was for.

The loop runs as many of them as it likes in one thread, throws ``TimeoutError`` into those whose time is up, and closes
those nobody needs any more.
"""

import functools
import select
import ssl
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

READ = 65536  # octets at once: more than a TLS record, so that nothing stays behind in the TLS layer

T = TypeVar("T")


class HasDescriptor(Protocol):
    """A socket; or an epoll object, which is readable when one of many is ready."""

    def fileno(self) -> int: ...


class CanBeClosed(Protocol):
    """What holds something of the system's."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wait:
    """Until it is ready for these epoll events; ``until``, in monotonic seconds, the patience ends."""

    on: HasDescriptor
    events: int
    until: float


Dial = Generator[Wait, None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long each step may take, in seconds."""

    lookup_s: float = 15
    connect_s: float = 15  # to the last address of a name that is tried
    handshake_s: float = 15  # with a proxy, TLS, and everything up to the data phase, each


def retried(tls: ssl.SSLSocket, operation: Callable[[], T], until: float) -> Dial[T]:
    """What the operation returns once TLS lets it."""
    while True:
        try:
            return operation()
        except ssl.SSLWantReadError:
            yield Wait(tls, select.EPOLLIN, until)
        except ssl.SSLWantWriteError:
            yield Wait(tls, select.EPOLLOUT, until)


def send_all(tls: ssl.SSLSocket, data: bytes, until: float) -> Dial[None]:
    """Write all of it."""
    while data:
        sent = yield from retried(tls, functools.partial(tls.send, data), until)
        data = data[sent:]


@contextmanager
def closed_on_error(owned: CanBeClosed) -> Iterator[None]:
    """What is owned, a socket say, does not outlive what goes wrong inside, nor a dial that is given up."""
    try:
        yield
    except BaseException:
        owned.close()
        raise


def reason(error: Exception) -> str:
    """The system's words for what went wrong."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
