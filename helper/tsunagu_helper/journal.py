"""The log: fields for systemd's journal where it listens, lines everywhere else; no connection can flood it.

``ABOUT`` says what the code that runs is busy with: a runner sets it once, and what it starts inherits it.  Its fields
go with every line, so ``journalctl TSUNAGU_CONNECTION=Office`` shows all about one connection, workers included.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path

SOCKET = "/run/systemd/journal/socket"
IDENTIFIER = "tsunagu-helper"
LONGEST = 32768  # octets of a message; a socket takes a datagram of some 200,000
AT_ONCE, PER_S = 100, 1.0  # lines about one connection, or about none
KNOWN = 1000  # connections; before those that are quiet are forgotten

ABOUT: ContextVar[Mapping[str, str]] = ContextVar("ABOUT", default={})  # noqa: B039  # a Mapping is not changed

MESSAGE_IDS = {  # by what happened; they never change
    "connected": "26d4efe0b06b4435960adbbd39e809b6",
    "disconnected": "f10cc4bde957485fa97e7f718dc971cb",
    "failed": "057fd84ceef94846861d2d8f33ad3962",
}

_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


def log_to_journal() -> None:
    """From now on: to the journal if our standard error leads there, else to standard error."""
    handler: logging.Handler = logging.StreamHandler()
    if not _stderr_is_journal():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    elif Path(SOCKET).exists():
        handler = JournalHandler(SOCKET)
    else:
        handler.setFormatter(_Priorities())
    handler.addFilter(RateLimit(time.monotonic))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class JournalHandler(logging.Handler):
    """Each record as one datagram of systemd's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._lines = logging.StreamHandler()
        self._lines.setFormatter(_Priorities())

    def emit(self, record: logging.LogRecord) -> None:
        """Send it; where the journal takes none, standard error does."""
        try:
            message = datagram(fields(record, self.format(record)))
            self._socket.sendto(message, socket.MSG_DONTWAIT, self._path)
        except OSError:
            self._lines.emit(record)

    def close(self) -> None:
        """No more."""
        self._socket.close()
        super().close()


def fields(record: logging.LogRecord, message: str) -> dict[str, str]:
    """What the journal keeps of a record."""
    return {
        "MESSAGE": message,
        "PRIORITY": str(_PRIORITIES.get(record.levelno, 6)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
        **ABOUT.get(),
        **getattr(record, "journal", {}),
    }


def datagram(values: Mapping[str, str]) -> bytes:
    """One field after the other: ``NAME=value``, or with its length where the value has several lines."""
    parts = []
    for name, value in values.items():
        octets = value.encode(errors="backslashreplace")[:LONGEST]
        if b"\n" in octets:
            parts.append(name.encode() + b"\n" + len(octets).to_bytes(8, "little") + octets + b"\n")
        elif octets:
            parts.append(name.encode() + b"=" + octets + b"\n")
    return b"".join(parts)


class RateLimit(logging.Filter):
    """So many lines at once and in the long run about each connection; the next one tells how many were left out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._of: dict[str, tuple[float, float, int]] = {}  # lines left at a time, and how many were left out

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may pass."""
        about, now = ABOUT.get().get("TSUNAGU_CONNECTION_ID", ""), self._clock()
        left, then, dropped = self._of.get(about, (AT_ONCE, now, 0))
        left = min(AT_ONCE, left + (now - then) * PER_S)
        if left < 1:
            self._of[about] = left, now, dropped + 1
            return False
        if dropped:
            record.msg, record.args = f"{record.getMessage()} ({dropped} lines before this one were left out)", ()
        self._of[about] = left - 1, now, 0
        if len(self._of) > KNOWN:  # of most there was nothing to say for long
            full = [about for about, (left, then, _) in self._of.items() if left + (now - then) * PER_S >= AT_ONCE]
            for about in full:
                del self._of[about]
        return True


class _Priorities(logging.Formatter):
    """Each line with its priority, as systemd's journal takes it from a stream (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def _stderr_is_journal() -> bool:
    """``JOURNAL_STREAM`` is inherited, so it counts only where it names our own stream (systemd.exec(5))."""
    facts = os.fstat(sys.stderr.fileno())
    return os.environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"
