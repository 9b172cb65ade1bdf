"""``make pictures``: every window in both languages, light and dark, for ``docs/windows.md`` and the other pages."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tests.desktop.every_window import EVERY, furnish
from tests.desktop.window_rig import Rig, window_rig
from tsunagu.model import Statistics, Traffic

FOLDER = Path("docs/img/windows")
LANGUAGES = {"en": "C.UTF-8", "ja": "ja_JP.UTF-8"}
SCHEMES = {
    "light": {"ADW_DEBUG_COLOR_SCHEME": "prefer-light"},
    "dark": {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"},
    "contrast": {"ADW_DEBUG_HIGH_CONTRAST": "1"},
}
CONTRASTED = ("details", "certificate-changed")  # shown in high contrast, too
COLOURS = 64  # a picture of a window needs no more, and is small
DROPS_DOWN = "hubs"  # it would close if its window were brought to the front, and reaches over its side
BESIDE = 110  # px


async def traffic(rig: Rig) -> None:
    """A session's, for the graph."""
    office = next(iter(rig.helper.connections.values()))
    received = 4_000_000
    for second in range(20):
        received += 200_000 * (1 + second * second % 7)
        office.statistics = Statistics(
            carriers=2, wire_sent_octets=900_000 + second * 80_000, wire_received_octets=received, round_trip_us=12_300,
            sent=Traffic(unicast_packets=412, unicast_octets=91_210), received=Traffic(unicast_packets=3177),
        )  # fmt: skip
        await asyncio.sleep(0.5)


async def take(name: str, language: str, scheme: str) -> None:
    """One picture of one window."""
    environment = {"LANG": LANGUAGES[language], **SCHEMES[scheme]}
    async with window_rig("none", "none", **environment) as rig:
        furnish(rig)
        title = await EVERY[name](rig)
        if name == "details":
            await traffic(rig)
        if title != ".*" and name != DROPS_DOWN:
            await rig.front(title)
        window = int(await rig.do(rig.desktop.run, "xdotool", "getactivewindow"))
        await rig.do(rig.desktop.move, 890, 790)
        await asyncio.sleep(1.2)  # animations, which have no end that could be seen
        left, top, width, height = rig.desktop.geometry(window)
        width += BESIDE * (name == DROPS_DOWN)
        shot = rig.desktop.screenshot().crop((left, top, left + width, top + height))
        picture = FOLDER / f"{name}-{language}-{scheme}.png"
        shot.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
        print(picture, flush=True)


def all_pictures() -> Iterator[tuple[str, str, str]]:
    """Window, language and scheme of each."""
    for name in EVERY:
        for language in LANGUAGES:
            for scheme in SCHEMES:
                if name != "menu" and (scheme != "contrast" or name in CONTRASTED):
                    yield name, language, scheme


def gallery() -> str:
    """The page that shows them all."""
    text = """\
# Every window

In English and Japanese, light and dark, two of them in high contrast, too. `make pictures` takes them; the helper is
played.
"""
    for name in dict.fromkeys(name for name, *_ in all_pictures()):
        text += f"\n## {name.replace('-', ' ').capitalize()}\n\n"
        for of, language, scheme in all_pictures():
            if of == name:
                text += f"![{name}, {language}, {scheme}](img/windows/{name}-{language}-{scheme}.png)\n"
    return text


def main() -> None:
    """All, or those named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(sys.path))
    for name, language, scheme in all_pictures():
        if not sys.argv[1:] or name in sys.argv[1:]:
            asyncio.run(take(name, language, scheme))


if __name__ == "__main__":
    main()
