"""The preferences window with a scripted helper, and the tray that follows it."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.window_rig import ADDRESS, Rig, window_rig
from tests.fakes import make_certificate
from tests.fakes_bus import until
from tests.lab.waiting import wait_for
from tsunagu.errors import TunnelError
from tsunagu.model import State
from tsunagu_tray.images import COLOURS
from tsunagu_tray.tray_model import Kind


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with window_rig("xfce", "dunst", XDG_CONFIG_DIRS=str(tmp_path)) as rig:
        rig.helper.add("Home")
        rig.helper.add("Office")
        yield rig


def config(rig: Rig) -> Path:
    return Path(rig.desktop.environment["XDG_CONFIG_HOME"])


def chosen(rig: Rig) -> dict[str, Any]:
    file = config(rig) / "tsunagu/preferences.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


async def command(rig: Rig, *words: str) -> None:
    program = (sys.executable, "-m", "tsunagu_tray.cli", "preferences", *words)
    assert await rig.do(rig.desktop.start("command", *program, environment=rig.environment).wait, 30) == 0


async def open_preferences(rig: Rig) -> None:
    await rig.open("--preferences", title="^Preferences$")
    await rig.said("Start with the desktop")


async def test_what_is_chosen_is_kept_and_the_tray_follows(rig: Rig) -> None:
    home, office = rig.helper.connections.values()
    home.show(state=State.UP, addresses=[ADDRESS])
    await rig.open("--preferences", title="^Preferences$")  # which starts the tray
    await rig.do(wait_for, lambda: "All" in rig.desktop.said(), 20, "what is chosen for notifications")
    icon = await rig.do(rig.desktop.find_icon, [COLOURS[Kind.CONNECTED]])

    await rig.choose_from("A click", "Opens the window", 1)
    await until(lambda: chosen(rig).get("click") == "open")
    await rig.choose_from("Notifications", "None", 2)
    await until(lambda: chosen(rig).get("notifications") == "none")
    await rig.do(rig.desktop.click, *icon)

    await rig.front("^Tsunagu$")
    assert rig.helper.calls == []
    home.show(state=State.WAITING, error=TunnelError(1), retry_at=4e9)
    await rig.do(rig.desktop.find_icon, [COLOURS[Kind.CONNECTING]])
    await command(rig, "notifications", "all")
    office.show(state=State.UP, addresses=[ADDRESS])
    await rig.do(rig.desktop.wait_for_notification, "Connected to Office")
    assert not [told for told in rig.desktop.notifications() if "Home" in told.summary]


async def test_autostart_and_start_up_connections_are_switched(rig: Rig) -> None:
    await open_preferences(rig)
    entry = config(rig) / "autostart/org.tsunagu.Tray.desktop"

    await rig.choose("Start with the desktop")
    await until(entry.exists)
    await rig.choose("Start with the desktop")
    await until(lambda: not entry.exists())
    await rig.choose("Office")

    await until(lambda: rig.helper.calls == ["Update Office"])
    [_home, office] = rig.helper.connections.values()
    assert office.settings.connect_at_start


async def test_what_others_change_is_shown(rig: Rig) -> None:
    await open_preferences(rig)
    await rig.said("Automatic")

    await command(rig, "icon", "dark")
    await rig.open(title="^Tsunagu$")
    await rig.front("^Preferences$")

    await rig.said("Dark, for light panels")


async def test_the_main_windows_menu_leads_to_the_preferences(rig: Rig) -> None:
    await rig.open()

    await rig.keys("ctrl+comma")

    await rig.front("^Preferences$")
    await rig.keys("Escape")
    await rig.do(wait_for, lambda: not rig.desktop.windows("^Preferences$"), 20, "the end of the window")


async def test_a_damaged_file_is_told(rig: Rig) -> None:
    file = config(rig) / "tsunagu/preferences.json"
    file.parent.mkdir(parents=True)
    file.write_text("[")

    await open_preferences(rig)

    await rig.said("is damaged, so the usual preferences count")
    await rig.do(rig.desktop.wait_for_notification, "is damaged")
    await rig.choose_from("Style", "Light, for dark panels", 1)
    await rig.do(wait_for, lambda: chosen(rig).get("icon") == "light", 20, "the change")


async def test_an_authority_is_added_from_a_file_removed_and_had_back(rig: Rig, tmp_path: Path) -> None:
    authority = make_certificate()
    (tmp_path / "ca.der").write_bytes(authority.der)
    (tmp_path / "empty.pem").write_text("nothing")
    await open_preferences(rig)

    for file in ("empty.pem", "ca.der"):
        await rig.do(rig.desktop.press, "Add authorities")
        await rig.front("^Certificates of authorities")
        await rig.type(str(tmp_path / file))
        await rig.keys("Return")
        if file == "empty.pem":
            await rig.said("The file holds no certificate that could be read")
            await rig.keys("Return")
            await rig.gone("The file holds no certificate")
    await rig.said(f"SHA-256 {authority.sha256}")
    assert rig.helper.authorities.pem == authority.pem.decode()
    await rig.do(rig.desktop.press, "Remove tsunagu test server")
    await rig.said("tsunagu test server vouches for servers no more")
    await until(lambda: not rig.helper.authorities.pem)
    await rig.do(rig.desktop.press, "Undo")

    await until(lambda: rig.helper.authorities.pem == authority.pem.decode())
    await rig.said(f"SHA-256 {authority.sha256}")
