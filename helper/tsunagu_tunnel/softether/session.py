"""The carriers of one session: which may send, when each is due a keepalive, when to open more, when all is over.

Whoever closes a carrier of a session that is to live on sends TLS's close_notify first.  Seen with server 5.01.9674: a
bare end of one connection makes it cut all others of the session, and each one that joins later at once.  (It leaves
OpenSSL's error queue unread; Mayaqua/Network.c, SecureRecv, clears it since June 2024.)
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Generic, TypeVar

CarrierT = TypeVar("CarrierT", bound=Hashable)

OPEN_INTERVAL_S = 1.0  # between two additional connections, and between the login and the first of them
MAX_OPEN_INTERVAL_S = 30.0  # it doubles up to this while they fail

DISCONNECTED, SESSION_TIMEOUT, INVALID_PROTOCOL, AUTO_DISCONNECTED = 3, 13, 14, 126  # codes of the error table


class Direction(IntEnum):
    """Which way frames flow on a carrier, as the answer to ``additional_connect`` has it."""

    BOTH = 0
    RECEIVE = 1  # server to client only
    SEND = 2  # client to server only


@dataclass(frozen=True, slots=True)
class SendKeepalive(Generic[CarrierT]):
    """Write ``carrier.keepalive()`` to this carrier.  Counted as sent already."""

    carrier: CarrierT


@dataclass(frozen=True, slots=True)
class CloseCarrier(Generic[CarrierT]):
    """It was silent for the session's timeout, or is old, or goes the wrong way: close it.  It has left the set."""

    carrier: CarrierT


@dataclass(frozen=True, slots=True)
class OpenCarrier:
    """Begin one more TLS connection and its ``AdditionalHandshake``; end with ``add`` or ``open_failed``."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over, with this code of the error table."""

    code: int
    detail: str = ""


Command = SendKeepalive[CarrierT] | CloseCarrier[CarrierT] | OpenCarrier | EndSession


@dataclass(slots=True)
class _Times:
    """What is known of one carrier; times in seconds."""

    direction: Direction
    received_at: float
    sent_at: float
    keepalive_delay_s: float  # after the last thing sent; drawn anew for each keepalive
    expires_at: float

    @property
    def keepalive_at(self) -> float:
        return self.sent_at + self.keepalive_delay_s


class CarrierSet(Generic[CarrierT]):
    """All carriers of one session.  ``now`` is seconds, monotonic; a carrier is whatever the loop keeps for one.

    The loop tells what happened (``add``, ``sent``, ``received``, ``lost``, ``open_failed``), sleeps no longer than
    ``next_deadline``, and carries out what ``tick`` returns, after each of both.
    """

    def __init__(
        self,
        now: float,
        *,
        timeout_s: float,
        max_carriers: int = 1,
        half_duplex: bool = False,
        qos: bool = False,
        open_interval_s: float = OPEN_INTERVAL_S,
        lifetime_s: float = 0,
        auto_disconnect_s: int = 0,
        random: Random,
    ) -> None:
        """A session that begins now, without carriers yet: ``add`` the one that logged in.

        ``timeout_s``: silence after which the server forgets us.  ``half_duplex``: frames flow one way on each carrier.
        ``qos``: one of several carriers is kept for urgent frames.
        ``lifetime_s``: additional connections are replaced after that.  ``auto_disconnect_s``: the policy's.  0 of
        either is for ever.
        """
        self._timeout_s = timeout_s
        self._max_carriers = max_carriers
        self._half_duplex = half_duplex
        self._qos = qos
        self._lifetime_s = lifetime_s or float("inf")
        self._random = random
        self._carriers: dict[CarrierT, _Times] = {}
        self._senders: tuple[CarrierT, ...] = ()
        self.receivers = 0  # how many carriers may bring frames
        self._received_at = now  # on any carrier
        self._ends_at = now + auto_disconnect_s if auto_disconnect_s else float("inf")
        self._opening = 0  # connections on their way
        self._usual_interval_s = self._open_interval_s = open_interval_s
        self._open_at = now + open_interval_s
        self._opened_at = float("-inf")
        self._lacks_a_way = False
        self._revived_at = float("-inf")
        self._end: EndSession | None = None

    def add(self, carrier: CarrierT, direction: Direction, now: float) -> None:
        """A carrier has joined: by login or by ``additional_connect``."""
        expires_at = now + self._lifetime_s if self._opening else float("inf")
        self._opening = max(0, self._opening - 1)
        self._open_interval_s = self._usual_interval_s
        # The first keepalive goes out at once: what waits on the way, such as a firewall, sees that the line is used.
        self._carriers[carrier] = _Times(direction, now, now, keepalive_delay_s=0, expires_at=expires_at)
        self._received_at = now
        self._find_ways()

    def lost(self, carrier: CarrierT, now: float, *, by_network: bool = False) -> None:
        """The carrier ended: end of file, or an error.  ``by_network``: the server has no part in it.

        The last one of a session is replaced at once: within its timeout the server still knows the session, and says
        so if it does not (13).  That the same happens again within the timeout is the session's end.
        """
        del self._carriers[carrier]
        self._find_ways()
        if self._carriers or self._opening:
            return
        self._open_at = now
        if by_network:
            return
        if now - self._revived_at < self._timeout_s:
            self._end = EndSession(DISCONNECTED, "the server cut all connections, twice")
        self._revived_at = now

    def open_failed(self, code: int, now: float) -> None:
        """What an ``OpenCarrier`` asked for failed; ``code`` of the error table (13: the session is unknown)."""
        self._opening -= 1
        if code in (SESSION_TIMEOUT, INVALID_PROTOCOL) or not (self._carriers or self._opening):
            self._end = EndSession(code, "the server ended the session" if code == SESSION_TIMEOUT else "")
        self._open_interval_s = max(min(2 * self._open_interval_s, MAX_OPEN_INTERVAL_S), self._usual_interval_s)
        self._open_at = max(self._open_at, now + self._open_interval_s)

    def sent(self, carrier: CarrierT, now: float) -> None:
        """Something was written to the carrier."""
        self._carriers[carrier].sent_at = now

    def received(self, carrier: CarrierT, now: float) -> None:
        """Something came from the carrier."""
        self._received_at = self._carriers[carrier].received_at = now

    def __len__(self) -> int:
        return len(self._carriers)

    @property
    def senders(self) -> tuple[CarrierT, ...]:
        """The carriers that may carry frames to the server, oldest first."""
        return self._senders

    @property
    def usual_senders(self) -> tuple[CarrierT, ...]:
        """Those for frames that are not urgent.

        A flow stays in order only on one carrier, so take the first one with the least unsent data.
        """
        return self._senders if self.urgent_sender is None else self._senders[:-1]

    @property
    def urgent_sender(self) -> CarrierT | None:
        """The carrier that is kept free for urgent frames: the newest of several, where the server grants QoS."""
        return self._senders[-1] if self._qos and len(self._senders) > 1 else None

    def tick(self, now: float) -> list[Command[CarrierT]]:
        """What is due by now.  Each command is given once, ``EndSession`` alone and for good."""
        if self._end is None and now >= self._ends_at:
            self._end = EndSession(AUTO_DISCONNECTED)
        if self._end is None and self._received_at + self._timeout_s <= now:
            self._end = EndSession(SESSION_TIMEOUT, f"nothing came from the server for {self._timeout_s:.0f} s")
        if self._end is not None:
            return [self._end]
        commands: list[Command[CarrierT]] = []
        for carrier, times in list(self._carriers.items()):
            if self._close_at(carrier, times) <= now:
                commands.append(CloseCarrier(carrier))
                self.lost(carrier, now)
        for carrier in self._senders:
            times = self._carriers[carrier]
            if times.keepalive_at <= now:
                commands.append(SendKeepalive(carrier))
                times.sent_at, times.keepalive_delay_s = now, self._keepalive_delay_s()
        if self._wants_more() and self._open_at <= now:
            commands.append(OpenCarrier())
            self._opening += 1
            self._opened_at = now
            self._open_at = now + self._open_interval_s
        return commands

    def next_deadline(self) -> float:
        """When ``tick`` will next have something to say."""
        if self._end is not None:
            return float("-inf")
        deadlines = [self._ends_at, self._received_at + self._timeout_s]
        deadlines += (self._close_at(carrier, times) for carrier, times in self._carriers.items())
        deadlines += (self._carriers[carrier].keepalive_at for carrier in self._senders)
        if self._wants_more():
            deadlines.append(self._open_at)
        return min(deadlines)

    def _find_ways(self) -> None:
        self._senders = tuple(c for c, times in self._carriers.items() if times.direction is not Direction.RECEIVE)
        self.receivers = sum(times.direction is not Direction.SEND for times in self._carriers.values())
        self._lacks_a_way = self._half_duplex and not (self._senders and self.receivers)
        if self._lacks_a_way:  # the server gives the scarcer one
            self._open_at = min(self._open_at, self._opened_at + OPEN_INTERVAL_S)

    def _wants_more(self) -> bool:
        return len(self._carriers) + self._opening < self._max_carriers

    def _close_at(self, carrier: CarrierT, times: _Times) -> float:
        """When it is silent for too long, or may go because others are there: of old age, or as the newest."""
        silent_at = float("inf") if times.direction is Direction.SEND else times.received_at + self._timeout_s
        if len(self._carriers) == 1:
            return silent_at
        if (
            self._lacks_a_way
            and len(self._carriers) >= self._max_carriers
            and carrier == next(reversed(self._carriers))
        ):
            return float("-inf")
        return min(silent_at, times.expires_at)

    def _keepalive_delay_s(self) -> float:
        """As the reference client has it: at most half the timeout, so that one may be lost; at least a fifth."""
        return max(self._random.uniform(0, self._timeout_s / 2), self._timeout_s / 5)
