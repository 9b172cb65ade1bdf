"""The icon's pictures."""

from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from tsunagu_tray.images import CHARCOAL, WHITE, Colour, picture
from tsunagu_tray.tray_model import Kind

SIZES = (16, 22, 24, 32, 48, 96)
INKS = pytest.mark.parametrize("ink", [None, WHITE, CHARCOAL], ids=["colour", "light", "dark"])


@INKS
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", Kind)
def test_a_picture_has_the_size_asked_for_and_a_clear_ground(kind: Kind, size: int, ink: Colour | None) -> None:
    image = picture(kind, size, ink)

    assert (image.mode, image.size) == ("RGBA", (size, size))
    corners = [image.getpixel((x, y)) for x in (0, size - 1) for y in (0, size - 1)]
    assert all(isinstance(corner, tuple) and corner[3] < 64 for corner in corners)
    assert image.getchannel("A").getextrema()[1] == 255


@INKS
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("one", "other"), list(combinations(Kind, 2)))
def test_two_kinds_differ_in_shape_and_not_only_in_colour(
    one: Kind, other: Kind, size: int, ink: Colour | None
) -> None:
    alphas = [picture(kind, size, ink).getchannel("A") for kind in (one, other)]
    shapes = [alpha.point([255 * (a > 127) for a in range(256)]) for alpha in alphas]

    assert _mean(ImageChops.difference(*shapes)) > 0.15 * 255


@pytest.mark.parametrize("ground", [(246, 245, 244), (36, 38, 44)], ids=["light", "dark"])
@pytest.mark.parametrize("kind", Kind)
def test_a_picture_stands_out_on_light_and_dark_panels_without_its_colour(kind: Kind, ground: tuple[int, ...]) -> None:
    panel = Image.new("RGBA", (22, 22), (*ground, 255))
    shown = Image.alpha_composite(panel, picture(kind, 22)).convert("L")

    contrast = ImageChops.difference(shown, panel.convert("L")).point([255 * (c > 80) for c in range(256)])
    assert _mean(contrast) > 0.1 * 255


@pytest.mark.parametrize("ink", [WHITE, CHARCOAL])
@pytest.mark.parametrize("kind", Kind)
def test_in_one_colour_there_is_no_other(kind: Kind, ink: Colour) -> None:
    ground = Image.new("RGBA", (22, 22), (*ink, 255))

    unseen = ImageChops.difference(Image.alpha_composite(ground, picture(kind, 22, ink)), ground)

    assert max(high for _low, high in unseen.getextrema()) <= 2  # type: ignore[misc]  # a pair for each band


def _mean(image: Image.Image) -> float:
    return float(ImageStat.Stat(image).mean[0])
