"""Where people want no motion nothing moves, and what is under way is told all the same."""

import pytest

from tests.desktop.window_rig import Rig, rig_on
from tests.desktop.wishes import Wishes
from tests.lab.desktop import Desktop
from tests.lab.waiting import wait_for
from tsunagu.model import AuthType

LOOKS = 5  # about a second; a spinner turns once in that


def moves(desktop: Desktop) -> bool:
    """Whether anything on the screen does."""
    first = desktop.screenshot()
    return any(desktop.screenshot() != first for _ in range(LOOKS))


async def connecting_and_testing(rig: Rig) -> None:
    """A window with a spinner and one with a bar, and the words of both."""
    rig.helper.on_connect = lambda connection: connection.show(phase="authenticating")
    rig.helper.trial = None
    rig.helper.add("Home")
    rig.helper.add("Office", auth=AuthType.ANONYMOUS)
    await rig.open()
    await rig.choose("Connect Home")
    await rig.said("Authenticating the user…")
    await rig.front()
    await rig.choose("Office: Offline")
    await rig.keys("ctrl+e")
    await rig.front("^Properties of Office$")
    await rig.do(rig.desktop.press, "Test Log-in")
    await rig.said("Trying to log in; nothing is saved or changed")


@pytest.mark.parametrize("motion", [False, True], ids=["unwanted", "wanted"])
async def test_nothing_moves_where_people_want_no_motion(motion: bool) -> None:
    wishes = Wishes(motion=motion)
    with Desktop("none", "none", size=wishes.screen, environment=wishes.environment) as desktop:
        wishes.express(desktop)
        async with rig_on(desktop) as rig:
            await connecting_and_testing(rig)
            if motion:
                assert await rig.do(moves, desktop)
            else:
                await rig.do(wait_for, lambda: not moves(desktop), 20, "a screen that stands still")
