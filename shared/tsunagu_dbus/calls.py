"""Calling others on the bus, and asking the bus who they are."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dbus_next import Message, MessageFlag, MessageType

from tsunagu.errors import VpnError
from tsunagu_dbus.connection import MessageBus
from tsunagu_dbus.variants import plain

BUS_SERVICE = "org.freedesktop.DBus"
BUS_PATH = "/org/freedesktop/DBus"

NO_REPLY = "org.freedesktop.DBus.Error.NoReply"
DISCONNECTED = "org.freedesktop.DBus.Error.Disconnected"


class BusError(VpnError):
    """A D-Bus call failed.  ``name`` is the D-Bus error's name, ``text`` what it said."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        super().__init__(text or name)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who is behind a bus name, as the kernel told the bus when it connected."""

    uid: int
    pid: int  # for messages to people only: it may be another process's by now


async def call(
    bus: MessageBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    timeout_s: float | None = 25.0,
    *,
    autostart: bool = True,
) -> list[Any]:
    """Call a method and return the reply's body, variants included (see ``plain``).  ``timeout_s`` None: no limit.

    Raises:
        BusError: the callee's error, no answer in time, or no connection.
    """
    message = Message(
        destination=destination,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=body or [],
        flags=MessageFlag.NONE if autostart else MessageFlag.NO_AUTOSTART,
    )
    answer: list[Any] = (await reply_to(bus, message, timeout_s)).body
    return answer


async def reply_to(bus: MessageBus, message: Message, timeout_s: float | None = 25.0) -> Message:
    """Send a method call and return the whole reply.

    Raises:
        BusError: as ``call``.
    """
    if not bus.connected:
        raise BusError(DISCONNECTED, "The connection to the bus is closed")
    try:
        async with asyncio.timeout(timeout_s):
            reply = await bus.call(message)
    except TimeoutError:
        raise BusError(
            NO_REPLY, f"{message.destination} did not answer {message.member} within {timeout_s:g} s"
        ) from None
    except (OSError, EOFError) as error:
        raise BusError(DISCONNECTED, f"The connection to the bus was lost: {error or 'end of stream'}") from error
    finally:
        # An answer may never come; dbus-next would wait for it as long as the connection lasts.
        bus._method_return_handlers.pop(message.serial, None)
    if reply is None:
        raise BusError(DISCONNECTED, "The connection to the bus was closed")
    if reply.message_type is MessageType.ERROR:
        text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else ""
        raise BusError(reply.error_name, text)
    return reply


def tell(
    bus: MessageBus,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
) -> None:
    """Call a method whose answer, an error included, is of no interest; nothing happens on a closed connection."""
    bus.send(
        Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
            flags=MessageFlag.NO_REPLY_EXPECTED | MessageFlag.NO_AUTOSTART,
        )
    )


async def credentials(bus: MessageBus, name: str) -> Credentials:
    """Who is behind a bus name.

    Raises:
        BusError: nobody is, any longer.
    """
    [found] = await call(bus, BUS_SERVICE, BUS_PATH, BUS_SERVICE, "GetConnectionCredentials", "s", [name])
    facts = plain(found)
    uid = facts.get("UnixUserID")
    if type(uid) is not int:
        raise BusError("org.freedesktop.DBus.Error.Failed", f"The bus does not know the user behind {name}")
    return Credentials(uid, int(facts.get("ProcessID", 0)))
