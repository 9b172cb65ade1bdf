"""The NICs of connections, whether they stand or not: what people see of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tsunagu.model import State
from tsunagu_helper.runner import Runner
from tsunagu_helper.store import StoredConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class NicSeen:
    """One of them.  Where several connections share it, its MAC address is that of the one that uses it now."""

    name: str
    mac: str
    enabled: bool  # for all of its connections
    state: str  # "up": the cable is in; "down": it stands without; "absent": no connection has made it now
    connections: tuple[str, ...]  # ids


def nic_name(stored: StoredConnection) -> str:
    """What a person has chosen, or the connection's own."""
    return stored.settings.interface or stored.interface


def names_taken(connections: Iterable[StoredConnection]) -> set[str]:
    """What a new connection's own NIC cannot be called, or it would be shared by accident."""
    return {name for one in connections for name in (one.interface, one.settings.interface) if name}


def nic_list(runners: Iterable[Runner]) -> list[NicSeen]:
    """The NICs of these connections, by name."""
    found: dict[str, NicSeen] = {}
    for runner in runners:
        stored, used = runner.stored, runner.facts.interface
        name = used or nic_name(stored)
        mac = stored.settings.mac or stored.mac
        nic = found.get(name) or NicSeen(name=name, mac=mac, enabled=True, state="absent", connections=())
        if used:
            nic = replace(nic, mac=mac, state="up" if runner.connection.state is State.UP else "down")
        found[name] = replace(
            nic,
            enabled=nic.enabled and stored.settings.nic_enabled,
            connections=(*nic.connections, stored.id),
        )
    return [found[name] for name in sorted(found)]
