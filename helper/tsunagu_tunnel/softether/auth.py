"""How a user proves who they are: what each kind of credentials adds to the login pack."""

from dataclasses import dataclass, field

from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, Secret
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.sha0 import sha0

_ASCII_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def hash_password(username: str, password: str) -> bytes:
    """The 20 octets that a server stores for a user: SHA-0 over the password followed by the name in capitals.

    Capitals in ASCII only, as in the reference client (Cedar/Account.c, HashPassword).  secure_password() mixes the
    result with the server's random.  Never log it: to this server it is as good as the password.
    """
    return sha0((password + username.translate(_ASCII_UPPER)).encode())


def secure_password(hashed: bytes, random: bytes) -> bytes:
    """The 20 octets that prove knowledge of ``hashed`` for this one hello (Cedar/Protocol.c, SecurePassword)."""
    return sha0(hashed + random)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No proof at all."""

    def add_to(self, login: Pack, _username: str, _random: bytes) -> None:
        """Type 0."""
        login.add_int("authtype", 0)


@dataclass(frozen=True, slots=True)
class StandardPassword:
    """The hub's own password of the user; it does not leave this machine in the clear."""

    secret: Secret

    def add_to(self, login: Pack, username: str, random: bytes) -> None:
        """Type 1, bound to the random of the server's hello."""
        login.add_int("authtype", 1)
        login.add_data("secure_password", secure_password(hash_password(username, self.secret.value), random))


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a redirecting server gave for one login at another one, within 60 s."""

    ticket: bytes = field(repr=False)  # 20 octets

    def add_to(self, login: Pack, _username: str, _random: bytes) -> None:
        """Type 99."""
        login.add_int("authtype", 99)
        login.add_data("ticket", self.ticket)


Credentials = Anonymous | StandardPassword | Ticket


def credentials_for(auth: AuthType, secret: Secret | None) -> Credentials:
    """What the settings and the secret make together.

    Raises:
        TunnelError: 9, a password is needed and there is none.
    """
    match auth:
        case AuthType.ANONYMOUS:
            return Anonymous()
        case AuthType.PASSWORD:
            if secret is None:
                raise TunnelError(9, "no password was given")
            return StandardPassword(secret)
