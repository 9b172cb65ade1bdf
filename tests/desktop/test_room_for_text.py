"""No text is cut off on any window: in both languages, and in English at twice the size, as people set it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.every_window import EVERY, furnish
from tests.desktop.window_rig import Rig, window_rig
from tests.lab.waiting import wait_for

SCREEN = (900, 800)
SIZES = {"English": ("C.UTF-8", 1.0), "Japanese": ("ja_JP.UTF-8", 1.0), "large": ("C.UTF-8", 2.0)}


@pytest.fixture(params=[*SIZES.values()], ids=[*SIZES])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    language, scale = request.param
    async with window_rig(LANG=language) as rig:
        rig.runner = ("tests.desktop.clipped_text", str(tmp_path / "windows"), str(scale))
        furnish(rig)
        yield rig


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


@pytest.mark.parametrize("name", EVERY)
async def test_every_text_has_the_room_it_needs(rig: Rig, name: str, tmp_path: Path) -> None:
    await EVERY[name](rig)

    windows = await rig.do(looked, tmp_path / "windows")

    assert windows
    assert all(window["texts"] for window in windows)
    assert [text for window in windows for text in window["cut_off"]] == []
    assert [w["size"] for w in windows if w["size"][0] > SCREEN[0] or w["size"][1] > SCREEN[1]] == []
