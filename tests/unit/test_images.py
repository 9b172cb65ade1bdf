"""The icon's pictures."""

from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from tsunagu_tray.images import picture
from tsunagu_tray.tray_model import Kind

SIZES = (16, 22, 24, 32, 48)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", Kind)
def test_a_picture_has_the_size_asked_for_and_a_clear_ground(kind: Kind, size: int) -> None:
    image = picture(kind, size)

    assert (image.mode, image.size) == ("RGBA", (size, size))
    corners = [image.getpixel((x, y)) for x in (0, size - 1) for y in (0, size - 1)]
    assert all(isinstance(corner, tuple) and corner[3] < 64 for corner in corners)
    assert image.getchannel("A").getextrema()[1] == 255


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("one", "other"), list(combinations(Kind, 2)))
def test_two_kinds_differ_in_shape_and_not_only_in_colour(one: Kind, other: Kind, size: int) -> None:
    shapes = [picture(kind, size).getchannel("A").point([255 * (a > 127) for a in range(256)]) for kind in (one, other)]

    assert _mean(ImageChops.difference(*shapes)) > 0.15 * 255


@pytest.mark.parametrize("ground", [(246, 245, 244), (36, 38, 44)], ids=["light", "dark"])
@pytest.mark.parametrize("kind", Kind)
def test_a_picture_stands_out_on_light_and_dark_panels_without_its_colour(kind: Kind, ground: tuple[int, ...]) -> None:
    panel = Image.new("RGBA", (22, 22), (*ground, 255))
    shown = Image.alpha_composite(panel, picture(kind, 22)).convert("L")

    contrast = ImageChops.difference(shown, panel.convert("L")).point([255 * (c > 80) for c in range(256)])
    assert _mean(contrast) > 0.1 * 255


def _mean(image: Image.Image) -> float:
    return float(ImageStat.Stat(image).mean[0])
