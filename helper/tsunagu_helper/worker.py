"""Starts one worker process, speaks with it over the control socket, and sees to its end.

Believes nothing that the worker says: a message that is malformed, out of turn or one too many ends the worker.
"""

import asyncio
import base64
import contextlib
import importlib.util
import ipaddress
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsunagu.control import (
    MAX_MESSAGE,
    CheckCarriers,
    ControlError,
    Errand,
    Established,
    Examine,
    Examined,
    Failed,
    HubsListed,
    Leased,
    NeedSignature,
    NoLease,
    NotSigned,
    PasswordChanged,
    Progress,
    ReportStatistics,
    Signed,
    Start,
    StatisticsReport,
    Stop,
    ToHelper,
    ToWorker,
    decode,
    encode,
)
from tsunagu.errors import TunnelError
from tsunagu.model import Statistics
from tsunagu.plain import from_plain, to_plain
from tsunagu_helper.history import one_line
from tsunagu_helper.log_lines import Allowance, LogLines
from tsunagu_helper.surroundings import WorkerMessage

LOG = logging.getLogger(__name__)

STOP_S = 3  # for the log-off; then the worker is killed (S51)
STATISTICS_S = 2
MESSAGES = 100  # a worker may send at once,
MESSAGES_PER_S = 2.0  # and in the long run
BATCH = 16  # messages read before others get their turn
LOG_LINES = 200  # of a worker's standard error at once,
LOG_LINES_PER_S = 0.1  # and in the long run
MAX_TEXT = 32768  # characters; the longest is a certificate in base64
MAX_NUMBER = 2**63 - 1  # what the bus can carry

_DIGEST = re.compile(r"[0-9a-f]{40}")  # SHA-1

# Which message is legal when.  (OpenSSH's monitor is the model.)
_BEFORE_SESSION = (Progress, NeedSignature, Established, Failed)
_IN_SESSION = (Progress, Leased, NoLease, Failed)  # a session that lost its carriers connects again
_FIRST_LEGAL: dict[Errand, tuple[type[ToHelper], ...]] = {
    Errand.SESSION: _BEFORE_SESSION,
    Errand.TRIAL: _BEFORE_SESSION,
    Errand.HUBS: (Progress, HubsListed, Failed),
    Errand.PASSWORD: (Progress, PasswordChanged, Failed),
}
_EXAMINING = (Examined, Failed)


@dataclass(frozen=True, slots=True)
class Program:
    """How to run a worker."""

    uid: int
    gid: int
    command: tuple[str, ...] = ("-m", "tsunagu_tunnel")  # arguments for this Python

    def has_fast_path(self) -> bool:
        """Whether workers have the compiled data path; looked up, not imported."""
        return importlib.util.find_spec(f"{self.command[-1]}.fastpath") is not None

    def arguments(self, tap_fd: int | None, control_fd: int) -> list[str]:
        """The whole argument list."""
        # Nothing of the caller's surroundings steers a worker, but code that is not installed has to be found.
        isolation = ["-P", "-s"] if "PYTHONPATH" in os.environ else ["-I"]
        tap = [] if tap_fd is None else ["--tap-fd", str(tap_fd)]
        fds = [*tap, "--control-fd", str(control_fd)]
        return [sys.executable, *isolation, *self.command, *fds, "--uid", str(self.uid), "--gid", str(self.gid)]


class Worker:
    """One running worker.

    ``on_message`` gets the messages of its attempt, ``on_end`` why it ended and the certificate it ended about, once,
    when the process is gone and nothing of it is left.
    """

    def __init__(
        self,
        program: Program,
        tap_fd: int | None,
        start: Start | Examine,
        *,
        on_message: Callable[[WorkerMessage], None],
        on_end: Callable[[TunnelError, str], None],
    ) -> None:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        self._loop = asyncio.get_running_loop()
        self._on_message, self._on_end = on_message, on_end
        self._name, self._legal = _of(start)
        self._is_errand = isinstance(start, Examine) or start.errand is not Errand.SESSION
        self._allowance = Allowance(MESSAGES, MESSAGES_PER_S, self._loop.time)
        self._error: TunnelError | None = None
        self._certificate = ""
        self._statistics: asyncio.Future[Statistics | None] | None = None
        self._kill_timer: asyncio.TimerHandle | None = None
        self._log = LogLines(f"{self._name}: worker", Allowance(LOG_LINES, LOG_LINES_PER_S, self._loop.time))

        with contextlib.ExitStack() as undo:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._control.close)
            with theirs:
                self._process = undo.enter_context(_spawn(program, tap_fd, theirs.fileno()))
            undo.callback(self._process.kill)
            self._pidfd = os.pidfd_open(self._process.pid)
            undo.pop_all()
        assert self._process.stderr is not None
        self._stderr = self._process.stderr.fileno()
        self._control.setblocking(False)
        os.set_blocking(self._stderr, False)
        self._loop.add_reader(self._control, self._read_control)
        self._loop.add_reader(self._stderr, self._read_stderr)
        self._loop.add_reader(self._pidfd, self._process_ended)
        self._send(start)

    def stop(self, *, keep_address: bool = False) -> None:
        """Have it log off and leave; ``on_end`` tells when it has."""
        self._end(TunnelError(6))
        self._send(Stop(keep_address=keep_address))

    def check_carriers(self) -> None:
        """Have it give up the carriers that start from an address which this machine has no more."""
        self._send(CheckCarriers())

    def answer(self, answer: Signed | NotSigned) -> None:
        """What became of the signature that it needs."""
        self._send(answer)

    async def statistics(self) -> Statistics:
        """Ask for the session's counters.

        Raises:
            TimeoutError: no answer came, or the worker has ended.
        """
        if self._statistics is None:
            self._statistics = self._loop.create_future()
            self._send(ReportStatistics())
        async with asyncio.timeout(STATISTICS_S):
            statistics = await asyncio.shield(self._statistics)
        if statistics is None:
            raise TimeoutError("the worker has ended")
        return statistics

    # -- what it says -------------------------------------------------------------------------------------------------

    def _read_control(self) -> None:
        for _ in range(BATCH):
            if not self._read_message():
                return

    def _read_message(self) -> bool:
        """Take one message; False: there is none."""
        try:
            data = self._control.recv(MAX_MESSAGE + 1)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True  # it has left without hearing us out; what it said before is still to be read
        except OSError:
            data = b""
        if not data:  # it has closed its end, so it is leaving
            self._loop.remove_reader(self._control)
            self._end(TunnelError(23, "the worker ended unexpectedly"))
        elif self._error is None:
            self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        try:
            message = _checked(data)
        except ControlError as error:
            self._kill_for(str(error))
            return
        if isinstance(message, StatisticsReport) and self._statistics:
            if not self._statistics.done():
                self._statistics.set_result(message.statistics)
            self._statistics = None
            return
        if not self._allowance.take():
            self._kill_for("too many messages")
        elif not isinstance(message, self._legal):
            self._kill_for(f"{type(message).__name__} out of turn")
        elif isinstance(message, Failed):
            self._certificate = message.certificate
            self._end(TunnelError(message.code, " ".join(message.detail.split())))
        elif not isinstance(message, StatisticsReport):
            if isinstance(message, Established):
                self._legal = _IN_SESSION
            if self._is_errand and isinstance(message, Established | HubsListed | PasswordChanged | Examined):
                self._end(TunnelError(6))
            self._on_message(message)

    def _read_stderr(self) -> None:
        try:
            data = os.read(self._stderr, 65536)
        except BlockingIOError:
            return
        self._log.feed(data)
        if not data:
            self._loop.remove_reader(self._stderr)

    # -- its end ------------------------------------------------------------------------------------------------------

    def _send(self, message: ToWorker) -> None:
        try:
            self._control.send(encode(message))
        except OSError as error:  # gone, or it does not read: then a time-out notices
            LOG.debug("%s: the worker takes no message: %s", self._name, error)

    def _kill_for(self, reason: str) -> None:
        LOG.error("%s: worker killed: %s", self._name, reason)
        self._end(TunnelError(23, f"the worker misbehaved ({reason})"))
        self._kill()

    def _end(self, error: TunnelError) -> None:
        """It is ending, for this reason; see that it does."""
        self._error = self._error or error
        if self._kill_timer is None:
            self._kill_timer = self._loop.call_later(STOP_S, self._kill)

    def _kill(self) -> None:
        self._process.kill()

    def _process_ended(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # not reaped yet, so the number is still its own
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        for _ in range(2 * MESSAGES):  # its last words
            if not self._read_message():
                break
        self._read_stderr()
        self._log.finish()
        if self._kill_timer:
            self._kill_timer.cancel()
        for reader in (self._control, self._stderr, self._pidfd):
            self._loop.remove_reader(reader)
        self._control.close()
        os.close(self._pidfd)
        assert self._process.stderr is not None
        self._process.stderr.close()
        if self._statistics and not self._statistics.done():
            self._statistics.set_result(None)
        LOG.debug("%s: the worker ended with status %d", self._name, status)
        self._on_end(self._error or TunnelError(23, "the worker ended unexpectedly"), self._certificate)


def _of(start: Start | Examine) -> tuple[str, tuple[type[ToHelper], ...]]:
    """What the worker is called in the log, and what it may say."""
    if isinstance(start, Examine):
        return "Tsunagu", _EXAMINING
    return one_line(start.settings.name), _FIRST_LEGAL[start.errand]


def _spawn(program: Program, tap_fd: int | None, control_fd: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        program.arguments(tap_fd, control_fd),
        pass_fds=(control_fd,) if tap_fd is None else (tap_fd, control_fd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        umask=0o077,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    if path := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] = os.pathsep.join(
            str(Path(part).resolve()) for part in path.split(os.pathsep) if part
        )
    return environment


def _checked(data: bytes) -> ToHelper:
    """The message, with nothing in it that could not be stored, logged or sent on.

    Raises:
        ControlError: it is not one that a worker may send.
    """
    if len(data) > MAX_MESSAGE:
        raise ControlError("Not a control message: too long")
    message = decode(data)
    if not isinstance(message, ToHelper):
        raise ControlError(f"{type(message).__name__} is not for the helper")
    clean: ToHelper = from_plain(type(message), _clean(to_plain(message)))
    if isinstance(clean, NeedSignature) and not _DIGEST.fullmatch(clean.digest):
        raise ControlError("Not a digest")
    if isinstance(clean, Failed | Established):
        certificate = clean.certificate if isinstance(clean, Failed) else clean.session.certificate
        try:
            base64.b64decode(certificate, validate=True)
        except ValueError:
            raise ControlError("Not a certificate in base64") from None
    if isinstance(clean, Established):
        try:
            ipaddress.ip_address(clean.session.carrier_address or clean.session.server_address)
        except ValueError:
            raise ControlError("Not an address of the server") from None
    return clean


def _clean(value: Any) -> Any:
    match value:
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case list():
            return [_clean(item) for item in value]
        case int() if abs(value) > MAX_NUMBER:
            raise ControlError("A number is too large")
        case str() if len(value) > MAX_TEXT:
            raise ControlError("A text is too long")
        case str():
            return "".join(c if c.isprintable() or c == "\n" else " " for c in value)
        case _:
            return value
