"""Which colour goes with the panel."""

from pathlib import Path

import pytest

from tsunagu_tray.images import CHARCOAL, WHITE, Colour
from tsunagu_tray.panel_colour import Scheme, are_installed, desktops, ink
from tsunagu_tray.preferences import IconStyle

KDE, GNOME = frozenset({"KDE"}), frozenset({"ubuntu", "GNOME"})


@pytest.mark.parametrize(
    ("style", "scheme", "desktop", "colour"),
    [
        (IconStyle.AUTOMATIC, Scheme.DARK, KDE, WHITE),
        (IconStyle.AUTOMATIC, Scheme.LIGHT, KDE, CHARCOAL),
        (IconStyle.AUTOMATIC, Scheme.UNKNOWN, KDE, None),
        (IconStyle.AUTOMATIC, Scheme.LIGHT, GNOME, WHITE),  # its panel is dark in either
        (IconStyle.LIGHT, Scheme.LIGHT, KDE, WHITE),
        (IconStyle.DARK, Scheme.DARK, GNOME, CHARCOAL),
        (IconStyle.COLOUR, Scheme.DARK, GNOME, None),
    ],
)
def test_the_users_choice_comes_first_and_then_the_desktops(
    style: IconStyle, scheme: Scheme, desktop: frozenset[str], colour: Colour | None
) -> None:
    assert ink(style, scheme, desktop) == colour


def test_the_desktop_has_several_names() -> None:
    assert desktops({"XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}) == GNOME
    assert "" in desktops({})


def test_symbols_are_taken_by_name_only_where_all_of_them_lie(tmp_path: Path) -> None:
    environment = {"XDG_DATA_HOME": f"{tmp_path}/none", "XDG_DATA_DIRS": f"{tmp_path}/a:{tmp_path}/b"}
    folder = tmp_path / "b/icons/hicolor/symbolic/apps"
    folder.mkdir(parents=True)
    assert not are_installed(environment)

    for file in Path("packaging/icons/symbolic").glob("*.svg"):
        (folder / file.name).write_bytes(file.read_bytes())
    assert are_installed(environment)
    (folder / "org.tsunagu.Tray-error-symbolic.svg").unlink()
    assert not are_installed(environment)
