"""All by keys alone; what a screen reader is told is looked at in ``test_every_window``."""

from collections.abc import AsyncIterator

import pytest

from tests.desktop.window_rig import Rig, window_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


async def test_a_connection_is_made_used_deleted_and_had_back_by_keys_alone(rig: Rig) -> None:
    rig.helper.add("Home")
    await rig.open()
    await rig.said("Home: Offline")

    await rig.keys("ctrl+n")
    await rig.front("^New Connection$")
    await rig.type("Factory")
    await rig.keys("Tab")
    await rig.type("203.0.113.80")
    await rig.keys("Tab", "Tab", "Tab")
    await rig.type("LINE1")
    await rig.keys("Tab", "Tab", "Tab")
    await rig.type("mika")
    await rig.keys("ctrl+s")
    await rig.said("Factory: Offline")
    await rig.front()
    await rig.keys("Home", "Return")  # the first of the list
    await rig.said("Factory: Connected")
    await rig.keys("alt+Return")
    await rig.front("^Factory: Status$")
    await rig.said("Session name: SID-ALICE-1")
    await rig.keys("ctrl+w")
    await rig.front()
    await rig.keys("Tab", "space")  # its button
    await rig.said("Factory: Offline")
    await rig.keys("Delete")
    await rig.gone("Factory: Offline")
    await rig.keys("ctrl+z")
    await rig.said("Factory: Offline")
    await rig.keys("Return")

    await rig.said("Factory: Connected")
    assert rig.helper.calls == ["Connect Factory", "Disconnect Factory", "Connect Factory"]


async def test_what_is_next_in_the_list_has_the_focus_when_one_is_deleted(rig: Rig) -> None:
    rig.helper.add("Abroad")
    rig.helper.add("Home")
    await rig.open()
    await rig.said("Home: Offline")

    await rig.keys("Home", "Delete")
    await rig.gone("Abroad: Offline")
    await rig.keys("Return")

    await rig.said("Home: Connected")
    assert rig.helper.calls == ["Connect Home"]
