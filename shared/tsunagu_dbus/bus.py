"""Getting on the system's or the session's bus, and off it again."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from typing import Literal

from dbus_next.errors import AuthError, InvalidAddressError

from tsunagu_dbus.calls import BusError
from tsunagu_dbus.connection import MessageBus

NO_SERVER = "org.freedesktop.DBus.Error.NoServer"
SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
CONNECT_TIMEOUT_S = 10.0

Kind = Literal["system", "session"]


async def connect(kind: Kind, *, takes_descriptors: bool = False) -> MessageBus:
    """A new connection to the bus of that kind; ``DBUS_SYSTEM_BUS_ADDRESS`` and ``DBUS_SESSION_BUS_ADDRESS`` count.

    Raises:
        BusError: there is no bus, or it does not let us in.
    """
    address = bus_address(kind, os.environ)
    try:
        bus = MessageBus(address, takes_descriptors=takes_descriptors)
        try:
            await asyncio.wait_for(bus.connect(), CONNECT_TIMEOUT_S)
        except BaseException:
            bus._finalize(None)
            raise
    except (OSError, EOFError, AuthError, InvalidAddressError, TimeoutError) as error:
        raise BusError(NO_SERVER, f"The {kind} bus cannot be reached at {address}: {error or 'no answer'}") from error
    return bus


async def close(bus: MessageBus, *, flush_s: float = 1.0) -> None:
    """Leave the bus once what is queued has gone out, and after ``flush_s`` in any case."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(bus.flush(), flush_s)
    bus._finalize(None)


def bus_address(kind: Kind, environment: Mapping[str, str]) -> str:
    """Where that bus listens, by the environment and the usual places.

    Raises:
        BusError: the environment names no session bus.
    """
    if kind == "system":
        return environment.get("DBUS_SYSTEM_BUS_ADDRESS") or SYSTEM_BUS
    if address := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        return f"unix:path={runtime}/bus"
    raise BusError(NO_SERVER, "There is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")
