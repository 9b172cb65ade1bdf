"""How a user proves who they are: what each kind of credentials adds to the login pack."""

from dataclasses import dataclass, field

from tsunagu.errors import TunnelError
from tsunagu.model import AuthType, ConnectionSettings, HashedPassword, Secret, Secrets
from tsunagu.sha0 import hash_password, sha0
from tsunagu_tunnel.softether.pack import Pack
from tsunagu_tunnel.softether.signer import Signer, first_certificate, signer_for


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

    secret: Secret | HashedPassword

    def add_to(self, login: Pack, username: str, random: bytes) -> None:
        """Type 1, bound to the random of the server's hello."""
        match self.secret:
            case Secret(value):
                hashed = hash_password(username, value)
            case HashedPassword(value):
                hashed = bytes.fromhex(value)
        login.add_int("authtype", 1)
        login.add_data("secure_password", secure_password(hashed, random))


@dataclass(frozen=True, slots=True)
class PlainPassword:
    """A password that the server passes on, to RADIUS or an NT domain.  It travels as it is, inside TLS."""

    secret: Secret

    def add_to(self, login: Pack, _username: str, _random: bytes) -> None:
        """Type 2."""
        login.add_int("authtype", 2)
        login.add_str("plain_password", self.secret.value)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The user's certificate, and proof that its private key is at hand."""

    certificate: bytes  # DER; of a chain, only the user's own is sent
    sign: Signer = field(repr=False)

    def add_to(self, login: Pack, _username: str, random: bytes) -> None:
        """Type 3: the signature is over the random of the server's hello."""
        login.add_int("authtype", 3)
        login.add_data("cert", self.certificate)
        login.add_data("sign", self.sign(random))


@dataclass(frozen=True, slots=True)
class SmartCard:
    """A ``ClientCertificate`` to come: it is proven once the server's random is known (``LoginHandshake.prove``)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a redirecting server gave for one login at another one, within 60 s."""

    ticket: bytes = field(repr=False)  # 20 octets

    def add_to(self, login: Pack, _username: str, _random: bytes) -> None:
        """Type 99."""
        login.add_int("authtype", 99)
        login.add_data("ticket", self.ticket)


Credentials = Anonymous | StandardPassword | PlainPassword | ClientCertificate | SmartCard | Ticket


def credentials_for(settings: ConnectionSettings, secrets: Secrets) -> Credentials:
    """What the settings and the secrets make together.

    Raises:
        TunnelError: 9, a password is needed and there is none; 26, 38 or 77, the certificate or its key is of no use.
    """
    match settings.auth:
        case AuthType.ANONYMOUS:
            return Anonymous()
        case AuthType.PASSWORD:
            return StandardPassword(secrets.hashed_password or _given(secrets.password))
        case AuthType.PLAIN_PASSWORD:
            return PlainPassword(_given(secrets.password))
        case AuthType.CERTIFICATE:
            if secrets.private_key is None or not settings.client_certificate:
                raise TunnelError(38, "the client certificate or its private key is missing")
            certificate = first_certificate(settings.client_certificate)
            return ClientCertificate(certificate, signer_for(certificate, secrets.private_key.value))
        case AuthType.SMART_CARD:
            if not settings.card_certificate:
                raise TunnelError(26, "the connection does not name it")
            return SmartCard()


def _given(secret: Secret | None) -> Secret:
    if secret is None:
        raise TunnelError(9, "no password was given")
    return secret
