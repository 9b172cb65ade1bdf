"""From the tray to the windows, and a desktop without a place for the tray's icon."""

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest

from tests.desktop.window_rig import ADDRESS
from tests.fakes_bus import PrivateBus, fake_helper
from tests.lab.desktop import Desktop
from tests.lab.waiting import wait_for
from tsunagu.model import State
from tsunagu_tray.images import COLOURS
from tsunagu_tray.tray_model import Kind


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    bus = PrivateBus()
    yield bus
    bus.close()


@pytest.fixture
def environment(bus: PrivateBus) -> dict[str, str]:
    return {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


async def test_the_menu_opens_the_windows(bus: PrivateBus, environment: dict[str, str]) -> None:
    with Desktop() as desktop:
        async with fake_helper(bus) as helper:
            helper.add("Office").show(state=State.UP, addresses=[ADDRESS])
            desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=environment)
            icon = await asyncio.to_thread(desktop.find_icon, [COLOURS[Kind.CONNECTED]])

            await asyncio.to_thread(desktop.click, *icon, 3)
            await asyncio.to_thread(desktop.key, "Down", "Down", "Right", "s")
            await asyncio.to_thread(desktop.activate, "^Office: Status$", 20)
            await asyncio.to_thread(desktop.click, *icon, 3)
            await asyncio.to_thread(desktop.key, "o")
            await asyncio.to_thread(desktop.activate, "^Tsunagu$", 20)

            assert "Traceback" not in desktop.log("tray")


async def test_where_there_is_no_tray_the_window_opens_and_a_notification_says_why_once(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with Desktop(panel="none", environment={"WAYLAND_DISPLAY": "none"}) as desktop:  # XEmbed needs a plain X session
        async with fake_helper(bus) as helper:
            office = helper.add("Office")
            tray = desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=environment)

            await asyncio.to_thread(desktop.wait_for_notification, "no place for Tsunagu's icon", 20)
            await asyncio.to_thread(desktop.wait_until_said, "Office: Offline")
            await asyncio.to_thread(desktop.activate, "^Tsunagu$")
            await asyncio.to_thread(desktop.key, "ctrl+w")
            desktop.stop(tray)

            desktop.start("again", sys.executable, "-m", "tsunagu_tray", "--verbose", environment=environment)
            await asyncio.to_thread(wait_for, lambda: "No panel shows the icon" in desktop.log("again"), 30, "its look")
            office.show(state=State.UP, addresses=[ADDRESS])
            await asyncio.to_thread(desktop.wait_for_notification, "Connected to Office")  # after what came before
            assert len([told for told in desktop.notifications() if "no place" in told.summary]) == 1
            assert not desktop.windows("^Tsunagu$")
