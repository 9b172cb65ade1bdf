"""Lines in dbusmenu's words, and pictures in StatusNotifierItem's."""

from PIL import Image

from tsunagu_dbus import plain
from tsunagu_tray.menu_tree import Line
from tsunagu_tray.sni import layout, pixmap, properties
from tsunagu_tray.xembed import line_to_plain, without_access_keys

DETAILS = Line(id=3, label="_Details", enabled=False)
HOME = Line(id=2, label="Home", children=(DETAILS,))
ROOT = Line(id=0, children=(HOME, Line(id=4, separator=True)))


def test_defaults_are_left_out() -> None:
    assert plain(properties(Line(id=1, label="Connect"))) == {"label": "Connect"}


def test_a_line_shows_what_it_is() -> None:
    assert plain(properties(DETAILS)) == {"label": "_Details", "enabled": False}
    assert plain(properties(HOME)) == {"label": "Home", "children-display": "submenu"}
    assert plain(properties(Line(id=1, separator=True))) == {"type": "separator"}


def test_marks_are_told_with_their_state() -> None:
    check = properties(Line(id=1, label="a", checked=True))
    radio = properties(Line(id=1, label="a", checked=False, radio=True))

    assert (check["toggle-type"].value, check["toggle-state"].value) == ("checkmark", 1)
    assert (radio["toggle-type"].value, radio["toggle-state"].value) == ("radio", 0)
    assert check["toggle-state"].signature == "i"


def test_only_what_is_asked_for_is_told() -> None:
    assert plain(properties(DETAILS, ["label", "icon-name"])) == {"label": "_Details"}


def test_a_layout_goes_as_deep_as_asked() -> None:
    separator = [4, {"type": "separator"}, []]
    home = {"label": "Home", "children-display": "submenu"}

    assert plain(layout(ROOT, 0)) == [0, {"children-display": "submenu"}, []]
    assert plain(layout(ROOT, 1))[2] == [[2, home, []], separator]
    assert plain(layout(ROOT, -1))[2] == [[2, home, [[3, {"label": "_Details", "enabled": False}, []]]], separator]


def test_a_pixmap_is_argb_in_network_byte_order() -> None:
    image = Image.new("RGBA", (48, 48), (1, 2, 3, 255))

    assert pixmap(image, 2) == [2, 2, bytes([255, 1, 2, 3] * 4)]


def test_an_old_tray_gets_labels_without_marks() -> None:
    assert without_access_keys("_Retry my__lab") == "Retry my_lab"
    assert without_access_keys("a____b") == "a__b"
    assert line_to_plain(HOME)["children"][0]["label"] == "Details"
