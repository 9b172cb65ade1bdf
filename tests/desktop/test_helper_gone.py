"""The helper goes while a window is open: nothing hangs, what is asked for is answered, all is well when it is back."""

from collections.abc import AsyncIterator

import pytest

from tests.desktop.every_window import EVERY, furnish
from tests.desktop.window_rig import Rig, window_rig
from tests.fakes_bus import until

OF_ONE_CONNECTION = ("details", "policy", "history", "settings", "hubs", "error", "progress", "password-change")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        furnish(rig)
        yield rig


@pytest.mark.parametrize("name", ["list", "menu", "preferences", "new", *OF_ONE_CONNECTION])
async def test_every_window_outlives_the_helper(rig: Rig, name: str) -> None:
    await EVERY[name](rig)

    await rig.helper.stop()
    await rig.open()  # a second start of the program: the first one answers
    await rig.said("The Tsunagu service is not running")
    await rig.helper.start()

    await rig.said("Office: Connected")


async def test_what_is_typed_stays_and_is_saved_when_the_helper_is_back(rig: Rig) -> None:
    await EVERY["settings"](rig)
    await rig.type("X", at="Virtual hub")

    await rig.helper.stop()
    await rig.keys("ctrl+s")
    await rig.said("The Tsunagu service cannot be reached")
    await rig.keys("Escape")
    await rig.helper.start()
    await rig.front("^Properties of Home$")
    await rig.keys("ctrl+s")

    await until(lambda: "Update Home" in rig.helper.calls)
    home = next(one for one in rig.helper.connections.values() if one.settings.name == "Home")
    assert home.settings.hub == "HOMEX"


async def test_hubs_and_tests_without_the_helper_are_told_in_a_sentence(rig: Rig) -> None:
    await EVERY["settings"](rig)
    await rig.helper.stop()

    await rig.choose("Virtual hubs of the server")
    await rig.said("The Tsunagu service cannot be reached")
    await rig.keys("Escape")
    await rig.helper.start()
    await rig.choose("Virtual hubs of the server")

    await rig.said("GUESTS")
