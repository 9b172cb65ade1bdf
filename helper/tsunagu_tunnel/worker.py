"""One attempt, from the helper's ``Start`` to its end: the control socket's side of the worker."""

import contextlib
import logging
import math
import select
import socket
import time
from random import Random

from tsunagu.control import (
    MAX_MESSAGE,
    CheckCarriers,
    ControlError,
    Errand,
    Established,
    Examine,
    Failed,
    HubsListed,
    NotSigned,
    PasswordChanged,
    Progress,
    ReportStatistics,
    Signed,
    Start,
    StatisticsReport,
    Stop,
    ToHelper,
    decode,
    encode,
)
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, Statistics
from tsunagu_tunnel.card import Card
from tsunagu_tunnel.connect import Dialler
from tsunagu_tunnel.dataplane import NicEnd, log_off, nic_end
from tsunagu_tunnel.dial import Dial, Limits
from tsunagu_tunnel.examination import examine
from tsunagu_tunnel.loop import Loop
from tsunagu_tunnel.tls import CertificateRefused, as_text
from tsunagu_tunnel.tunnel import LOG_OFF_S, Tunnel

LOG = logging.getLogger(__name__)


class _Leave(Exception):
    """The helper wants this worker to end, or is gone."""


class Worker:
    """Owns the control socket; the TAP's descriptor stays its caller's."""

    def __init__(
        self, control: socket.socket, tap_fd: int | None, *, random: Random, limits: Limits | None = None
    ) -> None:
        """Without a TAP it can do errands, but not join a session."""
        self._control = control
        self._control.setblocking(False)
        self._nic = None if tap_fd is None else nic_end(tap_fd)
        self._random = random
        self._loop = Loop()
        self._card = Card(self._tell)
        self._dialler = Dialler(self._tell_phase, limits=limits or Limits(), random=random, card=self._card)
        self._start: Start | None = None
        self._tunnel: Tunnel | None = None
        self._keep_address = False

    def run(self) -> int:
        """Until the attempt or the session is over; the process's exit status."""
        try:
            self._loop.watch(self._control.fileno(), select.EPOLLIN, self._control_ready)
            while True:
                self._loop.run_once(self._tunnel.deadline if self._tunnel else math.inf)
                if self._tunnel and (now := time.monotonic()) >= self._tunnel.deadline:
                    self._tunnel.tick(now)
        except _Leave as reason:
            LOG.info("leaving: %s", reason)
            if self._tunnel:
                self._tunnel.log_off(keep_address=self._keep_address)
            return 0
        except TunnelError as error:
            LOG.warning("ended by error %d (%s)", error.code, error.entry.name)
            certificate = as_text(error.certificate) if isinstance(error, CertificateRefused) else ""
            self._tell(Failed(code=error.code, detail=error.detail, certificate=certificate))
            return 1
        finally:
            if self._tunnel:
                self._tunnel.close()
            self._loop.close()
            self._control.close()

    def _begin(self, start: Start) -> Dial[None]:
        match start.errand:
            case Errand.TRIAL:
                return self._try(start)
            case Errand.HUBS:
                return self._list_hubs(start)
            case Errand.PASSWORD:
                return self._change_password(start)
            case Errand.SESSION:
                if self._nic is None:
                    raise _Leave("a session needs a NIC")
                return self._attempt(start, self._nic)

    def _try(self, start: Start) -> Dial[None]:
        opened = yield from self._dialler.open_session(start)
        self._tell(Established(session=opened.session))
        log_off(opened.stream, LOG_OFF_S)
        raise _Leave("the log-in was tried")

    def _list_hubs(self, start: Start) -> Dial[None]:
        hubs = yield from self._dialler.list_hubs(start)
        self._tell(HubsListed(hubs=hubs))
        raise _Leave("the hubs are listed")

    def _change_password(self, start: Start) -> Dial[None]:
        yield from self._dialler.change_password(start)
        self._tell(PasswordChanged())
        raise _Leave("the password is changed")

    def _attempt(self, start: Start, nic: NicEnd) -> Dial[None]:
        opened = yield from self._dialler.open_session(start)
        self._tell_phase(Phase.ESTABLISHING, "")
        self._tell(Established(session=opened.session))
        self._tunnel = Tunnel(
            opened,
            start,
            nic=nic,
            loop=self._loop,
            dialler=self._dialler,
            random=self._random,
            tell=self._tell,
        )

    def _control_ready(self, _events: int) -> None:
        try:
            data = self._control.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError as error:
            raise _Leave("the control socket failed") from error
        if not data:
            raise _Leave("the helper is gone")
        try:
            message = decode(data)
        except ControlError as error:
            raise _Leave("a control message that is none") from error
        match message:
            case Start() if self._start is None:
                self._start = message
                self._loop.start(self._begin(message))
            case Examine() if self._start is None:
                self._tell(examine())
                raise _Leave("examined")
            case ReportStatistics():
                statistics = self._tunnel.statistics() if self._tunnel else Statistics()
                self._tell(StatisticsReport(statistics=statistics))
            case Signed() | NotSigned() if self._card.is_asked:
                self._card.answer(message)
            case CheckCarriers():
                if self._tunnel:
                    self._tunnel.check_carriers()
            case Stop(keep_address=keep_address):
                self._keep_address = keep_address
                raise _Leave("asked to stop")
            case _:
                raise _Leave(f"{type(message).__name__} out of turn")

    def _tell_phase(self, phase: Phase, detail: str) -> None:
        LOG.info("%s", phase.value)
        self._tell(Progress(phase=phase, detail=detail))

    def _tell(self, message: ToHelper) -> None:
        try:
            self._control.send(encode(message))
        except OSError:  # gone, or as good as gone: it has let the socket fill up
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # the loop will find the end of file
