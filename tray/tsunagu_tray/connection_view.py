"""One connection as the helper shows it on the bus: frozen, plain values, no D-Bus."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from tsunagu.bus_names import connection_id
from tsunagu.errors import NoAgent
from tsunagu.model import Addressing, ListState, Phase, State, list_state

ACTIVE = frozenset(State) - {State.IDLE, State.STOPPING}


@dataclass(frozen=True, slots=True)
class LastError:
    """Why the last attempt or session ended; ``code`` 0: an error of Tsunagu's own, all empty: none."""

    name: str = ""  # its name on the bus, without prefix
    code: int = 0
    text: str = ""  # a whole English sentence

    def __bool__(self) -> bool:
        return bool(self.name or self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """The properties of one connection; the names are those on the bus, in snake_case."""

    path: str
    name: str = ""
    server: str = ""  # "host:port"
    hub: str = ""
    state: State = State.IDLE
    phase: Phase = Phase.NONE
    since: int = 0  # UTC s of the click that began it (S29); 0: not active
    addresses: tuple[str, ...] = ()  # "192.168.77.23/24"
    interface: str = ""
    last_error: LastError = LastError()
    retry_at: float = 0.0  # UTC s; 0: no retry is due
    attempt: int = 0
    owner: int = 0
    connect_at_start: bool = False  # of the machine
    hide_windows: bool = False  # tell no errors of it on the desktop (S4); questions are asked all the same

    @property
    def id(self) -> str:
        """The last part of the object path."""
        return connection_id(self.path)

    @property
    def list_state(self) -> ListState:
        """Offline, Connecting or Connected (S15)."""
        return list_state(self.state)

    @property
    def is_active(self) -> bool:
        """Something runs or waits that Disconnect would end."""
        return self.state in ACTIVE

    @property
    def address(self) -> str:
        """The addresses of the NIC for one line, without prefix lengths; "" while there is none."""
        return ", ".join(address.partition("/")[0] for address in self.addresses)

    def is_settled(self, addressing: Addressing) -> bool:
        """It is up, and has its address or is known to get none."""
        has_all = self.address or self.last_error or addressing is Addressing.NONE
        return self.state is State.UP and bool(has_all)

    @property
    def is_in_vain(self) -> bool:
        """Nothing to wait for: it has ended, or needs a person who is not there."""
        return self.state is State.IDLE or self.last_error.name == NoAgent.bus_name

    def updated(self, properties: dict[str, Any]) -> Self:
        """This view with changed properties (bus names, plain values); what it does not know is left out."""
        return replace(self, **{_FIELDS[n]: _value(_FIELDS[n], v) for n, v in properties.items() if n in _FIELDS})


def of_user(views: Iterable[ConnectionView], uid: int) -> Sequence[ConnectionView]:
    """The user's own and everybody's, by name; for root all."""
    theirs = [view for view in views if uid == 0 or view.owner in (0, uid)]
    return sorted(theirs, key=lambda view: (view.name.casefold(), view.id))


def named(views: Iterable[ConnectionView], name: str, uid: int) -> Sequence[ConnectionView]:
    """Those of that name or with that id; of several users' connections one's own."""
    found = [view for view in views if name in (view.name, view.id)]
    return [view for view in found if view.owner == uid] or found if len(found) > 1 else found


_FIELDS = {
    "".join(part.capitalize() for part in field.name.split("_")): field.name
    for field in fields(ConnectionView)
    if field.name != "path"
}


def _value(field: str, value: Any) -> Any:
    match field:
        case "state":
            return State(value)
        case "phase":
            return Phase(value)
        case "addresses":
            return tuple(value)
        case "last_error":
            return LastError(*value)
        case _:
            return value
