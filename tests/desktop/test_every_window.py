"""Every window, in both languages and as people set their desktops: all of it is seen, read and heard.

Text has the room it needs also at twice its size and on fine screens; where people want high contrast it has that; what
can be used has a name for people and a fitting role.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.contrast import GRAPHICS, TEXT, contrast, main_colour, ratio
from tests.desktop.every_window import EVERY, SCROLLS, furnish
from tests.desktop.window_rig import Rig, rig_on
from tests.desktop.wishes import Wishes
from tests.lab.desktop import Box, Desktop
from tests.lab.waiting import wait_for

WISHES = {
    "English": Wishes(),
    "Japanese, fine screen": Wishes(language="ja_JP.UTF-8", scale=2),
    "English, large, high contrast": Wishes(text=2.0, high_contrast=True),
    "Japanese, large, dark, high contrast": Wishes(language="ja_JP.UTF-8", text=2.0, is_dark=True, high_contrast=True),
}
WINDOWS = ("frame", "window", "dialog", "alert")
USABLE = {
    "check box", "combo box", "label", "link", "list", "list item", "menu", "menu item", "page tab", "password text",
    "push button", "spin button", "switch", "text", "toggle button",
}  # fmt: skip
THE_TOOLKITS_OWN = {("scroll pane", "")}
NO_NAME_FOR_PEOPLE = re.compile(r"\s*|(Gtk|Adw)[A-Z]\w*|.*(^|\W)_\w.*|.*\(_\w\).*|(.+) \3", re.DOTALL)


@pytest.fixture(scope="module", params=[*WISHES.values()], ids=[*WISHES])
def wishes(request: pytest.FixtureRequest) -> Wishes:
    wished: Wishes = request.param
    return wished


@pytest.fixture(scope="module")
def desktop(wishes: Wishes) -> Iterator[Desktop]:
    with Desktop("none", "none", size=wishes.screen, environment=wishes.environment) as desktop:
        wishes.express(desktop)
        yield desktop


@pytest.fixture
async def rig(desktop: Desktop, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_on(desktop) as rig:
        rig.runner = ("tests.desktop.shown_text", str(tmp_path / "windows"))
        furnish(rig)
        yield rig
    wait_for(lambda: not desktop.said(), 20, "the end of the windows")


def looked(out: Path) -> list[dict[str, Any]]:
    """What is found twice in a row, from now on."""

    def look() -> list[dict[str, Any]]:
        out.unlink(missing_ok=True)
        wait_for(out.exists, 20, "a look at the windows")
        return [json.loads(line) for line in out.read_text().splitlines()]

    found = [look()]

    def again() -> bool:
        found.append(look())
        return found[-1] == found[-2]

    wait_for(again, 20, "windows that stand still")
    return found[-1]


def faint(desktop: Desktop, window: dict[str, Any], scale: int) -> list[tuple[str, float]]:
    """What there is to read on the window in front, and the lines of its graph, with too little contrast."""
    front = int(desktop.run("xdotool", "getactivewindow"))
    place, corner = desktop.geometry(front), window["corner"]
    picture = desktop.screenshot()

    def box(edges: list[float]) -> Box:
        left, top, right, bottom = (round(place[n % 2] + scale * (corner[n % 2] + edges[n])) for n in range(4))
        return left, top, right, bottom

    found = [
        (text["text"], contrast(picture, box(text["place"])), TEXT)
        for text in window["texts"]
        if text["is_in_window"] and text["is_enabled"] and not text["scrolled"]
    ]
    assert found
    for edges in window["graphs"]:
        left, top, right, bottom = box(edges)
        for quarter in (1, 2, 3):
            row = top + round((bottom - top) * quarter / 4)
            line, ground = (main_colour(picture, (left, y, right, y + 1)) for y in (row, row + 5))
            found.append((f"line {quarter} of a graph", ratio(line, ground), GRAPHICS))
    return [(what, measured) for what, measured, least in found if measured < least]


def unfit(part: dict[str, Any]) -> bool:
    """A person who hears of it cannot tell what it is."""
    if part["window"] is None:
        return part["role"] not in WINDOWS or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))
    if "focusable" not in part["states"] or (part["role"], part["name"]) in THE_TOOLKITS_OWN:
        return False
    return part["role"] not in USABLE or bool(NO_NAME_FOR_PEOPLE.fullmatch(part["name"]))


@pytest.mark.parametrize("name", EVERY)
async def test_all_of_a_window_is_seen_read_and_heard(rig: Rig, name: str, wishes: Wishes, tmp_path: Path) -> None:
    await EVERY[name](rig)

    windows = await rig.do(looked, tmp_path / "windows")
    parts = await rig.do(rig.desktop.parts)

    assert windows
    assert all(window["texts"] for window in windows)
    texts = [text for window in windows for text in window["texts"]]
    assert [text["text"] for text in texts if text["cut_off"]] == []
    [front] = [window for window in windows if window["is_active"]]
    assert not front["focus_is_hidden"]
    if wishes.text == 1.0 and name not in SCROLLS:
        assert [text["text"] for text in front["texts"] if text["scrolled"]] == []
    assert [w["size"] for w in windows if w["size"][0] > 900 or w["size"][1] > 800] == []
    if wishes.high_contrast:
        assert await rig.do(faint, rig.desktop, front, wishes.scale) == []
    assert [(part["role"], part["name"]) for part in parts if unfit(part)] == []
