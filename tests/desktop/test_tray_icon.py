"""The icon on real panels, on a virtual screen, with a real mouse and keyboard."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.desktop import Desktop, Panel
from tests.lab.waiting import eventually, wait_for
from tsunagu_dbus import MessageBus, Variant, call, close, connect, plain
from tsunagu_tray.icon import Menu, MenuItem, TrayIcon
from tsunagu_tray.images import COLOURS, picture
from tsunagu_tray.sni import ITEM_PATH, MENU_PATH
from tsunagu_tray.tray_model import Kind


class Rig:
    """A desktop with our icon on it, and what the icon has reported."""

    def __init__(self, desktop: Desktop, bus: MessageBus) -> None:
        self.desktop = desktop
        self.bus = bus
        self.chosen: list[str] = []
        self.hosts: list[bool] = []
        self.icon = TrayIcon(
            "tsunagu",
            picture(Kind.OFFLINE, 192),
            "Home <1> & more: Offline\nOffice: Offline",
            self.menu("Connect to Home"),
            bus=bus,
            on_host_changed=self.hosts.append,
            settle_s=0.3,
        )

    def menu(self, first: str) -> Menu:
        more = Menu(
            MenuItem("Half off", None, enabled=False),
            Menu.SEPARATOR,
            MenuItem("_Details", self._choose),
            MenuItem("Automatic", self._choose, checked=lambda _: True),
            MenuItem("Radio", self._choose, checked=lambda _: False, radio=True),
        )
        return Menu(
            MenuItem(first, self._choose, default=True),
            Menu.SEPARATOR,
            MenuItem("Home__net", more),
            MenuItem("_Quit", self._choose),
        )

    def _choose(self, _icon: TrayIcon, item: Any) -> None:
        self.chosen.append(item.text)

    async def host_is(self, present: bool) -> None:
        await eventually(lambda: self.hosts[-1:] == [present], 10, f"hosts to end in {present}, not {self.hosts}")

    async def place(self, kind: Kind) -> tuple[int, int]:
        return await asyncio.to_thread(self.desktop.find_icon, [COLOURS[kind]])

    async def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The desktop's methods block, but the icon must be able to answer meanwhile."""
        return await asyncio.to_thread(work, *arguments)

    async def chose(self, *texts: str) -> None:
        await eventually(lambda: self.chosen == [*texts], 10, f"{texts}, not {self.chosen}")
        self.chosen.clear()

    def menu_is_open(self) -> bool:
        """Nothing else than a menu appears below the panel here."""
        width, height = self.desktop.size
        return self.desktop.screenshot().crop((0, 40, width, height)).getbbox() is not None

    async def open_menu(self, kind: Kind = Kind.OFFLINE) -> None:
        await self.do(self.desktop.click, *await self.place(kind), 3)
        await self.do(wait_for, self.menu_is_open, 10, "the menu")


@asynccontextmanager
async def rig_on(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    desktop = await asyncio.to_thread(Desktop(panel, "none").__enter__)
    try:
        for name in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, desktop.environment[name])
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        bus = await connect("session")
        rig = Rig(desktop, bus)
        rig.icon.visible = True
        yield rig
        await rig.icon.close()
        await close(bus)
    finally:
        await asyncio.to_thread(desktop.close)


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with rig_on("xfce", monkeypatch) as rig:
        yield rig


async def test_a_left_click_does_what_the_first_line_says(rig: Rig) -> None:
    await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))

    await rig.chose("Connect to Home")
    assert rig.hosts == [True]


async def test_a_right_click_opens_the_menu_and_a_line_is_chosen_by_keyboard(rig: Rig) -> None:
    await rig.open_menu()
    await rig.do(rig.desktop.key, "Up", "Return")

    await rig.chose("_Quit")


async def test_a_line_of_a_submenu_is_chosen_by_its_access_key(rig: Rig) -> None:
    await rig.open_menu()
    await rig.do(rig.desktop.key, "Down", "Down", "Right")
    await rig.do(rig.desktop.key, "d")

    await rig.chose("_Details")


async def test_another_picture_is_seen_at_once(rig: Rig) -> None:
    await rig.place(Kind.OFFLINE)

    for kind in (Kind.CONNECTING, Kind.CONNECTED, Kind.ERROR):
        rig.icon.icon = picture(kind, 192)
        await rig.place(kind)


async def test_the_tooltip_is_told_as_plain_text(rig: Rig) -> None:
    x, y = await rig.place(Kind.OFFLINE)
    await rig.do(rig.desktop.move, x, y + 100)
    await rig.do(rig.desktop.move, x, y)
    await rig.do(wait_for, rig.menu_is_open, 10, "the tooltip")

    rig.icon.title = "Home: Connected"
    reader = await connect("session")
    get = ("org.freedesktop.DBus.Properties", "Get", "ss", ["org.kde.StatusNotifierItem", "ToolTip"])
    [tooltip] = await call(reader, rig.bus.unique_name, ITEM_PATH, *get)
    await close(reader)
    assert plain(tooltip) == ["", [], "Home: Connected", ""]


async def test_the_menu_changes_while_it_is_open(rig: Rig) -> None:
    await rig.open_menu()
    before = await rig.do(rig.desktop.screenshot)
    rig.icon.menu = rig.menu("Disconnect from Home")
    await rig.do(wait_for, lambda: rig.desktop.screenshot() != before, 10, "the new label")
    await rig.do(rig.desktop.key, "Down", "Return")

    await rig.chose("Disconnect from Home")


async def test_the_icon_is_back_and_works_after_a_crash_of_the_panel(rig: Rig) -> None:
    await rig.place(Kind.OFFLINE)
    await rig.do(rig.desktop.restart_panel)

    await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
    await rig.chose("Connect to Home")
    await rig.open_menu()
    await rig.do(rig.desktop.key, "Up", "Return")
    await rig.chose("_Quit")


async def test_without_a_panel_that_is_told_and_a_later_one_has_the_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on("none", monkeypatch) as rig:
        await rig.host_is(False)
        await rig.do(rig.desktop.start_panel, "xfce")
        await rig.host_is(True)

        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")
        await rig.do(rig.desktop.stop_panel)
        await rig.host_is(False)


@pytest.mark.parametrize("panel", ["trayer", "tint2"])
async def test_an_old_tray_has_icon_click_menu_and_changes_too(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on(panel, monkeypatch) as rig:
        await rig.host_is(True)
        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")

        rig.icon.icon = picture(Kind.CONNECTED, 192)
        rig.icon.menu = rig.menu("Disconnect from Home")
        await rig.open_menu(Kind.CONNECTED)
        await rig.do(rig.desktop.key, "Down", "Return")
        await rig.chose("Disconnect from Home")

        await rig.do(rig.desktop.restart_panel)
        await rig.do(rig.desktop.click, *await rig.place(Kind.CONNECTED))
        await rig.chose("Disconnect from Home")


async def test_an_old_tray_that_comes_later_has_the_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on("none", monkeypatch) as rig:
        await rig.host_is(False)
        await rig.do(rig.desktop.start_panel, "trayer")
        await rig.host_is(True)

        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")
        await rig.do(rig.desktop.stop_panel)
        await rig.host_is(False)


async def test_a_panel_takes_the_icon_over_from_an_old_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on("trayer", monkeypatch) as rig:
        await rig.place(Kind.OFFLINE)
        await rig.do(rig.desktop.stop_panel)
        await rig.host_is(False)
        await rig.do(rig.desktop.start_panel, "xfce")
        await rig.host_is(True)
        await eventually(lambda: not _children(), 10, "the end of the old tray's process")

        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")
        assert len(rig.desktop.icon_items()) == 1


async def test_the_process_for_old_trays_is_started_again_after_its_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsunagu_tray.xembed_process.RESTART_S", 0.1)
    async with rig_on("trayer", monkeypatch) as rig:
        await rig.place(Kind.OFFLINE)
        [old] = _children()
        os.kill(old, signal.SIGKILL)

        await eventually(lambda: rig.hosts == [True, False, True], 10, f"loss and return, not {rig.hosts}")
        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")


async def test_an_old_tray_without_gtk_has_icon_and_left_click(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gi.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    async with rig_on("trayer", monkeypatch) as rig:
        await rig.host_is(True)
        await rig.do(rig.desktop.click, *await rig.place(Kind.OFFLINE))
        await rig.chose("Connect to Home")


async def test_a_menu_line_that_is_gone_or_grey_does_nothing(rig: Rig) -> None:
    stranger = await connect("session")
    [_, [_, _, lines]] = await call(
        stranger, rig.bus.unique_name, MENU_PATH, "com.canonical.dbusmenu", "GetLayout", "iias", [0, -1, []]
    )
    [first, _, [_, _, [[grey, *_], *_]], _] = plain(lines)
    rig.icon.menu = rig.menu("Disconnect from Home")

    for number in (first[0], grey, 4711):
        event = [number, "clicked", Variant("s", ""), 0]
        await call(stranger, rig.bus.unique_name, MENU_PATH, "com.canonical.dbusmenu", "Event", "isvu", event)
    await close(stranger)
    assert rig.chosen == []


def _children() -> list[int]:
    """The icon's processes for old trays that run now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if parent == os.getpid() and "tsunagu_tray.xembed" in command:
            found.append(int(folder.name))
    return found
