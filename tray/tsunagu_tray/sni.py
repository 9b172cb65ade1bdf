"""The icon on the session's bus: org.kde.StatusNotifierItem and com.canonical.dbusmenu, names and signatures only.

Specifications: freedesktop.org's StatusNotifierItem, and com.canonical.dbusmenu.xml of libdbusmenu.  What is shown is
in ``Shown`` and ``MenuTree``; what a click does is the callbacks' affair.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tsunagu_dbus import DBusError, Interface, PropertyAccess, Variant, dbus_property, dbus_signal, method
from tsunagu_tray.menu_tree import ROOT, Line, MenuTree

ITEM_PATH = "/StatusNotifierItem"
MENU_PATH = "/StatusNotifierItem/Menu"

PIXMAP_SIZES = (
    16,
    22,
    24,
    32,
    48,
    64,
    96,
)  # px; panels choose the nearest and scale it; the large are for fine screens

NOT_SUPPORTED = "org.freedesktop.DBus.Error.NotSupported"
INVALID_ARGUMENTS = "org.freedesktop.DBus.Error.InvalidArgs"

NO_MARKUP = str.maketrans({"<": "‹", "&": "＆"})  # looks like it, and is plain text to everybody

Pixmap = list[Any]  # width, height, ARGB octets in network byte order


@dataclass(slots=True)
class Shown:
    """What the panel may ask for."""

    id: str
    title: str = ""
    tooltip: str = ""
    icon_name: str = ""  # comes before the pixmaps, so only where the panel's theme has it
    pixmaps: list[Pixmap] = field(default_factory=list)


class StatusNotifierItem(Interface):
    """The icon itself."""

    def __init__(self, shown: Shown, activate: Callable[[], None], activate_other: Callable[[], None]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._shown = shown
        self._activate = activate
        self._activate_other = activate_other

    @method()
    def Activate(self, x: "i", y: "i") -> None:  # noqa: ARG002
        self._activate()

    @method()
    def SecondaryActivate(self, x: "i", y: "i") -> None:  # noqa: ARG002
        self._activate_other()

    @method()
    def XAyatanaSecondaryActivate(self, time: "u") -> None:  # noqa: ARG002
        """The same, of panels that know no place of a click."""
        self._activate_other()

    @method()
    def Scroll(self, delta: "i", orientation: "s") -> None:
        """A wheel means nothing here."""

    @method()
    def ContextMenu(self, x: "i", y: "i") -> None:  # noqa: ARG002
        raise DBusError(NOT_SUPPORTED, f"Show the menu at {MENU_PATH}")

    @dbus_property(PropertyAccess.READ)
    def Category(self) -> "s":
        return "Communications"

    @dbus_property(PropertyAccess.READ)
    def Id(self) -> "s":
        return self._shown.id

    @dbus_property(PropertyAccess.READ)
    def Title(self) -> "s":
        return self._shown.title

    @dbus_property(PropertyAccess.READ)
    def Status(self) -> "s":
        return "Active"

    @dbus_property(PropertyAccess.READ)
    def WindowId(self) -> "i":
        return 0

    @dbus_property(PropertyAccess.READ)
    def IconName(self) -> "s":
        return self._shown.icon_name

    @dbus_property(PropertyAccess.READ)
    def IconPixmap(self) -> "a(iiay)":
        return self._shown.pixmaps

    @dbus_property(PropertyAccess.READ)
    def IconThemePath(self) -> "s":
        return ""  # the panel's own theme has the name, or none is given

    @dbus_property(PropertyAccess.READ)
    def OverlayIconName(self) -> "s":
        return ""

    @dbus_property(PropertyAccess.READ)
    def OverlayIconPixmap(self) -> "a(iiay)":
        return []

    @dbus_property(PropertyAccess.READ)
    def AttentionIconName(self) -> "s":
        return ""  # nothing of ours blinks: the icon itself says that a person is wanted

    @dbus_property(PropertyAccess.READ)
    def AttentionIconPixmap(self) -> "a(iiay)":
        return []

    @dbus_property(PropertyAccess.READ)
    def AttentionMovieName(self) -> "s":
        return ""

    @dbus_property(PropertyAccess.READ)
    def ToolTip(self) -> "(sa(iiay)ss)":
        # The last field would be markup, which panels disagree about; some read the title as that, too.
        return ["", [], self._shown.tooltip.translate(NO_MARKUP), ""]

    @dbus_property(PropertyAccess.READ)
    def ItemIsMenu(self) -> "b":
        return False

    @dbus_property(PropertyAccess.READ)
    def Menu(self) -> "o":
        return MENU_PATH

    @dbus_signal()
    def NewIcon(self) -> None: ...

    @dbus_signal()
    def NewToolTip(self) -> None: ...


class DbusMenu(Interface):
    """The menu that a panel draws for us.  It is always up to date, so nothing waits for AboutToShow."""

    def __init__(self, tree: MenuTree, choose: Callable[[int], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._tree = tree
        self._choose = choose
        self._revision = 1

    def layout_changed(self) -> None:
        """Lines came, went or have other labels."""
        self._revision += 1
        self.LayoutUpdated(self._revision, ROOT)

    def lines_changed(self, lines: list[Line]) -> None:
        """Lines stayed where they are, but look otherwise."""
        self.ItemsPropertiesUpdated([[line.id, properties(line)] for line in lines])

    @method()
    def GetLayout(self, parent: "i", depth: "i", names: "as") -> "u(ia{sv}av)":
        return [self._revision, layout(self._line(parent), depth, names)]

    @method()
    def GetGroupProperties(self, ids: "ai", names: "as") -> "a(ia{sv})":
        lines = [self._tree.lines[number] for number in ids or self._tree.lines if number in self._tree.lines]
        return [[line.id, properties(line, names)] for line in lines]

    @method()
    def GetProperty(self, number: "i", name: "s") -> "v":
        found = properties(self._line(number)).get(name)
        if found is None:
            raise DBusError(INVALID_ARGUMENTS, "No such property, or it has its default value")
        return found

    @method()
    def Event(self, number: "i", kind: "s", data: "v", time: "u") -> None:  # noqa: ARG002
        if kind == "clicked":
            self._choose(number)

    @method()
    def EventGroup(self, events: "a(isvu)") -> "ai":
        for number, kind, _data, _time in events:
            if kind == "clicked":
                self._choose(number)
        return [number for number, *_ in events if number not in self._tree.lines]

    @method()
    def AboutToShow(self, number: "i") -> "b":  # noqa: ARG002
        return False

    @method()
    def AboutToShowGroup(self, ids: "ai") -> "aiai":
        return [[], [number for number in ids if number not in self._tree.lines]]

    @dbus_property(PropertyAccess.READ)
    def Version(self) -> "u":
        return 3

    @dbus_property(PropertyAccess.READ)
    def TextDirection(self) -> "s":
        return "ltr"

    @dbus_property(PropertyAccess.READ)
    def Status(self) -> "s":
        return "normal"

    @dbus_property(PropertyAccess.READ)
    def IconThemePath(self) -> "as":
        return []

    @dbus_signal()
    def LayoutUpdated(self, revision: int, parent: int) -> "ui":
        return [revision, parent]

    @dbus_signal()
    def ItemsPropertiesUpdated(self, changed: list[Any]) -> "a(ia{sv})a(ias)":
        """What has its default value now is told as removed: the other side would keep the old one."""
        return [changed, [[number, sorted(DEFAULTS - set(values))] for number, values in changed]]

    def _line(self, number: int) -> Line:
        line = self._tree.lines.get(number)
        if line is None:
            raise DBusError(INVALID_ARGUMENTS, f"The menu has no line {number}")
        return line


# Properties that are left out where they have the value that the specification gives them.
DEFAULTS = {"enabled", "toggle-type", "toggle-state", "children-display"}


def properties(line: Line, names: list[str] | None = None) -> dict[str, Variant]:
    """A line in dbusmenu's words: those asked for, all when none is named."""
    values: dict[str, tuple[str, Any]] = {}
    if line.separator:
        values["type"] = "s", "separator"
    elif line.label:
        values["label"] = "s", line.label
    if not line.enabled:
        values["enabled"] = "b", False
    if line.checked is not None:
        values["toggle-type"] = "s", "radio" if line.radio else "checkmark"
        values["toggle-state"] = "i", int(line.checked)
    if line.children or line.id == ROOT:
        values["children-display"] = "s", "submenu"
    return {name: Variant(*value) for name, value in values.items() if not names or name in names}


def layout(line: Line, depth: int, names: list[str] | None = None) -> list[Any]:
    """A line and so many levels below it, -1 for all, as (number, properties, children)."""
    children = [] if depth == 0 else [Variant("(ia{sv}av)", layout(child, depth - 1, names)) for child in line.children]
    return [line.id, properties(line, names), children]


def pixmap(image: Image.Image, size: int) -> Pixmap:
    """A picture in one size of the item's form."""
    red, green, blue, alpha = image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0).split()
    return [size, size, Image.merge("RGBA", (alpha, red, green, blue)).tobytes()]
