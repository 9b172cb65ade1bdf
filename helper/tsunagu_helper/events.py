"""What can happen to a connection: what people want, what the machine does, what came of what is under way for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tsunagu.control import NoLeaseReason
from tsunagu.errors import VpnError
from tsunagu.model import ConnectionSettings, Lease, Login, Phase, Secret, SecretKind, Session

# -- what people want ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectAsked:
    """Somebody wants the connection; while WAITING it means: now."""


@dataclass(frozen=True, slots=True)
class DisconnectAsked:
    """Somebody wants it no more."""


@dataclass(frozen=True, slots=True)
class RemoveAsked:
    """The connection is to leave this helper: it was removed, or the helper ends."""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """New ones are stored; they count from the next attempt on."""

    settings: ConnectionSettings


@dataclass(frozen=True, slots=True)
class SecretsSet:
    """These are stored now in the place of those of the same names, unasked; an empty one was forgotten."""

    changes: Mapping[str, Secret]
    in_keyring: frozenset[SecretKind] = frozenset()  # the ones that the owner's agent has taken


class Offered(Enum):
    """What has come of offering a secret to the owner's keyring."""

    TAKEN = "taken"
    NO_KEYRING = "no-keyring"  # says the owner's agent
    NO_AGENT = "no-agent"
    LOCKED = "locked"  # and nobody unlocked it
    FAILED = "failed"  # the agent, or the keyring behind it


@dataclass(frozen=True, slots=True)
class SecretOffered:
    """The owner's agent was to keep what a person has typed."""

    kind: SecretKind
    secret: Secret
    what_came: Offered


@dataclass(frozen=True, slots=True)
class CertificatePinned:
    """A certificate was accepted for good, unasked, and is stored."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class GoingToSleep:
    """The machine is about to be suspended."""


@dataclass(frozen=True, slots=True)
class Woke:
    """It runs again; ``is_online``: with a network."""

    is_online: bool


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """Below the tunnels something came or went; ``has_gained``: a cable, an address or a default route came."""

    has_gained: bool


@dataclass(frozen=True, slots=True)
class AgentAppeared:
    """Questions can be asked now."""


# -- what came of the thing under way --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Something that the thing with this ticket reports."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReached(Outcome):
    """The worker has come this far."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelUp(Outcome):
    """The worker has a session."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class GotLease(Outcome):
    """DHCP gave or renewed an address."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseMissing(Outcome):
    """DHCP gives no address, or not any more."""

    reason: NoLeaseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseUnusable(Outcome):
    """The lease was not acceptable, or could not be applied."""

    error: VpnError


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnded(Outcome):
    """The worker's process is gone, or could not be started."""

    error: VpnError
    certificate: str = ""  # of the server, where the error is about it


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDue(Outcome):
    """The wait is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretGiven(Outcome):
    """A person typed a secret; ``save``: and wants it kept; ``stored``: it came out of their keyring instead."""

    secret: Secret
    save: bool
    stored: bool = False
    login: Login | None = None  # and chose this


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustGiven(Outcome):
    """A person accepts the certificate; ``pin``: for good."""

    fingerprint: str
    pin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRefused(Outcome):
    """A person gave no secret, or does not trust the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyToAsk(Outcome):
    """No agent is registered, or it went away."""

    error: VpnError


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReplaced:
    """The server knows the user by this password from now on."""

    password: Secret


Event = (
    ConnectAsked | DisconnectAsked | RemoveAsked | SettingsChanged | SecretsSet | SecretOffered | PasswordReplaced
    | CertificatePinned | AgentAppeared
    | GoingToSleep | Woke | NetworkChanged
    | PhaseReached | TunnelUp | GotLease | LeaseMissing | LeaseUnusable | WorkerEnded
    | RetryDue | SecretGiven | TrustGiven | QuestionRefused | NobodyToAsk
)  # fmt: skip
