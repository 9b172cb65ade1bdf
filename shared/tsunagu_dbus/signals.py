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
    is_alias = sender is not None and sender != BUS_SERVICE and not sender.startswith(":")
    owner = "" if is_alias else sender
    early: list[Message] | None = [] if is_alias else None  # while we do not know the owner yet

    def owned(name: str) -> None:
        nonlocal owner, early
        owner = name
        waiting, early = early or [], None
        for message in waiting:
            if message.sender == owner:
                callback(message)

    def listener(message: Message) -> None:
        if (
            path in (None, message.path)
            and (path_namespace is None or _is_below(message.path, path_namespace))
            and interface in (None, message.interface)
            and member in (None, message.member)
        ):
            if early is not None:
                early.append(message)
            elif owner in (None, message.sender):
                callback(message)

    keys = {
        "sender": sender,
        "path": path,
        "path_namespace": path_namespace,
        "interface": interface,
        "member": member,
    }
    unwatch = watch_name(bus, sender, owned) if sender and is_alias else _nothing
    unlisten = _listen(bus, {key: value for key, value in keys.items() if value is not None}, listener)

    def stop() -> None:
        unwatch()
        unlisten()

    return stop


def watch_name(bus: MessageBus, name: str, callback: Callable[[str], None]) -> Stop:
    """Call back with the owner of a bus name, "" for none: once now, then at each change, until stopped."""
    told = False

    def tell(owner: str) -> None:
        nonlocal told
        if listening:
            told = True
            callback(owner)

    def listener(message: Message) -> None:
        if (message.sender, message.member) == (BUS_SERVICE, "NameOwnerChanged") and message.body[0] == name:
            tell(message.body[2])

    async def ask() -> None:
        try:
            [owner] = await call(bus, BUS_SERVICE, BUS_PATH, BUS_SERVICE, "GetNameOwner", "s", [name])
        except BusError:
            owner = ""
        if not told:  # a change that was heard meanwhile is newer than this answer, which waited for its turn
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
