"""How well something is to be seen on a picture, as WCAG 2.1 measures it."""

from PIL import Image

from tests.lab.desktop import Box, Colour

TEXT, GRAPHICS = 4.5, 3.0  # what it asks for at least: success criteria 1.4.3 and 1.4.11


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: Colour, other: Colour) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def main_colour(image: Image.Image, box: Box) -> Colour:
    """That most of a box has."""
    return max(_colours(image, box))[1]


def contrast(image: Image.Image, box: Box) -> float:
    """Of what is drawn in a box to its ground."""
    ground = main_colour(image, box)
    return max(ratio(colour, ground) for _, colour in _colours(image, box))


def _colours(image: Image.Image, box: Box) -> list[tuple[int, Colour]]:
    """Each with how often it is there."""
    area = image.crop(box)
    return area.getcolors(area.width * area.height)  # type: ignore[return-value]  # an RGB picture's
