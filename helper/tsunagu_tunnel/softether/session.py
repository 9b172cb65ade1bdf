"""The carriers of one session: which may send, when each is due a keepalive, when to open more, when all is over."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Generic, TypeVar

CarrierT = TypeVar("CarrierT", bound=Hashable)


class Direction(IntEnum):
    """Which way frames flow on a carrier, as the answer to ``additional_connect`` has it."""

    BOTH = 0
    RECEIVE = 1  # server to client only
    SEND = 2  # client to server only


@dataclass(frozen=True, slots=True)
class SendKeepalive(Generic[CarrierT]):
    """Write ``carrier.keepalive()`` to this carrier (and tell ``sent``)."""

    carrier: CarrierT


@dataclass(frozen=True, slots=True)
class CloseCarrier(Generic[CarrierT]):
    """Nothing has come on it for the session's timeout: close it.  It has left the set already."""

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
        auto_disconnect_s: int = 0,
        random: Random,
    ) -> None:
        """A session that begins now, without carriers yet: ``add`` the one that logged in."""

    def add(self, carrier: CarrierT, direction: Direction, now: float) -> None:
        """A carrier has joined: by login or by ``additional_connect``."""

    def lost(self, carrier: CarrierT, now: float) -> None:
        """The carrier ended: end of file, an error, or closed by us."""

    def open_failed(self, code: int, now: float) -> None:
        """The connection that an ``OpenCarrier`` asked for failed; ``code`` of the error table (13: session unknown)."""

    def sent(self, carrier: CarrierT, now: float) -> None:
        """Something was written to the carrier."""

    def received(self, carrier: CarrierT, now: float) -> None:
        """Something came from the carrier."""

    @property
    def senders(self) -> tuple[CarrierT, ...]:
        """The carriers that may carry frames to the server, oldest first.

        A flow stays in order only on one carrier, so take the first one with the least unsent data.
        """

    def tick(self, now: float) -> list[Command[CarrierT]]:
        """What is due by now.  Each command is given once."""

    def next_deadline(self) -> float:
        """When ``tick`` will next have something to say."""
