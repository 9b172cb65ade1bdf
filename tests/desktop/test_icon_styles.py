"""The icon on light and dark panels, and on fine screens: what is really seen there."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import gi
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.fakes_bus import PrivateBus, fake_helper
from tests.lab.desktop import PANEL_HEIGHT, Colour, Desktop
from tests.lab.waiting import wait_for
from tsunagu.model import State
from tsunagu_tray.images import CHARCOAL, COLOURS, WHITE, picture
from tsunagu_tray.panel_colour import symbolic_name
from tsunagu_tray.tray_model import Kind

SYMBOLS = Path("packaging/icons/symbolic")
PANELS_WHITE = (238, 238, 236)  # of text on Adwaita's dark panel


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    bus = PrivateBus()
    yield bus
    bus.close()


def install_symbols(desktop: Desktop) -> None:
    folder = Path(desktop.environment["XDG_DATA_HOME"]) / "icons/hicolor/symbolic/apps"
    folder.mkdir(parents=True)
    for file in SYMBOLS.glob("*.svg"):
        shutil.copy(file, folder)
    desktop.restart_panel()


def seen(desktop: Desktop, colour: Colour, scale: int = 1) -> bool:
    """The colour is on the right of the panel, where the icon is."""
    width = desktop.size[0]
    box = (width - 60 * scale, 0, width, PANEL_HEIGHT * scale)
    return desktop.find_colour(colour, box=box, tolerance=16, pixels=20) is not None


@pytest.mark.parametrize(
    ("is_dark", "automatic", "style", "chosen"),
    [(True, PANELS_WHITE, "light", WHITE), (False, CHARCOAL, "dark", CHARCOAL)],
)
@pytest.mark.parametrize("scale", [1, 2])
async def test_the_icon_is_in_the_panels_colour_and_in_the_chosen_one(
    bus: PrivateBus, is_dark: bool, automatic: Colour, style: str, chosen: Colour, scale: int
) -> None:
    size, more = (600 * scale, 200 * scale), {"GDK_SCALE": str(scale)}
    with Desktop("xfce", "none", size=size, environment=more, is_dark=is_dark) as desktop:
        install_symbols(desktop)
        async with fake_helper(bus) as helper:
            helper.add("Office").show(state=State.UP)
            own = {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            desktop.start("tray", sys.executable, "-m", "tsunagu_tray", environment=own)

            async def show(colour: Colour, *words: str) -> None:
                if words:
                    program = (sys.executable, "-m", "tsunagu_tray.cli", "preferences", "icon", *words)
                    assert await asyncio.to_thread(desktop.start("cli", *program, environment=own).wait, 30) == 0
                await asyncio.to_thread(wait_for, lambda: seen(desktop, colour, scale), 30, f"the icon in {colour}")

            await show(automatic)
            await show(COLOURS[Kind.CONNECTED], "colour")
            await show(chosen, style)
            assert not seen(desktop, COLOURS[Kind.CONNECTED], scale)
            assert "Traceback" not in desktop.log("tray")


@pytest.mark.parametrize("kind", Kind)
def test_the_themes_symbols_have_the_shapes_of_the_pictures(kind: Kind) -> None:
    gi.require_version("GdkPixbuf", "2.0")
    from gi.repository import GdkPixbuf

    file = str(SYMBOLS / f"{symbolic_name(kind)}.svg")
    drawn = GdkPixbuf.Pixbuf.new_from_file_at_size(file, 96, 96)
    symbol = Image.frombytes("RGBA", (96, 96), drawn.get_pixels(), "raw", "RGBA", drawn.get_rowstride())

    difference = ImageChops.difference(symbol.getchannel("A"), picture(kind, 96, CHARCOAL).getchannel("A"))
    assert ImageStat.Stat(difference).mean[0] < 0.02 * 255
