"""The messages between helper and worker, and their JSON form: one object a datagram, at most 128 KiB.

The helper believes nothing a worker says: ``decode`` checks names and types, and a message that is not exactly one of
the dataclasses below ends the worker.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

from tsunagu.errors import VpnError
from tsunagu.model import NO_SECRETS, ConnectionSettings, Lease, Phase, Secret, Secrets, Session, Statistics
from tsunagu.plain import from_plain, to_plain

MAX_MESSAGE = 131072  # octets; a socket takes some 200,000 at once


class ControlError(VpnError):
    """A control message that is not one."""


class Errand(Enum):
    """What an attempt is for.  All but a session do without a NIC."""

    SESSION = "session"
    TRIAL = "trial"  # log in, and leave at once
    HUBS = "hubs"  # ask for the list of virtual hubs
    PASSWORD = "password"  # change the one that the server knows


class NoLeaseReason(Enum):
    """Why there is no lease, or no more."""

    SILENCE = "silence"  # no DHCP server answers
    EXPIRED = "expired"  # the lease's time is over, and nobody has renewed it
    REFUSED = "refused"  # its server has taken it back
    TAKEN = "taken"  # somebody else uses its address


# -- helper to worker -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Begin the attempt.  Sent once, first."""

    errand: Errand = Errand.SESSION
    settings: ConnectionSettings
    secrets: Secrets = NO_SECRETS  # those that the settings need
    mac: str  # of the NIC, "5e:…"; the DHCP client speaks with it
    accepted_fingerprint: str  # SHA-256 hex of the one certificate a person accepted; "": none
    authorities: str = ""  # PEM; those who vouch for servers beside the system's own
    machine_id: str  # 32 hex digits, stable for this machine (the protocol's UniqueId)
    known_address: str = ""  # where it, or the proxy, was reached before; tried first, its name may be out of reach
    previous_address: str = ""  # asked for again from DHCP after a reconnect
    new_password: Secret | None = None  # with Errand.PASSWORD: in the place of that in ``secrets``


@dataclass(frozen=True, slots=True, kw_only=True)
class Examine:
    """In the place of ``Start``: attempt nothing, answer with one ``Examined``, leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Log off in order, then leave.  ``keep_address``: do not give it back to the DHCP server."""

    keep_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCarriers:
    """The network has changed: give up the carriers that start from an address which this machine has no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatistics:
    """Answer with one ``Statistics``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The answer to ``NeedSignature``, both in base64."""

    certificate: str  # DER
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSigned:
    """The other answer to ``NeedSignature``."""

    code: int  # of the error table
    detail: str = ""


# -- worker to helper -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The attempt has reached this phase; ``detail`` names what is being talked to, e.g. the address."""

    phase: Phase
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedSignature:
    """The person's smart card has to sign; answered with ``Signed`` or ``NotSigned``."""

    digest: str  # SHA-1, 40 hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Established:
    """The session stands; frames flow from now on.  Of a trial: the log-in was good, and this is the last message."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged:
    """The last message of an attempt that was to change the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubsListed:
    """The last message of an attempt that was to list the server's hubs."""

    hubs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the worker has found of its own confinement, by trying what it must not do, and of its data path."""

    uid: int
    calls_refused: bool  # system calls that no worker needs: seccomp
    files_refused: bool  # files that no worker needs: Landlock
    is_compiled: bool  # the data path


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """DHCP gave (or renewed) this lease."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLease:
    """There is no lease, or no more; the client goes on asking (S11)."""

    reason: NoLeaseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsReport:
    """The answer to ``ReportStatistics``."""

    statistics: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The last message of an attempt or session that did not end by ``Stop``."""

    code: int  # of the error table
    detail: str = ""  # what exactly happened, for the log and the second line of a message
    certificate: str = ""  # with codes 85, 106, 149: what the server showed, DER in base64


ToWorker = Start | Examine | Stop | CheckCarriers | ReportStatistics | Signed | NotSigned
ToHelper = (
    Progress
    | NeedSignature
    | Established
    | PasswordChanged
    | HubsListed
    | Examined
    | Leased
    | NoLease
    | StatisticsReport
    | Failed
)

_BY_NAME: dict[str, type[Any]] = {t.__name__: t for t in (*get_args(ToWorker), *get_args(ToHelper))}


def encode(message: ToWorker | ToHelper) -> bytes:
    """One datagram."""
    return json.dumps({"type": type(message).__name__} | to_plain(message), ensure_ascii=False).encode()


def decode(data: bytes) -> ToWorker | ToHelper:
    """The message in one datagram.

    Raises:
        ControlError: it is not exactly one of our messages.
    """
    try:
        plain = json.loads(data)
        kind = _BY_NAME[plain.pop("type")]
        message: ToWorker | ToHelper = from_plain(kind, plain)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, VpnError) as error:
        raise ControlError(f"Not a control message: {type(error).__name__}") from error
    return message
