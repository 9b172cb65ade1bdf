"""When hooks run, and what they are told.  Pure."""

from collections.abc import Sequence
from enum import Enum

from tsunagu.model import State
from tsunagu_helper.connection import Connection, Target
from tsunagu_helper.history import one_line
from tsunagu_helper.store import StoredConnection

MAX_VALUE = 2000  # characters


class Occasion(Enum):
    """What has become of a connection.  After CONNECTED there is DISCONNECTED or LOST before there is another."""

    CONNECTED = "connected"  # the session stands, and the NIC has its addresses or is known to get none
    DISCONNECTING = "disconnecting"  # somebody ends it, and the tunnel still stands
    DISCONNECTED = "disconnected"  # somebody has ended it, or the machine goes to sleep
    LOST = "lost"  # it has ended by itself
    FAILED = "failed"  # what never came up is given up


def occasion(before: Connection, after: Connection) -> Occasion | None:
    """What a step amounts to for the world outside."""
    match before.is_ready, after.is_ready:
        case False, True:
            return Occasion.CONNECTED
        case True, False:
            return Occasion.LOST if after.error else Occasion.DISCONNECTED
        case False, False if before.state is not State.IDLE and after.state is State.IDLE and after.error:
            return Occasion.FAILED
    return None


def is_parting(before: Connection, after: Connection) -> bool:
    """Somebody ends what stands; neither a sleep, which cannot wait, nor the service's own end does."""
    return before.is_ready and after.state is State.STOPPING and after.target is Target.DOWN


def environment(
    what: Occasion, stored: StoredConnection, now: Connection, nic: str, addresses: Sequence[str], dns: Sequence[str]
) -> dict[str, str]:
    """The facts by the names of variables: no secret, and nothing that a terminal or a log would obey."""
    settings, error = stored.settings, now.error
    facts = {
        "EVENT": what.value,
        "CONNECTION": settings.name,
        "ID": stored.id,
        "OWNER": str(stored.owner),
        "SERVER": f"{settings.host}:{settings.port}",
        "HUB": settings.hub,
        "NIC": nic,
        "ADDRESS": " ".join(addresses),
        "DNS": " ".join(dns),
        "ERROR": str(error) if error else "",
        "ERROR_CODE": str(error.code if error else 0),
    }
    return {f"TSUNAGU_{name}": one_line(value)[:MAX_VALUE] for name, value in facts.items()}
