"""The throughput graph: sending as a dashed line, receiving as a filled one, so that colour alone tells nothing."""

from collections.abc import Sequence
from typing import Any

from tsunagu_tray.throughput import KEPT_S, Rate
from tsunagu_tray.windows.toolkit import Adw, Gtk, name_for_readers

HEIGHT = 96  # px
FAINT, PLAIN = 0.12, 0.6  # how much of its colour the grid has; the latter where people want high contrast


class Graph:
    """Draws what ``show`` got last."""

    def __init__(self) -> None:
        self._rates: list[Rate] = []
        self._scale = 1.0
        self.widget = Gtk.DrawingArea(content_height=HEIGHT, hexpand=True, accessible_role=Gtk.AccessibleRole.IMG)
        self.widget.add_css_class("card")
        self.widget.set_draw_func(self._draw)

    def show(self, rates: Sequence[Rate] | Any, scale: float, words: str) -> None:
        """Other rates (oldest first), the top of the graph, and all of it in words."""
        self._rates, self._scale = list(rates), scale
        name_for_readers(self.widget, words)
        self.widget.queue_draw()

    def _draw(self, _area: Gtk.DrawingArea, cairo: Any, width: int, height: int) -> None:
        colour = self.widget.get_style_context().get_color()
        high_contrast = Adw.StyleManager.get_default().get_high_contrast()
        for quarter in (1, 2, 3):
            cairo.set_source_rgba(colour.red, colour.green, colour.blue, PLAIN if high_contrast else FAINT)
            cairo.rectangle(0, round(height * quarter / 4), width, 1)
            cairo.fill()
        if len(self._rates) < 2:
            return
        newest = self._rates[-1].time

        def place(rate: Rate, octets: float) -> tuple[float, float]:
            return width * (1 - (newest - rate.time) / KEPT_S), height - 2 - (height - 6) * octets / self._scale

        found, accent = self.widget.get_style_context().lookup_color("accent_color")
        line = accent if found else colour
        cairo.set_line_width(2)
        first = place(self._rates[0], 0)
        cairo.move_to(*first)
        for rate in self._rates:
            cairo.line_to(*place(rate, rate.received))
        cairo.line_to(width, height)
        cairo.line_to(first[0], height)
        cairo.close_path()
        cairo.set_source_rgba(line.red, line.green, line.blue, 0.25)
        cairo.fill_preserve()
        cairo.set_source_rgba(line.red, line.green, line.blue, 1)
        cairo.stroke()
        cairo.set_dash([5, 3])
        cairo.set_source_rgba(colour.red, colour.green, colour.blue, 0.9)
        for number, rate in enumerate(self._rates):
            (cairo.line_to if number else cairo.move_to)(*place(rate, rate.sent))
        cairo.stroke()
