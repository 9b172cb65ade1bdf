"""What a screen reader is told of every window: each part that can be used has a name for people and a fitting role."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.desktop.every_window import EVERY, furnish
from tests.desktop.window_rig import Rig, window_rig

WINDOWS = ("frame", "window", "dialog", "alert")
USABLE = {
    "check box", "combo box", "label", "link", "list", "list item", "menu", "menu item", "page tab", "password text",
    "push button", "spin button", "switch", "text", "toggle button",
}  # fmt: skip
THE_TOOLKITS_OWN = {("scroll pane", ""), ("list", "GtkListView"), ("list item", "")}  # what rows drop down from
NO_NAME_FOR_PEOPLE = re.compile(r"\s*|(Gtk|Adw)[A-Z]\w*|.*(^|\W)_\w.*|.*\(_\w\).*|(.+) \3", re.DOTALL)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with window_rig() as rig:
        yield rig


def unfit(part: dict[str, Any]) -> bool:
    """A person who hears of it cannot tell what it is."""
    if part["window"] is None:
        return part["role"] not in WINDOWS or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))
    if "focusable" not in part["states"] or (part["role"], part["name"]) in THE_TOOLKITS_OWN:
        return False
    return part["role"] not in USABLE or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))


@pytest.mark.parametrize("name", EVERY)
async def test_every_part_of_a_window_that_can_be_used_has_a_role_and_a_name(rig: Rig, name: str) -> None:
    furnish(rig)
    await EVERY[name](rig)

    parts = await rig.do(rig.desktop.parts)

    assert [(part["role"], part["name"]) for part in parts if unfit(part)] == []


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
