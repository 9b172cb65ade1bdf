"""What logind tells of sleep, and what it is asked where nobody may have heard it."""

import asyncio

from tests.fakes_bus import PrivateBus, until
from tests.lab import logind
from tsunagu_dbus import MessageBus, close, connect
from tsunagu_helper.logind import Logind


async def logind_on(bus: PrivateBus) -> tuple[MessageBus, logind.Manager]:
    """It passes no descriptors, so there is no inhibitor, only the wish for one."""
    theirs = MessageBus(bus.address)
    await theirs.connect()
    script = await logind.appear(theirs)
    return theirs, script._manager


async def test_a_waking_that_nobody_heard_of_is_found_out(bus: PrivateBus) -> None:
    theirs, manager = await logind_on(bus)
    ours = await connect("system")
    heard: list[str] = []

    async def sleep() -> None:
        heard.append("sleep")

    watch = Logind(ours, on_sleep=sleep, on_wake=lambda: heard.append("wake"), on_user_gone=lambda _uid: None)
    await until(lambda: manager.inhibitors)  # it has said that it is awake
    heard.clear()

    manager.is_asleep = True
    manager.PrepareForSleep(True)
    await until(lambda: heard == ["sleep"])
    looks = manager.looks
    watch.network_came()  # just before it falls asleep
    await until(lambda: manager.looks > looks)
    manager.is_asleep = False
    watch.network_came()
    await until(lambda: heard == ["sleep", "wake"])
    await until(lambda: len(manager.inhibitors) == 2)  # for the next sleep
    watch.network_came()
    assert manager.looks == looks + 2  # nobody asks while all are awake

    manager.PrepareForSleep(True)
    await until(lambda: heard == ["sleep", "wake", "sleep"])
    await close(theirs)
    theirs, _ = await logind_on(bus)
    await until(lambda: heard == ["sleep", "wake", "sleep", "wake"])
    watch.close()
    await close(ours)
    await close(theirs)


async def test_waking_before_all_have_logged_off_holds_up_the_next_sleep_all_the_same(bus: PrivateBus) -> None:
    theirs, manager = await logind_on(bus)
    ours = await connect("system")
    has_logged_off = asyncio.Event()
    heard: list[str] = []

    async def sleep() -> None:
        heard.append("sleep")
        await has_logged_off.wait()
        heard.append("logged off")

    watch = Logind(ours, on_sleep=sleep, on_wake=lambda: heard.append("wake"), on_user_gone=lambda _uid: None)
    await until(lambda: manager.inhibitors)
    heard.clear()

    manager.PrepareForSleep(True)
    await until(lambda: heard == ["sleep"])
    manager.PrepareForSleep(False)
    await until(lambda: heard == ["sleep", "wake"] and len(manager.inhibitors) == 2)
    has_logged_off.set()
    await until(lambda: len(manager.inhibitors) == 3)  # the second went with the end of logging off

    assert heard == ["sleep", "wake", "logged off"]
    watch.close()
    await close(ours)
    await close(theirs)
