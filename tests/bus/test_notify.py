"""Notifications against a small daemon on a private session bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.fakes_bus import FakeNotifications, PrivateBus, until
from tsunagu_dbus import Message, MessageBus, close
from tsunagu_tray.notify import PATH, SERVICE, Notifier
from tsunagu_tray.tray_model import Do, Notice, Verb, Withdraw

RETRY = Do(Verb.CONNECT, "/a")
FAILED = Notice(key="/a", title="Failed", body="<b> & more", urgency=2, button=("Retry Now", RETRY))


async def on(bus: PrivateBus) -> MessageBus:
    connection = MessageBus(bus.address)
    await connection.connect()
    return connection


class Daemon(FakeNotifications):
    """With the signals a real one sends to everyone."""

    bus: MessageBus

    def signal(self, member: str, signature: str, *body: object) -> None:
        self.bus.send(Message.new_signal(PATH, SERVICE, member, signature, list(body)))


@asynccontextmanager
async def daemon(bus: PrivateBus, *capabilities: str) -> AsyncIterator[Daemon]:
    shown = Daemon(capabilities=capabilities or ("actions", "body", "body-markup"))
    shown.bus = await on(bus)
    shown.bus.export(PATH, shown)
    await shown.bus.request_name(SERVICE)
    try:
        yield shown
    finally:
        await close(shown.bus)


class Rig:
    def __init__(self, connection: MessageBus) -> None:
        self.done: list[Do] = []
        self.connection = connection
        self.notifier = Notifier(connection, self.done.append)
        self.running = asyncio.create_task(self.notifier.run())


@pytest.fixture
async def rig(bus: PrivateBus) -> AsyncIterator[Rig]:
    rig = Rig(await on(bus))
    yield rig
    rig.running.cancel()
    await asyncio.gather(rig.running, return_exceptions=True)
    rig.notifier.close()
    await close(rig.connection)


async def test_one_notification_for_a_key_with_escaped_words_and_its_urgency(bus: PrivateBus, rig: Rig) -> None:
    async with daemon(bus) as shown:
        rig.notifier.say([FAILED, Notice(key="/b", title="Other"), Notice(key="/a", title="Connected", urgency=0)])
        await until(lambda: shown.shown.get(1, {}).get("title") == "Connected")

        assert [notice["title"] for notice in shown.shown.values()] == ["Connected", "Other"]
        assert shown.shown[1]["hints"] == {"urgency": 0, "desktop-entry": "org.tsunagu.Tray"}
        assert shown.shown[1]["actions"] == []

        rig.notifier.say([Withdraw("/a"), Withdraw("/never-shown"), FAILED])
        await until(lambda: 3 in shown.shown)
        assert 1 not in shown.shown
        assert shown.shown[3]["body"] == "&lt;b&gt; &amp; more"
        assert shown.shown[3]["actions"] == ["default", "Retry Now", "remedy", "Retry Now"]


async def test_a_daemon_without_markup_and_buttons_gets_neither(bus: PrivateBus, rig: Rig) -> None:
    async with daemon(bus, "body") as shown:
        rig.notifier.say([FAILED])
        await until(lambda: shown.shown)

        assert shown.shown[1]["body"] == "<b> & more"
        assert shown.shown[1]["actions"] == []


async def test_a_button_works_once_and_only_for_our_own_notifications(bus: PrivateBus, rig: Rig) -> None:
    async with daemon(bus) as shown:
        rig.notifier.say([FAILED, Notice(key="/b", title="Other", button=("Quit", Do(Verb.QUIT)))])
        await until(lambda: 2 in shown.shown)

        shown.signal("ActionInvoked", "us", 99, "default")
        shown.signal("NotificationClosed", "uu", 2, 2)
        shown.signal("ActionInvoked", "us", 2, "default")  # it was closed before
        shown.signal("ActionInvoked", "us", 1, "remedy")
        shown.signal("ActionInvoked", "us", 1, "remedy")
        await until(lambda: rig.done)
        await asyncio.sleep(0.05)

        assert rig.done == [RETRY]


async def test_a_stranger_cannot_press_our_buttons(bus: PrivateBus, rig: Rig) -> None:
    async with daemon(bus) as shown:
        rig.notifier.say([FAILED])
        await until(lambda: shown.shown)
        stranger = await on(bus)
        message = Message.new_signal(PATH, SERVICE, "ActionInvoked", "us", [1, "remedy"])
        message.destination = rig.connection.unique_name
        stranger.send(message)
        await close(stranger)
        await asyncio.sleep(0.05)

        assert rig.done == []


async def test_no_daemon_and_a_restarted_one_break_nothing(bus: PrivateBus, rig: Rig) -> None:
    rig.notifier.say([FAILED])
    async with daemon(bus) as first:
        rig.notifier.say([Notice(key="/b", title="First")])
        await until(lambda: any(notice["title"] == "First" for notice in first.shown.values()))
    async with daemon(bus, "body") as second:
        await until(lambda: rig.notifier._capabilities is None)
        rig.notifier.say([Notice(key="/b", title="Second", button=("Quit", Do(Verb.QUIT)))])
        await until(lambda: second.shown)

        assert second.shown[1]["title"] == "Second"
        assert second.shown[1]["actions"] == [], "the new daemon was asked what it can do"
