"""What we mend in dbus-next, on a real bus: senders, errors, bursts, announcements, lost connections."""

import asyncio
import logging
import socket
import struct
import time
from typing import Any, cast

import pytest

from tests.bus.conftest import ANOTHER_USER, ORDINARY_USER, ConnectAs
from tests.bus.objects import Probe
from tests.fakes_bus import until
from tests.lab.system_bus import SystemBus
from tsunagu.bus_names import MANAGER, ROOT_PATH, SERVICE
from tsunagu_dbus import (
    BusError,
    Message,
    MessageBus,
    ObjectTree,
    call,
    close,
    connect,
    credentials,
    plain,
    subscribe,
    watch_name,
)

NO_REPLY = "org.freedesktop.DBus.Error.NoReply"

pytestmark = pytest.mark.usefixtures("system_bus")

OBJECT = ROOT_PATH + "/connection/a"


@pytest.fixture
async def service(connect_as: ConnectAs) -> MessageBus:
    bus = await connect_as(0)
    await bus.request_name(SERVICE)
    return bus


async def _ask(bus: MessageBus, member: str, signature: str = "", *arguments: object) -> list[object]:
    return await call(bus, SERVICE, ROOT_PATH, MANAGER, member, signature, list(arguments))


async def _objects(bus: MessageBus) -> dict[str, Any]:
    """All that this caller may see; it hears their signals from now on."""
    [found] = await call(bus, SERVICE, ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    return dict(plain(found))


async def test_each_call_knows_its_sender_also_after_an_await_and_between_other_calls(
    service: MessageBus, connect_as: ConnectAs
) -> None:
    probe = Probe()
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, probe)
    callers = [await connect_as(uid) for uid in (0, ORDINARY_USER, ANOTHER_USER)]

    probe.go.clear()
    answers = [asyncio.create_task(_ask(bus, "WhoAsks")) for bus in callers * 5]
    for bus in callers:
        assert await _ask(bus, "WhoAsksAtOnce") == [bus.unique_name]
    probe.go.set()

    assert await asyncio.gather(*answers) == [[[bus.unique_name, bus.unique_name]] for bus in callers * 5]


async def test_the_kernel_says_which_user_a_caller_is(service: MessageBus, connect_as: ConnectAs) -> None:
    caller = await connect_as(ORDINARY_USER)

    assert (await credentials(service, caller.unique_name)).uid == ORDINARY_USER
    with pytest.raises(BusError):
        await credentials(service, ":1.99999")


@pytest.mark.parametrize(
    ("member", "arguments", "name", "text"),
    [
        ("Fail", ["refused"], SERVICE + ".Error.AuthFailed", None),
        ("Fail", ["missing"], SERVICE + ".Error.NotFound", "No connection of that name"),
        ("Fail", ["bug"], SERVICE + ".Error.Failed", "Internal error, see the helper's log"),
        ("FailUntold", [], SERVICE + ".Error.Failed", "Internal error, see the helper's log"),
    ],
)
async def test_a_caller_is_told_a_name_and_a_sentence_and_never_a_traceback(
    service: MessageBus,
    caplog: pytest.LogCaptureFixture,
    member: str,
    arguments: list[str],
    name: str,
    text: str | None,
) -> None:
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, Probe())

    with pytest.raises(BusError) as raised:
        await _ask(service, member, "s" * len(arguments), *arguments)

    assert raised.value.name == name
    assert text in (None, raised.value.text)
    is_bug = name.endswith(".Failed")
    assert ("the password is tiger" in caplog.text) is is_bug  # in our log, with its traceback
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == (
        ["tsunagu_dbus.told" if member == "Fail" else "tsunagu_dbus.connection"] if is_bug else []
    )


async def test_a_property_that_fails_tells_no_traceback_either(service: MessageBus) -> None:
    probe = Probe()
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, probe)
    probe.number = -1

    for member, signature, arguments in (("Get", "ss", [MANAGER, "Broken"]), ("GetAll", "s", [MANAGER])):
        with pytest.raises(BusError, match=r"^Internal error, see the helper's log$"):
            await call(service, SERVICE, ROOT_PATH, "org.freedesktop.DBus.Properties", member, signature, arguments)


async def test_twenty_thousand_signals_in_one_go_all_arrive(service: MessageBus, connect_as: ConnectAs) -> None:
    listener = await connect_as(ORDINARY_USER)
    heard: list[int] = []
    all_heard = asyncio.Event()

    def hear(message: Message) -> None:
        heard.append(message.body[0])
        if len(heard) == 20_000:
            all_heard.set()

    subscribe(listener, hear, sender=service.unique_name, interface=MANAGER)
    await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")

    for number in range(20_000):
        service.send(Message.new_signal(ROOT_PATH, MANAGER, "Burst", "u", [number]))
    await asyncio.wait_for(all_heard.wait(), 60)

    assert heard == list(range(20_000))
    assert service.connected


async def test_objects_are_announced_from_the_root_and_listed(service: MessageBus, connect_as: ConnectAs) -> None:
    listener = await connect_as(ORDINARY_USER)
    heard: list[tuple[str, str, object]] = []
    subscribe(
        listener,
        lambda message: heard.append((message.path, message.member, plain(message.body))),
        sender=SERVICE,
        interface="org.freedesktop.DBus.ObjectManager",
    )
    await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    tree = ObjectTree(service, ROOT_PATH)
    properties = {"Number": 0, "Broken": 0}

    tree.add(ROOT_PATH, Probe())
    await _objects(listener)
    tree.add(OBJECT, Probe())
    listed = await _objects(listener)
    tree.remove(OBJECT)
    tree.remove(OBJECT)
    await call(listener, SERVICE, ROOT_PATH, "org.freedesktop.DBus.Peer", "Ping")

    assert listed == {OBJECT: {MANAGER: properties}}
    assert heard == [
        (ROOT_PATH, "InterfacesAdded", [OBJECT, {MANAGER: properties}]),
        (ROOT_PATH, "InterfacesRemoved", [OBJECT, [MANAGER]]),
    ]


async def test_whoever_has_left_the_bus_is_told_nothing_more(service: MessageBus, connect_as: ConnectAs) -> None:
    tree = ObjectTree(service, ROOT_PATH)
    tree.add(ROOT_PATH, Probe())
    listener = await connect_as(ORDINARY_USER)
    await _objects(listener)
    assert list(tree._watchers) == [listener.unique_name]

    await close(listener)
    await until(lambda: not tree._watchers)
    tree.add(OBJECT, Probe())


async def test_changes_in_quick_succession_are_told_together_and_the_last_value_always(
    service: MessageBus, connect_as: ConnectAs
) -> None:
    listener = await connect_as(ORDINARY_USER)
    heard: list[object] = []
    last_heard = asyncio.Event()

    def hear(message: Message) -> None:
        [_, values, _] = plain(message.body)
        heard.append(values)
        if values.get("Number") == 1000:
            last_heard.set()

    subscribe(listener, hear, sender=SERVICE, path=OBJECT, member="PropertiesChanged")
    await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    tree = ObjectTree(service, ROOT_PATH, changes_interval_s=0.05)
    tree.add(OBJECT, Probe())
    await _objects(listener)
    began = time.monotonic()

    for number in range(1, 1001):
        tree.changed(OBJECT, {"Number": number, "Broken": 5} if number == 1 else {"Number": number})
        if number % 100 == 0:
            await asyncio.sleep(0.01)
    await asyncio.wait_for(last_heard.wait(), 30)

    assert heard[0] == {"Number": 100, "Broken": 5}
    assert 2 <= len(heard) <= 2 + (time.monotonic() - began) / 0.05


async def test_changes_of_an_object_that_is_gone_are_dropped(service: MessageBus) -> None:
    tree = ObjectTree(service, ROOT_PATH, changes_interval_s=0.01)
    tree.add(OBJECT, Probe())
    await _objects(service)

    tree.changed(OBJECT, {"Number": 1})
    tree.remove(OBJECT)
    await asyncio.sleep(0.05)

    assert service.connected


async def test_a_signal_sent_to_us_by_someone_else_in_a_services_name_is_not_heard(
    service: MessageBus, connect_as: ConnectAs
) -> None:
    forger = await connect_as(ORDINARY_USER)
    listener = await connect_as(ANOTHER_USER)
    heard: list[str] = []
    subscribe(listener, lambda message: heard.append(message.sender), sender=SERVICE, member="StateChanged")
    for _ in range(2):  # the answer to the second one comes after that to the subscription's own question
        await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")

    forged = Message.new_signal(ROOT_PATH, MANAGER, "StateChanged")
    forged.destination = listener.unique_name
    await forger.send(forged)
    service.send(Message.new_signal(ROOT_PATH, MANAGER, "StateChanged"))
    await call(forger, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    await call(service, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")

    assert heard == [service.unique_name]


async def test_a_watched_name_tells_its_owner_now_and_at_each_change(connect_as: ConnectAs) -> None:
    watcher, owner = await connect_as(ORDINARY_USER), await connect_as(0)
    owners: asyncio.Queue[str] = asyncio.Queue()

    stop = watch_name(watcher, SERVICE, owners.put_nowait)
    assert await owners.get() == ""
    await owner.request_name(SERVICE)
    assert await owners.get() == owner.unique_name
    await owner.release_name(SERVICE)
    assert await owners.get() == ""
    stop()
    await owner.request_name(SERVICE)
    await call(watcher, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")

    assert owners.empty()


def _hold_answers(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """On a busy machine a task gets its turn after signals that came later than its answer: here always."""
    go = asyncio.Event()

    async def held(*arguments: Any) -> list[Any]:
        try:
            return await call(*arguments)
        finally:
            await go.wait()

    monkeypatch.setattr("tsunagu_dbus.signals.call", held)
    return go


async def test_an_old_answer_does_not_overwrite_a_name_that_was_taken_since(
    connect_as: ConnectAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, owner = await connect_as(ORDINARY_USER), await connect_as(0)
    go = _hold_answers(monkeypatch)
    owners: asyncio.Queue[str] = asyncio.Queue()
    watch_name(watcher, SERVICE, owners.put_nowait)
    await call(watcher, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")  # by now the match rule stands
    await owner.request_name(SERVICE)

    assert await owners.get() == owner.unique_name
    go.set()
    await call(watcher, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    assert owners.empty()


async def test_a_signal_that_comes_before_its_senders_name_is_known_is_heard_then(
    service: MessageBus, connect_as: ConnectAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, stranger = await connect_as(ORDINARY_USER), await connect_as(ANOTHER_USER)
    go = _hold_answers(monkeypatch)
    heard: list[str] = []
    subscribe(listener, lambda message: heard.append(message.sender), sender=SERVICE, member="StateChanged")
    for sender in (stranger, service):
        signal = Message.new_signal(ROOT_PATH, MANAGER, "StateChanged")
        signal.destination = listener.unique_name
        await sender.send(signal)
        for bus in (sender, listener):
            await call(bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")  # it has arrived

    assert heard == []
    go.set()
    await call(listener, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
    assert heard == [service.unique_name]


async def test_a_bus_that_goes_away_ends_waiting_calls_and_later_ones_at_once(
    system_bus: SystemBus, service: MessageBus, connect_as: ConnectAs
) -> None:
    probe = Probe()
    probe.go.clear()
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, probe)
    caller = await connect_as(ORDINARY_USER)
    waiting = asyncio.create_task(_ask(caller, "WhoAsks"))
    await _ask(caller, "WhoAsksAtOnce")

    system_bus.stop()
    await asyncio.wait_for(asyncio.gather(service.wait_for_disconnect(), caller.wait_for_disconnect()), 30)

    with pytest.raises(BusError, match="connection to the bus"):
        await waiting
    with pytest.raises(BusError, match="closed"):
        await _ask(caller, "WhoAsksAtOnce")
    service.send(Message.new_signal(ROOT_PATH, MANAGER, "Late"))  # no matter
    with pytest.raises(BusError, match="system bus cannot be reached"):
        await connect("system")


async def test_no_answer_in_time_is_an_error_and_leaves_nothing_behind(
    service: MessageBus, connect_as: ConnectAs
) -> None:
    probe = Probe()
    probe.go.clear()
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, probe)
    caller = await connect_as(ORDINARY_USER)

    with pytest.raises(BusError, match=r"did not answer WhoAsks within 0.05 s"):
        await call(caller, SERVICE, ROOT_PATH, MANAGER, "WhoAsks", timeout_s=0.05)
    probe.go.set()

    assert await _ask(caller, "WhoAsksAtOnce") == [caller.unique_name]
    assert caller._method_return_handlers == {}


async def test_a_message_that_the_library_cannot_read_does_not_cost_the_connection(
    service: MessageBus, connect_as: ConnectAs
) -> None:
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, Probe())
    caller = await connect_as(ORDINARY_USER)

    caller._sock.setblocking(True)
    caller._sock.sendall(_call_with_an_unknown_header_field(service.unique_name))
    caller._sock.setblocking(False)

    assert await _ask(caller, "WhoAsksAtOnce") == [caller.unique_name]
    assert service.connected


async def test_a_call_of_absurd_length_is_not_looked_into(service: MessageBus, connect_as: ConnectAs) -> None:
    ObjectTree(service, ROOT_PATH).add(ROOT_PATH, Probe())
    caller = await connect_as(ORDINARY_USER)

    with pytest.raises(BusError) as unanswered:
        await call(caller, SERVICE, ROOT_PATH, MANAGER, "WhoAsksAtOnce", "ay", [bytes(1 << 20)], timeout_s=2)

    assert unanswered.value.name == NO_REPLY
    assert await _ask(caller, "WhoAsksAtOnce") == [caller.unique_name]
    assert service.connected


async def test_unreadable_octets_are_dropped_whole(connect_as: ConnectAs) -> None:
    """As above, past a bus that may be stricter than the specification: the octets come on our own socket."""
    bus = await connect_as(0)
    ours, theirs = socket.socketpair()
    real, bus._sock = bus._sock, ours
    bus._loop.remove_reader(bus._fd)
    heard: list[str] = []
    bus.signal_listeners.append(lambda message: heard.append(message.member))
    with ours, theirs, ours.makefile("rb") as stream:
        ours.setblocking(False)
        real_stream, bus._stream = bus._stream, cast("Any", stream)
        bus._unmarshaller = bus._create_unmarshaller()
        good = Message.new_signal("/a", "b.c", "Heard")
        good.serial = 7

        theirs.sendall(_call_with_an_unknown_header_field("x.y") + good._marshall())
        bus._message_reader()
        bus._sock, bus._stream = real, real_stream
    bus._finalize(None)

    assert heard == ["Heard"]


def _call_with_an_unknown_header_field(destination: str) -> bytes:
    """A method call, little-endian, with a header field 99, which the specification says to ignore."""

    def field(code: int, signature: bytes, text: str) -> bytes:
        octets = struct.pack("<BB2sI", code, 1, signature + b"\0", len(text)) + text.encode() + b"\0"
        return octets + b"\0" * (-len(octets) % 8)

    fields = field(1, b"o", "/a") + field(3, b"s", "Ping") + field(6, b"s", destination)
    fields += struct.pack("<BB2sI", 99, 1, b"u\0", 1)
    header = struct.pack("<cBBBIII", b"l", 1, 0, 1, 0, 4711, len(fields)) + fields
    return header + b"\0" * (-len(header) % 8)
