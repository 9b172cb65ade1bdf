"""Getting a file descriptor from somebody on the bus."""

import os
from typing import Any

from dbus_next import Message

from tsunagu_dbus.bus import Kind, close, connect
from tsunagu_dbus.calls import BusError, reply_to


async def receive_descriptor(
    kind: Kind, destination: str, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> int:
    """Call a method that answers with one descriptor, which is the caller's from then on.

    On a connection of its own: on no other do we take descriptors, which anybody might send.

    Raises:
        BusError: as ``call``, or no descriptor came.
    """
    bus = await connect(kind, takes_descriptors=True)
    try:
        reply = await reply_to(
            bus,
            Message(
                destination=destination, path=path, interface=interface, member=member, signature=signature, body=body
            ),
        )
    finally:
        await close(bus)
    match reply.body, reply.unix_fds:
        case [0], [descriptor]:
            return int(descriptor)
        case _, descriptors:
            for descriptor in descriptors:
                os.close(descriptor)
            raise BusError("org.freedesktop.DBus.Error.Failed", f"{destination} answered {member} with no descriptor")
