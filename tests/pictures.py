"""``make pictures``: every window in both languages, light and dark, for ``docs/img`` and for looking at."""

import asyncio
import base64
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from tests.desktop.window_rig import ADDRESS, Rig, window_rig
from tests.fakes import make_certificate
from tsunagu.errors import TunnelError
from tsunagu.model import State, Statistics, Traffic

FOLDER = Path("docs/img/windows")
LANGUAGES = {"en": "C.UTF-8", "ja": "ja_JP.UTF-8"}
COLOURS = 64  # a picture of a window needs no more, and is small


async def list_of_connections(rig: Rig) -> str:
    """The main window."""
    await rig.open()
    return "^Tsunagu$"


async def empty(rig: Rig) -> str:
    """Nothing to show yet."""
    for connection in [*rig.helper.connections.values()]:
        rig.helper.tree.remove(connection.path)
    rig.helper.connections.clear()
    await rig.open()
    return "^Tsunagu$"


async def details(rig: Rig) -> str:
    """The status window, with a minute's traffic in the graph."""
    await rig.open("--details", "Office", title="Office")
    office = next(iter(rig.helper.connections.values()))
    received = 4_000_000
    for second in range(20):
        received += 200_000 * (1 + second * second % 7)
        office.statistics = Statistics(
            carriers=2, wire_sent_octets=900_000 + second * 80_000, wire_received_octets=received,
            sent=Traffic(unicast_packets=412, unicast_octets=91_210), received=Traffic(unicast_packets=3177),
        )  # fmt: skip
        await asyncio.sleep(0.5)
    return "Office"


async def settings(rig: Rig) -> str:
    """The settings editor's first page."""
    await rig.open("--settings", "Office", title="Office")
    return "Office"


async def advanced(rig: Rig) -> str:
    """And its second."""
    await settings(rig)
    await rig.choose("高度な設定" if "ja" in rig.desktop.environment["LANG"] else "Advanced")
    return "Office"


async def preferences(rig: Rig) -> str:
    """What counts for all connections."""
    title = "設定" if "ja" in rig.desktop.environment["LANG"] else "Preferences"
    await rig.open("--preferences", title=title)
    return f"^{title}$"


async def error(rig: Rig) -> str:
    """The window of an error that is waited after."""
    await rig.open()
    home = [*rig.helper.connections.values()][1]
    home.show(state=State.CONNECTING)
    await rig.said("Home")
    home.show(state=State.WAITING, error=TunnelError(1, "timed out"), retry_at=time.time() + 12, attempt=2)
    return "^Home$"


async def progress(rig: Rig) -> str:
    """The window of an attempt."""
    rig.helper.on_connect = lambda connection: connection.show(phase="authenticating")
    await rig.open()
    await rig.do(rig.desktop.press, "Factory Ōsaka")
    return "^Factory"


PICTURES: dict[str, Callable[[Rig], Awaitable[str]]] = {
    "list": list_of_connections,
    "empty": empty,
    "details": details,
    "settings": settings,
    "advanced": advanced,
    "preferences": preferences,
    "error": error,
    "progress": progress,
}


async def take(name: str, language: str, scheme: str) -> None:
    """One picture of one window."""
    environment = {"LANG": LANGUAGES[language], "ADW_DEBUG_COLOR_SCHEME": f"prefer-{scheme}"}
    async with window_rig("none", "none", **environment) as rig:
        office = rig.helper.add("Office", host="vpn.example.org", hub="STAFF", username="mika")
        shown = base64.b64encode(make_certificate().der).decode()
        office.session = replace(office.session, certificate=shown, max_carriers=2)
        office.show(state=State.UP, addresses=[ADDRESS])
        rig.helper.add("Home", host="home.example.net", hub="HOME", username="mika")
        rig.helper.add("Factory Ōsaka", host="203.0.113.80", hub="LINE1", username="mika")
        title = await PICTURES[name](rig)
        window = await rig.do(rig.desktop.activate, title, 30)
        await rig.do(rig.desktop.move, 890, 790)
        await asyncio.sleep(1.2)  # animations, which have no end that could be seen
        left, top, width, height = rig.desktop.geometry(window)
        shot = rig.desktop.screenshot().crop((left, top, left + width, top + height))
        picture = FOLDER / f"{name}-{language}-{scheme}.png"
        shot.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
        print(picture, flush=True)


def main() -> None:
    """All, or those named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(sys.path))
    for name in sys.argv[1:] or PICTURES:
        for language in LANGUAGES:
            for scheme in ("light", "dark"):
                asyncio.run(take(name, language, scheme))


if __name__ == "__main__":
    main()
