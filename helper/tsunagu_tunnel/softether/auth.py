"""How a user proves who they are: SHA-0, the passwords made of it, and what each kind adds to the login pack."""

from dataclasses import dataclass, field

from tsunagu.model import AuthType, Secret


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No proof at all."""


@dataclass(frozen=True, slots=True)
class StandardPassword:
    """The hub's own password of the user; it does not leave this machine in the clear."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a redirecting server gave for one login at another one."""

    ticket: bytes = field(repr=False)  # 20 octets


Credentials = Anonymous | StandardPassword | Ticket


def credentials_for(auth: AuthType, secret: Secret | None) -> Credentials:
    """What the settings and the secret make together.

    Raises:
        TunnelError: 9, a password is needed and there is none.
    """
