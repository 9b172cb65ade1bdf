"""The one tree of errors a person may see, and the table of the protocol's error numbers.

An error has three spellings: a Python class, a name on the bus (``bus_name``) and, where the protocol has one, a number
(``code``).  What may help (``remedy``) sits on the error, so that nobody keeps a second list of what to retry.
"""

from enum import Enum
from typing import ClassVar

from tsunagu.error_table import ERRORS, ErrorEntry


class Remedy(Enum):
    """What may help after an error."""

    RETRY = "retry"  # the same attempt may work later
    RETRY_LATE = "retry-late"  # likewise, but not before a minute has gone (S61)
    ASK_SECRET = "ask-secret"  # a person has to give another secret
    ASK_TRUST = "ask-trust"  # a person has to judge the server's certificate
    GIVE_UP = "give-up"  # a person has to change something first


class VpnError(Exception):
    """Root of all errors a person may see.  The message is a sentence without a final stop."""

    bus_name: ClassVar[str] = "Failed"
    code: int = 0  # of the protocol's table; 0: the error is Tsunagu's own

    @property
    def remedy(self) -> Remedy:
        """What may help."""
        return Remedy.GIVE_UP


class InvalidSettings(VpnError):
    """A value in a connection's settings is not valid; the message names it and what would be."""

    bus_name = "InvalidSettings"


class NotFound(VpnError):
    """No connection of that name or path, or not one the caller may know of."""

    bus_name = "NotFound"


class AlreadyExists(VpnError):
    """A connection of that name exists already."""

    bus_name = "AlreadyExists"


class NotAuthorized(VpnError):
    """The caller may not do this."""

    bus_name = "NotAuthorized"


class StorageFailed(VpnError):
    """Settings could not be written; what was there before still is."""

    bus_name = "StorageFailed"


class HelperUnavailable(VpnError):
    """The helper cannot be reached on the system bus."""

    bus_name = "HelperUnavailable"


class NoKeyring(VpnError):
    """No keyring keeps secrets here."""

    bus_name = "NoKeyring"


class KeyringFailed(VpnError):
    """There is a keyring, or was a moment ago, and it did not do what it was asked for."""

    bus_name = "KeyringFailed"


class NoAgent(VpnError):
    """A person has to be asked, and nobody of the connection's owner is there to ask."""

    bus_name = "NoAgent"


class Away(VpnError):
    """The person whom to ask is logged in, but somebody else is at the screen."""

    bus_name = "Away"


class Cancelled(VpnError):
    """A person was asked and declined."""

    bus_name = "Cancelled"


class NoAddress(VpnError):
    """The session stands, but no DHCP server in the hub's segment gave the NIC an address (S11)."""

    bus_name = "NoAddress"


class TunnelError(VpnError):
    """An error of the protocol's table: the server said it, or the attempt met it.

    ``detail`` is what exactly happened ("timed out", a name, an address); it may be empty.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        self.entry: ErrorEntry = ERRORS.get(code) or ErrorEntry(code, "unknown", "give-up", f"Error {code}")
        self.code = code
        self.detail = detail
        super().__init__(f"{self.entry.sentence} (error {code})" + (f": {detail}" if detail else ""))

    @property
    def remedy(self) -> Remedy:
        """What may help, from the table."""
        return Remedy(self.entry.remedy)

    @property
    def error_name(self) -> str:
        """The name on the bus: the table's name in CamelCase."""
        return "".join(part.capitalize() for part in self.entry.name.split("_"))


def bus_error_name(error: VpnError) -> str:
    """The last part of the error's name on the bus."""
    return error.error_name if isinstance(error, TunnelError) else error.bus_name
