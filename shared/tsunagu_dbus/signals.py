"""Hearing others' signals.  dbus-next's low level asks for AddMatch by hand, and hands over everyone's signals."""

import asyncio
import logging
from collections.abc import Callable

from dbus_next import Message, MessageType

from tsunagu_dbus.calls import BUS_PATH, BUS_SERVICE, BusError, call
from tsunagu_dbus.connection import MessageBus

log = logging.getLogger(__name__)

Stop = Callable[[], None]


def subscribe(
    bus: MessageBus,
    callback: Callable[[Message], None],
    *,
    sender: str | None = None,
    path: str | None = None,
    path_namespace: str | None = None,
    interface: str | None = None,
    member: str | None = None,
) -> Stop:
    """Call back for each signal that fits, until the function returned is called or the connection ends.

    A signal can also be addressed to us by anyone, past all match rules; so ``sender`` is compared here once more, a
    well-known name by its owner of the moment.
    """
    owner = _Owner(sender)
    unwatch = watch_name(bus, sender, owner.set) if sender and owner.unknown else _nothing

    def listener(message: Message) -> None:
        if (
            (sender is None or message.sender == owner.name)
            and path in (None, message.path)
            and (path_namespace is None or _is_below(message.path, path_namespace))
            and interface in (None, message.interface)
            and member in (None, message.member)
        ):
            callback(message)

    keys = {
        "sender": sender,
        "path": path,
        "path_namespace": path_namespace,
        "interface": interface,
        "member": member,
    }
    unlisten = _listen(bus, {key: value for key, value in keys.items() if value is not None}, listener)

    def stop() -> None:
        unwatch()
        unlisten()

    return stop


def watch_name(bus: MessageBus, name: str, callback: Callable[[str], None]) -> Stop:
    """Call back with the owner of a bus name, "" for none: once now, then at each change, until stopped."""
    told: list[str] = []

    def tell(owner: str) -> None:
        if listening and told != [owner]:
            told[:] = [owner]
            callback(owner)

    def listener(message: Message) -> None:
        if (message.sender, message.member) == (BUS_SERVICE, "NameOwnerChanged") and message.body[0] == name:
            tell(message.body[2])

    async def ask() -> None:
        try:
            [owner] = await call(bus, BUS_SERVICE, BUS_PATH, BUS_SERVICE, "GetNameOwner", "s", [name])
        except BusError:
            owner = ""
        tell(owner)

    listening = True
    rule = {"sender": BUS_SERVICE, "interface": BUS_SERVICE, "member": "NameOwnerChanged", "arg0": name}
    unlisten = _listen(bus, rule, listener)
    asking = asyncio.get_running_loop().create_task(ask())

    def stop() -> None:
        nonlocal listening
        listening = False
        asking.cancel()
        unlisten()

    return stop


class _Owner:
    """The unique name behind ``name``, as far as known."""

    def __init__(self, name: str | None) -> None:
        self.unknown = name is not None and name != BUS_SERVICE and not name.startswith(":")
        self.name = "" if self.unknown else name

    def set(self, owner: str) -> None:
        self.name = owner


def _listen(bus: MessageBus, rule: dict[str, str], listener: Callable[[Message], None]) -> Stop:
    text = ",".join(["type='signal'", *(f"{key}='{value}'" for key, value in rule.items())])
    bus.signal_listeners.append(listener)
    _match(bus, "AddMatch", text)

    def stop() -> None:
        if listener in bus.signal_listeners:  # a connection that ended has forgotten it already
            bus.signal_listeners.remove(listener)
            _match(bus, "RemoveMatch", text)

    return stop


def _match(bus: MessageBus, member: str, rule: str) -> None:
    def answered(reply: Message | None, _error: Exception | None) -> None:
        if reply is not None and reply.message_type is MessageType.ERROR:
            log.warning("%s was refused for %s: %s", member, rule, reply.body)

    message = Message(
        destination=BUS_SERVICE, path=BUS_PATH, interface=BUS_SERVICE, member=member, signature="s", body=[rule]
    )
    bus._call(message, answered)


def _is_below(path: str, namespace: str) -> bool:
    return path == namespace or path.startswith(namespace.rstrip("/") + "/")


def _nothing() -> None:
    """Stop what was not started."""
