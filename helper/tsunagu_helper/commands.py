"""What a connection wants done; ``runner`` does it."""

from dataclasses import dataclass
from typing import Literal

from tsunagu.model import ConnectionSettings, Lease, Login, Secret, SecretKind, Secrets


@dataclass(frozen=True, slots=True)
class OpenNic:
    """Make the NIC, without carrier; nothing to do where it stands."""


@dataclass(frozen=True, slots=True)
class CloseNic:
    """Undo all of the NIC."""


@dataclass(frozen=True, slots=True)
class SetCarrier:
    """Plug or unplug the NIC's virtual cable (S7)."""

    up: bool


@dataclass(frozen=True, slots=True)
class ApplyLease:
    """Give the NIC what policy allows of this lease (None: of fixed addresses alone)."""

    lease: Lease | None


@dataclass(frozen=True, slots=True)
class ClearAddresses:
    """Take what a lease gave from the NIC."""


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Begin an attempt."""

    ticket: int
    settings: ConnectionSettings
    secrets: Secrets
    accepted_fingerprint: str
    previous_address: str


@dataclass(frozen=True, slots=True)
class StopWorker:
    """Log off; the worker is killed if that takes too long (S51).  ``keep_address``: we come back for it."""

    keep_address: bool = False


@dataclass(frozen=True, slots=True)
class SealLockdown:
    """The server has been found: a kill switch lets no more names be asked for outside."""


@dataclass(frozen=True, slots=True)
class CheckCarriers:
    """The network has changed: let the worker give up what started from an address that is gone."""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Report ``RetryDue`` after this time."""

    ticket: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelWait:
    """It is not needed any more."""


@dataclass(frozen=True, slots=True)
class AskSecret:
    """Have the owner's agent ask for a secret."""

    ticket: int
    kind: SecretKind
    again: bool  # the last one was refused
    stored: bool  # the one in the person's keyring will do
    save_forbidden: bool


@dataclass(frozen=True, slots=True)
class AskTrust:
    """Have the owner's agent show the server's certificate."""

    ticket: int
    certificate: str
    code: int
    changed: bool  # another one was pinned before


@dataclass(frozen=True, slots=True)
class CancelQuestion:
    """Close the window; the answer is not needed any more (S52)."""


@dataclass(frozen=True, slots=True)
class KeepSecrets:
    """Keep these with the connection, and no others, and that the owner's keyring has those."""

    secrets: Secrets
    in_keyring: frozenset[SecretKind]


@dataclass(frozen=True, slots=True)
class KeepLogin:
    """Keep it in the connection's settings."""

    login: Login


@dataclass(frozen=True, slots=True)
class OfferSecret:
    """Have the owner's agent keep it in the keyring; ``SecretOffered`` says what came of that."""

    kind: SecretKind
    secret: Secret


@dataclass(frozen=True, slots=True)
class ForgetSecret:
    """Have the owner's agents take it out of the keyring."""

    kind: SecretKind


@dataclass(frozen=True, slots=True)
class PinCertificate:
    """Keep its fingerprint with the connection."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Write this into the history."""

    level: str  # info, warning or error
    text: str
    code: int = 0
    happened: Literal["", "connected", "disconnected", "failed"] = ""  # for those who wait for that


@dataclass(frozen=True, slots=True)
class Leave:
    """The connection is idle and gets no more events."""


Command = (
    OpenNic | CloseNic | SetCarrier | ApplyLease | ClearAddresses | StartWorker | StopWorker | SealLockdown
    | CheckCarriers | WaitFor | CancelWait | AskSecret | AskTrust | CancelQuestion | KeepSecrets | KeepLogin
    | OfferSecret | ForgetSecret | PinCertificate | Tell | Leave
)  # fmt: skip
