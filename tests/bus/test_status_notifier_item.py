"""The icon's objects, asked as the specifications have it and as panels do: KDE's by GetAll, waybar by its cache."""

from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.fakes_bus import PrivateBus, until
from tsunagu_dbus import BusError, Message, MessageBus, Variant, call, close, connect, plain, subscribe
from tsunagu_tray.icon import Menu, MenuItem, TrayIcon
from tsunagu_tray.images import picture
from tsunagu_tray.sni import ITEM_PATH, MENU_PATH, PIXMAP_SIZES
from tsunagu_tray.tray_model import Kind

ITEM, MENU = "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"
# What freedesktop.org's StatusNotifierItem 0.1 has, with the signatures that its implementations agree on.
ITEM_PROPERTIES = {
    "Category": "s",
    "Id": "s",
    "Title": "s",
    "Status": "s",
    "WindowId": "i",
    "IconName": "s",
    "IconThemePath": "s",
    "IconPixmap": "a(iiay)",
    "OverlayIconName": "s",
    "OverlayIconPixmap": "a(iiay)",
    "AttentionIconName": "s",
    "AttentionIconPixmap": "a(iiay)",
    "AttentionMovieName": "s",
    "ToolTip": "(sa(iiay)ss)",
    "ItemIsMenu": "b",
    "Menu": "o",
}


class Panel:
    """A panel's side of the bus, and what our side was asked to do."""

    def __init__(self, bus: MessageBus, ours: MessageBus) -> None:
        self.bus = bus
        self.ours = ours
        self.done: list[str] = []
        self.icon = TrayIcon(
            "tsunagu",
            picture(Kind.OFFLINE, 192),
            "Office: Offline",
            self.menu("Connect"),
            bus=ours,
            on_other_click=lambda: self.done.append("other click"),
        )

    def menu(self, first: str) -> Menu:
        more = Menu(MenuItem("_Status", self._choose), MenuItem("At start", self._choose, checked=lambda _: True))
        return Menu(MenuItem(first, self._choose, default=True), Menu.SEPARATOR, MenuItem("Office", more))

    def _choose(self, _icon: TrayIcon, item: Any) -> None:
        self.done.append(item.text)

    async def item(self, member: str, signature: str = "", body: list[Any] | None = None) -> None:
        await call(self.bus, self.ours.unique_name, ITEM_PATH, ITEM, member, signature, body)

    async def menu_call(self, member: str, signature: str, body: list[Any]) -> list[Any]:
        return [plain(x) for x in await call(self.bus, self.ours.unique_name, MENU_PATH, MENU, member, signature, body)]

    async def properties(self, path: str = ITEM_PATH, interface: str = ITEM) -> dict[str, Variant]:
        [found] = await call(self.bus, self.ours.unique_name, path, PROPERTIES, "GetAll", "s", [interface])
        return dict(found)

    async def listen(self, path: str) -> list[str]:
        heard: list[str] = []

        def hear(message: Message) -> None:
            heard.append(str(message.member))

        subscribe(self.bus, hear, sender=self.ours.unique_name, path=path)
        await self.properties()  # by then the bus knows what we want to hear
        return heard


@pytest.fixture
async def panel(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Panel]:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    monkeypatch.delenv("DISPLAY", raising=False)
    theirs, ours = await connect("session"), await connect("session")
    panel = Panel(theirs, ours)
    panel.icon.visible = True
    yield panel
    await panel.icon.close()
    await close(ours)
    await close(theirs)


async def test_it_has_every_property_of_the_specification(panel: Panel) -> None:
    found = await panel.properties()

    assert {name: value.signature for name, value in found.items()} == ITEM_PROPERTIES
    values = {name: plain(value) for name, value in found.items()}
    assert values["Category"] == "Communications"
    assert values["Status"] == "Active", "an icon that is passive is hidden, one that needs attention may blink"
    assert (values["Id"], values["Title"]) == ("tsunagu", "Tsunagu"), "waybar shows no item without an id"
    assert (values["ItemIsMenu"], values["Menu"]) == (False, MENU_PATH)
    assert values["ToolTip"] == ["", [], "Office: Offline", ""]


async def test_its_pixmaps_are_whole_and_of_the_sizes_of_panels_at_scale_one_and_two(panel: Panel) -> None:
    pixmaps = plain((await panel.properties())["IconPixmap"])

    assert [(width, height) for width, height, _ in pixmaps] == [(size, size) for size in PIXMAP_SIZES]
    assert {16, 22, 24, 32, 48, 64, 96} <= {*PIXMAP_SIZES}
    for width, height, octets in pixmaps:
        assert len(octets) == 4 * width * height
        assert octets[0] == 0, "the first octet is the alpha of a corner"


async def test_a_new_look_is_signalled(panel: Panel) -> None:
    heard = await panel.listen(ITEM_PATH)
    panel.icon.symbol = "org.tsunagu.Tray-connected-symbolic"
    panel.icon.icon = picture(Kind.CONNECTED, 192)
    panel.icon.title = "Office: Connected"

    await until(lambda: {"NewIcon", "NewToolTip"} <= {*heard})
    assert plain((await panel.properties())["IconName"]) == "org.tsunagu.Tray-connected-symbolic"


async def test_a_tooltip_is_the_same_to_panels_that_read_markup_and_to_those_that_do_not(panel: Panel) -> None:
    panel.icon.title = "R&D <b>: Connected\n&amp;: Offline"

    title = plain((await panel.properties())["ToolTip"])[2]

    assert ET.fromstring(f"<markup>{title}</markup>").text == title
    assert [line.partition(":")[2] for line in title.split("\n")] == [" Connected", " Offline"]


async def test_each_button_of_the_mouse_does_something(panel: Panel) -> None:
    await panel.item("Activate", "ii", [1, 2])
    await panel.item("SecondaryActivate", "ii", [1, 2])
    await panel.item("XAyatanaSecondaryActivate", "u", [0])
    await panel.item("Scroll", "is", [1, "vertical"])

    assert panel.done == ["Connect", "other click", "other click"]
    with pytest.raises(BusError):  # so that the panel draws the menu itself
        await panel.item("ContextMenu", "ii", [1, 2])


async def test_the_menu_is_laid_out_as_panels_ask_for_it(panel: Panel) -> None:
    version = await panel.properties(MENU_PATH, MENU)
    assert {name: value.signature for name, value in version.items()} == {
        "Version": "u",
        "TextDirection": "s",
        "Status": "s",
        "IconThemePath": "as",
    }
    revision, [root, root_properties, children] = await panel.menu_call("GetLayout", "iias", [0, -1, []])
    assert (root, root_properties) == (0, {"children-display": "submenu"})
    connect, separator, [office, office_properties, [_status, [start, checked, _]]] = children
    assert connect[1] == {"label": "Connect"}
    assert separator[1] == {"type": "separator"}
    assert office_properties == {"label": "Office", "children-display": "submenu"}
    assert checked == {"label": "At start", "toggle-type": "checkmark", "toggle-state": 1}
    assert await panel.menu_call("AboutToShow", "i", [0]) == [False]
    [_, [lower, _, grandchildren]] = await panel.menu_call("GetLayout", "iias", [office, 1, ["label"]])
    assert (lower, len(grandchildren)) == (office, 2)
    assert len((await panel.menu_call("GetGroupProperties", "aias", [[], []]))[0]) == 6

    heard = await panel.listen(MENU_PATH)
    await panel.menu_call("Event", "isvu", [start, "clicked", Variant("i", 0), 0])
    panel.icon.menu = panel.menu("Disconnect")
    await until(lambda: "LayoutUpdated" in heard)
    assert panel.done == ["At start"]
    assert (await panel.menu_call("GetLayout", "iias", [0, 0, []]))[0] > revision
