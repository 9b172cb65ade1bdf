"""The icon's pictures: two links of a chain.  They tell their state by shape first, then by colour.  Pure.

In colour, bright shapes with a dark rim stand out on light and on dark panels alike; in one colour, gaps do.
"""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from tsunagu_tray.tray_model import Kind

GRID = 24  # units of a picture's side, which all lengths below are in
RIM = 1.0
OVERSAMPLING = 4  # drawn so many times larger, then scaled down: smooth at any size

Colour = tuple[int, int, int]

DARK: Colour = (30, 34, 40)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (205, 210, 216)
AMBER: Colour = (255, 184, 28)
GREEN: Colour = (46, 204, 96)
RED: Colour = (226, 50, 44)
CHARCOAL: Colour = (46, 52, 54)  # of the symbolic icons of GTK's themes

# What a picture is known by on a screen.
COLOURS = {Kind.OFFLINE: GREY, Kind.CONNECTING: AMBER, Kind.CONNECTED: GREEN, Kind.ERROR: RED}


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle, or a ring of that width."""

    x: float
    y: float
    radius: float
    width: float = 0  # 0: filled


def picture(kind: Kind, size: int, ink: Colour | None = None) -> Image.Image:
    """The picture as RGBA, ``size`` pixels wide and high; with ``ink`` in that colour alone."""
    canvas = _Canvas(size * OVERSAMPLING, ink)
    match kind:
        case Kind.OFFLINE:  # apart, thin
            canvas.discs(GREY, Disc(6.4, 16.6, 5.3, 2), Disc(17.6, 7.4, 5.3, 2))
        case Kind.CONNECTING:  # about to touch, with the three dots of something going on
            canvas.discs(AMBER, Disc(5.8, 8, 4.7, 2.4), Disc(18.2, 8, 4.7, 2.4))
            canvas.discs(AMBER, *(Disc(x, 19.2, 1.9) for x in (5.2, 12, 18.8)))
        case Kind.CONNECTED:  # one goes through the other
            left, right = Disc(8.5, 12, 7.5, 3), Disc(15.5, 12, 7.5, 3)
            canvas.discs(GREEN, left)
            canvas.discs(GREEN, right)
            canvas.discs(GREEN, left, upper_half=True)
        case Kind.ERROR:  # one link alone, and a badge that calls
            canvas.discs(GREY, Disc(8, 8, 6.4, 2.4))
            canvas.discs(RED, Disc(16, 16, 6.8))
            canvas.exclamation_mark(16, 16)
    return canvas.image.resize((size, size), Image.Resampling.BOX)


class _Canvas:
    def __init__(self, side: int, ink: Colour | None) -> None:
        self._ink = ink
        self._ground = (*(ink or DARK), 0)  # dark, so that the rim fades into nothing lighter
        self.image = Image.new("RGBA", (side, side), self._ground)
        self._unit = side / GRID

    def discs(self, colour: Colour, *discs: Disc, upper_half: bool = False) -> None:
        """Draw discs with a rim, all or only what lies above the middle of the picture."""
        side = self.image.width
        around = self._ground if self._ink else (*DARK, 255)
        for rim, ink in ((RIM, around), (0.0, (*(self._ink or colour), 255))):
            mask = Image.new("L", (side, side))
            for disc in discs:
                self._ring(mask, disc, rim)
            if upper_half:
                mask.paste(0, (0, side // 2, side, side))
            self.image.paste(ink, mask=mask)

    def _ring(self, mask: Image.Image, disc: Disc, rim: float) -> None:
        x, y, outer = (value * self._unit for value in (disc.x, disc.y, disc.radius + rim))
        width = (disc.width + 2 * rim) * self._unit
        box = (x - outer, y - outer, x + outer - 1, y + outer - 1)
        if disc.width:
            ImageDraw.Draw(mask).ellipse(box, outline=255, width=round(width))
        else:
            ImageDraw.Draw(mask).ellipse(box, fill=255)

    def exclamation_mark(self, x: float, y: float) -> None:
        draw = ImageDraw.Draw(self.image)
        for top, bottom in ((-4.2, 0.9), (2.3, 4.5)):
            corners = (x - 1.15, y + top, x + 1.15, y + bottom)
            fill = self._ground if self._ink else (*WHITE, 255)
            draw.rounded_rectangle([value * self._unit for value in corners], radius=self._unit, fill=fill)
